"""`evalsvc rank`: rank checkpoints over several benchmarks, and say which are indistinguishable."""

from typing import Annotated, Any

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, interval, percent, print_json, print_table

app = typer.Typer()


@app.command("rank")
def rank(
    checkpoints: Annotated[
        list[str] | None, typer.Argument(help="RUN or RUN@STEP; all evaluated ones by default.")
    ] = None,
    benchmarks: Annotated[
        str | None, typer.Option(help="Separated by commas; those that all have by default.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, help="k of pass@k.")] = 1,
    how: Annotated[
        str, typer.Option(help="mean (over benchmarks) or swiss (a tournament).")
    ] = "mean",
    allow_differences: Annotated[
        bool,
        typer.Option("--allow-differences", help="Rank subsets, over the problems that all have."),
    ] = False,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Rank checkpoints over the benchmarks that they share."""
    names = [name.strip() for name in (benchmarks or "").split(",") if name.strip()]
    asked: dict[str, Any] = {
        "checkpoint": checkpoints or None,
        "benchmark": names or None,
        "k": k,
        "how": how,
    }
    if allow_differences:
        asked["allow_differences"] = True
    with connect(server, ["rank"]) as client:
        found = client.get("/v1/rank", asked)
    if as_json:
        print_json(found)
        return
    score = "mean" if how == "mean" else "expected wins"
    print_table(
        ("rank", "checkpoint", score, "95%", "cannot be told apart from"),
        [_row(item) for item in found["items"]],
        title=f"pass@{k} over {', '.join(found['benchmarks'])}",
    )
    for note in found["notes"]:
        typer.echo(f"Note: {note}")


def _row(item: dict[str, Any]) -> tuple[Any, ...]:
    tied = ", ".join(item["tied_with"])
    if "mean" in item:
        return item["rank"], item["name"], percent(item["mean"]), interval(item["interval"]), tied
    low, high = item["interval"]
    wins = f"{item['expected_wins']:.2f} ± {item['monte_carlo_error']:.2f}"
    return item["rank"], item["name"], wins, f"{low:.1f} to {high:.1f}", tied
