"""Whether anything changed: one small value for pages that refresh themselves."""

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from evalsvc.store.models import Evaluation, Event, Job, Shard, WorkerRecord


def fingerprint(session: Session) -> tuple[Any, ...]:
    """A value that differs whenever a page that refreshes itself would look different."""
    events = session.scalar(select(func.max(Event.id)))
    workers = session.execute(
        select(func.count(), func.max(WorkerRecord.updated_at)).select_from(WorkerRecord)
    ).one()
    results = session.execute(select(func.count(), func.sum(Evaluation.version))).one()
    jobs = session.scalar(select(func.count()).select_from(Job))
    shards = session.scalar(select(func.max(Shard.finished_at)))
    return (events, *workers, *results, jobs, shards)
