"""Does dispatching keep up: submission and choice with many shards waiting, and eight workers.

    python -m bench.scale [--skip-workers]

On SQLite and on PostgreSQL: submissions while 10,000 shards wait, choices while 100,000 wait. In
memory: the policy with 1,000 workers and 1,000,000 shards. With real worker processes on the
replay engine: the samples per second of eight against eight times those of one, each sample being
a simulated second of work.
"""

import argparse
import asyncio
import contextlib
import json
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.report import Figure, Report
from evalsvc.catalogue import Catalogue
from evalsvc.dispatch.board import Board
from evalsvc.dispatch.dispatcher import Dispatcher
from evalsvc.dispatch.ledger import Ledger
from evalsvc.dispatch.policy import Candidate, Fit, Shares, choose
from evalsvc.dispatch.submission import submit
from evalsvc.settings import Settings
from evalsvc.specs import JobRequest
from evalsvc.store.database import Database
from evalsvc.store.models import Job
from evalsvc.store.states import ENDED_JOBS
from tests.support.postgresql import running_postgresql

CATALOGUE = Catalogue()
SUBMISSIONS, CHOICES = 300, 300
OWNERS = 8
EIGHT = 8
SECONDS_PER_SAMPLE, CONCURRENCY = 1.0, 8
SAMPLES_EACH = 400  # of each worker: about 50 seconds


def percentile(seconds: list[float], share: float) -> float:
    """In milliseconds."""
    return 1000 * sorted(seconds)[min(len(seconds) - 1, int(share * len(seconds)))]


def timed(action: Callable[[], object]) -> float:
    started = time.perf_counter()
    action()
    return time.perf_counter() - started


def job(answers: Path, label: str, samples: int, problems: int = 200) -> JobRequest:
    """A replayed job over the smoke problems."""
    return JobRequest.model_validate(
        {
            "checkpoint": label,
            "run": label,
            "benchmarks": [{"name": "smoke", "first": problems}],
            "samples": samples,
            "engine": "replay",
            "engine_options": {
                "answers": str(answers),
                "seconds_per_sample": SECONDS_PER_SAMPLE,
                "concurrency": CONCURRENCY,
            },
        }
    )


def place(database: Database, settings: Settings, request: JobRequest, owner: str = "bench") -> str:
    with database.write() as session:
        placed = submit(
            session,
            request,
            owner=owner,
            idempotency_key=None,
            settings=settings,
            catalogue=CATALOGUE,
        )
        return placed.id


def queue_figures(settings: Settings, name: str) -> list[Figure]:
    """Submission and choice on one database."""
    database = Database(settings.resolved_database_url)
    database.upgrade()
    answers = write_answers(settings.data)
    single = settings.model_copy(update={"shard_target_seconds": 1e-9})  # shards of one sample
    place(database, single, job(answers, "waiting-0", samples=50))
    submissions = [
        timed(partial(place, database, settings, job(answers, f"new-{i}", samples=4)))
        for i in range(SUBMISSIONS)
    ]
    for i in range(1, 10):
        place(database, single, job(answers, f"waiting-{i}", 50), owner=f"user-{i % OWNERS}")
    ledger = Ledger(database, "bench", shard_target_seconds=1e-9)
    board = Board(database)
    board.poll()
    choices = [timed(partial(_choose, board, ledger, i)) for i in range(CHOICES)]
    database.close()
    return [
        Figure(f"submit, 10,000 shards waiting, {name}", percentile(submissions, 0.99), 50, "lower",
               " ms", f"p99 of {SUBMISSIONS}"),
        Figure(f"choose and take, 100,000 shards waiting, {name}", percentile(choices, 0.99), 20,
               "lower", " ms", f"p99 of {CHOICES}, with its transaction"),
    ]  # fmt: skip


def _choose(board: Board, ledger: Ledger, i: int) -> None:
    board.poll()
    chosen = board.choose(None, {}, time.time())
    assert chosen is not None
    taken = ledger.take(chosen.evaluation_id, [f"worker-{i}"], 16)
    assert len(taken) == 1
    board.sent(chosen.evaluation_id, time.time())


def simulated() -> Figure:
    """The pure policy: 1,000 workers, 1,000 evaluations of 1,000 shards."""
    candidates = {
        f"{i:04d}": Candidate(
            evaluation_id=f"{i:04d}",
            fit=Fit(f"family-{i % 7}", f"family-{i % 7}/weights-{i % 250}"),
            owner=f"user-{i % 20}",
            priority=0,
            order=f"{i:04d}",
            waiting_since=0.0,
        )
        for i in range(1000)
    }
    left = dict.fromkeys(candidates, 1000)
    loaded: list[Fit | None] = [None] * 1000
    loads: Counter[str] = Counter()
    shares, seconds = Shares(), []
    shares.welcome(c.owner for c in candidates.values())
    for step in range(5000):
        worker, now = step % 1000, step / 10
        started = time.perf_counter()
        chosen = choose(candidates.values(), loaded[worker], loads, shares, now)
        seconds.append(time.perf_counter() - started)
        assert chosen is not None
        loads[chosen.fit.weights] += 1
        loaded[worker], chosen.waiting_since = chosen.fit, now
        shares.charge(chosen.owner)
        left[chosen.evaluation_id] -= 1
    how = "p99, 1,000 workers, 1,000,000 shards, in memory"
    return Figure("the policy's choice", percentile(seconds, 0.99), 20, "lower", " ms", how)


def samples_per_second(workers: int) -> float:
    """Of a job that is large enough, with warm workers."""
    with data_folder() as folder:
        settings = Settings(
            data=folder, workers=workers, verifier_processes=1, shard_target_seconds=4.0
        )
        database = Database(settings.resolved_database_url)
        database.upgrade()
        answers = write_answers(folder)
        with dispatching(settings, database):
            _finish(database, place(database, settings, job(answers, "warm", 16, 4 * workers)))
            per_problem = SAMPLES_EACH * workers // 200
            started = time.monotonic()
            _finish(database, place(database, settings, job(answers, "measured", per_problem)))
            seconds = time.monotonic() - started
        database.close()
        return 200 * per_problem / seconds


def _finish(database: Database, job_id: str, limit_seconds: float = 600) -> None:
    deadline = time.monotonic() + limit_seconds
    while time.monotonic() < deadline:
        with database.read() as session:
            if session.get_one(Job, job_id).state in ENDED_JOBS:
                return
        time.sleep(0.05)
    raise TimeoutError(f"job {job_id} did not end")


@contextlib.contextmanager
def dispatching(settings: Settings, database: Database) -> Iterator[None]:
    stop, dispatcher = threading.Event(), Dispatcher(settings, database)
    thread = threading.Thread(target=lambda: asyncio.run(dispatcher.run(stop)))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextlib.contextmanager
def data_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="evalsvc-scale-") as name:
        yield Path(name)


def write_answers(folder: Path) -> Path:
    path = folder / "answers.jsonl"
    rows = [{"problem": i, "response": "\\boxed{7}"} for i in range(200)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def main() -> int:
    """Run all; 0 when every target is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--skip-workers", action="store_true", help="only the queue")
    arguments = parser.parse_args()
    figures = []
    with data_folder() as folder:
        figures += queue_figures(Settings(data=folder), "SQLite")
    with data_folder() as folder, running_postgresql() as server:
        url = server.url(server.create())
        figures += queue_figures(Settings(data=folder, database_url=url), "PostgreSQL")
    figures.append(simulated())
    details = {}
    if not arguments.skip_workers:
        rates = {n: samples_per_second(n) for n in (1, EIGHT)}
        details = {f"samples_per_second_{n}_workers": rate for n, rate in rates.items()}
        linear = rates[EIGHT] / (EIGHT * rates[1])
        figures.append(
            Figure("replay workers 1 -> 8", linear, 0.95, "higher", " of linear",
                   "samples/s of 8 against 8 x those of 1, simulated work")
        )  # fmt: skip
    return Report("scale", figures, details).publish()


if __name__ == "__main__":
    sys.exit(main())
