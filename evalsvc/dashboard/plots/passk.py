"""pass@k over k on a log2 axis with bands, and the difference of two curves around zero."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalsvc.dashboard.plots.style import axis, band, colour, layout
from evalsvc.dashboard.rendering.text import plain


@dataclass(frozen=True)
class PlottedCurve:
    """pass@k of one evaluation, in fractions. A bound is None where no interval exists."""

    name: str
    ks: Sequence[int]
    values: Sequence[float]
    low: Sequence[float | None]
    high: Sequence[float | None]
    dashed: bool = False  # a published row, not our own measurement


def pass_at_k_figure(curves: Sequence[PlottedCurve]) -> dict[str, Any]:
    """A line and a band for each curve; percent over k."""
    traces: list[dict[str, Any]] = []
    for index, curve in enumerate(curves):
        traces.extend(_traces(index, curve))
    return {
        "data": traces,
        "layout": layout(
            xaxis=k_axis([k for curve in curves for k in curve.ks]),
            yaxis=axis("pass@k, %", automargin=False),
            showlegend=len(curves) > 1,
        ),
    }


def difference_figure(
    ks: Sequence[int],
    difference: Sequence[float],
    low: Sequence[float | None],
    high: Sequence[float | None],
    crossovers: Sequence[float] = (),
    *,
    simultaneous: Sequence[tuple[float, float]] = (),
) -> dict[str, Any]:
    """Candidate minus baseline in percentage points, zero marked, crossings of zero dotted.

    simultaneous: the band for all k at once, drawn behind the pointwise one.
    """
    xs = list(ks)
    wide = [[100 * bound for bound in bounds] for bounds in zip(*simultaneous, strict=True)]
    traces = [
        *([band(xs, [*wide[0]], [*wide[1]], 0, "all k at once")] if wide else []),
        band(xs, _percent(low), _percent(high), 1, "difference"),
        {
            "type": "scatter",
            "x": xs,
            "y": _percent(difference),
            "mode": "lines+markers",
            "name": "difference",
            "line": {"color": colour(1), "width": 2},
            "marker": {"size": 6, "color": colour(1)},
            "hovertemplate": "%{y:+.2f} points<extra></extra>",
            "showlegend": False,
        },
    ]
    lines = [
        {
            "type": "line",
            "x0": k,
            "x1": k,
            "y0": 0,
            "y1": 1,
            "yref": "paper",
            "line": {"color": "--muted", "dash": "dot", "width": 1},
        }
        for k in crossovers
    ]
    return {
        "data": traces,
        "layout": layout(
            xaxis=k_axis(xs),
            yaxis=axis(
                "points", automargin=False, zeroline=True, zerolinecolor="--ink", zerolinewidth=1.2
            ),
            shapes=lines,
            showlegend=False,
        ),
    }


def k_axis(ks: Sequence[int]) -> dict[str, Any]:
    """A log2 axis with a tick at each k."""
    ticks = sorted(set(ks))
    return axis("k", type="log", tickmode="array", tickvals=ticks, ticktext=[str(k) for k in ticks])


def _traces(index: int, curve: PlottedCurve) -> list[dict[str, Any]]:
    name = plain(curve.name)
    xs = list(curve.ks)
    line = {
        "type": "scatter",
        "x": xs,
        "y": _percent(curve.values),
        "mode": "lines+markers",
        "name": name,
        "legendgroup": name,
        "line": {"color": colour(index), "width": 2, "dash": "dot" if curve.dashed else "solid"},
        "marker": {"size": 6, "color": colour(index)},
        "hovertemplate": "%{y:.1f} %",
    }
    if all(bound is None for bound in curve.low):
        return [line]
    return [band(xs, _percent(curve.low), _percent(curve.high), index, name), line]


def _percent(values: Sequence[float | None]) -> list[float | None]:
    return [None if value is None else 100 * value for value in values]
