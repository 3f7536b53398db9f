"""Checkpoints: found by their content, created when new."""

from collections.abc import Collection, Sequence

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session, contains_eager, joinedload

from evalsvc.errors import NotFound
from evalsvc.specs import CheckpointSpec
from evalsvc.store.identifiers import new_id
from evalsvc.store.models import Checkpoint, Run
from evalsvc.store.repositories.pages import Key, Rows, fetch_page
from evalsvc.store.repositories.upserts import insert_or_ignore
from evalsvc.store.states import CheckpointState

IMPORTED = "imported:"  # prefix of the fingerprint of a checkpoint known only by its step


def get(session: Session, checkpoint_id: int) -> Checkpoint:
    """A checkpoint with its run. Raises NotFound."""
    found = session.get(Checkpoint, checkpoint_id, options=[joinedload(Checkpoint.run)])
    if found is None:
        raise NotFound(
            f"There is no checkpoint {checkpoint_id}.", "`evalsvc checkpoints` lists them."
        )
    return found


def of_ids(session: Session, ids: Collection[int]) -> dict[int, Checkpoint]:
    """The checkpoints with these ids, with their runs."""
    query = select(Checkpoint).where(Checkpoint.id.in_(ids)).options(joinedload(Checkpoint.run))
    return {row.id: row for row in session.scalars(query)}


def page(
    session: Session, run: str | None, state: str | None, after: Key | None, limit: int
) -> Rows[Checkpoint]:
    """A page of checkpoints, newest first."""
    statement = select(Checkpoint).join(Checkpoint.run).options(contains_eager(Checkpoint.run))
    if run is not None:
        statement = statement.where(Run.name == run)
    if state is not None:
        statement = statement.where(Checkpoint.state == state)
    return fetch_page(session, statement, (Checkpoint.id,), after, limit)


def of_run(session: Session, run_id: int) -> Sequence[Checkpoint]:
    """The checkpoints of a run, by step."""
    query = (
        select(Checkpoint)
        .where(Checkpoint.run_id == run_id)
        .options(joinedload(Checkpoint.run))
        .order_by(Checkpoint.step, Checkpoint.id)
    )
    return session.scalars(query).all()


def count_by_run(session: Session, run_ids: Sequence[int]) -> dict[int, tuple[int, int | None]]:
    """(number of checkpoints, newest step) of each run."""
    statement = (
        select(Checkpoint.run_id, func.count(), func.max(Checkpoint.step))
        .where(Checkpoint.run_id.in_(run_ids))
        .group_by(Checkpoint.run_id)
    )
    return {run: (count, step) for run, count, step in session.execute(statement)}


def newest_failed(session: Session, limit: int) -> Sequence[Checkpoint]:
    """The checkpoints that cannot be evaluated, newest first."""
    query = (
        select(Checkpoint)
        .options(joinedload(Checkpoint.run))
        .where(Checkpoint.state == CheckpointState.FAILED)
        .order_by(Checkpoint.created_at.desc())
        .limit(limit)
    )
    return session.scalars(query).all()


def newest_spec(session: Session, fingerprint: str) -> CheckpointSpec:
    """The spec of the newest checkpoint with this content: older paths may no longer exist."""
    query = (
        select(Checkpoint.spec)
        .where(Checkpoint.fingerprint == fingerprint)
        .order_by(Checkpoint.id.desc())
        .limit(1)
    )
    return CheckpointSpec.model_validate(session.scalars(query).one())


def find_or_create(session: Session, run: Run, step: int, spec: CheckpointSpec) -> Checkpoint:
    """The checkpoint of a run at a step with this content; completes an announced one."""
    session.flush()
    values = {
        "fingerprint": spec.fingerprint,
        "path": spec.path,
        "spec": spec.model_dump(mode="json"),
        "state": CheckpointState.COMPLETE,
    }
    found = _known(session, run.id, step, spec.fingerprint)
    if found is None:
        made = insert_or_ignore(session, Checkpoint(run_id=run.id, step=step, **values))
        if made is not None:
            return made
        found = _known(session, run.id, step, spec.fingerprint)
        assert found is not None, "only a row of this content can be in the way"
    for name, value in values.items():
        setattr(found, name, value)
    found.reason = None
    return found


def _known(session: Session, run_id: int, step: int, fingerprint: str) -> Checkpoint | None:
    """The row with this content, else one that announced the step before it was readable."""
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


def record_unread(
    session: Session, run_id: int, step: int, *, path: str, state: str, reason: str | None
) -> Checkpoint:
    """Record a checkpoint that could not be read: one row per step, replaced by later reports."""
    row = Checkpoint(run_id=run_id, step=step, fingerprint="", path=path, state=state, spec={})
    insert_or_ignore(session, row)
    found = session.scalars(
        select(Checkpoint).where(
            Checkpoint.run_id == run_id, Checkpoint.step == step, Checkpoint.fingerprint == ""
        )
    ).one()
    found.path, found.state, found.reason = path, state, reason
    return found


def at_step(session: Session, run: Run, step: int) -> Checkpoint:
    """The run's newest checkpoint at a step; if none, a new one known only by its step."""
    found = session.scalars(
        select(Checkpoint)
        .where(
            Checkpoint.run_id == run.id,
            Checkpoint.step == step,
            Checkpoint.state == CheckpointState.COMPLETE,
        )
        .order_by(Checkpoint.id.desc())
    ).first()
    if found is not None:
        return found
    made = Checkpoint(
        run_id=run.id, step=step, fingerprint=f"{IMPORTED}{new_id()}", path="", reason="imported"
    )
    session.add(made)
    session.flush()
    return made
