"""`/workers`: each worker's state, loaded checkpoint, rate, swaps and events."""

from dataclasses import dataclass

from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.services.evaluations.timeline import Happening, view_event
from evalsvc.services.operations.workers import WorkerView, list_workers
from evalsvc.store.repositories import events

EVENTS_SHOWN = 60


@dataclass(frozen=True)
class WorkersModel:
    workers: tuple[WorkerView, ...]
    events: list[Happening]


def build(request: PageRequest) -> Page:
    """Show the workers of the newest dispatcher."""
    happened = [view_event(row) for row in events.of_workers(request.session, EVENTS_SHOWN)]
    model = WorkersModel(list_workers(request.session), happened)
    columns = ("worker", "state", "checkpoint", "tokens_per_second", "swaps", "cold_starts")
    rows = [
        (
            w.id,
            w.state,
            w.status and w.status.checkpoint_path,
            w.status and w.status.tokens_per_second,
            w.status and w.status.swaps,
            w.status and w.status.cold_starts,
        )
        for w in model.workers
    ]
    return Page("workers.html", "Workers", model, PageTable(columns, rows), live=True)
