"""The rows of an export: one figure per row, with its intervals and how it was made.

Plain values only, so that the writers need neither the database nor the statistics. Values in the
unit "fraction" are fractions of 1, except in the tables for readers (LaTeX, Markdown), which print
percent.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from evalsvc.errors import UsageError

FRACTION = "fraction"  # the unit of shares, which readers see in percent


class ExportError(UsageError):
    """Results that cannot be written in the requested form."""

    status, kind, title = 422, "export", "The results cannot be exported"


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One figure of one evaluation.

    metric: a registered one, as in `pass@k`; k its k, None for a metric without k. unit:
    "fraction", or what the value counts. low and high: 95% intervals, None where there
    is none. coverage: share of the wanted samples that exist. baseline: the method compared with,
    difference and p_adjusted against it (after Holm over the export), None without one. better: the
    difference is positive and significant: the only ground for bold print. problems_total: of the
    benchmark. remarks: what must stand beside the figure.
    """

    benchmark: str
    model: str
    method: str
    run: str
    step: int
    metric: str
    k: int | None
    value: float
    low_fixed: float | None = None
    high_fixed: float | None = None
    low_population: float | None = None
    high_population: float | None = None
    problems: int = 0
    samples: int = 0
    coverage: float = 1.0
    protocol: str = ""
    verifier: str = ""
    baseline: str | None = None
    difference: float | None = None
    p_adjusted: float | None = None
    better: bool = False
    evaluation: str = ""
    problems_total: int = 0
    remarks: str = ""
    unit: str = FRACTION


COLUMNS = tuple(field.name for field in fields(ResultRow))


def as_dicts(rows: Sequence[ResultRow]) -> list[dict[str, Any]]:
    """The rows as dictionaries with the columns in order."""
    return [asdict(row) for row in rows]


def metric_name(row: ResultRow) -> str:
    """`pass@16`: the metric with its k."""
    return row.metric if row.k is None else f"{row.metric.removesuffix('k')}{row.k}"


def need_rows(rows: Sequence[ResultRow]) -> None:
    """Raises ExportError if there is nothing to export."""
    if not rows:
        raise ExportError("there are no results to export.", "Check the run and benchmark names.")
