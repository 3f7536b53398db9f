"""Cost of the queue at scale: submit, choose and complete, on either database.

Submissions are timed while 10,000 shards wait, choices and completions while 100,000 do. A choice
is the policy's over all waiting shards, with the transaction that takes the shard; a completion is
the transaction that stores a shard's results and state. All use the server's own code, not HTTP.
"""

import contextlib
import json
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.report import Figure, percentiles
from evalsvc.api.state import State
from evalsvc.catalogue import Catalogue
from evalsvc.dispatch.ledger import Ledger
from evalsvc.dispatch.ready_queue import ReadyQueue
from evalsvc.services.jobs.submission import submit
from evalsvc.settings import Settings
from evalsvc.specs import JobRequest, ProblemTally, ShardResult, ShardSpec
from evalsvc.store.database import Database

CATALOGUE = Catalogue()
SUBMISSIONS, CHOICES = 300, 300
OWNERS = 8
ONE_SAMPLE_SECONDS = 1e-9  # a target that makes shards as small as possible


def timed(action: Callable[[], object]) -> float:
    """Milliseconds."""
    started = time.perf_counter()
    action()
    return 1000 * (time.perf_counter() - started)


def write_answers(folder: Path) -> Path:
    """The same answer to every smoke problem, for the replay engine."""
    path = folder / "answers.jsonl"
    rows = [{"problem": i, "response": "\\boxed{7}"} for i in range(200)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def replay_job(
    answers: Path,
    label: str,
    samples: int,
    problems: int = 200,
    options: Mapping[str, Any] = MappingProxyType({}),
) -> JobRequest:
    """A replay-engine job over the smoke problems, with further `options`."""
    return JobRequest.model_validate(
        {
            "checkpoint": label,
            "run": label,
            "benchmarks": [{"name": "smoke", "first": problems}],
            "samples": samples,
            "engine": "replay",
            "engine_options": {"answers": str(answers), **options},
        }
    )


def place(database: Database, settings: Settings, request: JobRequest, owner: str = "bench") -> str:
    """Submit without HTTP; return the job's id."""
    with database.write() as session:
        placed = submit(
            session,
            request,
            owner=owner,
            idempotency_key=None,
            preparation=State(settings, database).preparation,
        )
        return placed.id


def right_result(shard: ShardSpec, seconds: float) -> ShardResult:
    """A result of `shard` in which the first sample of each problem is right."""
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
        verifier="bench",
        seconds=seconds,
        output_tokens=700 * shard.size,
    )


def measure(settings: Settings, name: str) -> tuple[list[Figure], dict[str, dict[str, float]]]:
    """Figures and their percentiles in milliseconds, starting from an empty database."""
    answers = write_answers(settings.data)
    single = settings.model_copy(update={"shard_target_seconds": ONE_SAMPLE_SECONDS})
    with contextlib.closing(Database(settings.resolved_database_url)) as database:
        database.upgrade()
        place(database, single, replay_job(answers, "waiting-0", samples=50))
        submissions = [
            timed(partial(place, database, settings, replay_job(answers, f"new-{i}", samples=4)))
            for i in range(SUBMISSIONS)
        ]
        for i in range(1, 10):
            owner = f"user-{i % OWNERS}"
            place(database, single, replay_job(answers, f"waiting-{i}", 50), owner)
        ledger = Ledger(database, "bench", shard_target_seconds=ONE_SAMPLE_SECONDS)
        queue = ReadyQueue(database)
        queue.poll()
        taken: list[ShardSpec] = []
        choices = [timed(lambda: taken.append(_choose(queue, ledger))) for _ in range(CHOICES)]
        completions = [
            timed(partial(ledger.complete, right_result(shard, seconds=60.0))) for shard in taken
        ]
    shown = {
        "submit, 10,000 shards waiting": percentiles(submissions),
        "choose and take, 100,000 shards waiting": percentiles(choices),
        "complete, 100,000 shards waiting": percentiles(completions),
    }
    targets = dict(zip(shown, (50, 20, 20), strict=True))
    figures = [
        Figure(f"{what}, p99, {name}", values["p99"], targets[what], "lower", " ms", "in process")
        for what, values in shown.items()
    ]
    return figures, shown


def _choose(queue: ReadyQueue, ledger: Ledger) -> ShardSpec:
    """What the dispatcher does when a slot is free."""
    while True:
        queue.poll()
        chosen = queue.choose(None, {}, time.time())
        assert chosen is not None
        queue.sent(chosen.evaluation_id, time.time())
        if taken := ledger.take(chosen.evaluation_id, ["worker"], 16):
            return taken[0]
        queue.touch(chosen.evaluation_id)
