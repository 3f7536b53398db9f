"""Training runs: found by name, created when new."""

import difflib
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.errors import Conflict, NotFound
from evalsvc.store.models import Run
from evalsvc.store.repositories.pages import Key, Rows, fetch_page
from evalsvc.store.repositories.upserts import insert_or_ignore

UNKNOWN_METHOD = "unknown"


def find_or_create(
    session: Session,
    name: str,
    *,
    method: str = UNKNOWN_METHOD,
    base_model: str | None = None,
    train_seed: int | None = None,
    config: dict[str, Any] | None = None,
) -> Run:
    """The run called `name`. Missing fields are filled in.

    Raises Conflict when its method or training seed differs: two runs would be mixed.
    """
    made = insert_or_ignore(session, Run(name=name, method=method, config={}))
    run = made or session.scalars(select(Run).where(Run.name == name)).one()
    if run.method == UNKNOWN_METHOD:
        run.method = method
    elif method not in (UNKNOWN_METHOD, run.method):
        raise Conflict(
            f"The run {name!r} is already known with the method {run.method!r}, not {method!r}.",
            "Use another run name, or leave the method out.",
        )
    if None not in (run.train_seed, train_seed) and run.train_seed != train_seed:
        raise Conflict(
            f"The run {name!r} is already known with the training seed {run.train_seed}, "
            f"not {train_seed}.",
            "Another training is another run: use another name.",
        )
    run.base_model = run.base_model or base_model
    run.train_seed = train_seed if run.train_seed is None else run.train_seed
    if config:
        run.config = {**run.config, **config}
    session.flush()
    return run


def get(session: Session, name: str) -> Run:
    """A run by its name. Raises NotFound."""
    run = session.scalar(select(Run).where(Run.name == name))
    if run is None:
        names = session.scalars(select(Run.name)).all()
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.5)
        meant = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
        remedy = f"{meant}`evalsvc checkpoints` and GET /v1/runs list them."
        raise NotFound(f"There is no run {name!r}.", remedy)
    return run


def methods(session: Session) -> Sequence[str]:
    """The methods of all runs."""
    return session.scalars(select(Run.method).distinct()).all()


def parse_side(session: Session, side: str) -> tuple[str, int | None]:
    """RUN or RUN@STEP as (run, step). A run whose name holds an @ is found too."""
    name, at, step = side.rpartition("@")
    if at and name and step.isascii() and step.isdecimal() and len(step) < 10:
        try:
            get(session, side)
        except NotFound:
            get(session, name)
            return name, int(step)
    get(session, side)
    return side, None


def page(session: Session, method: str | None, after: Key | None, limit: int) -> Rows[Run]:
    """A page of runs, newest first."""
    statement = select(Run)
    if method is not None:
        statement = statement.where(Run.method == method)
    return fetch_page(session, statement, (Run.id,), after, limit)


def others(session: Session, run: Run) -> Sequence[tuple[str, str]]:
    """(name, method) of every other run."""
    rows = session.execute(select(Run.name, Run.method).where(Run.id != run.id))
    return [(name, method) for name, method in rows]
