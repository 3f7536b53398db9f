"""Faults from outside: random kill -9, a restarted database, a checkpoint that is gone."""

import argparse
import shutil
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from bench.faults import compare
from evalsvc.dispatch.leader import LOCK_KEY, LeaderLock
from evalsvc.errors import Conflict
from evalsvc.settings import Settings
from evalsvc.specs import JobRequest
from evalsvc.store.database import Database
from evalsvc.store.models import Job
from evalsvc.store.states import JobState
from tests.checkpoint_builder import write_checkpoint
from tests.support.dispatching import Dispatching, job_state, sample_counts, wait_for
from tests.support.postgresql import PostgreSQL
from tests.support.submissions import place, request, write_answers


@pytest.fixture
def settings(data_folder: Path, database_url: str) -> Settings:
    return Settings(
        data=data_folder,
        database_url=database_url,
        workers=1,
        verifier_processes=1,
        shard_target_seconds=1,
    )


@pytest.mark.parametrize(
    "kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)]
)
def test_kills_at_random_lose_and_double_nothing(kind: str) -> None:
    """A short run of `python -m bench.faults`, which does it fifty times."""
    report = compare(
        argparse.Namespace(
            engine="replay",
            kills=5,
            workers=2,
            problems=20,
            samples=16,
            seconds_per_sample=0.4,
            shard_seconds=1.0,
            seed=3,
            limit=150.0,
        ),
        kind,
    )
    assert report["faults"] == []
    assert report["kills"] == 5


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_restarted_database_costs_time_and_no_results(
    database: Database, settings: Settings, postgresql: PostgreSQL
) -> None:
    answers = write_answers(settings.data / "answers.jsonl")
    slow: dict[str, Any] = {"seconds_per_sample": 0.3, "concurrency": 4}
    job_id = place(database, settings, request(answers, engine_options=slow, samples=8))
    with Dispatching(settings, database) as dispatching:
        wait_for(lambda: any(w["samples_done"] for w in dispatching.workers("running")), 60)
        postgresql.kill()
        postgresql.start()
        wait_for(lambda: job_state(database, job_id) != JobState.RUNNING, 90)
    assert job_state(database, job_id) == JobState.DONE
    counts = sample_counts(database, settings)
    assert set(counts) == {(p, s) for p in range(10) for s in range(8)}
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_checkpoint_deleted_after_submission_fails_in_words(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path / "rotated")
    job = {
        "checkpoint": str(folder),
        "run": "r",
        "benchmarks": [{"name": "smoke", "first": 2}],
        "max_tokens": 64,
        "samples": 1,
        "engine": "vllm",
    }
    job_id = place(database, settings, JobRequest.model_validate(job))
    shutil.rmtree(folder)
    with Dispatching(settings, database):
        wait_for(lambda: job_state(database, job_id) == JobState.FAILED, 90)
    with database.read() as session:
        failed = session.get_one(Job, job_id)
        assert "rotated" in str(failed.error)
        assert failed.remedy


LOCK_HOLDER = "FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = :key"


def holder_of_the_lock(database: Database) -> int | None:
    """The PostgreSQL session that has the leader lock."""
    with database.connect() as connection:
        query = text(f"SELECT pid {LOCK_HOLDER}")
        return connection.scalar(query, {"key": LOCK_KEY & 0xFFFFFFFF})


def cut_the_lock(database: Database) -> None:
    """The lock's connection is lost, as by a restart that nothing else notices."""
    with database.connect() as connection:
        query = text(f"SELECT pg_terminate_backend(pid) {LOCK_HOLDER}")
        connection.execute(query, {"key": LOCK_KEY & 0xFFFFFFFF})


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_dispatcher_that_lost_its_lock_takes_it_again(
    database: Database, settings: Settings
) -> None:
    with Dispatching(settings, database):
        before = holder_of_the_lock(database)
        cut_the_lock(database)
        wait_for(lambda: holder_of_the_lock(database) not in (None, before), 20)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_dispatcher_that_lost_its_lock_to_another_one_ends(
    database: Database, settings: Settings
) -> None:
    other = LeaderLock(database)
    with pytest.raises(Conflict, match="Another dispatcher"), Dispatching(settings, database) as d:
        cut_the_lock(database)
        other.acquire()
        wait_for(lambda: d.failure is not None, 30)
    other.release()
