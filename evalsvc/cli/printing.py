"""What commands print: JSON for programs, tables for people."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]
Server = Annotated[
    str | None,
    typer.Option(
        "--server",
        metavar="URL",
        help="The server. Default: EVALSVC_SERVER, else the one that runs on these data, "
        "else the local database is used directly.",
    ),
]
Metrics = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="NAME",
        help="A registered metric (`evalsvc metrics`), or `all`; may be given several times. "
        "Default: pass@k.",
    ),
]
MISSING = "–"
FRACTION = "fraction"  # the unit of shares, which are printed in percent


def print_json(value: Any) -> None:
    """JSON on standard output."""
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False, default=str))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str = "") -> None:
    """Print a table as wide as the terminal; in a pipe as wide as its content."""
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=title or None, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=10_000)
        table.expand = False
    console.print(table)


def cell(value: Any) -> str:
    """A value formatted for people."""
    if value is None or value == "":
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"
    return str(value)


def percent(fraction: float | None) -> str:
    """0.4667 as 46.7%."""
    return MISSING if fraction is None else f"{100 * fraction:.1f}%"


def interval(pair: Sequence[float] | None) -> str:
    """An interval in percent."""
    if pair is None:
        return MISSING
    return f"{100 * pair[0]:.1f} to {100 * pair[1]:.1f}"


def in_unit(value: float, unit: str) -> str:
    """A metric's value: fractions in percent, others with their unit."""
    return percent(value) if unit == FRACTION else f"{cell(value)} {unit}"


def interval_in_unit(pair: Sequence[float] | None, unit: str) -> str:
    """A metric's interval, in percent where its unit is the fraction."""
    if pair is None or unit == FRACTION:
        return interval(pair)
    return f"{cell(pair[0])} to {cell(pair[1])}"


def print_page(page: Mapping[str, Any], as_json: bool, columns: Sequence[str], row: Any) -> None:
    """Print the items of a page, and whether there are more."""
    if as_json:
        print_json(page["items"])
        return
    print_table(columns, [row(item) for item in page["items"]])
    if page.get("next_cursor"):
        typer.echo("There are more; raise --limit to see them.", err=True)
