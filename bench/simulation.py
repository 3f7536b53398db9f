"""One dispatcher, 1,000 workers, up to 1,000,000 shards: what it can assign, where it breaks.

    python -m bench.simulation [--database sqlite postgresql] [--most 1000000]

The dispatcher is the real one, on the real tables; its workers are simulated and take no time, so
that everything that is measured is the dispatcher's: choosing, taking, completing, and the states
that follow. A shard is one sample, which is the dearest way to cut them. Timed is one round of all
workers (2,000 shards end, 2,000 others are sent) while 10,000, 100,000 and 1,000,000 shards wait.
Workers run a shard for a minute at least: a thousand of them end 17 a second, which is the target.
"""

import argparse
import asyncio
import contextlib
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench.report import Figure, Report
from evalsvc.catalogue import Catalogue
from evalsvc.dispatch.dispatcher import Dispatcher
from evalsvc.dispatch.executors.base import Executor, Inbox, Message, WorkerEnded, WorkerHandle
from evalsvc.dispatch.submission import submit
from evalsvc.settings import Settings
from evalsvc.specs import (
    JobRequest,
    ProblemTally,
    ShardResult,
    ShardSpec,
    WorkerState,
    WorkerStatus,
)
from evalsvc.store.database import Database
from evalsvc.worker.protocol import Command, ResultEvent, RunCommand, ShutdownCommand, StatusEvent
from tests.support.postgresql import running_postgresql

WORKERS = 1000
SHARD_SECONDS = 60.0  # the shortest that a shard should take
SIZES = (10_000, 100_000, 1_000_000)
PROBLEMS, SAMPLES = 200, 5  # of a job: 1,000 shards of one sample
OWNERS = 20
ONE_SAMPLE_SECONDS = 1e-9  # a shard's target that cuts as small as it can be cut
ROUND_SECONDS = 600.0  # given up after that


class SimulatedWorker(WorkerHandle):
    """Answers each shard at once: one sample, which is right."""

    def __init__(self, worker_id: str, executor: "SimulatedWorkers", inbox: Inbox) -> None:
        self.worker_id = worker_id
        self._executor = executor
        self._inbox = inbox
        self._tell_state(WorkerState.IDLE)

    async def send(self, command: Command) -> None:
        if isinstance(command, RunCommand):
            self._executor.count()
            result = ResultEvent(result=_result(command.shard))
            self._inbox.put_nowait(Message(self.worker_id, result))
        elif isinstance(command, ShutdownCommand):
            await self.kill()

    async def kill(self) -> None:
        self._inbox.put_nowait(Message(self.worker_id, WorkerEnded("The simulation is over.")))

    def _tell_state(self, state: WorkerState) -> None:
        status = WorkerStatus(worker_id=self.worker_id, state=state)
        self._inbox.put_nowait(Message(self.worker_id, StatusEvent(status=status)))


class SimulatedWorkers(Executor):
    """Notes when each round was sent: `a_round` shards, so many as all workers take at a time."""

    def __init__(self, a_round: int) -> None:
        self.rounds: queue.SimpleQueue[float] = queue.SimpleQueue()
        self._round = a_round
        self._shards = 0

    def count(self) -> None:
        """A shard was sent."""
        self._shards += 1
        if self._shards % self._round == 0:
            self.rounds.put(time.monotonic())

    def default_workers(self) -> int:
        return WORKERS

    async def start(self, worker_id: str, inbox: Inbox) -> SimulatedWorker:
        return SimulatedWorker(worker_id, self, inbox)

    async def close(self) -> None:
        """Nothing is held."""


def _result(shard: ShardSpec) -> ShardResult:
    tallies = tuple(
        ProblemTally(
            problem=problem,
            problem_id=f"smoke-{problem:03d}",
            n=shard.samples_per_problem,
            sampled=f"{(1 << shard.samples_per_problem) - 1:x}",
            correct="1",
            truncated="0",
            no_answer="0",
            failed="0",
            tokens=700,
        )
        for problem in shard.problems
    )
    return ShardResult(
        shard_id=shard.shard_id,
        epoch=shard.epoch,
        tallies=tallies,
        artifact=shard.artifact,
        verifier="simulated",
        seconds=SHARD_SECONDS,
        output_tokens=700 * shard.size,
    )


def place_jobs(database: Database, settings: Settings, numbers: range) -> None:
    """Jobs of 1,000 shards each, of several users and of checkpoints that only have a name."""
    catalogue = Catalogue()
    for number in numbers:
        request = JobRequest(
            checkpoint=f"checkpoint-{number}",
            run=f"run-{number % OWNERS}",
            step=number,
            benchmarks=("smoke",),
            samples=SAMPLES,
            engine="replay",
            engine_options={"answers": str(settings.data / "answers.jsonl")},
        )
        with database.write() as session:
            submit(
                session,
                request,
                owner=f"user-{number % OWNERS}",
                idempotency_key=None,
                settings=settings,
                catalogue=catalogue,
            )


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


def measure(settings: Settings, sizes: Sequence[int]) -> dict[int, float]:
    """Shards that wait -> shards a second."""
    (settings.data / "answers.jsonl").write_text('{"problem": 0, "response": "7"}\n')
    rates: dict[int, float] = {}
    with contextlib.closing(Database(settings.resolved_database_url)) as database:
        database.upgrade()
        placed = 0
        for size in sizes:
            wanted = size // (PROBLEMS * SAMPLES)
            place_jobs(database, settings, range(placed, wanted))
            placed = wanted
            rates[size] = shards_per_second(database, settings)
            print(f"  {size:>9,} shards: {rates[size]:.0f} a second", flush=True)
    return rates


@contextlib.contextmanager
def settings_on(database: str) -> Iterator[Settings]:
    """An empty data folder, on SQLite or on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="evalsvc-simulation-") as folder:
        settings = Settings(data=Path(folder), shard_target_seconds=ONE_SAMPLE_SECONDS)
        if database == "sqlite":
            yield settings
            return
        with running_postgresql() as server:
            yield settings.model_copy(update={"database_url": server.url(server.create())})


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", nargs="+", default=["sqlite", "postgresql"])
    parser.add_argument("--most", type=int, default=SIZES[-1], help="shards, at the most")
    options = parser.parse_args()
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for name in options.database:
        print(f"  {name}", flush=True)
        with settings_on(name) as settings:
            rates = measure(settings, [size for size in SIZES if size <= options.most])
        largest = max(rates)
        figures.append(
            Figure(
                f"dispatcher, {WORKERS:,} workers, {largest:,} shards, {name}",
                rates[largest],
                WORKERS / SHARD_SECONDS,
                "higher",
                " shards/s",
                "assigned and completed; simulated workers",
            )
        )
        details[name] = {
            "shards_per_second": {f"{size}": round(rate, 1) for size, rate in rates.items()},
            "workers_kept_busy_with_shards_of_a_minute": round(rates[largest] * SHARD_SECONDS),
        }
    return Report("simulation", figures, details).publish()


if __name__ == "__main__":
    sys.exit(main())
