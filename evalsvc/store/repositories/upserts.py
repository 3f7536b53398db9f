"""Insert unless it is there already: the one statement that differs between the two databases."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from evalsvc.store.models import Base

Row = TypeVar("Row", bound=Base)


def insert_or_ignore(
    session: Session, model: type[Row], rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]
) -> list[Row]:
    """Insert the rows that no unique key forbids; returns those that were inserted.

    A row that another transaction is inserting is waited for.
    """
    values = [dict(rows)] if isinstance(rows, Mapping) else [dict(row) for row in rows]
    if not values:
        return []
    if session.get_bind().dialect.name == "postgresql":
        statement = postgresql.insert(model).on_conflict_do_nothing().returning(model)
    else:
        statement = sqlite.insert(model).on_conflict_do_nothing().returning(model)
    return list(session.scalars(statement, values))
