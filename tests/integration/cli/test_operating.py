"""The operator's commands beside a dispatcher: doctor, workers, artifacts; and /metrics."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalsvc.server.app import create_app
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.states import JobState
from tests.support.dispatching import Dispatching, job_state, wait_for
from tests.support.submissions import place, request, write_answers
from tests.unit.cli.test_commands import run


@pytest.fixture
def settings(data_folder: Path, database_url: str) -> Settings:
    return Settings(data=data_folder, database_url=database_url, workers=1, verifier_processes=1)


def evalsvc(settings: Settings, *arguments: str) -> tuple[int, str]:
    """Exit code and output of a command on these data."""
    done = run(
        *arguments,
        cwd=settings.data,
        EVALSVC_DATA=str(settings.data),
        EVALSVC_DATABASE_URL=settings.database_url,
        EVALSVC_ARTIFACTS=settings.artifacts,
        EVALSVC_ENGINE="replay",
    )
    return done.returncode, done.stdout + done.stderr


def found_by_doctor(settings: Settings, what: str) -> dict[str, Any]:
    _, output = evalsvc(settings, "doctor", "--json")
    (finding,) = [found for found in json.loads(output) if found["what"] == what]
    return dict(finding)


def metrics(settings: Settings, database: Database) -> str:
    async def ask() -> str:
        transport = httpx.ASGITransport(create_app(settings, database, nouns=["health"]))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            return (await client.get("/metrics")).text

    return asyncio.run(ask())


def test_doctor_sees_who_dispatches(database: Database, settings: Settings) -> None:
    idle = found_by_doctor(settings, "workers")
    assert (idle["state"], idle["remedy"]) == ("optional", "evalsvc up, or evalsvc dispatch")
    with Dispatching(settings, database) as dispatching:
        wait_for(lambda: dispatching.workers("idle"), 60)
        busy = found_by_doctor(settings, "workers")
        assert busy["state"] == "ok"
        assert f"1 idle; dispatcher running: process {os.getpid()}" in busy["message"]
        assert 'evalsvc_dispatcher{state="running"} 1.0' in metrics(settings, database)
    assert found_by_doctor(settings, "workers")["state"] == "optional"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_pause_is_told_wherever_an_operator_looks(
    database: Database, settings: Settings, tmp_path: Path
) -> None:
    blocked = tmp_path / "artifacts"
    blocked.write_text("a file where a folder should be")
    settings = settings.model_copy(update={"artifacts": str(blocked)})
    answers = write_answers(settings.data / "answers.jsonl")
    job_id = place(database, settings, request(answers))
    with Dispatching(settings, database) as dispatching:
        wait_for(lambda: dispatching.events("dispatcher.paused"), 60)
        code, output = evalsvc(settings, "workers")
        assert code == 0
        assert f"process {os.getpid()}" in output
        assert "is paused: The transcript" in output
        assert found_by_doctor(settings, "workers")["state"] == "missing"
        assert found_by_doctor(settings, "artifact store")["state"] == "missing"
        assert 'evalsvc_dispatcher{state="paused"} 1.0' in metrics(settings, database)
        blocked.unlink()
        wait_for(lambda: job_state(database, job_id) == JobState.DONE, 60)
        _, output = evalsvc(settings, "workers")
        assert "is running." in output


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_transcripts_are_checked_and_cleaned(database: Database, settings: Settings) -> None:
    answers = write_answers(settings.data / "answers.jsonl")
    job_id = place(database, settings, request(answers))
    with Dispatching(settings, database):
        wait_for(lambda: job_state(database, job_id) == JobState.DONE, 60)
    assert evalsvc(settings, "artifacts", "check", "--contents") == (
        0,
        "Every transcript is in place.\n",
    )
    whole, *_ = sorted((settings.data / "artifacts").glob("*/*.parquet"))
    left = whole.with_name("left.parquet")
    left.write_bytes(whole.read_bytes())
    os.utime(left, (0, 0))
    listed = evalsvc(settings, "artifacts", "clean")[1]
    assert left.name in listed
    assert "would be removed with --yes" in listed
    assert left.exists()
    assert "1 files" in evalsvc(settings, "artifacts", "clean", "--yes")[1]
    assert not left.exists()
    assert whole.exists()
    whole.write_bytes(whole.read_bytes()[:-1])
    code, output = evalsvc(settings, "artifacts", "check")
    assert code == 1
    assert whole.name in output
