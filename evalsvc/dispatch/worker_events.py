"""Apply each event of a worker to the ledger and to the dispatcher's bookkeeping."""

import logging
from dataclasses import dataclass

from evalsvc.dispatch.database_thread import DatabaseThread
from evalsvc.dispatch.executors.base import WorkerEnded
from evalsvc.dispatch.ledger import Ledger
from evalsvc.dispatch.limits import MAX_FAILURES
from evalsvc.dispatch.pausing import ArtifactWatch
from evalsvc.dispatch.quarantine import Quarantine
from evalsvc.dispatch.ready_queue import ReadyQueue
from evalsvc.dispatch.reporting import Reporter
from evalsvc.dispatch.worker_pool import RunningShard, WorkerPool, WorkerSlot
from evalsvc.logs import about
from evalsvc.specs import ShardProgress, ShardResult, WorkerStatus
from evalsvc.store.repositories.results import storable
from evalsvc.store.states import DispatcherState
from evalsvc.worker.protocol import (
    CancelledEvent,
    Event,
    FailedEvent,
    FailureKind,
    ProgressEvent,
    ResultEvent,
    StatusEvent,
)

log = logging.getLogger(__name__)

NO_FAULT_OF_SHARD = frozenset({FailureKind.DRAINING, FailureKind.CANCELLED})
SEE_LOG = "The end of the worker's log may show the cause. Submit the job again to retry."


@dataclass
class WorkerEvents:
    """Handles the events of all workers, one at a time. Times are of the monotonic clock."""

    ledger: Ledger
    queue: ReadyQueue
    quarantine: Quarantine
    reporter: Reporter
    pool: WorkerPool
    artifacts: ArtifactWatch
    database_thread: DatabaseThread

    async def handle(self, worker: WorkerSlot, content: Event | WorkerEnded, now: float) -> None:
        """Handle one event of `worker`."""
        match content:
            case StatusEvent():
                self._status(worker, content.status, now)
            case ProgressEvent():
                self._progress(worker, content.progress, now)
            case ResultEvent():
                await self._result(worker, content.result, now)
            case FailedEvent():
                await self._failed(worker, content, now)
            case CancelledEvent():
                await self._cancelled(worker, content.shard_id, now)
            case WorkerEnded():
                await self._ended(worker, content, now)

    def _status(self, worker: WorkerSlot, status: WorkerStatus, now: float) -> None:
        if not worker.has_started:
            self.pool.mark_started(worker)
            self.reporter.event("worker.started", worker_id=worker.worker_id, host=status.host)
        if status.swaps > worker.status.swaps:
            self.reporter.event(
                "weights.swapped",
                worker_id=worker.worker_id,
                checkpoint=status.checkpoint_path,
                seconds=status.last_swap_seconds,
            )
        if status.state != worker.status.state:
            worker.progressed_at = now
        worker.status = status
        self.reporter.status(status)

    def _progress(self, worker: WorkerSlot, progress: ShardProgress, now: float) -> None:
        shard = worker.shards.get(progress.shard_id)
        if shard is not None and progress.done > shard.done:
            shard.done = progress.done
            worker.progressed_at = now
            self.reporter.progress(progress)

    async def _result(self, worker: WorkerSlot, result: ShardResult, now: float) -> None:
        self._remove_shard(worker, result.shard_id, now)
        if await self.database_thread.run(self.ledger.complete, result):
            self.quarantine.ended(result.shard_id)
        elif await self.database_thread.run(self.ledger.has_failed, result.shard_id):
            self.quarantine.ended(result.shard_id)
            log.warning("a result was refused", extra=about(shard=result.shard_id))
        else:
            log.info("ignored a result that came too late", extra=about(shard=result.shard_id))

    async def _cancelled(self, worker: WorkerSlot, shard_id: str, now: float) -> None:
        if self._remove_shard(worker, shard_id, now) is not None:
            await self._cancel(shard_id)

    async def _failed(self, worker: WorkerSlot, event: FailedEvent, now: float) -> None:
        running = worker.running()
        shard = self._remove_shard(worker, event.shard_id, now)
        if shard is None or event.epoch != self.ledger.epoch:
            return
        named = about(shard=event.shard_id, worker=worker.worker_id, kind=event.kind)
        log.warning("shard failed: %s", event.message, extra=named)
        event = event.model_copy(update={"message": storable(event.message)})
        if shard.cancelled_at is not None:
            await self._cancel(event.shard_id)
        elif event.kind in NO_FAULT_OF_SHARD:
            await self.database_thread.run(self.ledger.put_back, event.shard_id)
        elif event.kind is FailureKind.STORAGE:
            await self.database_thread.run(self.ledger.put_back, event.shard_id)
            if self.artifacts.failed(event.message, event.remedy, now):
                self.reporter.state(DispatcherState.PAUSED, self.artifacts.pause)
        elif event.kind is FailureKind.ENGINE_DIED:  # the worker survives, its engine did not
            self.quarantine.died(running, now)
            await self._died(event.shard_id, event.message, now)
        elif not event.retryable:
            await self._fail_evaluation(event.shard_id, event.message, event.remedy)
        else:
            await self._retry(event, now)

    async def _retry(self, event: FailedEvent, now: float) -> None:
        """Retry a failure that may pass, up to `MAX_FAILURES` times."""
        times = self.quarantine.failed(event.shard_id)
        if times >= MAX_FAILURES:
            remedy = event.remedy or SEE_LOG
            await self._fail(event.shard_id, event.message, remedy, died=False)
        elif (
            await self.database_thread.run(
                self.ledger.put_back_for_retry,
                event.shard_id,
                event.message,
                event.remedy,
                died=False,
            )
            is not None
        ):
            self.quarantine.admit(event.shard_id, times, now)

    async def _ended(self, worker: WorkerSlot, ended: WorkerEnded, now: float) -> None:
        """Put the shards of a worker that is gone back; suspects go to quarantine."""
        reason = ended.reason
        if worker.stalled:
            reason = f"It was killed because it made no progress for too long. {reason}"
        running = [s for s in worker.running() if worker.shards[s].cancelled_at is None]
        shards, worker.shards = worker.shards, {}
        suspects = [] if worker.leaving else running
        if not worker.leaving:
            self.quarantine.died(running, now)
            self.reporter.event("worker.died", worker_id=worker.worker_id, reason=reason)
        for shard_id, shard in shards.items():
            self.queue.touch(shard.spec.evaluation_id)
            if shard.cancelled_at is not None:
                await self._cancel(shard_id)
            elif shard_id in suspects:
                await self._died(shard_id, reason, now)
            else:
                await self.database_thread.run(self.ledger.put_back, shard_id)
        self.reporter.ended(worker.worker_id, worker.status, worker.leaving or reason)
        self.pool.remove(worker, now, returns=ended.returns)

    async def _died(self, shard_id: str, reason: str, now: float) -> None:
        """A worker or its engine died while it ran this shard."""
        deaths = 1 + await self.database_thread.run(self.ledger.deaths, shard_id)
        if self.quarantine.deaths.exceeds_limit(shard_id, deaths):
            message = f"{deaths} workers died while they ran this shard. The last one: {reason}"
            await self._fail(shard_id, message, SEE_LOG, died=True)
        elif (
            await self.database_thread.run(
                self.ledger.put_back_for_retry, shard_id, reason, SEE_LOG, died=True
            )
            is not None
        ):
            self.quarantine.admit(shard_id, deaths, now)

    async def _fail(self, shard_id: str, error: str, remedy: str, *, died: bool) -> None:
        """Fail one shard, or its whole evaluation if none of its shards has ever succeeded."""
        self.quarantine.ended(shard_id)
        if await self.database_thread.run(self.ledger.has_result, shard_id):
            await self.database_thread.run(self.ledger.fail, shard_id, error, remedy, died=died)
        else:
            await self._fail_evaluation(shard_id, error, remedy, died=died)

    async def _fail_evaluation(
        self, shard_id: str, error: str, remedy: str, *, died: bool = False
    ) -> None:
        fail = self.ledger.fail_evaluation
        ids = await self.database_thread.run(fail, shard_id, error, remedy, died=died)
        for ended in (shard_id, *ids):
            self.quarantine.ended(ended)

    async def _cancel(self, shard_id: str) -> None:
        await self.database_thread.run(self.ledger.cancelled, shard_id)
        self.quarantine.ended(shard_id)

    def _remove_shard(self, worker: WorkerSlot, shard_id: str, now: float) -> RunningShard | None:
        """Remove a shard that has ended on its worker. None if the worker did not have it."""
        shard = worker.shards.pop(shard_id, None)
        worker.progressed_at = now
        if shard is not None:
            self.queue.touch(shard.spec.evaluation_id)
        return shard
