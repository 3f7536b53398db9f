"""A figure over the training steps of one or several runs, with bands and marked gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from evalsvc.dashboard.plots.style import axis, band, colour, layout
from evalsvc.dashboard.rendering.text import plain


@dataclass(frozen=True)
class Point:
    """One evaluated step, in fractions; `link` is the target of a click, `said` its text."""

    step: int
    value: float
    low: float | None
    high: float | None
    link: str = ""
    said: str = ""


@dataclass(frozen=True)
class Gap:
    """A step without a result, and the reason."""

    step: int
    reason: str


@dataclass(frozen=True)
class Series:
    """One line of the figure: a run, or all the runs of a method."""

    name: str
    points: Sequence[Point]
    gaps: Sequence[Gap] = ()


def training_figure(series: Sequence[Series], ylabel: str) -> dict[str, Any]:
    """Percent over steps. A gap interrupts the line and has a cross at the bottom."""
    traces: list[dict[str, Any]] = []
    for index, one in enumerate(series):
        traces.extend(_traces(index, one))
    return {
        "data": traces,
        "layout": layout(xaxis=axis("training step", rangemode="tozero"), yaxis=axis(ylabel)),
    }


def _traces(index: int, one: Series) -> list[dict[str, Any]]:
    name = plain(one.name)
    steps: list[int] = [p.step for p in one.points]
    line = {
        "type": "scatter",
        **_broken_line(one),
        "mode": "lines+markers",
        "name": name,
        "legendgroup": name,
        "connectgaps": False,
        "line": {"color": colour(index), "width": 2},
        "marker": {"size": 7, "color": colour(index)},
        "hovertemplate": "%{y:.1f} %%{text}",
    }
    low = [None if p.low is None else 100 * p.low for p in one.points]
    high = [None if p.high is None else 100 * p.high for p in one.points]
    pieces = _pieces(one)
    traces = [_band(steps[a:b], low[a:b], high[a:b], index, name) for a, b in pieces if a < b]
    traces.append(line)
    if one.gaps:
        floor = min((bound for bound in low if bound is not None), default=0.0)
        traces.append(_gap_marks(one, name, floor, index))
    return traces


def _band(
    steps: list[Any], low: list[float | None], high: list[float | None], index: int, name: str
) -> dict[str, Any]:
    """The band of one piece; a single point gets a bar."""
    made = band(steps, low, high, index, name)
    if len(steps) == 1:
        made["line"] = {"width": 6, "color": colour(index, 0.25)}
    return made


def _pieces(one: Series) -> list[tuple[int, int]]:
    """Slices of the points between the gaps: a band must not cover unmeasured steps."""
    cuts = [
        i
        for i, (a, b) in enumerate(pairwise(one.points), start=1)
        if any(a.step < gap.step < b.step for gap in one.gaps)
    ]
    return list(pairwise([0, *cuts, len(one.points)]))


def _broken_line(one: Series) -> dict[str, list[Any]]:
    """The points in order of step, with an empty one at each gap."""
    rows: list[tuple[int, float | None, str, str]] = [
        (p.step, 100 * p.value, p.link, p.said) for p in one.points
    ]
    rows += [(gap.step, None, "", "") for gap in one.gaps]
    rows.sort(key=lambda row: row[0])
    return {
        "x": [row[0] for row in rows],
        "y": [row[1] for row in rows],
        "customdata": [row[2] for row in rows],
        "text": [plain(row[3]) for row in rows],
    }


def _gap_marks(one: Series, name: str, floor: float, index: int) -> dict[str, Any]:
    return {
        "type": "scatter",
        "x": [gap.step for gap in one.gaps],
        "y": [floor] * len(one.gaps),
        "mode": "markers",
        "name": f"{name}: no result",
        "legendgroup": name,
        "showlegend": False,
        "marker": {"symbol": "x-thin", "size": 9, "line": {"width": 2, "color": colour(index)}},
        "text": [plain(gap.reason) for gap in one.gaps],
        "hovertemplate": "%{text}<extra></extra>",
    }
