"""`/workers`: each worker's state, loaded checkpoint, rate, swaps; and what happened to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest
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
class WorkersModel:
    workers: tuple[service.WorkerLine, ...]
    events: list[WorkerEvent]


def build(request: PageRequest) -> Page:
    """The workers of the newest dispatcher."""
    model = WorkersModel(service.list_workers(request.session), _events(request.session))
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
    return Page("workers.html", "Workers", model, PageTable(columns, rows), live=True)


def _events(session: Session) -> list[WorkerEvent]:
    rows = events.of_workers(session, EVENTS_SHOWN)
    return [WorkerEvent(row.at, row.kind, row.worker_id or "", dict(row.data)) for row in rows]
