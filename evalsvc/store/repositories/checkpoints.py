"""Runs and checkpoints: found by what they are, made when they are new."""

from typing import Any

from sqlalchemy import and_, or_, select
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
    made = insert_missing(session, Run, {"name": name, "method": method, "config": {}})
    run = made[0] if made else session.scalars(select(Run).where(Run.name == name)).one()
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
    values = {
        "fingerprint": spec.fingerprint,
        "path": spec.path,
        "spec": spec.model_dump(mode="json"),
        "state": CheckpointState.COMPLETE,
    }
    found = _known(session, run.id, step, spec.fingerprint)
    if found is None:
        made = insert_missing(session, Checkpoint, {"run_id": run.id, "step": step, **values})
        if made:
            return made[0]
        found = _known(session, run.id, step, spec.fingerprint)
        assert found is not None, "only a row of this content can be in the way"
    for name, value in values.items():
        setattr(found, name, value)
    found.reason = None
    return found


def _known(session: Session, run_id: int, step: int, fingerprint: str) -> Checkpoint | None:
    """The row of this content, else one that announced the step before it could be read."""
    announced = and_(Checkpoint.fingerprint == "", Checkpoint.state == CheckpointState.WAITING)
    query = (
        select(Checkpoint)
        .where(
            Checkpoint.run_id == run_id,
            Checkpoint.step == step,
            or_(Checkpoint.fingerprint == fingerprint, announced),
        )
        .order_by(Checkpoint.fingerprint.desc())
    )
    return session.scalars(query).first()
