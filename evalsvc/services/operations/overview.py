"""The state of the whole service: queue, workers, failures, latest results."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from evalsvc.services.operations.workers import WorkerView, list_workers
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation, now
from evalsvc.store.repositories import checkpoints, evaluations, jobs, shards
from evalsvc.store.states import LOST_SHARDS, EvaluationState, ShardState

RATE_WINDOW = timedelta(minutes=15)
JOBS_SHOWN = 25
FAILURES_SHOWN = 12
RESULTS_SHOWN = 15


@dataclass(frozen=True)
class Queue:
    """Shards and samples that wait or run; `samples_per_second` over the last quarter of an hour.

    `seconds_left` is None while nothing has been measured.
    """

    shards: dict[str, int]  # by state
    samples_waiting: int
    samples_running: int
    samples_per_second: float | None
    seconds_left: float | None


@dataclass(frozen=True)
class JobLine:
    """One living job: how far it is, in samples."""

    id: str
    run: str
    method: str
    step: int
    state: str
    owner: str
    benchmarks: tuple[str, ...]
    done: int
    failed: int
    total: int
    created_at: datetime


@dataclass(frozen=True)
class Failure:
    """Something that needs a person. `kind`: job, evaluation or checkpoint (`id` is its run)."""

    kind: str
    id: str
    title: str
    state: str
    message: str
    remedy: str
    at: datetime


@dataclass(frozen=True)
class Overview:
    """All that the front page says, but for the latest results (see `latest_results`)."""

    queue: Queue
    jobs: tuple[JobLine, ...]
    failures: tuple[Failure, ...]
    workers: tuple[WorkerView, ...]


def overview(session: Session) -> Overview:
    """The current state of the service."""
    return Overview(
        queue=queue(session),
        jobs=living_jobs(session),
        failures=failures(session),
        workers=list_workers(session),
    )


def queue(session: Session) -> Queue:
    """Counts of shards, and the remaining time by the measured rate."""
    found = shards.count_by_state(session)
    samples = {state: size for state, (_, size) in found.items()}
    waiting, running = samples.get(ShardState.READY, 0), samples.get(ShardState.RUNNING, 0)
    rate = measured_rate(session)
    left = (waiting + running) / rate if rate and waiting + running else None
    return Queue(
        {state: count for state, (count, _) in found.items()}, waiting, running, rate, left
    )


def measured_rate(session: Session, evaluation_ids: Sequence[str] | None = None) -> float | None:
    """Samples per second of the shards that ended recently; None without any."""
    since = now() - RATE_WINDOW
    samples, started = shards.finished_since(session, since, evaluation_ids)
    if not samples or started is None:
        return None
    seconds = (now() - max(started, since)).total_seconds()
    return samples / max(seconds, 1.0)


def living_jobs(session: Session) -> tuple[JobLine, ...]:
    """Jobs that wait or run, in the order in which they will be served."""
    living = jobs.living(session, JOBS_SHOWN)
    progress = _progress(session, [job.id for job, *_ in living])
    return tuple(
        JobLine(
            id=job.id,
            run=run,
            method=method,
            step=step,
            state=job.state,
            owner=job.owner,
            benchmarks=progress[job.id].benchmarks,
            done=progress[job.id].done,
            failed=progress[job.id].failed,
            total=progress[job.id].total,
            created_at=job.created_at,
        )
        for job, step, run, method in living
    )


@dataclass
class _Progress:
    benchmarks: tuple[str, ...] = ()
    done: int = 0
    failed: int = 0
    total: int = 0


def _progress(session: Session, job_ids: Sequence[str]) -> dict[str, _Progress]:
    """Samples by state of each job's evaluations."""
    found = {job: _Progress() for job in job_ids}
    for job, name in jobs.benchmarks_of(session, job_ids):
        found[job].benchmarks += (name,)
    for job, state, size in jobs.samples_by_state(session, job_ids):
        found[job].total += size
        if state == ShardState.DONE:
            found[job].done += size
        elif state in LOST_SHARDS:
            found[job].failed += size
    return found


def failures(session: Session) -> tuple[Failure, ...]:
    """The newest failures, each with a remedy."""
    found = [*_failed_jobs(session), *_failed_evaluations(session), *_failed_checkpoints(session)]
    found.sort(key=lambda failure: failure.at, reverse=True)
    return tuple(found[:FAILURES_SHOWN])


def _failed_jobs(session: Session) -> list[Failure]:
    """Failed jobs without a failed evaluation, which would be shown instead."""
    return [
        Failure(
            kind="job",
            id=job.id,
            title=f"Job {job.id}",
            state=job.state,
            message=job.error or "",
            remedy=job.remedy or "",
            at=job.finished_at or job.created_at,
        )
        for job in jobs.newest_failed(session, FAILURES_SHOWN)
    ]


def _failed_evaluations(session: Session) -> list[Failure]:
    """Evaluations with missing samples or a fault, except samples that a user cancelled."""
    rows = evaluations.newest_faulty(session, FAILURES_SHOWN)
    causes = _shard_causes(session, [row.id for row in rows])
    return [
        Failure(
            kind="evaluation",
            id=row.id,
            title=f"{row.checkpoint.run.name} @{row.checkpoint.step} on {row.benchmark}",
            # Done with a fault: every sample was requested, and some problems gave none.
            state=EvaluationState.INCOMPLETE if row.state == EvaluationState.DONE else row.state,
            message=row.error or causes.get(row.id, ("Samples are missing.", ""))[0],
            remedy=row.remedy or causes.get(row.id, ("", "Submit it again to add them."))[1],
            at=row.finished_at or row.created_at,
        )
        for row in rows
    ]


def _shard_causes(session: Session, evaluation_ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The error of the first failed shard of each evaluation, with the number of such shards."""
    count: dict[str, int] = {}
    causes: dict[str, tuple[str, str]] = {}
    for evaluation, error, remedy in shards.failures_of(session, evaluation_ids):
        count[evaluation] = count.get(evaluation, 0) + 1
        causes.setdefault(evaluation, (error or "A shard failed.", remedy or ""))
    return {
        evaluation: (error if count[evaluation] == 1 else f"{count[evaluation]} shards: {error}", r)
        for evaluation, (error, r) in causes.items()
    }


def _failed_checkpoints(session: Session) -> list[Failure]:
    return [
        Failure(
            kind="checkpoint",
            id=row.run.name,
            title=f"Checkpoint {row.run.name} @{row.step}",
            state=row.state,
            message=row.reason or "It cannot be evaluated.",
            remedy="Mend the files and announce the checkpoint again.",
            at=row.created_at,
        )
        for row in checkpoints.newest_failed(session, FAILURES_SHOWN)
    ]


def latest_results(session: Session) -> Sequence[Evaluation]:
    """The evaluations that ended last and have results, newest first."""
    return evaluations.latest_finished(session, RESULTS_SHOWN)
