"""The Ray executor on a real cluster of three nodes, one of which is killed in the middle."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ray.cluster_utils import Cluster

from evalsvc.settings import Settings
from evalsvc.store.database import Database
from tests.support.dispatching import (
    Dispatching,
    dispatcher_process,
    job_state,
    sample_counts,
    wait_for,
    worker_pids,
)
from tests.support.submissions import place, request, write_answers

pytestmark = pytest.mark.ray
NODE = {"num_cpus": 1}
HEAD = {
    **NODE,
    "include_dashboard": False,
    # a dead node is noticed in seconds, so that the test need not wait for the usual half minute
    "_system_config": {
        "health_check_initial_delay_ms": 1000,
        "health_check_period_ms": 500,
        "health_check_timeout_ms": 1000,
        "health_check_failure_threshold": 3,
    },
}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Three nodes of one CPU; the dispatcher finds them by RAY_ADDRESS."""
    started = Cluster(initialize_head=True, head_node_args=HEAD)
    for _ in range(2):
        started.add_node(**NODE)
    started.wait_for_nodes()
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("RAY_ADDRESS", started.address)
        yield started
    started.shutdown()


@pytest.fixture
def settings(data_folder: Path, database_url: str) -> Settings:
    return Settings(
        data=data_folder,
        database_url=database_url,
        executor="ray",
        verifier_processes=1,
        shard_target_seconds=2,
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_actors_go_with_the_dispatcher(
    cluster: Cluster, database: Database, settings: Settings
) -> None:
    with Dispatching(settings, database) as dispatching:
        wait_for(lambda: len(dispatching.workers("idle")) == 3, 90)
        pids = [worker["pid"] for worker in dispatching.workers("idle")]
        # Joining a cluster must not make this process deaf to how its own children end.
        child = subprocess.run([sys.executable, "-c", "raise SystemExit(3)"], check=False)
        assert child.returncode == 3
    deadline = time.monotonic() + 20
    while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_actors_go_with_a_dispatcher_that_is_killed(
    cluster: Cluster, database: Database, settings: Settings
) -> None:
    with dispatcher_process(settings) as process:
        wait_for(lambda: len(worker_pids(database)) == 3, 120)
        pids = worker_pids(database)
        process.kill()
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 60)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_job_survives_the_death_of_a_node(
    cluster: Cluster, database: Database, settings: Settings
) -> None:
    answers = write_answers(settings.data / "answers.jsonl")
    slow: dict[str, Any] = {"seconds_per_sample": 0.4, "concurrency": 4}
    job = request(
        answers, benchmarks=[{"name": "smoke", "first": 40}], samples=12, engine_options=slow
    )
    job_id = place(database, settings, job)
    with Dispatching(settings, database) as dispatching:
        wait_for(lambda: len(dispatching.workers("running")) == 3, 90)
        hosts = {worker["pid"] for worker in dispatching.workers("running")}
        assert len(hosts) == 3
        cluster.remove_node(cluster.list_all_nodes()[-1], allow_graceful=False)
        wait_for(lambda: job_state(database, job_id) != "running", 120)
        assert dispatching.events("worker.died")
    assert job_state(database, job_id) == "done"
    counts = sample_counts(database, settings)
    assert set(counts) == {(p, s) for p in range(40) for s in range(12)}
    assert set(counts.values()) == {1}
