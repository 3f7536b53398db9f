"""Insert unless the row exists: the only statement that differs between the two databases.

It waits for a row that another transaction is inserting.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from evalsvc.store.models import Base

Row = TypeVar("Row", bound=Base)


def insert_or_ignore(session: Session, row: Row) -> Row | None:
    """Insert `row`; None when a unique key forbids it.

    The returned row belongs to the session; `row` itself only holds the values.
    """
    values = {name: value for name, value in vars(row).items() if not name.startswith("_")}
    made = insert_all_or_ignore(session, type(row), [values])
    return made[0] if made else None


def insert_all_or_ignore(
    session: Session, model: type[Row], rows: Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Insert the rows that no unique key forbids; returns those that were inserted."""
    if not rows:
        return []
    if session.get_bind().dialect.name == "postgresql":
        statement = postgresql.insert(model).on_conflict_do_nothing().returning(model)
    else:
        statement = sqlite.insert(model).on_conflict_do_nothing().returning(model)
    return list(session.scalars(statement, [dict(row) for row in rows]))
