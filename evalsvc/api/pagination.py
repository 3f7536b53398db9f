"""Cursor pagination: every list is `{items, next_cursor}`; a cursor is opaque and never expires.

A cursor holds the sort key of the last row that was shown, so that rows that come or go between
two pages neither repeat nor hide others.
"""

import base64
import binascii
import json
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Query
from pydantic import BaseModel, Field

from evalsvc.api.limits import MAX_PAGE_ROWS
from evalsvc.errors import UsageError
from evalsvc.store.repositories.pages import Key, Rows

Item = TypeVar("Item")
Row = TypeVar("Row")

Limit = Annotated[int, Query(ge=1, le=MAX_PAGE_ROWS, description="rows on a page")]
Cursor = Annotated[
    str | None, Query(max_length=600, description="`next_cursor` of the page before")
]


class Paginated(BaseModel, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(default=None, description="null on the last page")


def encode(key: Key | None) -> str | None:
    """The cursor of a sort key."""
    if key is None:
        return None
    text = json.dumps(list(key), separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def decode(cursor: str | None) -> Key | None:
    """The sort key in a cursor. Raises UsageError for anything that this server did not make."""
    if cursor is None:
        return None
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        key: Any = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        key = None
    if not isinstance(key, list) or not key or not all(_is_scalar(part) for part in key):
        raise UsageError(
            "The cursor is not one of this server's.",
            "Use `next_cursor` of the page before as it is, or leave `cursor` out.",
        )
    return tuple(key)


def _is_scalar(value: Any) -> bool:
    whole = isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63
    return whole or (isinstance(value, str) and "\0" not in value)


def page(rows: Rows[Any], items: list[Item]) -> Paginated[Item]:
    """The page that shows `items`, made from `rows`."""
    return Paginated(items=items, next_cursor=encode(rows.next_key))
