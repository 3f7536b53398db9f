"""What the workers of the newest dispatcher last said, for the API and the dashboard."""

from dataclasses import dataclass
from datetime import datetime

from evalsvc.specs import WorkerState, WorkerStatus
from evalsvc.store.database import Session
from evalsvc.store.repositories import workers


@dataclass(frozen=True)
class WorkerView:
    """The last thing a worker said of itself."""

    id: str
    state: str
    epoch: int
    started_at: datetime
    updated_at: datetime
    status: WorkerStatus | None


def list_workers(session: Session) -> tuple[WorkerView, ...]:
    """The workers of the newest dispatcher, living ones first."""
    views = [
        WorkerView(
            id=row.id,
            state=row.state,
            epoch=row.epoch,
            started_at=row.started_at,
            updated_at=row.updated_at,
            status=WorkerStatus.model_validate(row.status) if row.status else None,
        )
        for row in workers.of_newest_dispatcher(session)
    ]
    return tuple(sorted(views, key=lambda view: view.state == WorkerState.DEAD))
