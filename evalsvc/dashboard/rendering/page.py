"""A page: data, a template that shows them, and the same data as JSON and as a table.

A page's function returns a `Page`; `.html`, `.json` and `.csv` are three forms of it, so they
always agree.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic_core import to_json

Format = Literal["html", "json", "csv", "tex"]
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class PageTable:
    """The rows of a page for a spreadsheet."""

    columns: Sequence[str]
    rows: Iterable[Sequence[object]]


@dataclass(frozen=True)
class Page:
    """One answer. `.json` prints `model`, and the template reads it."""

    template: str
    title: str
    model: Any
    table: PageTable
    extras: dict[str, Any] = field(default_factory=dict)  # for the template only: choices, links
    figures: dict[str, Any] = field(default_factory=dict)  # by name, built by plots/
    latex: str | None = None  # for pages that have `.tex`
    more_formats: tuple[tuple[str, str], ...] = ()  # (name, address) besides JSON and CSV
    live: bool = False  # the page follows the events


def as_json(model: Any) -> bytes:
    """The model; non-finite numbers are null, because JSON cannot express them."""
    return to_json(model, indent=1, inf_nan_mode="null", fallback=_plain)


def _plain(value: Any) -> Any:
    """Convert arrays and numbers of NumPy."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def as_csv(table: PageTable) -> str:
    """RFC 4180. A text that a spreadsheet would run as a formula gets a leading apostrophe."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(table.columns)
    writer.writerows([_cell(value) for value in row] for row in table.rows)
    return out.getvalue()


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value
