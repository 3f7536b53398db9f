"""`evalsvc dispatch` as a process: what it logs, and how it ends on SIGTERM."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.models import DispatcherEpoch, Shard
from evalsvc.store.states import DispatcherState, JobState, ShardState
from tests.support.dispatching import (
    DISPATCHER_LOG,
    dispatcher_process,
    job_state,
    wait_for,
    worker_pids,
)
from tests.support.submissions import place, request, write_answers


@pytest.fixture
def settings(data_folder: Path, database_url: str) -> Settings:
    return Settings(data=data_folder, database_url=database_url, workers=1, shard_target_seconds=1)


def logged(settings: Settings) -> list[dict[str, Any]]:
    lines = (settings.data / DISPATCHER_LOG).read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines if line.startswith("{")]


def test_logs_name_jobs_and_shards(database: Database, settings: Settings) -> None:
    answers = write_answers(settings.data / "answers.jsonl")
    job_id = place(database, settings, request(answers))
    with dispatcher_process(settings) as process:
        wait_for(lambda: job_state(database, job_id) == JobState.DONE, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    with database.read() as session:
        shard_ids = set(session.scalars(select(Shard.id)))
    lines = logged(settings)
    assert {line["shard"] for line in lines if line["message"] == "shard sent"} == shard_ids
    done = [line for line in lines if line["message"] == "shard.done"]
    assert {(line["job"], line["shard"]) for line in done} == {(job_id, s) for s in shard_ids}
    assert [line["job"] for line in lines if line["message"] == "job.done"] == [job_id]
    (worker_log,) = (settings.data / "logs").glob("worker-*.log")
    started = [
        json.loads(line) for line in worker_log.read_text().splitlines() if "shard started" in line
    ]
    assert {line["shard"] for line in started} == shard_ids


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_sigterm_lets_running_shards_end(database: Database, settings: Settings) -> None:
    answers = write_answers(settings.data / "answers.jsonl")
    slow = {"seconds_per_sample": 1.0, "concurrency": 4}
    job_id = place(database, settings, request(answers, engine_options=slow, samples=16))
    with dispatcher_process(settings) as process:
        wait_for(lambda: job_state(database, job_id) == JobState.RUNNING, 60)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    with database.read() as session:
        states = set(session.scalars(select(Shard.state)))
        epoch = session.scalars(select(DispatcherEpoch)).one()
    assert states == {ShardState.DONE, ShardState.READY}, "what ran has ended, the rest waits"
    assert epoch.state == DispatcherState.STOPPED
    assert not any(Path(f"/proc/{pid}").exists() for pid in worker_pids(database))
