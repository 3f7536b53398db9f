"""What each message of a worker means for the shards that it had."""

import logging
from dataclasses import dataclass

from evalsvc.dispatch.board import Board
from evalsvc.dispatch.executors.base import WorkerEnded
from evalsvc.dispatch.fleet import Fleet, Flight, Member
from evalsvc.dispatch.ledger import Ledger
from evalsvc.dispatch.patience import PatientStore
from evalsvc.dispatch.pausing import ArtifactWatch
from evalsvc.dispatch.quarantine import FAILURES_ENOUGH, Quarantine
from evalsvc.dispatch.reporting import Reporter
from evalsvc.logs import about
from evalsvc.specs import ShardProgress, ShardResult, WorkerStatus
from evalsvc.store.repositories.results import storable
from evalsvc.store.states import DispatcherState
from evalsvc.worker.protocol import (
    CancelledEvent,
    Event,
    FailedEvent,
    ProgressEvent,
    ResultEvent,
    StatusEvent,
)

log = logging.getLogger(__name__)

NOT_TO_BLAME = frozenset({"draining", "cancelled"})  # kinds of failure that mean nothing
DEADLY = frozenset({"engine-died"})  # the worker lives on, but its engine died of a shard
STORAGE = "storage"
SEE_LOG = "The end of the worker's log may name the cause; submit the job again for another try."


@dataclass
class Outcomes:
    """Carries messages into the ledger and the bookkeeping."""

    ledger: Ledger
    board: Board
    quarantine: Quarantine
    reporter: Reporter
    fleet: Fleet
    artifacts: ArtifactWatch
    store: PatientStore

    async def handle(self, member: Member, content: Event | WorkerEnded, now: float) -> None:
        """One message. `now` is of the monotonic clock."""
        match content:
            case StatusEvent():
                self._status(member, content.status, now)
            case ProgressEvent():
                self._progress(member, content.progress, now)
            case ResultEvent():
                await self._result(member, content.result, now)
            case FailedEvent():
                await self._failed(member, content, now)
            case CancelledEvent():
                await self._cancelled(member, content.shard_id, now)
            case WorkerEnded():
                await self._ended(member, content, now)

    def _status(self, member: Member, status: WorkerStatus, now: float) -> None:
        if not member.is_up:
            self.fleet.has_come_up(member)
            self.reporter.tell("worker.started", worker_id=member.worker_id, host=status.host)
        if status.swaps > member.status.swaps:
            self.reporter.tell(
                "weights.swapped",
                worker_id=member.worker_id,
                checkpoint=status.checkpoint_path,
                seconds=status.last_swap_seconds,
            )
        if status.state != member.status.state:
            member.moved_at = now
        member.status = status
        self.reporter.status(status)

    def _progress(self, member: Member, progress: ShardProgress, now: float) -> None:
        flight = member.flights.get(progress.shard_id)
        if flight is not None and progress.done > flight.done:
            flight.done = progress.done
            member.moved_at = now
            self.reporter.progress(progress)

    async def _result(self, member: Member, result: ShardResult, now: float) -> None:
        self._landed(member, result.shard_id, now)
        if await self.store.run(self.ledger.complete, result):
            self.quarantine.ended(result.shard_id)
        else:
            log.info("a result came too late and is ignored", extra=about(shard=result.shard_id))

    async def _cancelled(self, member: Member, shard_id: str, now: float) -> None:
        if self._landed(member, shard_id, now) is not None:
            await self._give_up(shard_id)

    async def _failed(self, member: Member, event: FailedEvent, now: float) -> None:
        running = member.running()
        flight = self._landed(member, event.shard_id, now)
        if flight is None or event.epoch != self.ledger.epoch:
            return
        named = about(shard=event.shard_id, worker=member.worker_id, kind=event.kind)
        log.warning("shard not done: %s", event.message, extra=named)
        event = event.model_copy(update={"message": storable(event.message)})
        if flight.cancelled_at is not None:
            await self._give_up(event.shard_id)
        elif event.kind in NOT_TO_BLAME:
            await self.store.run(self.ledger.put_back, event.shard_id)
        elif event.kind == STORAGE:
            await self.store.run(self.ledger.put_back, event.shard_id)
            if self.artifacts.failed(event.message, event.remedy, now):
                self.reporter.state(DispatcherState.PAUSED, self.artifacts.pause)
        elif event.kind in DEADLY:
            self.quarantine.died(running, now)
            await self._died(event.shard_id, event.message, now)
        elif not event.retryable:
            await self._fail_evaluation(event.shard_id, event.message, event.remedy)
        else:
            await self._retry(event, now)

    async def _retry(self, event: FailedEvent, now: float) -> None:
        """A failure that another try may mend, up to a limit."""
        times = self.quarantine.failed(event.shard_id)
        if times >= FAILURES_ENOUGH:
            remedy = event.remedy or SEE_LOG
            await self._fail(event.shard_id, event.message, remedy, died=False)
        elif (
            await self.store.run(
                self.ledger.put_back_in_trouble,
                event.shard_id,
                event.message,
                event.remedy,
                died=False,
            )
            is not None
        ):
            self.quarantine.admit(event.shard_id, times, now)

    async def _ended(self, member: Member, ended: WorkerEnded, now: float) -> None:
        """A worker is gone: its shards go back, and those it died of are held suspect."""
        reason = ended.reason
        if member.stalled:
            reason = f"It made no progress for too long and was ended. {reason}"
        running = [s for s in member.running() if member.flights[s].cancelled_at is None]
        flights, member.flights = member.flights, {}
        blamed = [] if member.leaving else running
        if not member.leaving:
            self.quarantine.died(running, now)
            self.reporter.tell("worker.died", worker_id=member.worker_id, reason=reason)
        for shard_id, flight in flights.items():
            self.board.touch(flight.spec.evaluation_id)
            if flight.cancelled_at is not None:
                await self._give_up(shard_id)
            elif shard_id in blamed:
                await self._died(shard_id, reason, now)
            else:
                await self.store.run(self.ledger.put_back, shard_id)
        self.reporter.ended(member.worker_id, member.status, member.leaving or reason)
        self.fleet.gone(member, now, returns=ended.returns)

    async def _died(self, shard_id: str, reason: str, now: float) -> None:
        """A worker (or its engine) died while it ran this shard."""
        deaths = 1 + await self.store.run(self.ledger.deaths, shard_id)
        if self.quarantine.deaths.is_guilty(shard_id, deaths):
            words = f"{deaths} workers died while they ran this shard. The last one: {reason}"
            await self._fail(shard_id, words, SEE_LOG, died=True)
        elif (
            await self.store.run(
                self.ledger.put_back_in_trouble, shard_id, reason, SEE_LOG, died=True
            )
            is not None
        ):
            self.quarantine.admit(shard_id, deaths, now)

    async def _fail(self, shard_id: str, error: str, remedy: str, *, died: bool) -> None:
        """Set one shard aside; all of its evaluation, if none of that has ever worked."""
        self.quarantine.ended(shard_id)
        if await self.store.run(self.ledger.has_result, shard_id):
            await self.store.run(self.ledger.fail, shard_id, error, remedy, died=died)
        else:
            await self._fail_evaluation(shard_id, error, remedy, died=died)

    async def _fail_evaluation(
        self, shard_id: str, error: str, remedy: str, *, died: bool = False
    ) -> None:
        ids = await self.store.run(self.ledger.fail_evaluation, shard_id, error, remedy, died=died)
        for ended in (shard_id, *ids):
            self.quarantine.ended(ended)

    async def _give_up(self, shard_id: str) -> None:
        await self.store.run(self.ledger.cancelled, shard_id)
        self.quarantine.ended(shard_id)

    def _landed(self, member: Member, shard_id: str, now: float) -> Flight | None:
        """The shard has ended on its worker, one way or another."""
        flight = member.flights.pop(shard_id, None)
        member.moved_at = now
        if flight is not None:
            self.board.touch(flight.spec.evaluation_id)
        return flight
