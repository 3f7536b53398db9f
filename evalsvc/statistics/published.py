"""Rows printed in papers: reading them, and checking whether they are comparable with ours.

The catalogue keeps them as `published.csv`, one line per printed cell, with what the paper says
about its protocol; an empty cell means that the paper does not say. Values stay in percent as
printed. This module takes text and returns rows and reasons.
"""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal, TypeVar

from evalsvc.statistics.errors import StatisticsError

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class PublishedRow:
    """One printed figure. None: the paper does not say.

    source_table: as the paper numbers them. benchmark: the paper's name for it; part: ours, of the
    catalogue. plus_minus_percent: the printed spread. problems: rows averaged over. samples: n per
    problem of one run; runs: how many such runs were averaged.
    """

    paper: str
    source_table: str
    benchmark: str
    part: str | None
    model: str
    method: str
    metric: str
    k: int
    value_percent: float
    plus_minus_percent: float | None
    problems: int | None
    temperature: float | None
    top_p: float | None
    max_tokens: int | None
    samples: int | None
    runs: int | None
    prompt: str | None
    grader: str | None


COLUMNS = tuple(field.name for field in fields(PublishedRow))


def parse_published(text: str, name: str = "published.csv") -> tuple[PublishedRow, ...]:
    """The rows of a CSV text with exactly the columns of `PublishedRow`.

    name: of the file, for the messages. StatisticsError names file and line on a missing or unknown
    column, a value that is no number or a percentage outside 0..100.
    """
    reader = csv.DictReader(io.StringIO(text), restkey="", restval="")
    header = tuple(reader.fieldnames or ())
    if set(header) != set(COLUMNS):
        odd = sorted(set(header) ^ set(COLUMNS))
        raise StatisticsError(
            f"{name}: columns missing or unknown: {', '.join(odd)}.",
            f"Expected: {', '.join(COLUMNS)}.",
        )
    return tuple(_row(cells, f"{name}, line {line}") for line, cells in enumerate(reader, 2))


@dataclass(frozen=True, slots=True)
class OwnProtocol:
    """How our evaluation was made, in the same terms. grader: name of the verifier."""

    part: str
    model: str
    problems: int
    temperature: float
    top_p: float
    max_tokens: int
    samples: int
    prompt: str
    grader: str


@dataclass(frozen=True, slots=True)
class Reason:
    """One point on which the printed row and ours differ, or that the paper does not state."""

    point: str
    published: str
    ours: str
    kind: Literal["differs", "not stated"]


@dataclass(frozen=True, slots=True)
class Comparability:
    """comparable: nothing differs. differs: something does. unclear: the paper leaves it open."""

    verdict: Literal["comparable", "differs", "unclear"]
    reasons: tuple[Reason, ...]
    sentence: str


def comparability(row: PublishedRow, ours: OwnProtocol) -> Comparability:
    """Whether a printed row answers the same question as our evaluation, and why not.

    Scores by another grader are another measurement, even by a better one. A different n only
    matters where ours is below k: the estimator is unbiased at every n >= k.
    """
    reasons = [
        reason
        for point, theirs, own in (
            ("model", row.model, ours.model),
            ("part", row.part, ours.part),
            ("problems", row.problems, ours.problems),
            ("prompt", row.prompt, ours.prompt),
            ("temperature", row.temperature, ours.temperature),
            ("top_p", row.top_p, ours.top_p),
            ("max_tokens", row.max_tokens, ours.max_tokens),
            ("grader", row.grader, ours.grader),
        )
        if (reason := _reason(point, theirs, own)) is not None
    ]
    if ours.samples < row.k:
        reasons.append(Reason("samples", f"k = {row.k}", f"n = {ours.samples}", "differs"))
    elif row.samples is None:
        reasons.append(Reason("samples", "not stated", f"n = {ours.samples}", "not stated"))
    differing = [r for r in reasons if r.kind == "differs"]
    if differing:
        words = "; ".join(f"{r.point}: {r.published} there, {r.ours} here" for r in differing)
        return Comparability("differs", tuple(reasons), f"Not comparable: {words}.")
    if reasons:
        words = ", ".join(r.point for r in reasons)
        return Comparability("unclear", tuple(reasons), f"The paper does not state: {words}.")
    return Comparability("comparable", (), "Same split, prompt, sampling and grader.")


def _reason(point: str, theirs: object, own: object) -> Reason | None:
    if theirs is None:
        return Reason(point, "not stated", str(own), "not stated")
    same = str(theirs).casefold() == str(own).casefold() if isinstance(own, str) else theirs == own
    return None if same else Reason(point, str(theirs), str(own), "differs")


def _row(cells: dict[str, str], where: str) -> PublishedRow:
    if "" in cells or any(value is None for value in cells.values()):
        raise StatisticsError(f"{where}: the line has more cells than the header has columns.")
    row = PublishedRow(
        paper=_required(cells, "paper", str, where),
        source_table=_required(cells, "source_table", str, where),
        benchmark=_required(cells, "benchmark", str, where),
        part=_optional(cells, "part", str, where),
        model=_required(cells, "model", str, where),
        method=_required(cells, "method", str, where),
        metric=_required(cells, "metric", str, where),
        k=_required(cells, "k", int, where),
        value_percent=_required(cells, "value_percent", float, where),
        plus_minus_percent=_optional(cells, "plus_minus_percent", float, where),
        problems=_optional(cells, "problems", int, where),
        temperature=_optional(cells, "temperature", float, where),
        top_p=_optional(cells, "top_p", float, where),
        max_tokens=_optional(cells, "max_tokens", int, where),
        samples=_optional(cells, "samples", int, where),
        runs=_optional(cells, "runs", int, where),
        prompt=_optional(cells, "prompt", str, where),
        grader=_optional(cells, "grader", str, where),
    )
    spread = row.plus_minus_percent
    if not 0 <= row.value_percent <= 100 or (spread is not None and not 0 <= spread <= 100):
        raise StatisticsError(f"{where}: a percentage outside 0..100.", "Values are in percent.")
    counted = (row.k, row.problems, row.samples, row.runs, row.max_tokens)
    if any(count is not None and count < 1 for count in counted):
        raise StatisticsError(f"{where}: k, problems, samples, runs must be at least 1.")
    return row


def _required(
    cells: dict[str, str], column: str, read: Callable[[str], Value], where: str
) -> Value:
    value = _optional(cells, column, read, where)
    if value is None:
        raise StatisticsError(f"{where}: {column} is empty.", "Every printed cell needs it.")
    return value


def _optional(
    cells: dict[str, str], column: str, read: Callable[[str], Value], where: str
) -> Value | None:
    text = cells[column].strip()
    if not text:
        return None
    try:
        return read(text)
    except ValueError as error:
        raise StatisticsError(f"{where}: {column} is {text!r}, not a number.") from error
