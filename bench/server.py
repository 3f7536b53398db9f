"""The server under load, over real HTTP: compare, submit, samples, memory, on both databases.

In the database are 100 evaluations of 5,000 problems x 256 samples, and 10,000 shards that wait.
Requests go one after another to `evalsvc serve` in a process of its own. Every comparison is of a
pair that was not asked for before, at all nine k; those made in the first seconds after the start,
while the server still reads ahead, are in the details.
"""

import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from sqlalchemy import insert

from bench.data import Load, fill
from bench.report import Figure, Report
from evalsvc.store.database import Database
from evalsvc.store.identifiers import new_id
from evalsvc.store.models import Shard
from tests.support.postgresql import running_postgresql

WAITING_SHARDS = 10_000
COMPARED, SUBMITTED, SHOWN = 60, 200, 200
WARMING, WARMING_SECONDS = 10, 10.0  # after a start the server reads counts ahead for seconds
START_SECONDS = 120.0
LOAD = Load()


@dataclass(frozen=True)
class Served:
    """A running server."""

    http: httpx.Client
    pid: int

    @property
    def memory_mb(self) -> float:
        """Resident memory."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        (line,) = [line for line in lines if line.startswith("VmRSS")]
        return int(line.split()[1]) / 1024


def main() -> int:
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        made, details["sqlite"] = measure(path / "sqlite", "", "SQLite")
        figures += made
        with running_postgresql() as server:
            url = server.url(server.create())
            made, details["postgresql"] = measure(path / "postgresql", url, "PostgreSQL")
            figures += made
    return Report("server", figures, details).publish()


def measure(data: Path, url: str, name: str) -> tuple[list[Figure], dict[str, Any]]:
    """Fill a database, serve it, ask."""
    environ = {"EVALSVC_DATA": str(data), "EVALSVC_DATABASE_URL": url, "EVALSVC_ENGINE": "replay"}
    target = url or f"sqlite:///{data / 'evalsvc.db'}"
    with closing(Database(target)) as database:
        size = prepare(database)
    with serving(data, environ) as server:  # one of its own: judging is not the load measured here
        shown_evaluation = import_samples(server.http)
    with serving(data, environ) as server:
        compare = comparing(server.http)
        seconds = {"compare while the server reads ahead": timed(WARMING, compare)}
        time.sleep(WARMING_SECONDS)
        seconds |= {
            "compare": timed(COMPARED, lambda i: compare(WARMING + i)),
            "submit": timed(SUBMITTED, submitting(server.http, data)),
            "samples": timed(SHOWN, showing(server.http, shown_evaluation)),
        }
        memory = server.memory_mb
    shown = {what: percentiles(values) for what, values in seconds.items()}
    samples = LOAD.evaluations * LOAD.benchmarks[0][1] * LOAD.samples
    figures = [
        Figure(f"compare, 100 x 5,000 x 256, p95, {name}", shown["compare"]["p95"], 200, "lower",
               " ms", "a pair not asked for before, nine k"),
        Figure(f"submit, 10,000 shards waiting, p99, {name}", shown["submit"]["p99"], 50, "lower",
               " ms", "over HTTP"),
        Figure(f"a page of samples, p95, {name}", shown["samples"]["p95"], 100, "lower", " ms"),
        Figure(f"server memory, {name}", memory, 300, "lower", " MB", "after all of this"),
    ]  # fmt: skip
    if size:
        figures.append(
            Figure(f"database, bytes per sample, {name}", size / samples, 2, "lower", " B")
        )
    return figures, {"milliseconds": shown, "memory_mb": memory, "database_bytes": size}


def prepare(database: Database) -> int:
    """The load and the waiting shards. Returns the size of the file (0 on PostgreSQL)."""
    database.upgrade()
    with database.write() as session:
        made = fill(session, LOAD)
    with database.write() as session:
        session.execute(
            insert(Shard),
            [
                {
                    "id": new_id(),
                    "evaluation_id": made[i % len(made)],
                    "ordinal": i,
                    "problems": [i % 5000],
                    "sample_start": 256,
                    "sample_stop": 272,
                    "size": 16,
                }
                for i in range(WAITING_SHARDS)
            ],
        )
    return database.sqlite_path.stat().st_size if database.sqlite_path else 0


@contextmanager
def serving(data: Path, environ: dict[str, str]) -> Iterator[Served]:
    """`evalsvc serve` on a free port."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / "serve.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", "from evalsvc.cli import main; main()", "serve", "--port", "0"],
            env={**os.environ, **environ},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (data / "server.json").exists():
            assert process.poll() is None, (data / "serve.log").read_text()
            assert time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)
        url = json.loads((data / "server.json").read_text())["url"]
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            http.get("/v1/workers").raise_for_status()
            yield Served(http, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def comparing(http: httpx.Client) -> Callable[[int], None]:
    """Compare another pair each time."""
    items = http.get("/v1/evaluations", params={"limit": 500, "benchmark": "math"}).json()["items"]
    sides = [f"{item['run']}@{item['step']}" for item in items]
    pairs = random.Random(0).sample(
        [(a, b) for a in sides for b in sides if a < b], WARMING + COMPARED + 1
    )
    # The first comparison of a process imports SciPy; that is a start and no request.
    _compare(http, pairs.pop())
    return lambda i: _compare(http, pairs[i])


def _compare(http: httpx.Client, pair: tuple[str, str]) -> None:
    asked = {"baseline": pair[0], "candidate": pair[1]}
    answer = http.get("/v1/compare", params=asked).raise_for_status()
    assert len(answer.json()["items"]) == 9


def submitting(http: httpx.Client, data: Path) -> Callable[[int], None]:
    """Submit another checkpoint each time."""
    answers = data / "answers.jsonl"
    answers.write_text(json.dumps({"problem": 0, "response": "\\boxed{1}"}) + "\n")

    def submit(i: int) -> None:
        body = {
            "checkpoint": f"label-{i}",
            "run": "bench",
            "step": i,
            "benchmarks": ["smoke"],
            "samples": 16,
            "engine_options": {"answers": str(answers)},
        }
        http.post("/v1/jobs", json=body).raise_for_status()

    submit(SUBMITTED)  # the benchmark's rows are read with the first submission
    return submit


def import_samples(http: httpx.Client) -> str:
    """An evaluation with transcripts: 16 samples of each smoke problem. Returns its id."""
    words = "so we add the two numbers and carry the one, which gives us in the end "
    responses = [
        {"problem_id": f"smoke-{p:03d}", "response": f"{words * 20}{s} \\boxed{{{s}}}"}
        for p in range(200)
        for s in range(16)
    ]
    body = {"format": "jsonl", "run": "shown", "benchmark": "smoke", "responses": responses}
    return str(http.post("/v1/imports", json=body).raise_for_status().json()["evaluation"])


def showing(http: httpx.Client, evaluation: str) -> Callable[[int], None]:
    """Read a page of samples of a random problem."""
    chosen = random.Random(1)

    def show(_: int) -> None:
        path = f"/v1/evaluations/{evaluation}/problems/{chosen.randrange(200)}/samples"
        assert len(http.get(path).raise_for_status().json()["items"]) == 16

    return show


def timed(count: int, action: Callable[[int], None]) -> list[float]:
    """Milliseconds of each of `count` actions."""
    found = []
    for i in range(count):
        started = time.perf_counter()
        action(i)
        found.append(1000 * (time.perf_counter() - started))
    return found


def percentiles(values: list[float]) -> dict[str, float]:
    return {f"p{p}": float(np.percentile(values, p)) for p in (50, 95, 99)}


if __name__ == "__main__":
    sys.exit(main())
