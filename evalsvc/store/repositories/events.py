"""Events: recorded during a write, inserted as its last act, read by a cursor.

On PostgreSQL the inserts of different transactions take turns under an advisory lock that is held
until the commit. So ids are in the order of commits, and a reader that remembers the last id it
saw misses no event.
"""

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, insert, select, text
from sqlalchemy.orm import Session

from evalsvc.store.models import Event, now

LOCK_KEY = 0x6576616C_00000002
_WAITING = "evalsvc_events"  # key in Session.info


def record(
    session: Session,
    kind: str,
    *,
    job_id: str | None = None,
    evaluation_id: str | None = None,
    shard_id: str | None = None,
    worker_id: str | None = None,
    **data: Any,
) -> None:
    """Note that something happened; it is stored with the transaction, or not at all."""
    session.info.setdefault(_WAITING, []).append(
        {
            "at": now(),
            "kind": kind,
            "job_id": job_id,
            "evaluation_id": evaluation_id,
            "shard_id": shard_id,
            "worker_id": worker_id,
            "data": data,
        }
    )


def flush(session: Session) -> None:
    """Insert what was recorded. Called by `Database.write` just before the commit."""
    if waiting := session.info.pop(_WAITING, None):
        session.flush()
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        session.execute(insert(Event), waiting)


def newest_id(session: Session) -> int:
    """Id of the newest event; 0 when there is none."""
    return session.scalar(select(func.max(Event.id))) or 0


def after(
    session: Session,
    event_id: int,
    *,
    job_id: str | None = None,
    kinds: Collection[str] | None = None,
    limit: int = 1000,
) -> Sequence[Event]:
    """The events after `event_id`, oldest first."""
    query = select(Event).where(Event.id > event_id).order_by(Event.id).limit(limit)
    if job_id is not None:
        query = query.where(Event.job_id == job_id)
    if kinds is not None:
        query = query.where(Event.kind.in_(kinds))
    return session.scalars(query).all()
