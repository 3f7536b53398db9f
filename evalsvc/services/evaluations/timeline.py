"""When each shard ran on which worker, and the events meanwhile: kills, swaps, failures."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evalsvc.services.limits import MAX_TIMELINE_EVENTS, MAX_TIMELINE_SHARDS
from evalsvc.store.database import Session
from evalsvc.store.models import Event, Shard, now
from evalsvc.store.repositories import events, shards


@dataclass(frozen=True)
class Span:
    """One shard on one worker; `end` of a running one is the present."""

    shard: str
    evaluation: str
    worker: str
    state: str
    start: datetime
    end: datetime
    samples: int
    attempts: int
    deaths: int
    error: str


@dataclass(frozen=True)
class Happening:
    """An event on the way, newest first in a timeline."""

    at: datetime
    kind: str
    worker: str
    shard: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Timeline:
    """The shards that have started (at most MAX_TIMELINE_SHARDS), and how many there are in all."""

    spans: tuple[Span, ...]
    happenings: tuple[Happening, ...]
    shards: int


def timeline(session: Session, evaluations: Sequence[str], job: str | None = None) -> Timeline:
    """The timeline of these evaluations, with the events of `job` where one is given."""
    rows = shards.newest_started(session, evaluations, MAX_TIMELINE_SHARDS)
    total = shards.count_of(session, evaluations)
    spans = tuple(_span(row) for row in reversed(rows))
    return Timeline(spans, _happenings(session, evaluations, job, spans), total)


def _span(row: Shard) -> Span:
    assert row.started_at is not None
    return Span(
        shard=row.id,
        evaluation=row.evaluation_id,
        worker=row.worker_id or "not known",
        state=row.state,
        start=row.started_at,
        end=row.finished_at or now(),
        samples=row.size,
        attempts=row.attempts,
        deaths=row.deaths,
        error=row.error or "",
    )


def _happenings(
    session: Session, evaluations: Sequence[str], job: str | None, spans: Sequence[Span]
) -> tuple[Happening, ...]:
    """The events of these evaluations, of the job, and of their workers meanwhile."""
    between = None
    if spans:
        between = min(span.start for span in spans), max(span.end for span in spans)
    rows = events.concerning(
        session,
        evaluations,
        job_id=job,
        worker_ids={span.worker for span in spans},
        between=between,
        limit=MAX_TIMELINE_EVENTS,
    )
    return tuple(view_event(row) for row in rows)


def view_event(row: Event) -> Happening:
    """An event for readers."""
    return Happening(row.at, row.kind, row.worker_id or "", row.shard_id or "", dict(row.data))
