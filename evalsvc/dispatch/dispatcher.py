"""The dispatcher: one loop that hears what workers say, sees what is wanted, and gives out shards.

All of its state but the ledger is bookkeeping in memory: whatever happens to this process, the
next one begins a new epoch and puts back what was running. Messages are handled one at a time, so
nothing here needs a lock. Database work runs in one thread, and waits until the database is back.
"""

import asyncio
import logging
import threading
import time

from evalsvc.dispatch.board import Board
from evalsvc.dispatch.executors import create_executor
from evalsvc.dispatch.executors.base import Executor, Inbox, WorkerEnded
from evalsvc.dispatch.fleet import Fleet, Member
from evalsvc.dispatch.leader import LeaderLock, holder_name
from evalsvc.dispatch.ledger import Ledger
from evalsvc.dispatch.outcomes import Outcomes
from evalsvc.dispatch.patience import PatientStore
from evalsvc.dispatch.pausing import ArtifactWatch
from evalsvc.dispatch.quarantine import Quarantine
from evalsvc.dispatch.reporting import Reporter
from evalsvc.logs import about
from evalsvc.settings import Settings
from evalsvc.specs import ShardSpec
from evalsvc.store.database import Database
from evalsvc.store.states import DispatcherState
from evalsvc.worker.protocol import (
    CancelCommand,
    DrainCommand,
    RunCommand,
    ShutdownCommand,
)

log = logging.getLogger(__name__)

POLL_SECONDS = 0.2
CANCEL_SECONDS = 3.5  # for a worker to give a shard up; then it is killed (5 s are promised)
DRAIN_SECONDS = 20.0  # for running shards to end; then they are given back
SHUTDOWN_SECONDS = 20.0  # for workers to end in order; then they are killed
LOCK_SECONDS = 5.0  # between looks at the leader lock: a restarted database has let it go


class Dispatcher:
    """Dispatches the shards of one database to the workers of one executor."""

    def __init__(
        self, settings: Settings, database: Database, executor: Executor | None = None
    ) -> None:
        self._settings = settings
        self._database = database
        self._executor = executor or create_executor(settings)
        self._inbox: Inbox = asyncio.Queue()
        self._lock = LeaderLock(database)
        self._store = PatientStore(self._lock)
        self._artifacts = ArtifactWatch(settings.resolved_artifacts)
        self._quarantine = Quarantine()
        self._lock_is_due_at = 0.0
        self.ready = threading.Event()  # set when it is the leader and its epoch has begun

    async def run(self, stop: threading.Event) -> None:
        """Dispatch until `stop` is set, then let running shards end or give them back.

        Raises Conflict when another dispatcher works on the database, or took over.
        """
        self._store.stop = stop
        try:
            await self._store.once(self._lock.acquire)
            await self._begin()
            self.ready.set()
            while not stop.is_set():
                await self._turn()
            await self._drain()
        finally:
            await self._executor.close()
            self._lock.release()
            self._store.close()

    async def _begin(self) -> None:
        self._ledger = await self._store.run(
            lambda: Ledger(
                self._database,
                holder_name(),
                shard_target_seconds=self._settings.shard_target_seconds,
            )
        )
        self._board = await self._store.run(Board, self._database)
        self._fleet = Fleet(self._settings, self._executor, self._inbox, self._ledger.epoch)
        self._reporter = Reporter(self._database, self._ledger.epoch)
        self._outcomes = Outcomes(
            ledger=self._ledger,
            board=self._board,
            quarantine=self._quarantine,
            reporter=self._reporter,
            fleet=self._fleet,
            artifacts=self._artifacts,
            store=self._store,
        )
        if self._ledger.follows_a_crash:
            self._quarantine.died((), _now())  # something here kills processes
        for shard_id, _, deaths in await self._store.run(self._reporter.troubled):
            self._quarantine.admit(shard_id, deaths, _now())
        log.info("dispatching; epoch %d", self._ledger.epoch)

    async def _turn(self) -> None:
        await self._hear(POLL_SECONDS)
        await self._keep_lead()
        await self._look()
        await self._tend()
        if self._artifacts.pause is None:
            await self._assign_troubled()
            await self._assign()
        await self._store.run(self._reporter.flush, _now())

    async def _hear(self, seconds: float) -> None:
        """Handle all messages that are there; wait up to `seconds` for the first."""
        try:
            async with asyncio.timeout(seconds):
                message = await self._inbox.get()
        except TimeoutError:
            return
        while True:
            member = self._fleet.members.get(message.worker_id)
            if member is not None:
                await self._outcomes.handle(member, message.content, _now())
            if self._inbox.empty():
                return
            message = self._inbox.get_nowait()

    async def _keep_lead(self) -> None:
        """Take the leader lock again if its connection was lost. Raises Conflict if it is gone."""
        if _now() >= self._lock_is_due_at:
            await self._store.run(self._lock.renew)
            self._lock_is_due_at = _now() + LOCK_SECONDS

    async def _look(self) -> None:
        """See what was submitted and cancelled; have cancelled shards given up."""
        cancelled = await self._store.run(self._board.poll)
        if not cancelled:
            return
        unwanted = set(await self._store.run(self._ledger.unwanted, cancelled))
        for member in self._fleet.members.values():
            for shard_id, flight in member.flights.items():
                if shard_id in unwanted and flight.cancelled_at is None:
                    flight.cancelled_at = _now()
                    await member.handle.send(CancelCommand(shard_id=shard_id))

    async def _tend(self) -> None:
        """Start, replace and end workers; end a pause when its reason is gone."""
        now = _now()
        for member in self._fleet.overdue(now, CANCEL_SECONDS):
            await self._end(member, "it did not give up a cancelled shard in time")
        for member in self._fleet.stalled(now):
            limit = self._settings.shard_stall_seconds
            self._reporter.tell("worker.stalled", worker_id=member.worker_id, seconds=limit)
            member.moved_at = now
            member.stalled = True
            await member.handle.kill()
        waiting = 0
        if self._fleet.most > self._fleet.least:
            waiting = await self._store.run(self._reporter.waiting)
        wanted = self._fleet.wanted(waiting)
        for member in self._fleet.surplus(wanted, now):
            member.leaving = "there is no work for it"
            await member.handle.send(ShutdownCommand())
        await self._fleet.start_missing(wanted, now)
        if await self._artifacts.is_over(now):
            self._reporter.state(DispatcherState.RUNNING)

    async def _end(self, member: Member, why: str) -> None:
        member.leaving = why
        await member.handle.kill()

    async def _assign_troubled(self) -> None:
        """Give shards in quarantine a worker each; keep one free for them."""
        for shard_id in self._quarantine.due(_now()):
            member = self._fleet.resting()
            if member is None:
                self._fleet.reserve_one()
                return
            spec = await self._store.run(self._ledger.take_one, shard_id, member.worker_id)
            member.reserved = False
            self._quarantine.leave(shard_id)
            if spec is not None:
                await self._send(member, spec, alone=True)
        if not self._quarantine.due(_now()):
            self._fleet.release_reserved()

    async def _assign(self) -> None:
        """Fill every free slot, as the policy chooses."""
        exhausted: set[str] = set()
        while picks := self._pick(exhausted):
            for evaluation_id, members in picks.items():
                ids = [member.worker_id for member in members]
                slots = self._fleet.slots()
                specs = await self._store.run(self._ledger.take, evaluation_id, ids, slots)
                for member, spec in zip(members, specs, strict=False):
                    await self._send(member, spec)
                if len(specs) < len(members):
                    exhausted.add(evaluation_id)
                    self._board.touch(evaluation_id)

    def _pick(self, exhausted: set[str]) -> dict[str, list[Member]]:
        """Evaluation -> the workers that are to have a shard of it."""
        loads, now = self._fleet.loads(), time.time()
        picks: dict[str, list[Member]] = {}
        for member in self._fleet.free():
            chosen = self._board.choose(member.fit, loads, now, exhausted)
            if chosen is None:
                break
            if member.fit is not None:
                loads[member.fit.weights] -= 1
            member.fit = chosen.fit
            loads[chosen.fit.weights] += 1
            picks.setdefault(chosen.evaluation_id, []).append(member)
            self._board.sent(chosen.evaluation_id, now)
        return picks

    async def _send(self, member: Member, spec: ShardSpec, *, alone: bool = False) -> None:
        member.board(spec, _now(), alone=alone)
        log.info(
            "shard sent",
            extra=about(
                shard=spec.shard_id, evaluation=spec.evaluation_id, worker=member.worker_id
            ),
        )
        await member.handle.send(RunCommand(shard=spec))

    async def _drain(self) -> None:
        """Running shards may end for a while; what is left is given back; workers end."""
        log.info("draining")
        self._reporter.state(DispatcherState.DRAINING)
        members = self._fleet.members
        for member in members.values():
            await member.handle.send(DrainCommand())
        deadline = _now() + DRAIN_SECONDS
        while _now() < deadline and any(member.flights for member in members.values()):
            await self._hear(POLL_SECONDS)
            await self._store.run(self._reporter.flush, _now())
        for member in members.values():
            member.leaving = "the dispatcher stops"
            await member.handle.send(ShutdownCommand())
        deadline = _now() + SHUTDOWN_SECONDS
        while _now() < deadline and members:
            await self._hear(POLL_SECONDS)
        for member in list(members.values()):
            await member.handle.kill()
            await self._outcomes.handle(member, WorkerEnded("It was killed at the end."), _now())
        self._reporter.state(DispatcherState.STOPPED)
        await self._store.run(self._reporter.flush, float("inf"))


def _now() -> float:
    return time.monotonic()
