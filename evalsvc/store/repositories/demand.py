"""What live jobs want of an evaluation, and letting go of shards that none of them wants."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.store.models import Evaluation, Job, JobEvaluation, Shard
from evalsvc.store.repositories import shards
from evalsvc.store.states import LIVE_JOBS, ShardState


@dataclass(frozen=True)
class Demand:
    """What one live job wants of an evaluation: its first `samples` samples of `problems`."""

    job_id: str
    samples: int
    problems: frozenset[int] | None  # None: all
    may_stop_early: bool

    def wants(self, problems: Collection[int], sample_start: int) -> bool:
        """Whether a shard of these problems, from this sample on, holds anything for the job."""
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
        )
        .join(Job)
        .where(JobEvaluation.evaluation_id == evaluation_id, Job.state.in_(LIVE_JOBS))
    )
    return [
        Demand(job_id, samples, None if problems is None else frozenset(problems), bool(stop_early))
        for job_id, samples, problems, stop_early in session.execute(query)
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
