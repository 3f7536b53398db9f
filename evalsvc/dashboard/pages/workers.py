"""`/workers`: each worker's state, loaded checkpoint, rate, swaps; and what happened to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evalsvc.dashboard.rendering.page import Table, View
from evalsvc.dashboard.web.page_request import Ask
from evalsvc.services.operations import overview as service
from evalsvc.store.database import Session
from evalsvc.store.repositories import events

EVENTS_SHOWN = 60


@dataclass(frozen=True)
class WorkerEvent:
    """Something that happened to a worker."""

    at: datetime
    kind: str
    worker: str
    data: dict[str, Any]


@dataclass(frozen=True)
class Model:
    workers: tuple[service.WorkerLine, ...]
    events: list[WorkerEvent]


def build(ask: Ask) -> View:
    """The workers of the newest dispatcher."""
    model = Model(service.list_workers(ask.session), _events(ask.session))
    columns = ("worker", "state", "checkpoint", "tokens_per_second", "swaps", "cold_starts")
    rows = [
        (
            w.id,
            w.state,
            w.status.get("checkpoint_path"),
            w.status.get("tokens_per_second"),
            w.status.get("swaps"),
            w.status.get("cold_starts"),
        )
        for w in model.workers
    ]
    return View("workers.html", "Workers", model, Table(columns, rows), live=True)


def _events(session: Session) -> list[WorkerEvent]:
    rows = events.of_workers(session, EVENTS_SHOWN)
    return [WorkerEvent(row.at, row.kind, row.worker_id or "", dict(row.data)) for row in rows]
