"""A dispatcher in a thread of the test, and what can be seen of it from the outside."""

import asyncio
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from sqlalchemy import select

from evalsvc.artifacts import ArtifactStore
from evalsvc.dispatch.dispatcher import Dispatcher
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.models import Event, Job, Shard, WorkerRecord
from evalsvc.store.states import ShardState

DISPATCHER_LOG = "dispatcher.log"


class Dispatching:
    """`with Dispatching(settings, database):` dispatches; leaving the block drains and ends it."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self._settings = settings
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.dispatcher: Dispatcher | None = None
        self.failure: BaseException | None = None

    def __enter__(self) -> "Dispatching":
        self._thread.start()
        wait_for(
            lambda: (
                self.failure is not None
                or (self.dispatcher is not None and self.dispatcher.ready.is_set())
            ),
            60,
        )
        if self.failure is not None:
            raise self.failure
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join(90)
        assert not self._thread.is_alive(), "the dispatcher did not stop"
        if error is None and self.failure is not None:
            raise self.failure

    def workers(self, state: str | None = None) -> list[dict[str, Any]]:
        """What the workers last said of themselves."""
        with self._database.read() as session:
            rows = session.scalars(select(WorkerRecord)).all()
            return [{**row.status} for row in rows if state in (None, row.state)]

    def events(self, kind: str) -> list[Event]:
        with self._database.read() as session:
            return list(session.scalars(select(Event).where(Event.kind == kind)))

    def _run(self) -> None:
        try:
            asyncio.run(self._dispatch())
        except BaseException as error:
            self.failure = error

    async def _dispatch(self) -> None:
        self.dispatcher = Dispatcher(self._settings, self._database)
        await self.dispatcher.run(self._stop)


@contextmanager
def dispatcher_process(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """`evalsvc dispatch` as a process that logs as JSON into the data folder; killed at the end."""
    environment = {
        **os.environ,
        "EVALSVC_DATA": str(settings.data),
        "EVALSVC_DATABASE_URL": settings.resolved_database_url,
        "EVALSVC_WORKERS": str(settings.workers),
        "EVALSVC_EXECUTOR": settings.executor,
        "EVALSVC_VERIFIER_PROCESSES": "1",
        "EVALSVC_LOG_FORMAT": "json",
    }
    command = [sys.executable, "-c", "from evalsvc.cli import main; main()", "dispatch"]
    with (settings.data / DISPATCHER_LOG).open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def worker_pids(database: Database) -> list[int]:
    """The processes of all workers that ever reported."""
    with database.read() as session:
        return [int(row.status["pid"]) for row in session.scalars(select(WorkerRecord))]


def wait_for(condition: Callable[[], Any], seconds: float) -> None:
    """Wait until `condition` holds; fail when it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


def job_state(database: Database, job_id: str) -> str:
    with database.read() as session:
        return session.get_one(Job, job_id).state


def sample_counts(database: Database, settings: Settings) -> Counter[tuple[int, int]]:
    """How often each (problem, sample) lies in the transcripts of finished shards."""
    store = ArtifactStore(settings.resolved_artifacts)
    with database.read() as session:
        done = session.scalars(select(Shard).where(Shard.state == ShardState.DONE)).all()
        artifacts = [str(shard.artifact) for shard in done]
    return Counter((row["problem"], row["sample"]) for a in artifacts for row in store.read_all(a))
