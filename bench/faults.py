"""Does anything get lost or doubled when workers and servers are killed again and again?

    python -m bench.faults --database sqlite --kills 50
    python -m bench.faults --database postgresql --kills 50
    python -m bench.faults --engine vllm --checkpoint FOLDER --kills 5

One job, twice: undisturbed, and while a random victim (a worker, or the server process with its
dispatcher, which is then started again) gets a kill -9 every so often. Afterwards the multiset of
(problem, sample) must be exact, in the database and in the transcripts, and all metrics the same.
Exits with 1 otherwise.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from sqlalchemy import select

from bench.report import Figure, Report
from evalsvc.artifacts import ArtifactStore
from evalsvc.catalogue import Catalogue
from evalsvc.dispatch.submission import submit
from evalsvc.settings import Settings
from evalsvc.specs import JobRequest
from evalsvc.store.database import Database
from evalsvc.store.models import Evaluation, Job, ProblemResult, Shard
from evalsvc.store.repositories import results
from evalsvc.store.states import ENDED_JOBS, JobState, ShardState

SERVER_SHARE = 1 / 3  # of the kills that hit the server; the others hit a worker
WORKER = "evalsvc.worker"


@dataclass(frozen=True)
class Plan:
    """What is run, and how it is disturbed."""

    settings: Settings
    request: JobRequest
    kills: int
    every_seconds: float
    seed: int
    limit_seconds: float


@dataclass(frozen=True)
class Outcome:
    """What a job came to."""

    state: str
    error: str | None
    seconds: float
    server_kills: int
    worker_kills: int
    samples: Counter[tuple[int, int]]  # as the shards' transcripts have them
    masks: Mapping[int, tuple[int, ...]]  # per problem, as the database has them
    metrics: dict[str, Any]


class Server:
    """`evalsvc dispatch` as a process of its own, which may be killed and started again."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {
            **os.environ,
            "EVALSVC_DATA": str(settings.data),
            "EVALSVC_DATABASE_URL": settings.resolved_database_url,
            "EVALSVC_WORKERS": str(settings.workers),
            "EVALSVC_VERIFIER_PROCESSES": str(settings.verifier_processes),
            "EVALSVC_SHARD_TARGET_SECONDS": str(settings.shard_target_seconds),
        }
        self._log = (settings.data / "server.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("evalsvc")), "dispatch"],
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """As a crash: nothing is tidied up."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """As an operator would; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=90)
        self._log.close()
        return code

    def workers(self) -> list[psutil.Process]:
        """The worker processes (not their guards, verifiers and engines)."""
        assert self._process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children()
            return [child for child in children if WORKER in _command(child)]
        return []


def run(plan: Plan) -> Outcome:
    """Run the job to its end, killing as planned, and read what it came to."""
    database = Database(plan.settings.resolved_database_url)
    database.upgrade()
    with database.write() as session:
        job_id = submit(
            session,
            plan.request,
            owner="bench",
            idempotency_key=None,
            settings=plan.settings,
            catalogue=Catalogue(plan.settings.benchmark_folders),
        ).id
    server = Server(plan.settings)
    server.start()
    started = time.monotonic()
    kills = _disturb(server, database, job_id, plan)
    seconds = time.monotonic() - started
    code = server.stop()
    if code != 0:
        print(f"  the server ended with code {code}, not 0", file=sys.stderr)
    outcome = _read(database, plan.settings, job_id, seconds, kills)
    database.close()
    return outcome


def _disturb(server: Server, database: Database, job_id: str, plan: Plan) -> Counter[str]:
    """Kill until the job has ended; returns what was killed how often."""
    chance = random.Random(plan.seed)
    kills: Counter[str] = Counter()
    deadline = time.monotonic() + plan.limit_seconds
    next_kill = time.monotonic() + plan.every_seconds
    while time.monotonic() < deadline:
        time.sleep(0.05)
        if not server.is_alive:
            server.start()
        with database.read() as session:
            if session.get_one(Job, job_id).state in ENDED_JOBS:
                break
        if kills.total() < plan.kills and time.monotonic() >= next_kill:
            next_kill = time.monotonic() + plan.every_seconds * chance.uniform(0.5, 1.5)
            _kill_one(server, chance, kills)
    return kills


def _kill_one(server: Server, chance: random.Random, kills: Counter[str]) -> None:
    workers = server.workers()
    if chance.random() < SERVER_SHARE:
        server.kill()
        kills["server"] += 1
    elif workers:
        with contextlib.suppress(psutil.NoSuchProcess):
            chance.choice(workers).kill()
            kills["worker"] += 1


def _read(
    database: Database, settings: Settings, job_id: str, seconds: float, kills: Counter[str]
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
        job.state, job.error, seconds, kills["server"], kills["worker"], samples, masks, metrics
    )


def judge(calm: Outcome, disturbed: Outcome, problems: int, samples: int) -> list[str]:
    """What is wrong; nothing, if all is well."""
    wanted = Counter({(p, s): 1 for p in range(problems) for s in range(samples)})
    faults = []
    for name, outcome in (("undisturbed", calm), ("disturbed", disturbed)):
        if outcome.state != JobState.DONE:
            faults.append(f"the {name} job is {outcome.state}: {outcome.error}")
        if outcome.samples != wanted:
            lost, extra = wanted - outcome.samples, outcome.samples - wanted
            faults.append(f"{name}: {lost.total()} samples lost, {extra.total()} too many")
    if calm.masks != disturbed.masks:
        faults.append("the bits of samples differ between the two runs")
    if calm.metrics != disturbed.metrics:
        faults.append(f"the metrics differ: {calm.metrics} and {disturbed.metrics}")
    return faults


def compare(arguments: argparse.Namespace) -> dict[str, Any]:
    """Both runs, each in a data folder and database of its own; the report."""
    outcomes = []
    for kills in (0, arguments.kills):
        with _place(arguments) as settings:
            plan = Plan(
                settings=settings,
                request=_request(arguments, settings.data),
                kills=kills,
                every_seconds=arguments.every,
                seed=arguments.seed,
                limit_seconds=arguments.limit,
            )
            outcomes.append(run(plan))
    calm, disturbed = outcomes
    return {
        "database": arguments.database,
        "engine": arguments.engine,
        "samples": sum(calm.samples.values()),
        "kills": disturbed.server_kills + disturbed.worker_kills,
        "kills_of_server": disturbed.server_kills,
        "kills_of_worker": disturbed.worker_kills,
        "seconds_undisturbed": round(calm.seconds, 1),
        "seconds_disturbed": round(disturbed.seconds, 1),
        "metrics_undisturbed": calm.metrics,
        "metrics_disturbed": disturbed.metrics,
        "faults": judge(calm, disturbed, arguments.problems, arguments.samples),
    }


@contextlib.contextmanager
def _place(arguments: argparse.Namespace) -> Iterator[Settings]:
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="evalsvc-faults-")))
        url = ""
        if arguments.database == "postgresql":
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


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []


def main() -> int:
    """Run from the command line; 0 when nothing was lost, doubled or changed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--engine", choices=("replay", "vllm"), default="replay")
    parser.add_argument("--checkpoint", default="", help="folder, for --engine vllm")
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--every", type=float, default=4.0, help="seconds between kills, about")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--problems", type=int, default=100)
    parser.add_argument("--samples", type=int, default=32)
    parser.add_argument("--seconds-per-sample", type=float, default=0.3)
    parser.add_argument("--shard-seconds", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--limit", type=float, default=1800, help="seconds for each of both runs")
    arguments = parser.parse_args()
    details = compare(arguments)
    for fault in details["faults"]:
        print(f"FAULT    {fault}")
    what = f"faults after {details['kills']} kill -9, {arguments.database}, {arguments.engine}"
    figure = Figure(
        what, len(details["faults"]), 0, "lower", "", f"of {details['samples']} samples"
    )
    return Report("faults", [figure], details).publish()


if __name__ == "__main__":
    sys.exit(main())
