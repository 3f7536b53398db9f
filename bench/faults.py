"""Check that nothing is lost or duplicated when workers and servers are killed repeatedly.

    python -m bench.faults                                      # both databases, 50 kills on each
    python -m bench.faults --database postgresql --kills 50
    python -m bench.faults --engine vllm --checkpoint FOLDER --database sqlite --kills 5

One job runs twice: once undisturbed, and once while a random victim (a worker, or the dispatcher's
process, which is then restarted) gets a kill -9 at random moments; `--kills` sets how many, spread
over the whole job. Afterwards the multiset of (problem, sample) must be exact, in the database and
in the transcripts, and all metrics must be the same. Exits with 1 otherwise.
"""

import argparse
import contextlib
import json
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bench.report import Figure, Report
from bench.victims import Server
from evalsvc.api.state import State
from evalsvc.artifacts import ArtifactStore
from evalsvc.catalogue import Catalogue
from evalsvc.services.jobs.submission import submit
from evalsvc.settings import Settings
from evalsvc.specs import JobRequest
from evalsvc.store.database import Database
from evalsvc.store.models import Evaluation, Job, ProblemResult, Shard
from evalsvc.store.repositories import results
from evalsvc.store.states import ENDED_JOBS, JobState, ShardState

MOST_DELAY_SECONDS = 2.0  # of a kill, once the job has progressed far enough for it
LOOK_SECONDS = 0.05
DATABASES = ("sqlite", "postgresql")


@dataclass(frozen=True)
class Plan:
    """The job, and how it is disturbed."""

    settings: Settings
    request: JobRequest
    kills: int
    samples: int  # of the whole job
    seed: int
    limit_seconds: float


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job."""

    state: str
    error: str | None
    seconds: float
    exit_code: int  # of the dispatcher, when it was stopped at the end
    server_kills: int
    worker_kills: int
    samples: Counter[tuple[int, int]]  # from the shards' transcripts
    masks: Mapping[int, tuple[int, ...]]  # per problem, from the database
    metrics: dict[str, Any]


def run(plan: Plan) -> Outcome:
    """Run the job to its end, killing as planned, and read the outcome."""
    database = Database(plan.settings.resolved_database_url)
    database.upgrade()
    with database.write() as session:
        job_id = submit(
            session,
            plan.request,
            owner="bench",
            idempotency_key=None,
            preparation=State(plan.settings, database).preparation,
        ).id
    server = Server(plan.settings)
    server.start()
    started = time.monotonic()
    kills = _disturb(server, database, job_id, plan)
    seconds = time.monotonic() - started
    code = server.stop()
    outcome = _read(database, plan.settings, job_id, seconds, code, kills)
    database.close()
    return outcome


def _disturb(server: Server, database: Database, job_id: str, plan: Plan) -> Counter[str]:
    """Kill until the job has ended; return how often each kind of victim was killed.

    The i-th kill comes at a random moment after the i-th part of the samples is done, so that all
    kills hit the job, however fast the machine is.
    """
    chance = random.Random(plan.seed)
    kills: Counter[str] = Counter()
    deadline = time.monotonic() + plan.limit_seconds
    kill_at = None
    while time.monotonic() < deadline:
        time.sleep(LOOK_SECONDS)
        if not server.is_alive:
            server.start()
        with database.read() as session:
            if session.get_one(Job, job_id).state in ENDED_JOBS:
                break
            done = session.scalar(select(func.sum(Evaluation.samples_seen))) or 0
        share = kills.total() / (plan.kills + 1)
        if kills.total() == plan.kills or done < share * plan.samples:
            continue
        if kill_at is None:
            kill_at = time.monotonic() + chance.uniform(0, MOST_DELAY_SECONDS)
        elif time.monotonic() >= kill_at:
            server.kill_one(chance, kills)
            kill_at = None
    return kills


def _read(
    database: Database,
    settings: Settings,
    job_id: str,
    seconds: float,
    exit_code: int,
    kills: Counter[str],
) -> Outcome:
    artifacts = ArtifactStore(settings.resolved_artifacts)
    samples: Counter[tuple[int, int]] = Counter()
    with database.read() as session:
        job = session.get_one(Job, job_id)
        evaluation = session.scalars(select(Evaluation)).one()
        for shard in session.scalars(select(Shard).where(Shard.state == ShardState.DONE)):
            for row in artifacts.read_all(str(shard.artifact)):
                samples[row["problem"], row["sample"]] += 1
        masks = {
            problem: (m.sampled, m.correct, m.truncated, m.no_answer, m.failed, m.tokens)
            for problem, m in results.read_masks(session, evaluation.id).items()
        }
        counted = session.execute(select(ProblemResult.n, ProblemResult.c)).all()
        metrics = {
            "problems": evaluation.problems_seen,
            "samples": evaluation.samples_seen,
            "correct": evaluation.samples_correct,
            "truncated": evaluation.samples_truncated,
            "no_answer": evaluation.samples_no_answer,
            "tokens": evaluation.output_tokens,
            "pass@1": sum(c / n for n, c in counted) / max(1, len(counted)),
        }
    return Outcome(
        state=job.state,
        error=job.error,
        seconds=seconds,
        exit_code=exit_code,
        server_kills=kills["server"],
        worker_kills=kills["worker"],
        samples=samples,
        masks=masks,
        metrics=metrics,
    )


def judge(
    calm: Outcome, disturbed: Outcome, *, problems: int, samples: int, kills: int
) -> list[str]:
    """The differences found; empty if all is well."""
    wanted = Counter({(p, s): 1 for p in range(problems) for s in range(samples)})
    faults = []
    for name, outcome in (("undisturbed", calm), ("disturbed", disturbed)):
        if outcome.state != JobState.DONE:
            faults.append(f"the {name} job is {outcome.state}: {outcome.error}")
        if outcome.samples != wanted:
            lost, extra = wanted - outcome.samples, outcome.samples - wanted
            faults.append(f"{name}: {lost.total()} samples lost, {extra.total()} too many")
        if outcome.exit_code != 0:
            faults.append(f"{name}: the dispatcher ended with code {outcome.exit_code}, not 0")
    made = disturbed.server_kills + disturbed.worker_kills
    if made != kills:
        faults.append(f"the job ended after {made} of {kills} kills")
    if calm.masks != disturbed.masks:
        faults.append("the bits of samples differ between the two runs")
    if calm.metrics != disturbed.metrics:
        faults.append(f"the metrics differ: {calm.metrics} and {disturbed.metrics}")
    return faults


def compare(arguments: argparse.Namespace, database: str) -> dict[str, Any]:
    """Report on both runs, each with its own data folder and `database`."""
    outcomes = []
    for kills in (0, arguments.kills):
        with _place(arguments, database) as settings:
            plan = Plan(
                settings=settings,
                request=_request(arguments, settings.data),
                kills=kills,
                samples=arguments.problems * arguments.samples,
                seed=arguments.seed,
                limit_seconds=arguments.limit,
            )
            outcomes.append(run(plan))
    calm, disturbed = outcomes
    return {
        "database": database,
        "engine": arguments.engine,
        "samples": sum(calm.samples.values()),
        "kills": disturbed.server_kills + disturbed.worker_kills,
        "kills_of_server": disturbed.server_kills,
        "kills_of_worker": disturbed.worker_kills,
        "seconds_undisturbed": round(calm.seconds, 1),
        "seconds_disturbed": round(disturbed.seconds, 1),
        "metrics_undisturbed": calm.metrics,
        "metrics_disturbed": disturbed.metrics,
        "faults": judge(
            calm,
            disturbed,
            problems=arguments.problems,
            samples=arguments.samples,
            kills=arguments.kills,
        ),
    }


@contextlib.contextmanager
def _place(arguments: argparse.Namespace, database: str) -> Iterator[Settings]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evalsvc-faults-")))
        url = ""
        if database == "postgresql":
            from tests.support.postgresql import running_postgresql  # noqa: PLC0415 - optional

            postgresql = stack.enter_context(running_postgresql())
            url = postgresql.url(postgresql.create())
        yield Settings(
            data=folder,
            database_url=url,
            workers=arguments.workers,
            verifier_processes=1,
            shard_target_seconds=arguments.shard_seconds,
        )


def _request(arguments: argparse.Namespace, data: Path) -> JobRequest:
    common = {
        "run": "faults",
        "benchmarks": [{"name": "smoke", "first": arguments.problems}],
        "samples": arguments.samples,
        "max_tokens": 64,
    }
    if arguments.engine == "vllm":
        return JobRequest.model_validate(
            {**common, "checkpoint": arguments.checkpoint, "engine": "vllm"}
        )
    answers = data / "answers.jsonl"
    _write_answers(answers, arguments.problems, arguments.seed)
    options = {
        "answers": str(answers),
        "seconds_per_sample": arguments.seconds_per_sample,
        "concurrency": 8,
    }
    return JobRequest.model_validate(
        {**common, "checkpoint": "replayed", "engine": "replay", "engine_options": options}
    )


def _write_answers(path: Path, problems: int, seed: int) -> None:
    chance = random.Random(seed)
    golds = [problem.gold for problem in Catalogue().load("smoke", path.parent)]
    with path.open("w", encoding="utf-8") as out:
        for problem in range(problems):
            kinds = [f"\\boxed{{{golds[problem]}}}", "\\boxed{99999}", "no idea"]
            responses = [chance.choice(kinds) for _ in range(8)]
            out.write(json.dumps({"problem": problem, "responses": responses}) + "\n")


def main() -> int:
    """Run from the command line; 0 when nothing was lost, duplicated or changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--database", choices=DATABASES, help="both by default")
    parser.add_argument("--engine", choices=("replay", "vllm"), default="replay")
    parser.add_argument("--checkpoint", default="", help="folder, for --engine vllm")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--seconds-per-sample", type=float, default=0.3)
    parser.add_argument("--shard-seconds", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=1800, help="seconds for each of both runs")
    arguments = parser.parse_args()
    chosen = [arguments.database] if arguments.database else DATABASES
    details = {database: compare(arguments, database) for database in chosen}
    for database, found in details.items():
        for fault in found["faults"]:
            print(f"FAULT    {database}: {fault}")
    return Report("faults", [_figure(found) for found in details.values()], details).publish()


def _figure(found: dict[str, Any]) -> Figure:
    what = f"faults after {found['kills']} kill -9, {found['database']}, {found['engine']}"
    how = f"of {found['samples']} samples; undisturbed beside disturbed"
    return Figure(what, len(found["faults"]), 0, "lower", "", how)


if __name__ == "__main__":
    sys.exit(main())
