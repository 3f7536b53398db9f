"""The queue: the evaluations with ready shards, as input of the dispatcher's policy."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from evalsvc.store.models import Checkpoint, Evaluation, Job, JobEvaluation, Shard
from evalsvc.store.states import LIVE_JOBS, ShardState


@dataclass(frozen=True)
class Waiting:
    """An evaluation with ready shards, and the most urgent live job that wants it."""

    evaluation_id: str
    engine: str
    engine_options: dict[str, Any]
    checkpoint: dict[str, Any]  # CheckpointSpec as JSON
    job_id: str
    ordinal: int  # of the evaluation within that job
    owner: str
    priority: int
    submitted_at: datetime


def waiting(session: Session, evaluation_ids: Collection[str] | None = None) -> list[Waiting]:
    """The evaluations (of `evaluation_ids`, if given) with a ready shard that never failed.

    Shards that failed or whose worker died are not counted: `troubled` gives those.
    """
    ready = exists().where(
        Shard.state == ShardState.READY,
        Shard.evaluation_id == Evaluation.id,
        Shard.error.is_(None),
    )
    query = (
        select(
            Evaluation.id,
            Evaluation.engine,
            Evaluation.engine_options,
            Checkpoint.spec,
            Job.id,
            JobEvaluation.ordinal,
            Job.owner,
            Job.priority,
            Job.created_at,
        )
        .join(JobEvaluation, JobEvaluation.job_id == Job.id)
        .join(Evaluation, Evaluation.id == JobEvaluation.evaluation_id)
        .join(Checkpoint, Checkpoint.id == Evaluation.checkpoint_id)
        .where(Job.state.in_(LIVE_JOBS), ready)
        .order_by(Job.priority, Job.id.desc())
    )
    if evaluation_ids is not None:
        query = query.where(Evaluation.id.in_(evaluation_ids))
    rows = (Waiting(*row) for row in session.execute(query))
    return list({row.evaluation_id: row for row in rows}.values())  # the last one wins


def troubled(session: Session) -> list[tuple[str, str, int]]:
    """(shard, evaluation, deaths) of the ready shards that failed before or killed a worker."""
    query = select(Shard.id, Shard.evaluation_id, Shard.deaths).where(
        Shard.state == ShardState.READY, Shard.error.is_not(None)
    )
    return [(shard, evaluation, deaths) for shard, evaluation, deaths in session.execute(query)]


def ready_count(session: Session) -> int:
    """How many shards wait."""
    query = select(func.count()).select_from(Shard).where(Shard.state == ShardState.READY)
    return session.scalar(query) or 0
