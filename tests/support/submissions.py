"""Jobs for tests of store and dispatch: the smoke benchmark, answered from a file."""

import json
from pathlib import Path
from typing import Any

from evalsvc.catalogue import Catalogue
from evalsvc.services.jobs.admission import CheckpointCache
from evalsvc.services.jobs.datasets import DatasetCache
from evalsvc.services.jobs.resolution import Preparation
from evalsvc.services.jobs.submission import submit
from evalsvc.settings import Settings
from evalsvc.specs import JobRequest, ProblemTally, ShardResult, ShardSpec
from evalsvc.store.database import Database

CATALOGUE = Catalogue()
SMOKE_PROBLEMS = 200


def write_answers(path: Path, problems: int = SMOKE_PROBLEMS, responses: int = 4) -> Path:
    """Answers to the first smoke problems: some right, some wrong, some without an answer."""
    golds = [problem.gold for problem in CATALOGUE.load("smoke", path.parent)][:problems]
    with path.open("w", encoding="utf-8") as out:
        for problem, gold in enumerate(golds):
            texts = [
                [f"It is \\boxed{{{gold}}}.", "\\boxed{12345}", "I do not know."][
                    (problem + 2 * sample) % 3
                ]
                for sample in range(responses)
            ]
            out.write(json.dumps({"problem": problem, "responses": texts}) + "\n")
    return path


def request(answers: Path, **changes: Any) -> JobRequest:
    """A job of the replay engine over the first ten smoke problems, four samples each."""
    engine_options = {"answers": str(answers), **changes.pop("engine_options", {})}
    return JobRequest.model_validate(
        {
            "checkpoint": "replayed",
            "run": "run",
            "benchmarks": [{"name": "smoke", "first": 10}],
            "samples": 4,
            "engine": "replay",
            "engine_options": engine_options,
            **changes,
        }
    )


def preparation(settings: Settings) -> Preparation:
    """What checks the requests of these tests."""
    return Preparation(settings, DatasetCache(CATALOGUE, settings.data), CheckpointCache())


def place(
    database: Database,
    settings: Settings,
    job: JobRequest,
    *,
    owner: str = "local",
    key: str | None = None,
) -> str:
    """Submit in a transaction of its own; returns the job's id."""
    with database.write() as session:
        return submit(
            session,
            job,
            owner=owner,
            idempotency_key=key,
            preparation=preparation(settings),
        ).id


def tally(problem: int, n: int, correct: int = 0, **changes: Any) -> ProblemTally:
    """n samples, of which those in the mask `correct` are right."""
    values = {
        "problem": problem,
        "problem_id": str(problem),
        "n": n,
        "sampled": f"{(1 << n) - 1:x}",
        "correct": f"{correct:x}",
        "truncated": "0",
        "no_answer": "0",
        "failed": "0",
        "tokens": 10 * n,
    }
    return ProblemTally.model_validate({**values, **changes})


def result(spec: ShardSpec, correct: int = 1, **changes: Any) -> ShardResult:
    """A whole result of a shard, each problem with the mask `correct`."""
    values = {
        "shard_id": spec.shard_id,
        "epoch": spec.epoch,
        "tallies": [tally(p, spec.samples_per_problem, correct) for p in spec.problems],
        "artifact": spec.artifact,
        "verifier": "test",
        "seconds": 1.0,
        "output_tokens": 10 * spec.size,
    }
    return ShardResult.model_validate({**values, **changes})
