"""Recording checkpoints without a job: after inspection, or as refused with a reason."""

from evalsvc.services.jobs.admission import CheckpointCache, admit_checkpoint
from evalsvc.settings import Settings
from evalsvc.specs import Announcement
from evalsvc.store.database import Session
from evalsvc.store.models import Checkpoint
from evalsvc.store.repositories import checkpoints, events, runs


def register(
    session: Session, settings: Settings, inspected: CheckpointCache, announced: Announcement
) -> Checkpoint:
    """The checkpoint's row. Raises CheckpointError, PermissionDenied (outside of the roots)."""
    spec = None
    if announced.state is None:
        spec = admit_checkpoint(announced.path, settings.engine, settings, inspected)
    run = runs.find_or_create(
        session,
        announced.run,
        method=announced.method,
        base_model=announced.base_model,
        train_seed=announced.seed,
        config={"trainer": announced.trainer} if announced.trainer else None,
    )
    if spec is not None:
        return checkpoints.find_or_create(session, run, announced.step, spec)
    assert announced.state is not None, "what is not inspected has a state to tell"
    return _tell(session, run.id, announced, announced.state)


def _tell(session: Session, run_id: int, announced: Announcement, state: str) -> Checkpoint:
    found = checkpoints.record_unread(
        session,
        run_id,
        announced.step,
        path=announced.path,
        state=state,
        reason=announced.reason,
    )
    events.record(
        session,
        f"checkpoint.{state}",
        run=announced.run,
        step=announced.step,
        reason=announced.reason,
    )
    return found
