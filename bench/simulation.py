"""One dispatcher, 1,000 workers, up to 1,000,000 shards: assignment rate and limits.

The dispatcher is the real one, on the real tables; its workers are simulated and take no time, so
that only the dispatcher is measured: choosing, taking, completing, and updating the states. A shard
is one sample, the most expensive way to split a job. One round of all workers is timed (2,000
shards end, 2,000 others are sent) while 10,000 and while 1,000,000 shards wait. Workers run a shard
for at least a minute: a thousand of them end 17 a second, which is the target.
"""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Sequence
from typing import Any

from bench.databases import NAMES, settings_on
from bench.queueing import ONE_SAMPLE_SECONDS, place, replay_job, right_result, write_answers
from bench.report import Figure
from evalsvc.dispatch.dispatcher import Dispatcher
from evalsvc.dispatch.executors.base import (
    Executor,
    Inbox,
    WorkerEnded,
    WorkerHandle,
    WorkerMessage,
)
from evalsvc.settings import Settings
from evalsvc.specs import WorkerState, WorkerStatus
from evalsvc.store.database import Database
from evalsvc.worker.protocol import Command, ResultEvent, RunCommand, ShutdownCommand, StatusEvent

WORKERS = 1000
SHARD_SECONDS = 60.0  # the shortest that a shard should take
SIZES = (10_000, 1_000_000)
PROBLEMS, SAMPLES = 200, 5  # per job: 1,000 shards of one sample
OWNERS = 20
ROUND_SECONDS = 600.0  # time limit of a round


class SimulatedWorker(WorkerHandle):
    """Answers each shard at once with one correct sample."""

    def __init__(self, worker_id: str, executor: "SimulatedWorkers", inbox: Inbox) -> None:
        self.worker_id = worker_id
        self._executor = executor
        self._inbox = inbox
        self._tell_state(WorkerState.IDLE)

    async def send(self, command: Command) -> None:
        if isinstance(command, RunCommand):
            self._executor.count()
            result = ResultEvent(result=right_result(command.shard, SHARD_SECONDS))
            self._inbox.put_nowait(WorkerMessage(self.worker_id, result))
        elif isinstance(command, ShutdownCommand):
            await self.kill()

    async def kill(self) -> None:
        self._inbox.put_nowait(
            WorkerMessage(self.worker_id, WorkerEnded("The simulation is over."))
        )

    def _tell_state(self, state: WorkerState) -> None:
        status = WorkerStatus(worker_id=self.worker_id, state=state)
        self._inbox.put_nowait(WorkerMessage(self.worker_id, StatusEvent(status=status)))


class SimulatedWorkers(Executor):
    """Records when each round of `a_round` shards (one load of all workers) was sent."""

    def __init__(self, a_round: int) -> None:
        self.rounds: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._round = a_round
        self._shards = 0

    def count(self) -> None:
        """Record that a shard was sent."""
        self._shards += 1
        if self._shards % self._round == 0:
            self.rounds.put(time.monotonic())

    def default_workers(self) -> int:
        return WORKERS

    async def start(self, worker_id: str, inbox: Inbox) -> SimulatedWorker:
        return SimulatedWorker(worker_id, self, inbox)

    async def close(self) -> None:
        """Nothing is held."""


def shards_per_second(database: Database, settings: Settings) -> float:
    """Completed and assigned, in the round after the first, which only assigns."""
    a_round = settings.shards_in_flight * WORKERS
    workers = SimulatedWorkers(a_round)
    dispatcher = Dispatcher(settings, database, workers)
    stop = threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(dispatcher.run(stop)))
    thread.start()
    try:
        first, second = (workers.rounds.get(timeout=ROUND_SECONDS) for _ in range(2))
        return a_round / (second - first)
    finally:
        stop.set()
        thread.join()


def rates(settings: Settings, sizes: Sequence[int]) -> dict[int, float]:
    """Shards per second by number of waiting shards."""
    answers = write_answers(settings.data)
    found: dict[int, float] = {}
    with contextlib.closing(Database(settings.resolved_database_url)) as database:
        database.upgrade()
        placed = 0
        for size in sizes:
            for number in range(placed, size // (PROBLEMS * SAMPLES)):
                request = replay_job(answers, f"checkpoint-{number}", SAMPLES, PROBLEMS)
                place(database, settings, request, owner=f"user-{number % OWNERS}")
            placed = size // (PROBLEMS * SAMPLES)
            found[size] = shards_per_second(database, settings)
            print(f"  {size:>9,} shards: {found[size]:.0f} a second", flush=True)
    return found


def measure(most_shards: int) -> tuple[list[Figure], dict[str, Any]]:
    """A figure for each database, and the rates of all sizes."""
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    sizes = [size for size in SIZES if size <= most_shards]
    for name in NAMES:
        print(f"  simulated workers, {name}", flush=True)
        with settings_on(name) as base:
            settings = base.model_copy(update={"shard_target_seconds": ONE_SAMPLE_SECONDS})
            found = rates(settings, sizes)
        rate = found[sizes[-1]]
        figures.append(
            Figure(
                f"dispatcher, {WORKERS:,} workers, {sizes[-1]:,} shards, {name}",
                rate,
                WORKERS / SHARD_SECONDS,
                "higher",
                " shards/s",
                "completed and assigned, simulated workers",
            )
        )
        details[name] = {
            "shards_per_second": {f"{size}": round(each, 1) for size, each in found.items()},
            "workers_kept_busy_with_shards_of_a_minute": round(rate * SHARD_SECONDS),
        }
    return figures, details
