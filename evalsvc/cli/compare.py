"""`evalsvc compare`: is the candidate really better than the baseline, and by how much?"""

from typing import Annotated

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, percent, print_json, print_table

app = typer.Typer()


@app.command("compare")
def compare(
    baseline: Annotated[str, typer.Option(help="RUN or RUN@STEP.", metavar="RUN[@STEP]")],
    candidate: Annotated[str, typer.Option(help="RUN or RUN@STEP.", metavar="RUN[@STEP]")],
    benchmark: Annotated[
        str | None, typer.Option(help="One benchmark; all that both have by default.")
    ] = None,
    k: Annotated[
        list[int] | None, typer.Option(min=1, help="Of pass@k; may be given several times.")
    ] = None,
    allow_differences: Annotated[
        bool, typer.Option("--allow-differences", help="Compare unlike evaluations, and say so.")
    ] = False,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Compare two checkpoints, paired by problem: difference, intervals, paired test."""
    asked = {
        "baseline": baseline,
        "candidate": candidate,
        "benchmark": benchmark,
        "k": k or None,
        "allow_differences": allow_differences,
    }
    with connect(server, ["compare"]) as client:
        found = client.get("/v1/compare", asked)["items"]
    if as_json:
        print_json(found)
        return
    print_table(
        (
            "benchmark",
            "metric",
            "baseline",
            "candidate",
            "difference",
            "95% (such problems)",
            "p",
            "p (Holm)",
            "detectable",
        ),
        [
            (
                item["benchmark"],
                f"pass@{item['k']}",
                percent(item["baseline"]),
                percent(item["candidate"]),
                f"{100 * item['difference']:+.1f}",
                " to ".join(f"{100 * end:+.1f}" for end in item["interval_population"]),
                f"{item['p_value']:.2g}",
                f"{item['p_adjusted']:.2g}",
                f"{100 * item['minimum_detectable_effect']:.1f}",
            )
            for item in found
        ],
        title=f"{found[0]['baseline_checkpoint']} → {found[0]['candidate_checkpoint']}, in points",
    )
    for item in found:
        typer.echo(f"{item['benchmark']}: {item['sentence']}")
