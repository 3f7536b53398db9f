"""Style shared by all figures: axes, margins, colours by stylesheet name ("--s1/0.2")."""

from typing import Any

SERIES = tuple(f"--s{i}" for i in range(1, 8))
LEFT = 54  # pixels for the labels at the left, equal so that stacked figures align
FONT = {"family": "inherit", "size": 12.5, "color": "--muted"}


def colour(index: int, opacity: float | None = None) -> str:
    """The colour of series `index` (from 0); they repeat after seven."""
    name = SERIES[index % len(SERIES)]
    return name if opacity is None else f"{name}/{opacity:g}"


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """An axis with a hairline grid and no box."""
    return {
        "title": {"text": title, "font": FONT, "standoff": 10},
        "gridcolor": "--line",
        "linecolor": "--line-strong",
        "zeroline": False,
        "tickfont": FONT,
        "automargin": True,
        "fixedrange": True,
        **more,
    }


def layout(**more: Any) -> dict[str, Any]:
    """A layout with transparent background, small margins and the legend above."""
    return {
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "margin": {"l": LEFT, "r": 8, "t": 8, "b": 8},
        "font": FONT,
        "hovermode": "x unified",
        "hoverlabel": {
            "bgcolor": "--card",
            "bordercolor": "--line-strong",
            "font": {"color": "--ink"},
        },
        "legend": {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "font": FONT},
        "dragmode": False,
        **more,
    }


def band(
    x: list[Any], low: list[float | None], high: list[float | None], index: int, group: str
) -> dict[str, Any]:
    """A closed band between two curves, without the points that have no interval."""
    known = [
        (a, b, c) for a, b, c in zip(x, low, high, strict=True) if b is not None and c is not None
    ]
    return {
        "type": "scatter",
        "x": [a for a, _, _ in known] + [a for a, _, _ in reversed(known)],
        "y": [b for _, b, _ in known] + [c for _, _, c in reversed(known)],
        "fill": "toself",
        "fillcolor": colour(index, 0.16),
        "line": {"width": 0},
        "mode": "lines",
        "hoverinfo": "skip",
        "showlegend": False,
        "legendgroup": group,
    }
