"""Epochs of the dispatcher, and the last reports of its workers (for display only)."""

from collections.abc import Iterable, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from evalsvc.specs import WorkerState, WorkerStatus
from evalsvc.store.models import DispatcherEpoch, WorkerRecord, now
from evalsvc.store.states import DispatcherState


def begin_epoch(session: Session, holder: str) -> tuple[int, bool]:
    """Begin an epoch: its number, and whether the dispatcher before it ended without stopping.

    Workers of former epochs have ended, or soon will.
    """
    crashed = session.scalars(
        update(DispatcherEpoch)
        .where(DispatcherEpoch.state != DispatcherState.STOPPED)
        .values(state=DispatcherState.STOPPED, updated_at=now())
        .returning(DispatcherEpoch.epoch)
    ).all()
    session.execute(
        update(WorkerRecord)
        .where(WorkerRecord.state != WorkerState.DEAD)
        .values(state=WorkerState.DEAD, updated_at=now())
    )
    epoch = DispatcherEpoch(holder=holder, state=DispatcherState.RUNNING)
    session.add(epoch)
    session.flush()
    return epoch.epoch, bool(crashed)


def newest_epoch(session: Session) -> DispatcherEpoch | None:
    """The dispatcher that started last, with its state and the reason of a pause."""
    newest = select(func.max(DispatcherEpoch.epoch)).scalar_subquery()
    return session.scalars(select(DispatcherEpoch).where(DispatcherEpoch.epoch == newest)).first()


def of_newest_dispatcher(session: Session) -> Sequence[WorkerRecord]:
    """The workers of the newest dispatcher, and of any that started since."""
    newest = select(func.max(DispatcherEpoch.epoch)).scalar_subquery()
    return session.scalars(
        select(WorkerRecord)
        .where(WorkerRecord.epoch >= func.coalesce(newest, 0))
        .order_by(WorkerRecord.started_at, WorkerRecord.id)
    ).all()


def leads(session: Session, epoch: int) -> bool:
    """Whether no later epoch has begun. While the transaction lasts, none will.

    On PostgreSQL the row is locked in share mode, so `begin_epoch` has to wait.
    """
    held = select(DispatcherEpoch.state).where(DispatcherEpoch.epoch == epoch)
    return session.scalar(held.with_for_update(read=True)) != DispatcherState.STOPPED


def set_epoch_state(
    session: Session,
    epoch: int,
    state: DispatcherState,
    reason: str | None = None,
    remedy: str | None = None,
) -> None:
    """Store the dispatcher's state."""
    session.execute(
        update(DispatcherEpoch)
        .where(DispatcherEpoch.epoch == epoch)
        .values(state=state, reason=reason, remedy=remedy, updated_at=now())
    )


def record(session: Session, epoch: int, statuses: Iterable[WorkerStatus]) -> None:
    """Store the last reports of workers."""
    for status in statuses:
        row = session.get(WorkerRecord, status.worker_id)
        if row is None:
            row = WorkerRecord(id=status.worker_id, epoch=epoch, state=status.state)
            session.add(row)
        row.state = status.state
        row.status = status.model_dump(mode="json")
        row.updated_at = now()
