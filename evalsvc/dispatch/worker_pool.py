"""The dispatcher's workers: how many to run, what each one is doing, and which have stalled.

Apart from `Executor.start` this is pure bookkeeping; `worker_events` interprets what workers send.
All times are seconds of a monotonic clock.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from evalsvc.dispatch.executors.base import Executor, Inbox, WorkerHandle
from evalsvc.dispatch.limits import (
    IDLE_SECONDS,
    MAX_SHARDS_IN_FLIGHT,
    MAX_START_PAUSE_SECONDS,
)
from evalsvc.dispatch.policy import Fit
from evalsvc.dispatch.ready_queue import fit_of
from evalsvc.errors import EvalsvcError
from evalsvc.settings import Settings
from evalsvc.specs import ShardSpec, WorkerState, WorkerStatus

log = logging.getLogger(__name__)

FIRST_START_PAUSE_SECONDS = 1.0  # before replacing a worker that did not come up; doubles
ENGINE_STATES = (WorkerState.STARTING, WorkerState.LOADING, WorkerState.SWAPPING)
ENGINE_STARTS = 2  # the worker tries to start an engine twice; longer than both is a stall
ENGINE_MARGIN_SECONDS = 60.0
QUEUE_DEPTH = 2.0  # unfinished samples a worker should hold per request its engine can run


@dataclass
class RunningShard:
    """A shard on its worker."""

    spec: ShardSpec
    done: int = 0  # verified samples
    alone: bool = False  # it came from quarantine
    cancelled_at: float | None = None  # when the worker was asked to cancel it


@dataclass
class WorkerSlot:
    """One worker and the shards assigned to it."""

    handle: WorkerHandle
    status: WorkerStatus
    progressed_at: float  # when it last made progress or received its first shard
    has_started: bool = False  # it has sent a message
    leaving: str = ""  # why it was asked to exit; its shards are then not suspects
    stalled: bool = False  # it was killed because it made no progress
    reserved: bool = False  # takes no shards until it is free for one from quarantine
    fit: Fit | None = None  # what it has loaded, or will have once its newest shard runs
    shards: dict[str, RunningShard] = field(default_factory=dict)

    @property
    def worker_id(self) -> str:
        return self.handle.worker_id

    def running(self) -> list[str]:
        """Shards it may be working on. Shards that wait for other weights are left out."""
        shards = list(self.shards.values())
        if not shards:
            return []
        weights = fit_of(shards[0].spec).weights
        return [s.spec.shard_id for s in shards if fit_of(s.spec).weights == weights]

    def assign(self, spec: ShardSpec, now: float, *, alone: bool) -> None:
        """Record that the shard was given to this worker."""
        if not self.shards:
            self.progressed_at = now
        self.shards[spec.shard_id] = RunningShard(spec, alone=alone)
        self.fit = fit_of(spec)

    def capacity(self, in_flight: int) -> int:
        """How many more shards it takes.

        Up to `in_flight` shards, then one at a time while its queue is short. With `in_flight` 1
        a worker never holds more than one.
        """
        if not self.has_started or self.leaving or self.reserved:
            return 0
        if any(shard.alone for shard in self.shards.values()):
            return 0
        if len(self.shards) < in_flight:
            return in_flight - len(self.shards)
        return int(in_flight > 1 and self._is_below_queue_depth())

    def _is_below_queue_depth(self) -> bool:
        """Whether its shards are too small to keep its engine busy."""
        unfinished = sum(shard.spec.size - shard.done for shard in self.shards.values())
        wanted = QUEUE_DEPTH * self.status.requests_wanted
        return unfinished < wanted and len(self.shards) < MAX_SHARDS_IN_FLIGHT


class WorkerPool:
    """All workers of one dispatcher."""

    def __init__(self, settings: Settings, executor: Executor, inbox: Inbox, epoch: int) -> None:
        self._settings = settings
        self._executor = executor
        self._inbox = inbox
        self._epoch = epoch
        self._started = 0
        self._start_pause = 0.0
        self._next_start_at = 0.0
        self.workers: dict[str, WorkerSlot] = {}

    @property
    def minimum(self) -> int:
        return self._settings.workers or self._executor.default_workers()

    @property
    def maximum(self) -> int:
        return max(self.minimum, self._settings.workers_max)

    def wanted(self, shards_waiting: int) -> int:
        """How many workers to run while `shards_waiting` shards are ready."""
        work = shards_waiting + sum(len(w.shards) for w in self.workers.values())
        return min(self.maximum, max(self.minimum, -(-work // self._settings.shards_in_flight)))

    async def start_missing(self, wanted: int, now: float) -> None:
        """Start workers up to `wanted`. After a failed start, wait for the pause to end."""
        present = sum(not worker.leaving for worker in self.workers.values())
        while present < wanted and now >= self._next_start_at:
            self._started += 1
            worker_id = f"{self._epoch}-{self._started}"
            try:
                handle = await self._executor.start(worker_id, self._inbox)
            except EvalsvcError:
                log.exception("a worker could not be started")
                self._double_start_pause(now)
                return
            status = WorkerStatus(worker_id=worker_id, state=WorkerState.STARTING)
            self.workers[worker_id] = WorkerSlot(handle, status, progressed_at=now)
            present += 1

    def mark_started(self, worker: WorkerSlot) -> None:
        """The worker has sent its first message."""
        worker.has_started = True
        self._start_pause = 0.0

    def remove(self, worker: WorkerSlot, now: float, *, returns: bool) -> None:
        """Remove a worker that has ended. With `returns` its executor is restarting it."""
        if returns and not worker.leaving:
            self.workers[worker.worker_id] = WorkerSlot(
                worker.handle, worker.status, progressed_at=now
            )
            return
        del self.workers[worker.worker_id]
        if not worker.has_started and not worker.leaving:
            self._double_start_pause(now)

    def reserve_one(self) -> None:
        """Let one worker run empty, for a shard from quarantine."""
        present = [w for w in self.workers.values() if w.has_started and not w.leaving]
        if present and not any(worker.reserved for worker in present):
            min(present, key=lambda worker: len(worker.shards)).reserved = True

    def release_reserved(self) -> None:
        """No shard from quarantine needs a worker of its own now."""
        for worker in self.workers.values():
            worker.reserved = False

    def idle_worker(self) -> WorkerSlot | None:
        """A worker without shards, if there is one."""
        for worker in self.workers.values():
            if worker.has_started and not worker.leaving and not worker.shards:
                return worker
        return None

    def surplus(self, wanted: int, now: float) -> list[WorkerSlot]:
        """Workers above `wanted` that have been idle for `IDLE_SECONDS`."""
        present = [worker for worker in self.workers.values() if not worker.leaving]
        idle = [w for w in present if not w.shards and now - w.progressed_at > IDLE_SECONDS]
        return idle[: max(0, len(present) - wanted)]

    def free(self) -> Iterator[WorkerSlot]:
        """Yield a worker once for each shard it can take, the least loaded first."""
        in_flight = self._settings.shards_in_flight
        places = [
            (len(worker.shards) + extra, worker.worker_id)
            for worker in self.workers.values()
            for extra in range(worker.capacity(in_flight))
        ]
        for _, worker_id in sorted(places):
            yield self.workers[worker_id]

    def shard_slots(self) -> int:
        """How many shards all workers together run at a time."""
        return max(1, len(self.workers)) * self._settings.shards_in_flight

    def loads(self) -> Counter[str]:
        """For each set of weights, how many workers have it loaded or soon will."""
        return Counter(w.fit.weights for w in self.workers.values() if w.fit is not None)

    def stalled(self, now: float) -> list[WorkerSlot]:
        """Workers with shards that have made no progress for too long."""
        return [
            worker
            for worker in self.workers.values()
            if worker.shards and now - worker.progressed_at > self._stall_seconds(worker)
        ]

    def overdue(self, now: float, seconds: float) -> list[WorkerSlot]:
        """Workers that were asked to cancel a shard more than `seconds` ago and still have it."""
        return [
            worker
            for worker in self.workers.values()
            if any(
                shard.cancelled_at is not None and now - shard.cancelled_at > seconds
                for shard in worker.shards.values()
            )
        ]

    def _stall_seconds(self, worker: WorkerSlot) -> float:
        limit = self._settings.shard_stall_seconds
        if worker.status.state in ENGINE_STATES:
            start = ENGINE_STARTS * self._settings.engine_start_seconds + ENGINE_MARGIN_SECONDS
            return max(limit, start)
        return limit

    def _double_start_pause(self, now: float) -> None:
        doubled = max(FIRST_START_PAUSE_SECONDS, 2 * self._start_pause)
        self._start_pause = min(MAX_START_PAUSE_SECONDS, doubled)
        self._next_start_at = now + self._start_pause
