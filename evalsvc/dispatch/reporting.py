"""What the dispatcher reports about itself and its workers, written at most once a second."""

from typing import Any

from evalsvc.dispatch.pausing import Pause
from evalsvc.specs import ShardProgress, WorkerState, WorkerStatus
from evalsvc.store.database import Database
from evalsvc.store.repositories import events, queue, shards, workers
from evalsvc.store.states import DispatcherState

FLUSH_SECONDS = 1.0


class Reporter:
    """Collects statuses, progress and events; `flush` writes them. For display only."""

    def __init__(self, database: Database, epoch: int) -> None:
        self._database = database
        self._epoch = epoch
        self._statuses: dict[str, WorkerStatus] = {}
        self._progress: dict[str, int] = {}
        self._events: list[tuple[str, dict[str, Any]]] = []
        self._state: tuple[DispatcherState, Pause | None] | None = None
        self._next_at = 0.0

    def status(self, status: WorkerStatus) -> None:
        """Replace a worker's status by its latest one."""
        self._statuses[status.worker_id] = status

    def progress(self, progress: ShardProgress) -> None:
        """Record how far a running shard has come."""
        self._progress[progress.shard_id] = progress.done

    def event(self, kind: str, **data: Any) -> None:
        """Record something that users may want to know."""
        self._events.append((kind, data))

    def state(self, state: DispatcherState, pause: Pause | None = None) -> None:
        """Record the dispatcher's new state. A pause comes with its reason."""
        self._state = (state, pause)
        about = vars(pause) if pause is not None else {}
        self.event(f"dispatcher.{state}", epoch=self._epoch, **about)
        self._next_at = 0.0

    def flush(self, now: float) -> None:
        """Write what was collected, if it is due. One transaction; nothing is lost if it fails."""
        nothing = not (self._statuses or self._progress or self._events or self._state)
        if nothing or now < self._next_at:
            return
        with self._database.write() as session:
            workers.record(session, self._epoch, self._statuses.values())
            shards.record_progress(session, self._progress, self._epoch)
            for kind, data in self._events:
                events.record(session, kind, **data)
            if self._state is not None:
                state, pause = self._state
                reason, remedy = (pause.reason, pause.remedy) if pause else (None, None)
                workers.set_epoch_state(session, self._epoch, state, reason=reason, remedy=remedy)
        self._statuses, self._progress, self._events, self._state = {}, {}, [], None
        self._next_at = now + FLUSH_SECONDS

    def ended(self, worker_id: str, status: WorkerStatus, reason: str) -> None:
        """Record that a worker is gone."""
        changes = {"state": WorkerState.DEAD, "shards_in_flight": (), "message": reason}
        self._statuses[worker_id] = status.model_copy(update=changes)

    def suspects(self) -> list[tuple[str, str, int]]:
        """Ready shards that failed or lost a worker before: (shard, evaluation, deaths)."""
        with self._database.read() as session:
            return queue.troubled(session)

    def waiting(self) -> int:
        """How many shards are ready."""
        with self._database.read() as session:
            return queue.ready_count(session)
