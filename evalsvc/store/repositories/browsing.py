"""Lists for readers: evaluations, runs, checkpoints, jobs, workers, with filters and in pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from evalsvc.errors import NotFound
from evalsvc.store.models import (
    Checkpoint,
    DispatcherEpoch,
    Evaluation,
    Job,
    JobEvaluation,
    Run,
    Shard,
    WorkerRecord,
)
from evalsvc.store.repositories.pages import Key, Rows, fetch_page


@dataclass(frozen=True)
class EvaluationFilter:
    """Which evaluations; None means any."""

    run: str | None = None
    method: str | None = None
    step: int | None = None
    benchmark: str | None = None
    state: str | None = None
    job: str | None = None
    protocol_hash: str | None = None


def _evaluations(wanted: EvaluationFilter) -> Select[Evaluation]:
    statement = (
        select(Evaluation)
        .join(Evaluation.checkpoint)
        .join(Checkpoint.run)
        .options(
            contains_eager(Evaluation.checkpoint).contains_eager(Checkpoint.run),
            joinedload(Evaluation.revision),
        )
    )
    conditions = {
        Run.name: wanted.run,
        Run.method: wanted.method,
        Checkpoint.step: wanted.step,
        Evaluation.benchmark: wanted.benchmark,
        Evaluation.state: wanted.state,
        Evaluation.protocol_hash: wanted.protocol_hash,
    }
    for column, value in conditions.items():
        if value is not None:
            statement = statement.where(column == value)
    if wanted.job is not None:
        ids = select(JobEvaluation.evaluation_id).where(JobEvaluation.job_id == wanted.job)
        statement = statement.where(Evaluation.id.in_(ids))
    return statement


def evaluations_page(
    session: Session, wanted: EvaluationFilter, after: Key | None, limit: int
) -> Rows[Evaluation]:
    """A page of evaluations, newest first."""
    order = (Evaluation.created_at, Evaluation.id)
    return fetch_page(session, _evaluations(wanted), order, after, limit)


def all_evaluations(session: Session, wanted: EvaluationFilter) -> Sequence[Evaluation]:
    """Every evaluation that fits, newest first."""
    statement = _evaluations(wanted).order_by(Evaluation.created_at.desc(), Evaluation.id.desc())
    return session.scalars(statement).all()


def get_evaluation(session: Session, evaluation_id: str) -> Evaluation:
    """One evaluation with its checkpoint, run and revision. Raises NotFound."""
    found = session.scalar(_evaluations(EvaluationFilter()).where(Evaluation.id == evaluation_id))
    if found is None:
        raise NotFound(
            f"There is no evaluation {evaluation_id!r}.", "`evalsvc results` lists them."
        )
    return found


def ks_asked_for(session: Session, evaluation_id: str) -> set[int]:
    """Every k that any job asked of an evaluation."""
    statement = select(JobEvaluation.ks).where(JobEvaluation.evaluation_id == evaluation_id)
    return {int(k) for ks in session.scalars(statement) for k in ks}


def runs_page(session: Session, method: str | None, after: Key | None, limit: int) -> Rows[Run]:
    """A page of runs, newest first."""
    statement = select(Run)
    if method is not None:
        statement = statement.where(Run.method == method)
    return fetch_page(session, statement, (Run.id,), after, limit)


def get_run(session: Session, name: str) -> Run:
    """A run by its name. Raises NotFound."""
    run = session.scalar(select(Run).where(Run.name == name))
    if run is None:
        remedy = "`evalsvc checkpoints` and GET /v1/runs list them."
        raise NotFound(f"There is no run {name!r}.", remedy)
    return run


def parse_side(session: Session, side: str) -> tuple[str, int | None]:
    """RUN or RUN@STEP as (run, step). A run whose name holds an @ is found too."""
    name, at, step = side.rpartition("@")
    if at and name and step.isascii() and step.isdecimal() and len(step) < 10:
        try:
            get_run(session, side)
        except NotFound:
            get_run(session, name)
            return name, int(step)
    get_run(session, side)
    return side, None


def checkpoint_counts(
    session: Session, run_ids: Sequence[int]
) -> dict[int, tuple[int, int | None]]:
    """(number of checkpoints, newest step) of each run."""
    statement = (
        select(Checkpoint.run_id, func.count(), func.max(Checkpoint.step))
        .where(Checkpoint.run_id.in_(run_ids))
        .group_by(Checkpoint.run_id)
    )
    return {run: (count, step) for run, count, step in session.execute(statement)}


def get_checkpoint(session: Session, checkpoint_id: int) -> Checkpoint:
    """A checkpoint with its run. Raises NotFound."""
    found = session.get(Checkpoint, checkpoint_id, options=[joinedload(Checkpoint.run)])
    if found is None:
        raise NotFound(
            f"There is no checkpoint {checkpoint_id}.", "`evalsvc checkpoints` lists them."
        )
    return found


def checkpoints_page(
    session: Session, run: str | None, state: str | None, after: Key | None, limit: int
) -> Rows[Checkpoint]:
    """A page of checkpoints, newest first."""
    statement = select(Checkpoint).join(Checkpoint.run).options(contains_eager(Checkpoint.run))
    if run is not None:
        statement = statement.where(Run.name == run)
    if state is not None:
        statement = statement.where(Checkpoint.state == state)
    return fetch_page(session, statement, (Checkpoint.id,), after, limit)


def jobs_page(
    session: Session, state: str | None, owner: str | None, after: Key | None, limit: int
) -> Rows[Job]:
    """A page of jobs, newest first."""
    statement = select(Job)
    if state is not None:
        statement = statement.where(Job.state == state)
    if owner is not None:
        statement = statement.where(Job.owner == owner)
    return fetch_page(session, statement, (Job.created_at, Job.id), after, limit)


def get_job(session: Session, job_id: str) -> Job:
    """A job. Raises NotFound."""
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id!r}.", "`evalsvc jobs` lists the jobs.")
    return job


def job_evaluations(session: Session, job_ids: Sequence[str]) -> Sequence[JobEvaluation]:
    """What the jobs asked for, in their order, with evaluations, checkpoints and runs."""
    return session.scalars(
        select(JobEvaluation)
        .where(JobEvaluation.job_id.in_(job_ids))
        .options(
            joinedload(JobEvaluation.evaluation)
            .joinedload(Evaluation.checkpoint)
            .joinedload(Checkpoint.run),
            joinedload(JobEvaluation.evaluation).joinedload(Evaluation.revision),
        )
        .order_by(JobEvaluation.job_id, JobEvaluation.ordinal)
    ).all()


def shard_counts(
    session: Session, evaluation_ids: Sequence[str]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Evaluation -> state -> (shards, samples)."""
    statement = (
        select(Shard.evaluation_id, Shard.state, func.count(), func.sum(Shard.size))
        .where(Shard.evaluation_id.in_(evaluation_ids))
        .group_by(Shard.evaluation_id, Shard.state)
    )
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for evaluation, state, shards, samples in session.execute(statement):
        counts.setdefault(evaluation, {})[state] = (shards, int(samples or 0))
    return counts


def failed_shards(session: Session, evaluation_ids: Sequence[str], limit: int) -> Sequence[Shard]:
    """The first failed shards, for the reasons that a user must see."""
    return session.scalars(
        select(Shard)
        .where(Shard.evaluation_id.in_(evaluation_ids), Shard.state == "failed")
        .order_by(Shard.evaluation_id, Shard.ordinal)
        .limit(limit)
    ).all()


def transcripts_of(
    session: Session, evaluation_id: str, sample_from: int = 0
) -> Sequence[tuple[str, list[int], int, int]]:
    """(artifact, problems, first sample, past the last) of the finished shards, by samples."""
    rows = session.execute(
        select(Shard.artifact, Shard.problems, Shard.sample_start, Shard.sample_stop)
        .where(
            Shard.evaluation_id == evaluation_id,
            Shard.artifact.is_not(None),
            Shard.state == "done",
            Shard.sample_stop > sample_from,
        )
        .order_by(Shard.sample_start, Shard.ordinal)
    )
    return [(str(a), [int(p) for p in problems], s, e) for a, problems, s, e in rows]


def workers(session: Session) -> Sequence[WorkerRecord]:
    """The workers of the newest dispatcher, and whoever came after it."""
    newest = select(func.max(DispatcherEpoch.epoch)).scalar_subquery()
    return session.scalars(
        select(WorkerRecord)
        .where(WorkerRecord.epoch >= func.coalesce(newest, 0))
        .order_by(WorkerRecord.started_at, WorkerRecord.id)
    ).all()
