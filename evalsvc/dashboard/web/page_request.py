"""The request for a page. The query of the URL is the whole state of a page.

An unusable value is refused: otherwise a misspelt name would show another run's figure. Only a
page past the end of a list becomes the last one, because lists can get shorter.
"""

import difflib
import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from evalsvc.api.state import State
from evalsvc.dashboard.limits import MAX_QUERY_ITEMS
from evalsvc.errors import ParameterError
from evalsvc.store.database import Session

Item = TypeVar("Item")
MOST_NAMED = 8  # of the possible values in a refusal
MOST_DIGITS = 9


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
        """A text of the query, stripped of blanks."""
        return self.http.query_params.get(name, default).strip()[:300]

    def choice(self, name: str, allowed: Iterable[str], default: str) -> str:
        """One of `allowed`, or the default if nothing is given. Raises ParameterError."""
        value = self.text(name)
        if not value:
            return default
        known = list(allowed)
        if value in known:
            return value
        near = difflib.get_close_matches(value, known, n=3, cutoff=0.5)
        shown = near or known[:MOST_NAMED]
        raise ParameterError(
            f"{name} = {value[:60]!r} cannot be chosen here.",
            f"{'Did you mean' if near else 'For example'}: {', '.join(shown)}."
            if shown
            else "There is nothing to choose from yet.",
        )

    def number(self, name: str, default: int, low: int = 1, high: int = 10**9) -> int:
        """A whole number in [low, high]. Raises ParameterError."""
        value = self.text(name)
        if not value:
            return default
        digits = value.removeprefix("-")
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= MOST_DIGITS):
            raise ParameterError(f"{name} = {value[:60]!r} is no whole number.", "Correct it.")
        if not low <= int(value) <= high:
            raise ParameterError(
                f"{name} = {value[:60]} is out of range.", f"It lies from {low:,} to {high:,}."
            )
        return int(value)

    def fraction(self, name: str, default: float, low: float, high: float) -> float:
        """A fraction in [low, high]. Raises ParameterError."""
        text = self.text(name)
        if not text:
            return default
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise ParameterError(
                f"{name} = {text[:60]!r} cannot be used.",
                f"It is a fraction from {low:g} to {high:g}: 0.05 is 5 points.",
            )
        return value

    def several(self, name: str, allowed: Collection[str]) -> list[str]:
        """The values of a repeated name, each one of `allowed`. Raises ParameterError."""
        found = self.many(name)
        if unknown := [value for value in found if value not in allowed]:
            raise ParameterError(
                f"{name} = {unknown[0][:60]!r} cannot be chosen here.", "Leave it out."
            )
        return found

    def sort_by(self, allowed: Sequence[str], default: str) -> str:
        """The sort key of the list, one of `allowed`. Raises ParameterError."""
        if self.sort and self.sort not in allowed:
            raise ParameterError(
                f"The list cannot be sorted by {self.sort[:60]!r}.",
                f"By one of: {', '.join(allowed)}.",
            )
        return self.sort or default

    def many(self, name: str) -> list[str]:
        """Every value of a repeated name, in order, without duplicates."""
        values = self.http.query_params.getlist(name)[:MAX_QUERY_ITEMS]
        return list(dict.fromkeys(value.strip()[:300] for value in values if value.strip()))

    @property
    def descending(self) -> bool:
        return self.text("sort").startswith("-")

    @property
    def sort(self) -> str:
        """The sort key of the list, without the sign."""
        return self.text("sort").removeprefix("-")

    def pages(self, total: int, size: int) -> Pages:
        """The requested page, at most the last one."""
        last = max(1, math.ceil(total / size))
        return Pages(min(self.number("page", 1), last), size, total)

    def with_(self, **changes: Any) -> str:
        """This page's address with parts of its query changed; None removes a name."""
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
        """The page's own path, quoted as in the request, without a format suffix."""
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
