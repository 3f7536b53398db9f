"""Pages of rows in a fixed order, newest first, by the sort key of the last row that was shown."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from evalsvc.errors import UsageError
from evalsvc.store.models.base import UtcDateTime

Row = TypeVar("Row")
First = TypeVar("First")
Second = TypeVar("Second")
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Rows(Generic[Row]):
    """One page; `next_key` is None on the last one."""

    rows: Sequence[Row]
    next_key: Key | None


def fetch_page(
    session: Session,
    statement: Select[Row],
    order: Sequence[InstrumentedAttribute[Any]],
    after: Key | None,
    limit: int,
    *,
    ascending: bool = False,
) -> Rows[Row]:
    """The rows of `statement` past the key `after`, sorted by `order` (unique together).

    Raises UsageError when `after` is no key of this order.
    """
    if after is not None:
        key = tuple_(*order)
        values = _typed(after, order)
        statement = statement.where(key > values if ascending else key < values)
    direction = [column.asc() if ascending else column.desc() for column in order]
    rows = list(session.scalars(statement.order_by(*direction).limit(limit + 1)))
    if len(rows) <= limit:
        return Rows(rows, None)
    last = rows[limit - 1]
    return Rows(rows[:limit], tuple(_plain(getattr(last, column.key)) for column in order))


def fetch_pairs(
    session: Session,
    statement: Select[First, Second],
    order: Sequence[InstrumentedAttribute[Any]],
    after: Key | None,
    limit: int,
) -> Rows[tuple[First, Second]]:
    """As `fetch_page`, for a statement that selects two entities. Newest first."""
    if after is not None:
        statement = statement.where(tuple_(*order) < _typed(after, order))
    keyed = statement.add_columns(*order).order_by(*(column.desc() for column in order))
    rows = session.execute(keyed.limit(limit + 1)).all()
    pairs: list[tuple[First, Second]] = [(row[0], row[1]) for row in rows[:limit]]
    if len(rows) <= limit:
        return Rows(pairs, None)
    return Rows(pairs, tuple(_plain(value) for value in rows[limit - 1][2:]))


def _typed(key: Key, order: Sequence[InstrumentedAttribute[Any]]) -> Key:
    problem = UsageError(
        "The cursor belongs to another list.", "Leave `cursor` out to begin at the first page."
    )
    if len(key) != len(order):
        raise problem
    values = []
    for value, column in zip(key, order, strict=True):
        if isinstance(column.type, UtcDateTime) and isinstance(value, str):
            try:
                values.append(datetime.fromisoformat(value).astimezone(UTC))
            except (ValueError, OverflowError):
                raise problem from None
        elif isinstance(value, column.type.python_type):
            values.append(value)
        else:
            raise problem
    return tuple(values)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
