"""Runs and checkpoints: found by what they are, made when they are new."""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.errors import Conflict
from evalsvc.specs import CheckpointSpec
from evalsvc.store.models import Checkpoint, Run
from evalsvc.store.repositories.upserts import insert_missing
from evalsvc.store.states import CheckpointState

UNKNOWN_METHOD = "unknown"


def find_or_create_run(
    session: Session,
    name: str,
    *,
    method: str = UNKNOWN_METHOD,
    base_model: str | None = None,
    train_seed: int | None = None,
    config: dict[str, Any] | None = None,
) -> Run:
    """The run called `name`. What it does not know yet is filled in.

    Raises Conflict when it is known with another method: the curves of two would be mixed.
    """
    insert_missing(session, Run, {"name": name, "method": method, "config": {}}, Run.id)
    run = session.scalars(select(Run).where(Run.name == name)).one()
    if run.method == UNKNOWN_METHOD:
        run.method = method
    elif method not in (UNKNOWN_METHOD, run.method):
        raise Conflict(
            f"The run {name!r} is already known with the method {run.method!r}, not {method!r}.",
            "Use another run name, or leave the method out.",
        )
    run.base_model = run.base_model or base_model
    run.train_seed = train_seed if run.train_seed is None else run.train_seed
    if config:
        run.config = {**run.config, **config}
    return run


def newest_spec(session: Session, fingerprint: str) -> CheckpointSpec:
    """A checkpoint of this content where it was seen last: older paths may be gone by now."""
    query = (
        select(Checkpoint.spec)
        .where(Checkpoint.fingerprint == fingerprint)
        .order_by(Checkpoint.id.desc())
        .limit(1)
    )
    return CheckpointSpec.model_validate(session.scalars(query).one())


def find_or_create_checkpoint(
    session: Session, run: Run, step: int, spec: CheckpointSpec
) -> Checkpoint:
    """The checkpoint of a run at a step with this content; one that was announced is completed."""
    session.flush()
    wanted = select(Checkpoint).where(Checkpoint.run_id == run.id, Checkpoint.step == step)
    found = session.scalars(wanted.where(Checkpoint.fingerprint == spec.fingerprint)).first()
    if found is None:
        found = session.scalars(
            wanted.where(Checkpoint.fingerprint == "", Checkpoint.state == CheckpointState.WAITING)
        ).first()
    if found is None:
        row = {"run_id": run.id, "step": step, "fingerprint": spec.fingerprint, "path": spec.path}
        insert_missing(session, Checkpoint, row, Checkpoint.id)
        found = session.scalars(wanted.where(Checkpoint.fingerprint == spec.fingerprint)).one()
    found.fingerprint, found.path = spec.fingerprint, spec.path
    found.spec = spec.model_dump(mode="json")
    found.state, found.reason = CheckpointState.COMPLETE, None
    return found
