"""The dispatcher: one loop that handles worker events, polls for new jobs and assigns shards.

Everything outside the ledger is bookkeeping in memory. Whatever happens to this process, the next
dispatcher begins a new epoch and puts back the shards that were running. Events are handled one at
a time, so nothing here needs a lock. Database calls run in one thread and wait while the database
is down.
"""

import asyncio
import logging
import threading
import time

from evalsvc.dispatch.database_thread import DatabaseThread
from evalsvc.dispatch.executors import create_executor
from evalsvc.dispatch.executors.base import Executor, Inbox, WorkerEnded
from evalsvc.dispatch.leader import LeaderLock, holder_name
from evalsvc.dispatch.ledger import Ledger
from evalsvc.dispatch.limits import CANCEL_SECONDS, DRAIN_SECONDS, SHUTDOWN_SECONDS
from evalsvc.dispatch.pausing import ArtifactWatch
from evalsvc.dispatch.quarantine import Quarantine
from evalsvc.dispatch.ready_queue import ReadyQueue
from evalsvc.dispatch.reporting import Reporter
from evalsvc.dispatch.worker_events import WorkerEvents
from evalsvc.dispatch.worker_pool import WorkerPool, WorkerSlot
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
LOCK_SECONDS = 5.0  # between checks of the leader lock: a restarted database has released it


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
        self._database_thread = DatabaseThread(self._lock)
        self._artifacts = ArtifactWatch(settings.resolved_artifacts)
        self._quarantine = Quarantine()
        self._lock_check_at = 0.0
        self.ready = threading.Event()  # set once it holds the lock and its epoch has begun

    async def run(self, stop: threading.Event) -> None:
        """Dispatch until `stop` is set, then let running shards finish or put them back.

        Raises:
            Conflict: Another dispatcher works on the database, or took over.
        """
        self._database_thread.stop = stop
        try:
            await self._database_thread.run_once(self._lock.acquire)
            await self._begin()
            self.ready.set()
            while not stop.is_set():
                await self._tick()
            await self._drain()
        finally:
            await self._executor.close()
            self._lock.release()
            self._database_thread.close()

    async def _begin(self) -> None:
        self._ledger = await self._database_thread.run(
            lambda: Ledger(
                self._database,
                holder_name(),
                shard_target_seconds=self._settings.shard_target_seconds,
            )
        )
        self._queue = await self._database_thread.run(ReadyQueue, self._database)
        self._pool = WorkerPool(self._settings, self._executor, self._inbox, self._ledger.epoch)
        self._reporter = Reporter(self._database, self._ledger.epoch)
        self._worker_events = WorkerEvents(
            ledger=self._ledger,
            queue=self._queue,
            quarantine=self._quarantine,
            reporter=self._reporter,
            pool=self._pool,
            artifacts=self._artifacts,
            database_thread=self._database_thread,
        )
        if self._ledger.follows_a_crash:
            self._quarantine.died((), _now())  # something on this machine kills processes
        for shard_id, _, deaths in await self._database_thread.run(self._reporter.suspects):
            self._quarantine.admit(shard_id, deaths, _now())
        log.info("dispatching; epoch %d", self._ledger.epoch)

    async def _tick(self) -> None:
        await self._handle_events(POLL_SECONDS)
        await self._check_lock()
        await self._poll()
        await self._reconcile()
        if self._artifacts.pause is None:
            await self._assign_suspects()
            await self._assign()
        await self._database_thread.run(self._reporter.flush, _now())

    async def _handle_events(self, seconds: float) -> None:
        """Handle all queued messages. Wait up to `seconds` for the first one."""
        try:
            async with asyncio.timeout(seconds):
                message = await self._inbox.get()
        except TimeoutError:
            return
        while True:
            worker = self._pool.workers.get(message.worker_id)
            if worker is not None:
                await self._worker_events.handle(worker, message.content, _now())
            if self._inbox.empty():
                return
            message = self._inbox.get_nowait()

    async def _check_lock(self) -> None:
        """Take the leader lock again if its connection was lost. Raises Conflict if it is gone."""
        if _now() >= self._lock_check_at:
            await self._database_thread.run(self._lock.renew)
            self._lock_check_at = _now() + LOCK_SECONDS

    async def _poll(self) -> None:
        """Read new and cancelled jobs. Cancel the running shards that nobody wants any more."""
        cancelled = await self._database_thread.run(self._queue.poll)
        if not cancelled:
            return
        unwanted = set(await self._database_thread.run(self._ledger.unwanted, cancelled))
        for worker in self._pool.workers.values():
            for shard_id, shard in worker.shards.items():
                if shard_id in unwanted and shard.cancelled_at is None:
                    shard.cancelled_at = _now()
                    await worker.handle.send(CancelCommand(shard_id=shard_id))

    async def _reconcile(self) -> None:
        """Start, replace and stop workers. End a pause once its cause is gone."""
        now = _now()
        for worker in self._pool.overdue(now, CANCEL_SECONDS):
            await self._kill(worker, "it did not stop a cancelled shard in time")
        for worker in self._pool.stalled(now):
            limit = self._settings.shard_stall_seconds
            self._reporter.event("worker.stalled", worker_id=worker.worker_id, seconds=limit)
            worker.progressed_at = now
            worker.stalled = True
            await worker.handle.kill()
        waiting = 0
        if self._pool.maximum > self._pool.minimum:
            waiting = await self._database_thread.run(self._reporter.waiting)
        wanted = self._pool.wanted(waiting)
        for worker in self._pool.surplus(wanted, now):
            worker.leaving = "there is no work for it"
            await worker.handle.send(ShutdownCommand())
        await self._pool.start_missing(wanted, now)
        if await self._artifacts.is_over(now):
            self._reporter.state(DispatcherState.RUNNING)

    async def _kill(self, worker: WorkerSlot, why: str) -> None:
        worker.leaving = why
        await worker.handle.kill()

    async def _assign_suspects(self) -> None:
        """Give each due shard from quarantine a worker of its own. Reserve one if all are busy."""
        for shard_id in self._quarantine.due(_now()):
            worker = self._pool.idle_worker()
            if worker is None:
                self._pool.reserve_one()
                return
            take_one = self._ledger.take_one
            spec = await self._database_thread.run(take_one, shard_id, worker.worker_id)
            worker.reserved = False
            self._quarantine.leave(shard_id)
            if spec is not None:
                await self._send(worker, spec, alone=True)
        if not self._quarantine.due(_now()):
            self._pool.release_reserved()

    async def _assign(self) -> None:
        """Fill the free capacity of all workers as the policy chooses."""
        exhausted: set[str] = set()
        while picks := self._pick(exhausted):
            for evaluation_id, workers in picks.items():
                ids = [worker.worker_id for worker in workers]
                slots = self._pool.shard_slots()
                specs = await self._database_thread.run(
                    self._ledger.take, evaluation_id, ids, slots
                )
                for worker, spec in zip(workers, specs, strict=False):
                    await self._send(worker, spec)
                if len(specs) < len(workers):
                    exhausted.add(evaluation_id)
                    self._queue.touch(evaluation_id)

    def _pick(self, exhausted: set[str]) -> dict[str, list[WorkerSlot]]:
        """For each chosen evaluation, the workers that each get one of its shards."""
        loads, now = self._pool.loads(), time.time()
        picks: dict[str, list[WorkerSlot]] = {}
        for worker in self._pool.free():
            chosen = self._queue.choose(worker.fit, loads, now, exhausted)
            if chosen is None:
                break
            if worker.fit is not None:
                loads[worker.fit.weights] -= 1
            worker.fit = chosen.fit
            loads[chosen.fit.weights] += 1
            picks.setdefault(chosen.evaluation_id, []).append(worker)
            self._queue.sent(chosen.evaluation_id, now)
        return picks

    async def _send(self, worker: WorkerSlot, spec: ShardSpec, *, alone: bool = False) -> None:
        worker.assign(spec, _now(), alone=alone)
        log.info(
            "shard sent",
            extra=about(
                shard=spec.shard_id, evaluation=spec.evaluation_id, worker=worker.worker_id
            ),
        )
        await worker.handle.send(RunCommand(shard=spec))

    async def _drain(self) -> None:
        """Give running shards time to finish, put back the rest, and stop the workers."""
        log.info("draining")
        self._reporter.state(DispatcherState.DRAINING)
        workers = self._pool.workers
        for worker in workers.values():
            await worker.handle.send(DrainCommand())
        deadline = _now() + DRAIN_SECONDS
        while _now() < deadline and any(worker.shards for worker in workers.values()):
            await self._handle_events(POLL_SECONDS)
            await self._database_thread.run(self._reporter.flush, _now())
        for worker in workers.values():
            worker.leaving = "the dispatcher stops"
            await worker.handle.send(ShutdownCommand())
        deadline = _now() + SHUTDOWN_SECONDS
        while _now() < deadline and workers:
            await self._handle_events(POLL_SECONDS)
        for worker in list(workers.values()):
            await worker.handle.kill()
            ended = WorkerEnded("It was killed at the end.")
            await self._worker_events.handle(worker, ended, _now())
        self._reporter.state(DispatcherState.STOPPED)
        await self._database_thread.run(self._reporter.flush, float("inf"))


def _now() -> float:
    return time.monotonic()
