"""What live jobs want of an evaluation, and cancelling shards that none of them wants."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session, contains_eager

from evalsvc.store.models import Evaluation, Job, JobEvaluation, Shard
from evalsvc.store.repositories import shards
from evalsvc.store.states import LIVE_JOBS, JobState, ShardState


@dataclass(frozen=True)
class Demand:
    """What one live job wants of an evaluation: its first `samples` samples of `problems`."""

    job_id: str
    samples: int
    problems: frozenset[int] | None  # None: all
    may_stop_early: bool
    may_change_engine: bool = False

    def wants(self, problems: Collection[int], sample_start: int) -> bool:
        """Whether the job wants any sample of a shard with these problems from this sample on."""
        if sample_start >= self.samples:
            return False
        return self.problems is None or not self.problems.isdisjoint(problems)


def of_evaluation(session: Session, evaluation_id: str) -> list[Demand]:
    """What live jobs want of an evaluation."""
    query = (
        select(
            JobEvaluation.job_id,
            JobEvaluation.samples,
            JobEvaluation.problems,
            Job.request["stop_early"],
            Job.request["allow_engine_change"],
        )
        .join(Job)
        .where(JobEvaluation.evaluation_id == evaluation_id, Job.state.in_(LIVE_JOBS))
    )
    return [
        Demand(
            job_id,
            samples,
            None if problems is None else frozenset(problems),
            bool(stop_early),
            bool(change),
        )
        for job_id, samples, problems, stop_early, change in session.execute(query)
    ]


def unwanted(session: Session, evaluation_id: str, state: ShardState) -> list[Shard]:
    """The shards in `state` that no live job wants."""
    demands = of_evaluation(session, evaluation_id)
    return [
        shard
        for shard in shards.of_evaluation(session, evaluation_id, [state])
        if not any(demand.wants(shard.problems, shard.sample_start) for demand in demands)
    ]


def release(session: Session, evaluations: Iterable[Evaluation]) -> None:
    """Cancel the ready shards of (locked) evaluations that no live job wants.

    Running ones are left to the dispatcher, which has to stop them first.
    """
    session.flush()
    for evaluation in evaluations:
        ready = unwanted(session, evaluation.id, ShardState.READY)
        shards.end_ready(session, [shard.id for shard in ready], ShardState.CANCELLED)


def parts_that_may_stop(session: Session, evaluation_id: str) -> Sequence[JobEvaluation]:
    """What live jobs with early stopping want of an evaluation, with their jobs."""
    query = (
        select(JobEvaluation)
        .join(JobEvaluation.job)
        .options(contains_eager(JobEvaluation.job))
        .where(JobEvaluation.evaluation_id == evaluation_id, Job.state.in_(LIVE_JOBS))
    )
    return [part for part in session.scalars(query) if part.job.request.get("stop_early")]


def count_parts(session: Session, job_id: str) -> int:
    """The number of evaluations of a job."""
    query = select(func.count()).where(JobEvaluation.job_id == job_id)
    return session.scalar(query) or 0


def shorten(session: Session, part: JobEvaluation, samples: int) -> None:
    """Cut a job's part to its first `samples`; remove ready shards that no job wants then."""
    part.samples = samples
    part.ks = [k for k in part.ks if k <= samples]
    session.flush()
    shards.forget(session, unwanted(session, part.evaluation_id, ShardState.READY))


def most_samples(session: Session, evaluation_id: str) -> int | None:
    """The largest n that any job not cancelled wants of an evaluation."""
    query = (
        select(func.max(JobEvaluation.samples))
        .join(Job)
        .where(JobEvaluation.evaluation_id == evaluation_id, Job.state != JobState.CANCELLED)
    )
    return session.scalar(query)
