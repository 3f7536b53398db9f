"""Events: recorded during a write, inserted just before its commit, read by a cursor.

On PostgreSQL the inserts of different transactions take turns under an advisory lock that is held
until the commit. So ids are in the order of commits, and a reader that remembers the last id it
saw misses no event.
"""

import logging
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, insert, or_, select, text
from sqlalchemy.orm import Session

from evalsvc.logs import about
from evalsvc.store.models import Event, now

log = logging.getLogger("evalsvc.events")
TROUBLE = (".failed", ".died", ".stalled", ".paused", ".retried")  # endings logged as warnings
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
    """Record an event; it is stored with the transaction, or not at all."""
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


def flush(session: Session) -> list[dict[str, Any]]:
    """Insert the recorded events and return them. `Database.write` calls it before the commit."""
    if waiting := session.info.pop(_WAITING, None):
        session.flush()
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LOCK_KEY})
        session.execute(insert(Event), waiting)
    return waiting or []


def write_log(committed: Collection[dict[str, Any]]) -> None:
    """Log the events too, under the same names, once they are committed."""
    for event in committed:
        level = logging.WARNING if event["kind"].endswith(TROUBLE) else logging.INFO
        named = ("job", "evaluation", "shard", "worker")
        identifiers = {n: event[f"{n}_id"] for n in named if event[f"{n}_id"] is not None}
        log.log(level, event["kind"], extra=about(**{**event["data"], **identifiers}))


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


def of_workers(session: Session, limit: int) -> Sequence[Event]:
    """Events of the workers themselves, newest first."""
    query = (
        select(Event)
        .where(Event.worker_id.is_not(None), Event.shard_id.is_(None))
        .order_by(Event.id.desc())
        .limit(limit)
    )
    return session.scalars(query).all()


def concerning(
    session: Session,
    evaluation_ids: Collection[str],
    *,
    job_id: str | None,
    worker_ids: Collection[str],
    between: tuple[datetime, datetime] | None,
    limit: int,
) -> Sequence[Event]:
    """Events of these evaluations, of the job, and of workers in that period; newest first."""
    concerned: list[ColumnElement[bool]] = [Event.evaluation_id.in_(evaluation_ids)]
    if job_id is not None:
        concerned.append(Event.job_id == job_id)
    if between is not None:
        concerned.append(Event.worker_id.in_(worker_ids) & Event.at.between(*between))
    query = select(Event).where(or_(*concerned)).order_by(Event.id.desc()).limit(limit)
    return session.scalars(query).all()
