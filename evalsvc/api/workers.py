"""Workers: what each is doing, which weights it has loaded, how often they were swapped."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from evalsvc.api.auth import Reader
from evalsvc.api.pagination import Page
from evalsvc.api.problems import documented
from evalsvc.api.state import StateDep
from evalsvc.specs import WorkerStatus
from evalsvc.store.repositories import browsing

router = APIRouter(prefix="/v1/workers", tags=["workers"])


class WorkerView(BaseModel):
    """The last thing a worker said of itself."""

    id: str
    state: str
    epoch: int
    started_at: datetime
    updated_at: datetime
    status: WorkerStatus | None


@router.get("", responses=documented())
def list_workers(state: StateDep, who: Reader) -> Page[WorkerView]:
    """The workers of the present dispatcher."""
    with state.database.read() as session:
        items = [
            WorkerView(
                id=row.id,
                state=row.state,
                epoch=row.epoch,
                started_at=row.started_at,
                updated_at=row.updated_at,
                status=WorkerStatus.model_validate(row.status) if row.status else None,
            )
            for row in browsing.workers(session)
        ]
    return Page(items=items)
