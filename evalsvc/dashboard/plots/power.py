"""Power of a design over the size of the difference, with the usual 80 % line."""

from collections.abc import Sequence
from typing import Any

from evalsvc.dashboard.plots.style import axis, colour, layout
from evalsvc.statistics import Plan


def power_figure(curve: Sequence[Plan], found: Plan) -> dict[str, Any]:
    """Percent over points; the requested effect is marked."""
    return {
        "data": [
            {
                "type": "scatter",
                "x": [100 * plan.effect for plan in curve],
                "y": [100 * plan.power for plan in curve],
                "mode": "lines+markers",
                "line": {"color": colour(0), "width": 2},
                "marker": {"size": 6, "color": colour(0)},
                "hovertemplate": "%{x:.1f} points: %{y:.0f} %<extra></extra>",
            }
        ],
        "layout": layout(
            xaxis=axis("true difference, points", rangemode="tozero"),
            yaxis=axis("power, %", range=[0, 102]),
            showlegend=False,
            hovermode="closest",
            shapes=[
                {
                    "type": "line",
                    "xref": "paper",
                    "x0": 0,
                    "x1": 1,
                    "y0": 80,
                    "y1": 80,
                    "line": {"color": "--muted", "dash": "dot", "width": 1},
                },
                {
                    "type": "line",
                    "x0": 100 * found.effect,
                    "x1": 100 * found.effect,
                    "yref": "paper",
                    "y0": 0,
                    "y1": 1,
                    "line": {"color": "--s2", "width": 1},
                },
            ],
        ),
    }
