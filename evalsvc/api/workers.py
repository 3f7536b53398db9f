"""Workers: what each is doing, which weights it has loaded, how often they were swapped.

Also the dispatcher that gives them work: whether it is paused, and why.
"""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from evalsvc.api.auth import Reader
from evalsvc.api.pagination import Paginated
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.services.operations import workers as operations
from evalsvc.services.operations.workers import WorkerView
from evalsvc.store.models import DispatcherEpoch
from evalsvc.store.repositories.workers import newest_epoch
from evalsvc.store.states import DispatcherState

router = APIRouter(prefix="/v1/workers", tags=["workers"])


class DispatcherView(BaseModel):
    """The last thing the dispatcher said of itself; `reason` and `remedy` are those of a pause."""

    epoch: int
    state: DispatcherState
    holder: str
    reason: str | None
    remedy: str | None
    started_at: datetime


class WorkersPage(Paginated[WorkerView]):
    """The workers, and the dispatcher that started them; null before the first one."""

    dispatcher: DispatcherView | None


@router.get("", responses=documented())
def list_workers(state: StateDep, who: Reader) -> WorkersPage:
    """The present dispatcher, whether it pauses and why, and its workers."""
    with state.database.read() as session:
        dispatcher = newest_epoch(session)
        items = list(operations.list_workers(session))
    return WorkersPage(items=items, dispatcher=_view(dispatcher))


def _view(row: DispatcherEpoch | None) -> DispatcherView | None:
    if row is None:
        return None
    return DispatcherView(
        epoch=row.epoch,
        state=DispatcherState(row.state),
        holder=row.holder,
        reason=row.reason,
        remedy=row.remedy,
        started_at=row.started_at,
    )
