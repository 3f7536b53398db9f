"""The state of the whole service at one glance: queue, workers, what failed, what came out last."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from evalsvc.specs import WorkerState
from evalsvc.store.models import (
    Checkpoint,
    Evaluation,
    Job,
    JobEvaluation,
    Run,
    Shard,
    now,
)
from evalsvc.store.repositories import browsing
from evalsvc.store.states import (
    LIVE_JOBS,
    LOST_SHARDS,
    CheckpointState,
    EvaluationState,
    JobState,
    ShardState,
)

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
class WorkerLine:
    """The last thing a worker said of itself."""

    id: str
    state: str
    status: dict[str, Any]
    started_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Overview:
    """All that the front page says, but for the latest results (see `latest_results`)."""

    queue: Queue
    jobs: tuple[JobLine, ...]
    failures: tuple[Failure, ...]
    workers: tuple[WorkerLine, ...]


def overview(session: Session) -> Overview:
    """The present state."""
    return Overview(
        queue=queue(session),
        jobs=living_jobs(session),
        failures=failures(session),
        workers=workers(session),
    )


def queue(session: Session) -> Queue:
    """Counts of shards, and the remaining time by the measured rate."""
    rows = session.execute(
        select(Shard.state, func.count(), func.sum(Shard.size)).group_by(Shard.state)
    ).all()
    shards = {state: int(count) for state, count, _ in rows}
    samples = {state: int(size or 0) for state, _, size in rows}
    waiting, running = samples.get(ShardState.READY, 0), samples.get(ShardState.RUNNING, 0)
    rate = measured_rate(session)
    left = (waiting + running) / rate if rate and waiting + running else None
    return Queue(shards, waiting, running, rate, left)


def measured_rate(session: Session, evaluations: Sequence[str] | None = None) -> float | None:
    """Samples per second of the shards that ended lately; None while none has."""
    since = now() - RATE_WINDOW
    query = select(func.sum(Shard.size), func.min(Shard.started_at)).where(
        Shard.state == ShardState.DONE, Shard.finished_at >= since
    )
    if evaluations is not None:
        query = query.where(Shard.evaluation_id.in_(evaluations))
    size, started = session.execute(query).one()
    if not size or started is None:
        return None
    seconds = (now() - max(started, since)).total_seconds()
    return float(size) / max(seconds, 1.0)


def living_jobs(session: Session) -> tuple[JobLine, ...]:
    """Jobs that wait or run, in the order in which they will be served."""
    jobs = session.execute(
        select(Job, Checkpoint.step, Run.name, Run.method)
        .join(Checkpoint, Job.checkpoint_id == Checkpoint.id)
        .join(Run, Checkpoint.run_id == Run.id)
        .where(Job.state.in_(LIVE_JOBS))
        .order_by(Job.state.desc(), Job.priority.desc(), Job.created_at)
        .limit(JOBS_SHOWN)
    ).all()
    progress = _progress(session, [job.id for job, *_ in jobs])
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
        for job, step, run, method in jobs
    )


@dataclass
class _Progress:
    benchmarks: tuple[str, ...] = ()
    done: int = 0
    failed: int = 0
    total: int = 0


def _progress(session: Session, jobs: Sequence[str]) -> dict[str, _Progress]:
    """Samples by state of each job's evaluations."""
    found = {job: _Progress() for job in jobs}
    names = session.execute(
        select(JobEvaluation.job_id, Evaluation.benchmark)
        .join(Evaluation, JobEvaluation.evaluation_id == Evaluation.id)
        .where(JobEvaluation.job_id.in_(jobs))
        .order_by(JobEvaluation.ordinal)
    )
    for job, name in names:
        found[job].benchmarks += (name,)
    sizes = session.execute(
        select(JobEvaluation.job_id, Shard.state, func.sum(Shard.size))
        .join(Shard, Shard.evaluation_id == JobEvaluation.evaluation_id)
        .where(JobEvaluation.job_id.in_(jobs))
        .group_by(JobEvaluation.job_id, Shard.state)
    )
    for job, state, size in sizes:
        found[job].total += int(size)
        if state == ShardState.DONE:
            found[job].done += int(size)
        elif state in LOST_SHARDS:
            found[job].failed += int(size)
    return found


def failures(session: Session) -> tuple[Failure, ...]:
    """The newest things that went wrong, each with what to do."""
    found = [*_failed_jobs(session), *_failed_evaluations(session), *_failed_checkpoints(session)]
    found.sort(key=lambda failure: failure.at, reverse=True)
    return tuple(found[:FAILURES_SHOWN])


def _failed_jobs(session: Session) -> list[Failure]:
    """Jobs that failed by themselves: where an evaluation failed, that one is shown."""
    told = (
        select(JobEvaluation.job_id)
        .join(Evaluation, JobEvaluation.evaluation_id == Evaluation.id)
        .where(Evaluation.state.in_((EvaluationState.FAILED, EvaluationState.INCOMPLETE)))
    )
    rows = session.scalars(
        select(Job)
        .where(Job.state == JobState.FAILED, Job.error.is_not(None), Job.id.not_in(told))
        .order_by(Job.created_at.desc())
        .limit(FAILURES_SHOWN)
    )
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
        for job in rows
    ]


def _failed_evaluations(session: Session) -> list[Failure]:
    """Those with missing samples or a fault; what is missing because a user cancelled it is not."""
    stopped = select(Shard.evaluation_id).where(Shard.state == ShardState.CANCELLED)
    faulty = select(Shard.evaluation_id).where(Shard.state == ShardState.FAILED)
    by_a_user = Evaluation.id.in_(stopped) & Evaluation.id.not_in(faulty)
    rows = session.scalars(
        select(Evaluation)
        .options(joinedload(Evaluation.checkpoint).joinedload(Checkpoint.run))
        .where(
            (Evaluation.state == EvaluationState.FAILED)
            | ((Evaluation.state == EvaluationState.INCOMPLETE) & ~by_a_user)
            | Evaluation.error.is_not(None)
        )
        .order_by(Evaluation.created_at.desc())
        .limit(FAILURES_SHOWN)
    ).all()
    causes = _shard_causes(session, [row.id for row in rows])
    return [
        Failure(
            kind="evaluation",
            id=row.id,
            title=f"{row.checkpoint.run.name} @{row.checkpoint.step} on {row.benchmark}",
            # Done with a fault: every sample was asked for, and some problems gave none.
            state=EvaluationState.INCOMPLETE if row.state == EvaluationState.DONE else row.state,
            message=row.error or causes.get(row.id, ("Samples are missing.", ""))[0],
            remedy=row.remedy or causes.get(row.id, ("", "Submit it again to add them."))[1],
            at=row.finished_at or row.created_at,
        )
        for row in rows
    ]


def _shard_causes(session: Session, evaluations: Sequence[str]) -> dict[str, tuple[str, str]]:
    """The first failed shard of each evaluation, in words, with how many there are."""
    rows = session.execute(
        select(Shard.evaluation_id, Shard.error, Shard.remedy)
        .where(Shard.evaluation_id.in_(evaluations), Shard.state == ShardState.FAILED)
        .order_by(Shard.evaluation_id, Shard.ordinal)
    ).all()
    count: dict[str, int] = {}
    causes: dict[str, tuple[str, str]] = {}
    for evaluation, error, remedy in rows:
        count[evaluation] = count.get(evaluation, 0) + 1
        causes.setdefault(evaluation, (error or "A shard failed.", remedy or ""))
    return {
        evaluation: (error if count[evaluation] == 1 else f"{count[evaluation]} shards: {error}", r)
        for evaluation, (error, r) in causes.items()
    }


def _failed_checkpoints(session: Session) -> list[Failure]:
    rows = session.scalars(
        select(Checkpoint)
        .options(joinedload(Checkpoint.run))
        .where(Checkpoint.state == CheckpointState.FAILED)
        .order_by(Checkpoint.created_at.desc())
        .limit(FAILURES_SHOWN)
    )
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
        for row in rows
    ]


def workers(session: Session) -> tuple[WorkerLine, ...]:
    """The workers of the newest dispatcher, living ones first."""
    lines = [
        WorkerLine(row.id, row.state, dict(row.status), row.started_at, row.updated_at)
        for row in browsing.workers(session)
    ]
    return tuple(sorted(lines, key=lambda line: line.state == WorkerState.DEAD))


def latest_results(session: Session) -> Sequence[Evaluation]:
    """The evaluations that ended last and have results, newest first."""
    return session.scalars(
        select(Evaluation)
        .options(joinedload(Evaluation.checkpoint).joinedload(Checkpoint.run))
        .where(Evaluation.samples_seen > 0, Evaluation.finished_at.is_not(None))
        .order_by(Evaluation.finished_at.desc())
        .limit(RESULTS_SHOWN)
    ).all()
