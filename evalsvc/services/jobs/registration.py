"""Recording checkpoints without a job: registered after inspection, or told with a reason."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.services.jobs.admission import CheckpointCache, admit_checkpoint
from evalsvc.settings import Settings
from evalsvc.specs import Announcement
from evalsvc.store.models import Checkpoint
from evalsvc.store.repositories import checkpoints, events
from evalsvc.store.repositories.upserts import insert_missing

_inspected = CheckpointCache()


def register(session: Session, settings: Settings, announced: Announcement) -> Checkpoint:
    """The checkpoint's row. Raises CheckpointError, PermissionDenied (outside of the roots)."""
    spec = None
    if announced.state is None:
        spec = admit_checkpoint(announced.path, settings.engine, settings, _inspected)
    run = checkpoints.find_or_create_run(
        session,
        announced.run,
        method=announced.method,
        base_model=announced.base_model,
        train_seed=announced.seed,
        config={"trainer": announced.trainer} if announced.trainer else None,
    )
    session.flush()
    if spec is not None:
        return checkpoints.find_or_create_checkpoint(session, run, announced.step, spec)
    assert announced.state is not None, "what is not inspected has a state to tell"
    return _tell(session, run.id, announced, announced.state)


def _tell(session: Session, run_id: int, announced: Announcement, state: str) -> Checkpoint:
    """One row per step for what could not be read; what is told later replaces it."""
    row = {"run_id": run_id, "step": announced.step, "fingerprint": "", "path": announced.path}
    insert_missing(session, Checkpoint, {**row, "state": state, "spec": {}})
    found = session.scalars(
        select(Checkpoint).where(
            Checkpoint.run_id == run_id,
            Checkpoint.step == announced.step,
            Checkpoint.fingerprint == "",
        )
    ).one()
    found.path, found.state, found.reason = announced.path, state, announced.reason
    events.record(
        session,
        f"checkpoint.{state}",
        run=announced.run,
        step=announced.step,
        reason=announced.reason,
    )
    return found
