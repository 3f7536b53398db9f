"""The server at scale, on both databases: submit, choose, complete, compare, samples.

The database holds 100 evaluations of 5,000 problems x 256 samples, and 10,000 waiting shards.
Requests go one after another, over HTTP, to `evalsvc serve` in its own process. Every comparison is
of a new pair, at all nine k; those made in the first seconds after the start, while the server
still reads ahead, are in the details. The same requests with 10 evaluations show how times grow.
Choosing and completing have no route: `bench.queueing` times them in this process, with 100,000
waiting shards.
"""

import json
import random
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import func, insert, select

from bench import queueing
from bench.data import Load, fill
from bench.databases import NAMES, settings_on
from bench.report import Figure, Report, percentiles
from bench.serving import serving
from bench.workload import source_folder
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.identifiers import new_id
from evalsvc.store.models import Shard

WAITING_SHARDS = 10_000
COMPARED, SUBMITTED, SHOWN = 60, 200, 200
WARMING, WARMING_SECONDS = 10, 10.0  # after a start the server reads counts ahead for seconds
LOAD = Load()
TENTH = Load(steps=LOAD.steps[: len(LOAD.steps) // 10])
GROWTH_TARGET = 3.0  # for ten times as many evaluations; linear would be 10
OUTPUTS = "mathvision/outputs-qwen-vl-max-cot.jsonl"


def main() -> int:
    figures: list[Figure] = []
    details: dict[str, Any] = {}
    for name in NAMES:
        with settings_on(name) as settings:
            small = asked(settings, TENTH)
        with settings_on(name) as settings:
            large = asked(settings, LOAD)
        with settings_on(name) as settings:
            queue_figures, queue_times = queueing.measure(settings, name)
        figures += [*server_figures(name, large), growth(name, small, large), *queue_figures]
        details[name] = {
            "10 evaluations": small,
            "100 evaluations": large,
            "in process, milliseconds": queue_times,
        }
    return Report("server", figures, details).publish()


def asked(settings: Settings, load: Load) -> dict[str, Any]:
    """Fill a database and query it: milliseconds by request, memory, sizes on disk."""
    with closing(Database(settings.resolved_database_url)) as database:
        empty = _bytes(database, upgrade=True)
        with database.write() as session:
            evaluations = fill(session, load)
        filled = _bytes(database) - empty
        _insert_waiting(database, evaluations)
    with serving(settings) as server:  # separate: judging is not part of the measured load
        shown, transcript_bytes = import_samples(server.http, settings)
    with serving(settings) as server:
        compare, pairs = comparing(server.http)
        milliseconds = {"compare while the server reads ahead": timed(WARMING, compare)}
        time.sleep(WARMING_SECONDS)
        milliseconds |= {
            "compare": timed(pairs - WARMING, lambda i: compare(WARMING + i)),
            "submit": timed(SUBMITTED, submitting(server.http, settings.data)),
            "samples": timed(SHOWN, showing(server.http, shown)),
        }
        memory = server.peak_memory_mb()
    samples = load.evaluations * load.benchmarks[0][1] * load.samples
    return {
        "milliseconds": {what: percentiles(values) for what, values in milliseconds.items()},
        "memory_mb": round(memory, 1),
        "database_bytes_a_sample": round(filled / samples, 3),
        "transcript_bytes_a_sample": round(transcript_bytes, 1),
    }


def server_figures(name: str, large: Mapping[str, Any]) -> list[Figure]:
    """The figures of the full load against their targets."""
    times = large["milliseconds"]
    return [
        Figure(f"compare, 100 x 5,000 x 256, p95, {name}", times["compare"]["p95"], 200, "lower",
               " ms", "a pair not asked for before, nine k"),
        Figure(f"submit over HTTP, 10,000 shards waiting, p99, {name}", times["submit"]["p99"], 50,
               "lower", " ms"),
        Figure(f"a page of samples, p95, {name}", times["samples"]["p95"], 100, "lower", " ms"),
        Figure(f"server memory, {name}", large["memory_mb"], 300, "lower", " MB",
               "the most that it ever held"),
        Figure(f"database, bytes a sample, {name}", large["database_bytes_a_sample"], 2, "lower",
               " B"),
    ]  # fmt: skip


def growth(name: str, small: Mapping[str, Any], large: Mapping[str, Any]) -> Figure:
    """The request whose median grew most from 10 to 100 evaluations."""
    grown = {
        what: large["milliseconds"][what]["p50"] / small["milliseconds"][what]["p50"]
        for what in ("compare", "submit", "samples")
    }
    steepest = max(grown, key=lambda what: grown[what])
    return Figure(
        f"growth from 10 to 100 evaluations, {name}",
        grown[steepest],
        GROWTH_TARGET,
        "lower",
        "x",
        f"medians; the steepest: {steepest}",
    )


def _bytes(database: Database, *, upgrade: bool = False) -> int:
    """Size of the database on disk."""
    if upgrade:
        database.upgrade()
    if database.sqlite_path:
        with database.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        return database.sqlite_path.stat().st_size
    with database.read() as session:
        return session.scalar(select(func.pg_database_size(func.current_database()))) or 0


def _insert_waiting(database: Database, evaluations: list[str]) -> None:
    rows = [
        {
            "id": new_id(),
            "evaluation_id": evaluations[i % len(evaluations)],
            "ordinal": i,
            "problems": [i % 5000],
            "sample_start": 256,
            "sample_stop": 272,
            "size": 16,
        }
        for i in range(WAITING_SHARDS)
    ]
    with database.write() as session:
        session.execute(insert(Shard), rows)


def import_samples(http: httpx.Client, settings: Settings) -> tuple[str, float]:
    """An evaluation with real responses, 16 to each smoke problem: (id, transcript bytes each)."""
    lines = (source_folder() / OUTPUTS).read_text(encoding="utf-8").splitlines()
    texts = [json.loads(line)["response"] for line in lines]
    responses = [
        {"problem_id": f"smoke-{i // 16:03d}", "response": texts[i % len(texts)]}
        for i in range(200 * 16)
    ]
    body = {"format": "jsonl", "run": "shown", "benchmark": "smoke", "responses": responses}
    made = http.post("/v1/imports", json=body).raise_for_status().json()
    folder = Path(settings.resolved_artifacts)
    written = sum(path.stat().st_size for path in folder.rglob("*.parquet"))
    return str(made["evaluation"]), written / len(responses)


def comparing(http: httpx.Client) -> tuple[Callable[[int], None], int]:
    """An action that compares a new pair each time, and the number of pairs."""
    items = http.get("/v1/evaluations", params={"limit": 500, "benchmark": "math"}).json()["items"]
    sides = [f"{item['run']}@{item['step']}" for item in items]
    pairs = [(a, b) for a in sides for b in sides if a < b]
    random.Random(0).shuffle(pairs)
    # The first comparison of a process imports SciPy: count that as startup.
    _compare(http, pairs.pop())
    return lambda i: _compare(http, pairs[i]), min(len(pairs), WARMING + COMPARED)


def _compare(http: httpx.Client, pair: tuple[str, str]) -> None:
    query = {"baseline": pair[0], "candidate": pair[1]}
    answer = http.get("/v1/compare", params=query).raise_for_status()
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

    submit(SUBMITTED)  # the first submission reads the benchmark's rows
    return submit


def showing(http: httpx.Client, evaluation: str) -> Callable[[int], None]:
    """Read a page of samples of a random problem."""
    chosen = random.Random(1)

    def show(_: int) -> None:
        path = f"/v1/evaluations/{evaluation}/rows/{chosen.randrange(200)}/samples"
        assert len(http.get(path).raise_for_status().json()["items"]) == 16

    return show


def timed(count: int, action: Callable[[int], None]) -> list[float]:
    """Milliseconds of each of `count` actions."""
    return [queueing.timed(partial(action, i)) for i in range(count)]


if __name__ == "__main__":
    sys.exit(main())
