"""Scaling from one worker to eight, and to a thousand.

    python -m bench.scale [--most-shards 1000000] [--skip-workers]

Real worker processes on the replay engine, each sample a simulated second of work: the samples per
second of two, four and eight workers against those of one. Then `bench.simulation`: one dispatcher,
a thousand workers, a million shards, on both databases.
"""

import argparse
import asyncio
import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

from bench import simulation
from bench.databases import settings_on
from bench.queueing import place, replay_job, write_answers
from bench.report import Figure, Report
from evalsvc.dispatch.dispatcher import Dispatcher
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.models import Job
from evalsvc.store.states import ENDED_JOBS

WORKERS = (1, 2, 4, 8)
REPLAY: dict[str, Any] = {"seconds_per_sample": 1.0, "concurrency": 8}
SAMPLES_EACH = 400  # per worker: about 50 seconds
LIMIT_SECONDS = 600.0


def samples_per_second(workers: int) -> float:
    """Samples per second of a large enough job, with warm workers."""
    with settings_on("sqlite") as base:
        changes = {"workers": workers, "verifier_processes": 1, "shard_target_seconds": 4.0}
        settings = base.model_copy(update=changes)
        answers = write_answers(settings.data)
        with contextlib.closing(Database(settings.resolved_database_url)) as database:
            database.upgrade()
            with dispatching(settings, database):
                warm = replay_job(answers, "warm", 16, 4 * workers, REPLAY)
                _finish(database, place(database, settings, warm))
                per_problem = SAMPLES_EACH * workers // 200
                measured = replay_job(answers, "measured", per_problem, options=REPLAY)
                started = time.monotonic()
                _finish(database, place(database, settings, measured))
                return 200 * per_problem / (time.monotonic() - started)


def _finish(database: Database, job_id: str) -> None:
    deadline = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < deadline:
        with database.read() as session:
            if session.get_one(Job, job_id).state in ENDED_JOBS:
                return
        time.sleep(0.05)
    raise TimeoutError(f"job {job_id} did not end")


@contextlib.contextmanager
def dispatching(settings: Settings, database: Database) -> Iterator[None]:
    """A dispatcher with worker processes, in a thread."""
    stop, dispatcher = threading.Event(), Dispatcher(settings, database)
    thread = threading.Thread(target=lambda: asyncio.run(dispatcher.run(stop)))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def measure_workers() -> tuple[list[Figure], dict[str, Any]]:
    """The figure for the largest number of workers, and the rates for all."""
    rates = {}
    for workers in WORKERS:
        rates[workers] = samples_per_second(workers)
        print(f"  {workers} replay workers: {rates[workers]:.2f} samples/s", flush=True)
    most = max(WORKERS)
    figure = Figure(
        f"replay workers 1 -> {most}",
        rates[most] / (most * rates[1]),
        0.95,
        "higher",
        " of linear",
        f"samples/s of {most} against {most} x those of 1, simulated work",
    )
    return [figure], {"samples_per_second": {f"{n}": round(rate, 2) for n, rate in rates.items()}}


def main() -> int:
    """Run all; 0 when every target is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most-shards", type=int, default=simulation.SIZES[-1])
    parser.add_argument("--skip-workers", action="store_true", help="only the simulation")
    options = parser.parse_args()
    figures, details = ([], {}) if options.skip_workers else measure_workers()
    simulated, details["simulation"] = simulation.measure(options.most_shards)
    return Report("scale", [*figures, *simulated], details).publish()


if __name__ == "__main__":
    sys.exit(main())
