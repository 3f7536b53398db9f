"""Jobs: inserted once, advanced as their evaluations end, cancelled by users."""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session, joinedload

from evalsvc.errors import NotFound
from evalsvc.store.models import Checkpoint, Evaluation, Job, JobEvaluation, Run, Shard, now
from evalsvc.store.repositories import demand, evaluations, events
from evalsvc.store.repositories.pages import Key, Rows, fetch_page
from evalsvc.store.repositories.upserts import insert_or_ignore
from evalsvc.store.states import (
    LIVE_JOBS,
    LOST_SHARDS,
    OPEN_SHARDS,
    EvaluationState,
    JobState,
    ShardState,
)


def insert(session: Session, job: Job) -> Job:
    """Insert a job; if its owner used the idempotency key before, return that job instead."""
    made = insert_or_ignore(session, job)
    if made is not None:
        return made
    assert job.idempotency_key is not None, "nothing but the idempotency key can be in the way"
    found = by_key(session, job.owner, job.idempotency_key)
    assert found is not None, "nothing but the idempotency key can be in the way"
    return found


def by_key(session: Session, owner: str, idempotency_key: str) -> Job | None:
    """The job that this owner submitted under this key."""
    query = select(Job).where(Job.owner == owner, Job.idempotency_key == idempotency_key)
    return session.scalars(query).first()


def get(session: Session, job_id: str) -> Job:
    """A job. Raises NotFound."""
    job = session.get(Job, job_id)
    if job is None:
        raise NotFound(f"There is no job {job_id!r}.", "`evalsvc jobs` lists the jobs.")
    return job


def page(
    session: Session, state: str | None, owner: str | None, after: Key | None, limit: int
) -> Rows[Job]:
    """A page of jobs, newest first."""
    statement = select(Job)
    if state is not None:
        statement = statement.where(Job.state == state)
    if owner is not None:
        statement = statement.where(Job.owner == owner)
    return fetch_page(session, statement, (Job.created_at, Job.id), after, limit)


def living(session: Session, limit: int) -> Sequence[tuple[Job, int, str, str]]:
    """(job, step, run, method) of jobs that wait or run, in the order they will be served."""
    rows = session.execute(
        select(Job, Checkpoint.step, Run.name, Run.method)
        .join(Checkpoint, Job.checkpoint_id == Checkpoint.id)
        .join(Run, Checkpoint.run_id == Run.id)
        .where(Job.state.in_(LIVE_JOBS))
        .order_by(Job.state.desc(), Job.priority.desc(), Job.created_at)
        .limit(limit)
    )
    return [(job, step, run, method) for job, step, run, method in rows]


def newest_failed(session: Session, limit: int) -> Sequence[Job]:
    """Jobs that failed while none of their evaluations did, newest first."""
    evaluation_failed = (
        select(JobEvaluation.job_id)
        .join(Evaluation, JobEvaluation.evaluation_id == Evaluation.id)
        .where(Evaluation.state.in_((EvaluationState.FAILED, EvaluationState.INCOMPLETE)))
    )
    query = (
        select(Job)
        .where(
            Job.state == JobState.FAILED,
            Job.error.is_not(None),
            Job.id.not_in(evaluation_failed),
        )
        .order_by(Job.created_at.desc())
        .limit(limit)
    )
    return session.scalars(query).all()


def add_parts(session: Session, parts: Iterable[JobEvaluation]) -> None:
    """Record which evaluations a job asks for."""
    session.add_all(parts)
    session.flush()


def parts_of(session: Session, job_ids: Sequence[str]) -> Sequence[JobEvaluation]:
    """The parts of the jobs, in their order, with evaluations, checkpoints and runs."""
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


def benchmarks_of(session: Session, job_ids: Collection[str]) -> Sequence[tuple[str, str]]:
    """(job, benchmark) in the order of each job's request."""
    rows = session.execute(
        select(JobEvaluation.job_id, Evaluation.benchmark)
        .join(Evaluation, JobEvaluation.evaluation_id == Evaluation.id)
        .where(JobEvaluation.job_id.in_(job_ids))
        .order_by(JobEvaluation.ordinal)
    )
    return [(job_id, benchmark) for job_id, benchmark in rows]


def samples_by_state(session: Session, job_ids: Collection[str]) -> Sequence[tuple[str, str, int]]:
    """(job, shard state, samples) over all evaluations of each job."""
    rows = session.execute(
        select(JobEvaluation.job_id, Shard.state, func.sum(Shard.size))
        .join(Shard, Shard.evaluation_id == JobEvaluation.evaluation_id)
        .where(JobEvaluation.job_id.in_(job_ids))
        .group_by(JobEvaluation.job_id, Shard.state)
    )
    return [(job_id, state, int(samples)) for job_id, state, samples in rows]


def start(session: Session, evaluation_ids: Collection[str]) -> None:
    """Mark waiting jobs as running: a shard of each of these evaluations went to a worker."""
    wanted = Job.id.in_(
        select(JobEvaluation.job_id).where(JobEvaluation.evaluation_id.in_(evaluation_ids))
    )
    statement = (
        update(Job)
        .where(Job.state == JobState.QUEUED, wanted)
        .values(state=JobState.RUNNING, started_at=now())
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    for job_id in session.scalars(statement).all():
        events.record(session, "job.running", job_id=job_id)


def settle(session: Session, changed: Collection[Evaluation]) -> list[str]:
    """End the live jobs of these (locked, settled) evaluations that have nothing left to wait for.

    Returns the ids of the jobs that ended.
    """
    ids = [evaluation.id for evaluation in changed]
    live = (
        select(JobEvaluation.job_id)
        .join(Job)
        .where(JobEvaluation.evaluation_id.in_(ids), Job.state.in_(LIVE_JOBS))
    )
    parts: dict[str, list[JobEvaluation]] = {}
    for part in session.scalars(_select_parts().where(JobEvaluation.job_id.in_(live))):
        parts.setdefault(part.job_id, []).append(part)
    return [job_id for job_id in parts if _settle(session, job_id, parts[job_id], first=ids)]


def settle_one(session: Session, job_id: str) -> bool:
    """End a live job if everything it wants has ended."""
    parts = session.scalars(_select_parts().where(JobEvaluation.job_id == job_id)).all()
    return _settle(session, job_id, parts)


def _select_parts() -> Select[JobEvaluation]:
    return select(JobEvaluation).order_by(JobEvaluation.job_id, JobEvaluation.ordinal)


def _settle(
    session: Session, job_id: str, parts: Sequence[JobEvaluation], first: Collection[str] = ()
) -> bool:
    """End the job of these parts. Evaluations in `first` are checked first."""
    if any(_has(session, part, OPEN_SHARDS) for part in sorted(parts, key=_is_not_in(first))):
        return False
    lost = [part for part in parts if _has(session, part, LOST_SHARDS)]
    state = JobState.FAILED if lost else JobState.DONE
    error = remedy = None
    if lost:
        evaluation = lost[0].evaluation
        error = f"{evaluation.benchmark}: {evaluation.error or 'a part of it was cancelled.'}"
        remedy = evaluation.remedy or "Submit the job again to have the missing samples generated."
    return _end(session, job_id, state, error, remedy)


def cancel(session: Session, job_id: str) -> bool:
    """Cancel a live job and its waiting shards that no other job wants; False when it had ended.

    The dispatcher sees the event and stops the running shards. Results are kept.
    """
    locked = evaluations.lock(session, evaluation_ids(session, job_id))
    if not _end(session, job_id, JobState.CANCELLED, None, None):
        return False
    demand.release(session, locked)
    evaluations.settle(session, locked)
    return True


def evaluation_ids(session: Session, job_id: str) -> Sequence[str]:
    """The evaluations of a job."""
    query = select(JobEvaluation.evaluation_id).where(JobEvaluation.job_id == job_id)
    return session.scalars(query).all()


def evaluation_ids_of(session: Session, job_ids: Collection[str]) -> set[str]:
    """The evaluations of these jobs."""
    query = select(JobEvaluation.evaluation_id).where(JobEvaluation.job_id.in_(job_ids))
    return set(session.scalars(query))


def _end(
    session: Session, job_id: str, state: JobState, error: str | None, remedy: str | None
) -> bool:
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.state.in_(LIVE_JOBS))
        .values(state=state, error=error, remedy=remedy, finished_at=now())
        .returning(Job.id)
        .execution_options(synchronize_session="fetch")
    )
    if not session.scalars(statement).all():
        return False
    events.record(session, f"job.{state}", job_id=job_id, error=error, remedy=remedy)
    return True


def _has(session: Session, part: JobEvaluation, states: Collection[ShardState]) -> bool:
    """Whether a shard in one of these states holds samples that the job wants."""
    query = select(Shard.problems).where(
        Shard.evaluation_id == part.evaluation_id,
        Shard.state.in_(states),
        Shard.sample_start < part.samples,
    )
    if part.problems is None:
        return session.scalars(query.limit(1)).first() is not None
    wanted = frozenset(part.problems)
    return any(not wanted.isdisjoint(problems) for problems in session.scalars(query))


def _is_not_in(ids: Collection[str]) -> Any:
    return lambda part: part.evaluation_id not in ids
