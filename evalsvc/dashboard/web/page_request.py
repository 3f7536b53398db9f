"""What a page was asked for. The query of the URL is the whole state of a page, read leniently:
an unusable value falls back to the default, a page past the end becomes the last one.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from evalsvc.api.state import State
from evalsvc.dashboard.limits import MAX_QUERY_ITEMS
from evalsvc.store.database import Session

Item = TypeVar("Item")


@dataclass(frozen=True)
class Pages:
    """Which slice of a list of `total` is shown. Pages and rows count from 1."""

    number: int
    size: int
    total: int

    @property
    def count(self) -> int:
        return max(1, math.ceil(self.total / self.size))

    @property
    def offset(self) -> int:
        return (self.number - 1) * self.size

    @property
    def first(self) -> int:
        return min(self.offset + 1, self.total)

    @property
    def last(self) -> int:
        return min(self.offset + self.size, self.total)

    def slice(self, items: Sequence[Item]) -> Sequence[Item]:
        return items[self.offset : self.offset + self.size]


@dataclass(frozen=True)
class PageRequest:
    """One request for a page: its query, its database session, the server's state."""

    http: Request
    session: Session
    state: State

    def part(self, name: str) -> str:
        """A segment of the path."""
        return str(self.http.path_params[name])

    def text(self, name: str, default: str = "") -> str:
        """A text of the query, without the blanks around it."""
        return self.http.query_params.get(name, default).strip()[:300]

    def choice(self, name: str, allowed: Iterable[str], default: str) -> str:
        """One of `allowed`, or the default."""
        value = self.text(name)
        return value if value in allowed else default

    def number(self, name: str, default: int, low: int = 1, high: int = 10**9) -> int:
        """A whole number, moved into [low, high]."""
        value = self.text(name)
        try:
            return min(max(int(value), low), high)
        except ValueError:
            return default

    def fraction(self, name: str, default: float, low: float, high: float) -> float:
        """A number, moved into [low, high]."""
        try:
            value = float(self.text(name))
        except ValueError:
            return default
        return min(max(value, low), high) if math.isfinite(value) else default

    def many(self, name: str) -> list[str]:
        """Every value of a repeated name, in order, without doubles."""
        values = self.http.query_params.getlist(name)[:MAX_QUERY_ITEMS]
        return list(dict.fromkeys(value.strip()[:300] for value in values if value.strip()))

    @property
    def descending(self) -> bool:
        return self.text("sort").startswith("-")

    @property
    def sort(self) -> str:
        """What the list is sorted by, without the sign."""
        return self.text("sort").removeprefix("-")

    def pages(self, total: int, size: int) -> Pages:
        """The page asked for, at most the last one."""
        last = max(1, math.ceil(total / size))
        return Pages(self.number("page", 1, 1, last), size, total)

    def with_(self, **changes: Any) -> str:
        """This page's address with some of its query changed; None takes a name out."""
        kept = [
            (name, value)
            for name, value in parse_qsl(self.http.url.query, keep_blank_values=False)
            if name not in changes
        ][:MAX_QUERY_ITEMS]
        for name, value in changes.items():
            if value is None or value == "":
                continue
            values = value if isinstance(value, list | tuple) else [value]
            kept.extend((name, str(item)) for item in values)
        base = self.path
        return f"{base}?{urlencode(kept)}" if kept else base

    @property
    def path(self) -> str:
        """The page's own path, quoted as it was asked for, without a format's ending."""
        return self.as_format("html").partition("?")[0]

    def as_format(self, ending: str) -> str:
        """This page's address as `html`, `json`, `csv` or `tex`."""
        raw = self.http.scope.get("raw_path") or self.http.url.path.encode()
        base = raw.decode("ascii", "replace").partition("?")[0]
        for known in (".json", ".csv", ".tex"):
            if self.http.scope.get("evalsvc_format") == known[1:]:
                base = base.removesuffix(known)
        if base in ("/", "/index", ""):
            base = "/" if ending == "html" else "/index"
        query = self.http.url.query
        address = base if ending == "html" else f"{base}.{ending}"
        return f"{address}?{query}" if query else address
