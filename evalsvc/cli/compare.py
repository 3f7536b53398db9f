"""`evalsvc compare`: is a candidate really better than the baseline, and by how much?"""

from typing import Annotated

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, percent, print_json, print_table
from evalsvc.client.rows import CurveCrossing

app = typer.Typer()


@app.command("compare")
def compare(
    baseline: Annotated[str, typer.Option(help="RUN or RUN@STEP.", metavar="RUN[@STEP]")],
    candidate: Annotated[
        list[str],
        typer.Option(help="RUN or RUN@STEP; may be given several times.", metavar="RUN[@STEP]"),
    ],
    benchmark: Annotated[
        str | None, typer.Option(help="One benchmark; all that both have by default.")
    ] = None,
    k: Annotated[
        list[int] | None, typer.Option(min=1, help="k of the metric; may be given several times.")
    ] = None,
    allow_differences: Annotated[
        bool, typer.Option("--allow-differences", help="Compare unlike evaluations, with a note.")
    ] = False,
    margin: Annotated[
        float,
        typer.Option(min=0, max=1, help="Differences below this fraction count as equivalent."),
    ] = 0.01,
    metric: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="A registered metric with a test (`evalsvc metrics`). [pass@k]"
        ),
    ] = None,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Compare checkpoints with a baseline, paired by problem: difference, intervals, test."""
    with connect(server, ["compare"]) as client:
        found = client.compare(
            baseline,
            candidate,
            benchmark,
            k,
            allow_differences=allow_differences,
            margin=margin,
            metric=metric,
        )
    if as_json:
        print_json(found.to_dicts())
        return
    print_table(
        (
            "candidate",
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
                item.candidate_checkpoint,
                item.benchmark,
                metric_at(item.metric, item.k),
                percent(item.baseline),
                percent(item.candidate),
                f"{100 * item.difference:+.1f}",
                " to ".join(f"{100 * end:+.1f}" for end in item.interval_population),
                f"{item.p_value:.2g}",
                f"{item.p_adjusted:.2g}",
                f"{100 * item.minimum_detectable_effect:.1f}",
            )
            for item in found
        ],
        title=f"against {found[0].baseline_checkpoint}, in points",
    )
    typer.echo(f"p (Holm) is over {found[0].family_size} tests: {found[0].family}.")
    for item in found:
        typer.echo(f"{item.candidate_checkpoint}, {item.benchmark}: {item.sentence}")
    for curve in found.curves:
        typer.echo(f"{curve.candidate_checkpoint}, {curve.benchmark}, all k: {curve.sentence}")
    for crossing in found.crossings:
        typer.echo(_crossing(crossing))
    for method in found.methods:
        typer.echo(f"{method.candidate} against {method.baseline}: {method.sentence}")
    for note in found.notes:
        typer.echo(f"Note: {note}")


def metric_at(metric: str, k: int) -> str:
    """`pass@16`; a metric without k as it is."""
    return f"{metric[:-1]}{k}" if metric.endswith(("@k", "^k")) else metric


def _crossing(crossing: CurveCrossing) -> str:
    doubt = "" if crossing.resolved else "; noise can explain it"
    if doubt and (between := crossing.resolved_between):
        doubt = f"; resolved is only that they cross between k = {between[0]} and {between[1]}"
    return (
        f"{crossing.candidate_checkpoint}, {crossing.benchmark}: the curves cross near "
        f"k = {crossing.k:.0f} (the {crossing.leader_below} leads before, the "
        f"{crossing.leader_above} after){doubt}."
    )
