"""The worker: runs shards and returns results. Independent of sockets, Ray and the database.

Several `run` calls may be in progress at once. Status changes and progress go to `on_event` as
events of `evalsvc.worker.protocol`. The outcome of a shard is what `run` returns or raises.
"""

import asyncio
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass

from evalsvc.artifacts import ArtifactStore
from evalsvc.errors import Conflict
from evalsvc.specs import ShardResult, ShardSpec, WorkerState, WorkerStatus
from evalsvc.worker.async_verifier import AsyncVerifier
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.engines.base import Completion
from evalsvc.worker.failures import ShardCancelled, WorkerDraining
from evalsvc.worker.hosting import EngineHost
from evalsvc.worker.meter import Meter
from evalsvc.worker.problems import ProblemSource
from evalsvc.worker.protocol import ProgressEvent, StatusEvent
from evalsvc.worker.shard import ShardRun, WorkerResources

PROGRESS_SECONDS = 1.0
OnEvent = Callable[[StatusEvent | ProgressEvent], None]


@dataclass
class _Running:
    run: ShardRun
    task: asyncio.Task[ShardResult]
    reported: int = 0
    cancelled: bool = False


class Worker:
    """One engine, one verification pool, any number of shards. Belongs to one event loop."""

    def __init__(self, worker_id: str, config: WorkerConfig, on_event: OnEvent) -> None:
        self.worker_id = worker_id
        self._on_event = on_event
        self._host = EngineHost(config, self._engine_changed)
        self._verifier = AsyncVerifier(config.resolved_verifier_processes)
        self._resources = WorkerResources(
            source=ProblemSource(config),
            host=self._host,
            verifier=self._verifier,
            artifacts=ArtifactStore(config.artifacts),
            on_completion=self._count,
        )
        self._running: dict[str, _Running] = {}
        self._meter = Meter()
        self._samples_done = 0
        self._engine_state: WorkerState | None = None  # while the engine loads or swaps
        self._message = ""
        self._draining = False
        self._reporter: asyncio.Task[None] | None = None

    async def prepare(self, spec: ShardSpec) -> None:
        """Load the checkpoint of `spec` ahead of its shards, once the shards before it are done."""
        async with self._host.serving(spec):
            return

    async def run(self, spec: ShardSpec) -> ShardResult:
        """Sample, verify and store one shard.

        Raises:
            ShardCancelled: After `cancel`.
            WorkerDraining: After `drain`.
            UsageError: A retry would fail again.
            EvalsvcError: Any other failure; a retry may succeed.
        """
        if self._draining:
            raise WorkerDraining(f"The worker {self.worker_id} is draining.", "Use another worker.")
        if spec.shard_id in self._running:
            raise Conflict(
                f"The shard {spec.shard_id} is already running here.", "Wait for its result."
            )
        run = ShardRun(spec, self._resources)
        running = _Running(run, asyncio.create_task(run.execute()))
        self._running[spec.shard_id] = running
        self._start_reporting()
        self._publish_status()
        try:
            return await running.task
        except asyncio.CancelledError:
            if running.cancelled:
                raise ShardCancelled(f"The shard {spec.shard_id} was cancelled.") from None
            raise
        finally:
            running.task.cancel()
            del self._running[spec.shard_id]
            self._publish_status()

    async def cancel(self, shard_id: str) -> bool:
        """Cancel a shard. Returns once its requests have left the engine; False if not here."""
        running = self._running.get(shard_id)
        if running is None:
            return False
        running.cancelled = True
        running.task.cancel()
        await asyncio.wait([running.task])
        return True

    async def drain(self) -> None:
        """Take no more shards. Returns when the running ones have ended."""
        self._draining = True
        self._publish_status()
        while self._running:
            await asyncio.wait([running.task for running in self._running.values()])
            await asyncio.sleep(0)

    async def close(self) -> None:
        """Cancel all shards, and close the engine and the verification pool."""
        self._draining = True
        for shard_id in list(self._running):
            await self.cancel(shard_id)
        if self._reporter is not None:
            self._reporter.cancel()
        await self._host.close()
        await self._verifier.close()

    def status(self) -> WorkerStatus:
        """The worker's current status."""
        loaded = self._host.loaded
        engine = loaded.engine if loaded else None
        checkpoint = loaded.checkpoint if loaded else None
        return WorkerStatus(
            worker_id=self.worker_id,
            state=self._state(),
            engine=engine.name if engine else "",
            pid=os.getpid(),
            host=socket.gethostname(),
            device=str(engine.info().get("device", "")) if engine else "",
            checkpoint=checkpoint.fingerprint if checkpoint else None,
            checkpoint_path=checkpoint.path if checkpoint else None,
            architecture_hash=checkpoint.architecture_hash if checkpoint else None,
            tokenizer_hash=checkpoint.tokenizer_hash if checkpoint else None,
            shards_in_flight=tuple(self._running),
            requests_in_flight=loaded.slots.in_flight if loaded else 0,
            requests_wanted=loaded.slots.wanted if loaded else 0,
            samples_done=self._samples_done,
            tokens_per_second=round(self._meter.rate(), 1) if self._running else 0.0,
            swaps=self._host.swaps,
            cold_starts=self._host.cold_starts,
            last_swap_seconds=self._host.last_swap_seconds,
            message=self._message,
        )

    def _state(self) -> WorkerState:
        if self._draining:
            return WorkerState.DRAINING
        if self._engine_state is not None:
            return self._engine_state
        return WorkerState.RUNNING if self._running else WorkerState.IDLE

    def _engine_changed(self, state: WorkerState | None, message: str) -> None:
        self._engine_state, self._message = state, message
        self._publish_status()

    def _count(self, completion: Completion) -> None:
        self._samples_done += 1
        self._meter.add(completion.output_tokens)

    def _publish_status(self) -> None:
        self._on_event(StatusEvent(status=self.status()))

    def _start_reporting(self) -> None:
        if self._reporter is None or self._reporter.done():
            self._reporter = asyncio.create_task(self._report())

    async def _report(self) -> None:
        """Publish the status and the progress of each shard that advanced, every second."""
        while self._running:
            await asyncio.sleep(PROGRESS_SECONDS)
            for running in self._running.values():
                if running.run.done != running.reported:
                    running.reported = running.run.done
                    self._on_event(ProgressEvent(progress=running.run.progress()))
            self._publish_status()
