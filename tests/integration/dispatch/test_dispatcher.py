"""The dispatcher with real workers and a real database: deaths, cancelling, failures, draining."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from evalsvc.dispatch.executors.local import LocalExecutor
from evalsvc.errors import Conflict
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.models import DispatcherEpoch, Evaluation, Event, Job, Shard
from evalsvc.store.repositories import jobs
from evalsvc.store.states import DispatcherState, EvaluationState, JobState, ShardState
from tests.support.dispatching import Dispatching, job_state, sample_counts, wait_for
from tests.support.submissions import place, request, write_answers

SLOW: dict[str, Any] = {"seconds_per_sample": 0.5, "concurrency": 4}


@pytest.fixture
def settings(data_folder: Path, database_url: str) -> Settings:
    return Settings(
        data=data_folder,
        database_url=database_url,
        workers=1,
        verifier_processes=1,
        shard_target_seconds=1,
    )


@pytest.fixture
def answers(data_folder: Path) -> Path:
    return write_answers(data_folder / "answers.jsonl")


def wait_for_state(database: Database, job_id: str, state: JobState, seconds: float = 60) -> None:
    wait_for(lambda: job_state(database, job_id) == state, seconds)


def wait_until_generating(dispatching: Dispatching) -> int:
    """Until a worker has judged a sample; returns its process."""
    wait_for(lambda: any(w["samples_done"] for w in dispatching.workers("running")), 60)
    return int(dispatching.workers("running")[0]["pid"])


def group_is_gone(pid: int) -> bool:
    try:
        os.killpg(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_two_jobs_share_what_they_have_in_common(
    database: Database, settings: Settings, answers: Path
) -> None:
    small = place(database, settings, request(answers))
    large = place(database, settings, request(answers, samples=12))
    with Dispatching(settings, database):
        wait_for_state(database, small, JobState.DONE)
        wait_for_state(database, large, JobState.DONE)
    counts = sample_counts(database, settings)
    assert set(counts) == {(p, s) for p in range(10) for s in range(12)}
    assert set(counts.values()) == {1}
    again = place(database, settings, request(answers))
    assert job_state(database, again) == JobState.DONE, "all is there: nothing is generated"
    with database.read() as session:
        evaluation = session.scalars(select(Evaluation)).one()
        assert (evaluation.state, evaluation.samples_seen) == (EvaluationState.DONE, 120)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_killed_worker_costs_nothing_and_leaves_nothing(
    database: Database, settings: Settings, answers: Path
) -> None:
    job_id = place(database, settings, request(answers, engine_options=SLOW, samples=8))
    with Dispatching(settings, database) as dispatching:
        pid = wait_until_generating(dispatching)
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: dispatching.events("worker.died"), 10)
        wait_for(lambda: group_is_gone(pid), 10)
        wait_for_state(database, job_id, JobState.DONE)
    counts = sample_counts(database, settings)
    assert set(counts) == {(p, s) for p in range(10) for s in range(8)}
    assert set(counts.values()) == {1}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_shard_that_kills_its_worker_three_times_is_set_aside(
    database: Database, settings: Settings, answers: Path
) -> None:
    """Killed from outside each time that it runs alone; the other evaluation goes on."""
    settings = settings.model_copy(update={"workers": 1, "shards_in_flight": 1})
    poisoned = place(
        database,
        settings,
        request(
            answers,
            benchmarks=[{"name": "smoke", "first": 1}],
            engine_options={"seconds_per_sample": 60.0},
        ),
    )
    healthy = place(database, settings, request(answers, checkpoint="healthy", run="healthy"))
    with Dispatching(settings, database) as dispatching:
        with database.read() as session:
            evaluation_id = jobs.evaluation_ids(session, poisoned)[0]
            shard_id = session.scalars(
                select(Shard.id).where(Shard.evaluation_id == evaluation_id)
            ).one()
        deadline = time.monotonic() + 90
        while job_state(database, poisoned) != JobState.FAILED:
            assert time.monotonic() < deadline
            for worker in dispatching.workers("running"):
                if shard_id in worker["shards_in_flight"]:
                    try:
                        os.kill(int(worker["pid"]), signal.SIGKILL)
                    except ProcessLookupError:
                        continue
            time.sleep(0.2)
        wait_for_state(database, healthy, JobState.DONE)
    with database.read() as session:
        shard = session.get_one(Shard, shard_id)
        assert (shard.state, shard.deaths) == (ShardState.FAILED, 3)
        assert "3 workers died" in str(shard.error)
        job = session.get_one(Job, poisoned)
        assert "3 workers died" in str(job.error)
        assert job.remedy
    # another submission gives it another chance
    again = place(
        database,
        settings,
        request(
            answers,
            benchmarks=[{"name": "smoke", "first": 1}],
            engine_options={"seconds_per_sample": 60.0},
        ),
    )
    with database.read() as session:
        assert session.get_one(Shard, shard_id).state == ShardState.READY
        assert session.get_one(Job, again).state == JobState.QUEUED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_cancelling_stops_generation_within_five_seconds(
    database: Database, settings: Settings, answers: Path
) -> None:
    job_id = place(database, settings, request(answers, engine_options=SLOW, samples=64))
    with Dispatching(settings, database) as dispatching:
        wait_until_generating(dispatching)
        with database.write() as session:
            jobs.cancel(session, job_id)
        assert job_state(database, job_id) == JobState.CANCELLED
        started = time.monotonic()
        wait_for(lambda: dispatching.workers("idle"), 5)
        assert time.monotonic() - started < 5
        with database.read() as session:
            states = set(session.scalars(select(Shard.state)))
        assert states <= {ShardState.CANCELLED, ShardState.DONE}
        other = place(database, settings, request(answers, checkpoint="other"))
        wait_for_state(database, other, JobState.DONE)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_one_failed_evaluation_leaves_the_other_job_unharmed(
    database: Database, settings: Settings, answers: Path, data_folder: Path
) -> None:
    doomed_answers = write_answers(data_folder / "doomed.jsonl")
    doomed = place(database, settings, request(doomed_answers, checkpoint="doomed"))
    healthy = place(database, settings, request(answers))
    doomed_answers.unlink()
    with Dispatching(settings, database):
        wait_for_state(database, doomed, JobState.FAILED)
        wait_for_state(database, healthy, JobState.DONE)
    with database.read() as session:
        job = session.get_one(Job, doomed)
        assert "doomed.jsonl" in str(job.error)
        assert job.remedy
        evaluation = session.get_one(Evaluation, jobs.evaluation_ids(session, doomed)[0])
        assert evaluation.state == EvaluationState.FAILED


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_problems_that_cannot_be_asked_are_missing_and_not_wrong(
    database: Database, settings: Settings, data_folder: Path
) -> None:
    answers = write_answers(data_folder / "few.jsonl", problems=7)
    job_id = place(database, settings, request(answers))
    with Dispatching(settings, database):
        wait_for_state(database, job_id, JobState.DONE)
    with database.read() as session:
        evaluation = session.scalars(select(Evaluation)).one()
        assert (evaluation.problems_seen, evaluation.samples_seen) == (7, 28)
        assert "3 of 10 problems could not be asked" in str(evaluation.error)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_worker_without_progress_is_replaced(
    database: Database, settings: Settings, answers: Path
) -> None:
    settings = settings.model_copy(update={"shard_stall_seconds": 3.0, "engine_start_seconds": 1.0})
    job_id = place(database, settings, request(answers, engine_options=SLOW))
    with Dispatching(settings, database) as dispatching:
        pid = wait_until_generating(dispatching)
        os.kill(pid, signal.SIGSTOP)
        wait_for(lambda: dispatching.events("worker.stalled"), 15)
        wait_for(lambda: group_is_gone(pid), 10)
        wait_for_state(database, job_id, JobState.DONE)
        died = dispatching.events("worker.died")
        assert "no progress" in died[0].data["reason"]


def test_a_second_dispatcher_is_refused(database: Database, settings: Settings) -> None:
    with (
        Dispatching(settings, database),
        pytest.raises(Conflict, match="Another dispatcher"),
        Dispatching(settings, database),
    ):
        pass


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_draining_gives_back_what_does_not_end(
    database: Database,
    settings: Settings,
    answers: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("evalsvc.dispatch.dispatcher.DRAIN_SECONDS", 1.0)
    long = {"seconds_per_sample": 600.0}
    job_id = place(database, settings, request(answers, engine_options=long))
    with Dispatching(settings, database) as dispatching:
        wait_for(lambda: dispatching.workers("running"), 60)
        pid = int(dispatching.workers("running")[0]["pid"])
    wait_for(lambda: group_is_gone(pid), 10)
    with database.read() as session:
        shards = session.scalars(select(Shard)).all()
        assert {shard.state for shard in shards} == {ShardState.READY}
        assert {shard.deaths for shard in shards} == {0}
        epoch = session.scalars(select(DispatcherEpoch)).one()
        assert epoch.state == DispatcherState.STOPPED
    assert job_state(database, job_id) == JobState.RUNNING


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_artifact_store_that_cannot_be_written_pauses(
    database: Database, settings: Settings, answers: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "artifacts"
    blocked.write_text("a file where a folder should be")
    settings = settings.model_copy(update={"artifacts": str(blocked)})
    job_id = place(database, settings, request(answers))
    with Dispatching(settings, database) as dispatching:
        wait_for(lambda: dispatching.events("dispatcher.paused"), 60)
        with database.read() as session:
            epoch = session.scalars(select(DispatcherEpoch)).one()
            assert epoch.state == DispatcherState.PAUSED
            assert epoch.reason
        blocked.unlink()
        wait_for_state(database, job_id, JobState.DONE)
        assert dispatching.events("dispatcher.running")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_workers_follow_the_queue(
    database: Database, settings: Settings, answers: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evalsvc.dispatch.worker_pool.IDLE_SECONDS", 1.0)
    settings = settings.model_copy(update={"workers_max": 3, "shards_in_flight": 1})
    executor = LocalExecutor(settings)
    assert executor.default_workers() >= 1
    job_id = place(
        database, settings, request(answers, benchmarks=["smoke"], engine_options=SLOW, samples=2)
    )
    with Dispatching(settings, database) as dispatching:
        wait_for(lambda: len(dispatching.workers("running")) == 3, 60)
        with database.write() as session:
            jobs.cancel(session, job_id)
        wait_for(lambda: len(dispatching.workers("dead")) == 2, 60)
        assert len(dispatching.workers("idle")) == 1


def test_events_are_in_order_and_name_the_job(
    database: Database, settings: Settings, answers: Path
) -> None:
    job_id = place(database, settings, request(answers))
    with Dispatching(settings, database):
        wait_for_state(database, job_id, JobState.DONE)
    with database.read() as session:
        kinds = session.scalars(
            select(Event.kind).where(Event.job_id == job_id).order_by(Event.id)
        ).all()
    assert kinds[:2] == ["job.submitted", "job.running"]
    assert kinds[-1] == "job.done"
    assert set(kinds[2:-1]) == {"shard.done"}
