"""A dispatcher in a thread of the test, and what can be seen of it from the outside."""

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable
from types import TracebackType
from typing import Any

from sqlalchemy import select

from evalsvc.artifacts import ArtifactStore
from evalsvc.dispatch.dispatcher import Dispatcher
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.models import Event, Job, Shard, WorkerRecord
from evalsvc.store.states import ShardState


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
