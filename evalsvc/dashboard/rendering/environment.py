"""The template environment: autoescape everywhere, errors for undefined names, our filters."""

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from pydantic_core import to_json

from evalsvc import __version__
from evalsvc.dashboard.plots.lanes import draw_timeline
from evalsvc.dashboard.rendering import formatting, labels, mathematics, svg, text
from evalsvc.dashboard.web import assets

TEMPLATES = Path(__file__).parents[1] / "templates"
NAVIGATION = (
    ("/", "Overview"),
    ("/leaderboard", "Leaderboard"),
    ("/compare", "Compare"),
    ("/claims", "Claims"),
    ("/matrix", "Matrix"),
    ("/power", "Power"),
    ("/benchmarks", "Benchmarks"),
    ("/workers", "Workers"),
)


@cache
def environment() -> Environment:
    """The one environment of the process; templates are compiled once."""
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals.update(
        asset=assets.url,
        plotly_style_ids=assets.plotly_style_ids,
        navigation=NAVIGATION,
        version=__version__,
        link=link,
        path=path,
        n=formatting,
        draw=svg,
        draw_timeline=draw_timeline,
        labels=labels,
    )
    made.filters.update(
        visible=text.visible,
        ticked=text.with_code,
        mathematics=mathematics.render,
        figure_json=figure_json,
    )
    return made


def render(template: str, **context: Any) -> str:
    """Render one page."""
    return environment().get_template(template).render(**context)


def link(base: str, **query: object) -> str:
    """`base` with the given query; None and empty values are left out, lists are repeated."""
    kept = {
        name: value
        for name, value in query.items()
        if value is not None and value not in ("", [], ())
    }
    return f"{base}?{urlencode(kept, doseq=True)}" if kept else base


def path(*segments: object) -> str:
    """A path of quoted segments: path("runs", "a/b") is "/runs/a%2Fb"."""
    return "/" + "/".join(quote(str(segment), safe="") for segment in segments)


def figure_json(figure: Any) -> Markup:
    """A figure for a `<script type="application/json">`: nothing in it can end the element."""
    body = to_json(figure, inf_nan_mode="null").decode()
    for character, escaped in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        body = body.replace(character, escaped)
    return Markup(body)  # noqa: S704 - JSON without <, > and &
