"""The dispatcher's workers: how many there should be, what each one does, which of them stall.

Pure bookkeeping beside `Executor.start`: what a worker's message means is the dispatcher's to say.
Times are seconds of a monotonic clock.
"""

import logging
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from evalsvc.dispatch.board import fit_of
from evalsvc.dispatch.executors.base import Executor, Inbox, WorkerHandle
from evalsvc.dispatch.policy import Fit
from evalsvc.errors import EvalsvcError
from evalsvc.settings import Settings
from evalsvc.specs import ShardSpec, WorkerState, WorkerStatus

log = logging.getLogger(__name__)

IDLE_SECONDS = 60.0  # without work before a worker beyond the minimum is let go
FIRST_RETRY_SECONDS = 1.0  # before a worker that did not come up is replaced; doubles
LAST_RETRY_SECONDS = 60.0
ENGINE_STATES = (WorkerState.STARTING, WorkerState.LOADING, WorkerState.SWAPPING)
ENGINE_STARTS = 2  # an engine is given a second try; beyond both of them it stalls
ENGINE_MARGIN_SECONDS = 60.0
APPETITE = 2.0  # samples that a worker should have waiting, per request its engine wants in flight
MOST_IN_FLIGHT = 32  # shards on one worker, however small they are


@dataclass
class Flight:
    """A shard on its worker."""

    spec: ShardSpec
    done: int = 0  # samples judged
    alone: bool = False  # it was in quarantine
    cancelled_at: float | None = None  # when the worker was told to give it up


@dataclass
class Member:
    """One worker, as the dispatcher knows it."""

    handle: WorkerHandle
    status: WorkerStatus
    moved_at: float  # when it last got on with its work, or was given some
    is_up: bool = False  # it has spoken
    leaving: str = ""  # why it was told to end; its shards are then not to blame
    stalled: bool = False  # it was killed because it made no progress
    reserved: bool = False  # takes nothing more until it is free for a shard in quarantine
    fit: Fit | None = None  # what it has loaded, or will once its newest shard runs
    flights: dict[str, Flight] = field(default_factory=dict)

    @property
    def worker_id(self) -> str:
        return self.handle.worker_id

    def running(self) -> list[str]:
        """The shards that it can have been working on: not those that wait for other weights."""
        flights = list(self.flights.values())
        if not flights:
            return []
        weights = fit_of(flights[0].spec).weights
        return [f.spec.shard_id for f in flights if fit_of(f.spec).weights == weights]

    def board(self, spec: ShardSpec, now: float, *, alone: bool) -> None:
        """The shard is given to the worker."""
        if not self.flights:
            self.moved_at = now
        self.flights[spec.shard_id] = Flight(spec, alone=alone)
        self.fit = fit_of(spec)

    def slots(self, in_flight: int) -> int:
        """How many more shards it takes: up to `in_flight`, then one more while it is hungry.

        With `in_flight` 1 a worker never has more than that one.
        """
        if not self.is_up or self.leaving or self.reserved:
            return 0
        if any(flight.alone for flight in self.flights.values()):
            return 0
        if len(self.flights) < in_flight:
            return in_flight - len(self.flights)
        return int(in_flight > 1 and self._is_hungry())

    def _is_hungry(self) -> bool:
        """Whether its shards are too small to keep its engine busy."""
        undone = sum(flight.spec.size - flight.done for flight in self.flights.values())
        wanted = APPETITE * self.status.requests_wanted
        return undone < wanted and len(self.flights) < MOST_IN_FLIGHT


class Fleet:
    """All workers of one dispatcher."""

    def __init__(self, settings: Settings, executor: Executor, inbox: Inbox, epoch: int) -> None:
        self._settings = settings
        self._executor = executor
        self._inbox = inbox
        self._epoch = epoch
        self._started = 0
        self._retry_seconds = 0.0
        self._next_start_at = 0.0
        self.members: dict[str, Member] = {}

    @property
    def least(self) -> int:
        return self._settings.workers or self._executor.default_workers()

    @property
    def most(self) -> int:
        return max(self.least, self._settings.workers_max)

    def wanted(self, shards_waiting: int) -> int:
        """How many workers there should be while so many shards wait."""
        work = shards_waiting + sum(len(m.flights) for m in self.members.values())
        return min(self.most, max(self.least, -(-work // self._settings.shards_in_flight)))

    async def start_missing(self, wanted: int, now: float) -> None:
        """Start workers up to `wanted`; after one that did not come up only after a pause."""
        present = sum(not member.leaving for member in self.members.values())
        while present < wanted and now >= self._next_start_at:
            self._started += 1
            worker_id = f"{self._epoch}-{self._started}"
            try:
                handle = await self._executor.start(worker_id, self._inbox)
            except EvalsvcError:
                log.exception("a worker could not be started")
                self._wait_longer(now)
                return
            status = WorkerStatus(worker_id=worker_id, state=WorkerState.STARTING)
            self.members[worker_id] = Member(handle, status, moved_at=now)
            present += 1

    def has_come_up(self, member: Member) -> None:
        """The worker has spoken for the first time."""
        member.is_up = True
        self._retry_seconds = 0.0

    def gone(self, member: Member, now: float, *, returns: bool) -> None:
        """The worker has ended; one that `returns` is being started again by its executor."""
        if returns and not member.leaving:
            self.members[member.worker_id] = Member(member.handle, member.status, moved_at=now)
            return
        del self.members[member.worker_id]
        if not member.is_up and not member.leaving:
            self._wait_longer(now)

    def reserve_one(self) -> None:
        """Let one worker run empty, for a shard in quarantine."""
        present = [m for m in self.members.values() if m.is_up and not m.leaving]
        if present and not any(member.reserved for member in present):
            min(present, key=lambda member: len(member.flights)).reserved = True

    def release_reserved(self) -> None:
        """No shard in quarantine needs a worker of its own now."""
        for member in self.members.values():
            member.reserved = False

    def resting(self) -> Member | None:
        """A worker with nothing to do."""
        for member in self.members.values():
            if member.is_up and not member.leaving and not member.flights:
                return member
        return None

    def surplus(self, wanted: int, now: float) -> list[Member]:
        """Workers that have had nothing to do for a while, beyond those wanted."""
        present = [member for member in self.members.values() if not member.leaving]
        idle = [m for m in present if not m.flights and now - m.moved_at > IDLE_SECONDS]
        return idle[: max(0, len(present) - wanted)]

    def free(self) -> Iterator[Member]:
        """A member for each free slot: those with the least to do first."""
        in_flight = self._settings.shards_in_flight
        slots = [
            (len(member.flights) + extra, member.worker_id)
            for member in self.members.values()
            for extra in range(member.slots(in_flight))
        ]
        for _, worker_id in sorted(slots):
            yield self.members[worker_id]

    def slots(self) -> int:
        """How many shards all workers together run at a time."""
        return max(1, len(self.members)) * self._settings.shards_in_flight

    def loads(self) -> Counter[str]:
        """How many workers have each weights loaded, or are about to."""
        return Counter(m.fit.weights for m in self.members.values() if m.fit is not None)

    def stalled(self, now: float) -> list[Member]:
        """Workers with work that have not got on with it for too long."""
        return [
            member
            for member in self.members.values()
            if member.flights and now - member.moved_at > self._patience(member)
        ]

    def overdue(self, now: float, seconds: float) -> list[Member]:
        """Workers that were told to give a shard up and have not done so in time."""
        return [
            member
            for member in self.members.values()
            if any(
                flight.cancelled_at is not None and now - flight.cancelled_at > seconds
                for flight in member.flights.values()
            )
        ]

    def _patience(self, member: Member) -> float:
        patience = self._settings.shard_stall_seconds
        if member.status.state in ENGINE_STATES:
            start = ENGINE_STARTS * self._settings.engine_start_seconds + ENGINE_MARGIN_SECONDS
            return max(patience, start)
        return patience

    def _wait_longer(self, now: float) -> None:
        doubled = max(FIRST_RETRY_SECONDS, 2 * self._retry_seconds)
        self._retry_seconds = min(LAST_RETRY_SECONDS, doubled)
        self._next_start_at = now + self._retry_seconds
