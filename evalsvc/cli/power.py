"""`evalsvc power`: how many samples, problems or runs it takes to detect a difference."""

from typing import Annotated

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, print_json, print_table

app = typer.Typer()


@app.command("power")
def power(
    run: Annotated[str, typer.Option("--pilot", "--run", help="The pilot.", metavar="RUN[@STEP]")],
    benchmark: Annotated[str, typer.Option(help="The benchmark.")],
    effect: Annotated[
        float, typer.Option(help="The difference to detect, a fraction: 0.05 is 5 points.")
    ],
    find: Annotated[str, typer.Option(help="samples, problems, runs or power.")] = "samples",
    k: Annotated[int, typer.Option(min=1, help="k of pass@k.")] = 1,
    candidate: Annotated[
        str | None, typer.Option(help="A pilot of the other side.", metavar="RUN[@STEP]")
    ] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="n per problem.")] = None,
    problems: Annotated[
        int | None, typer.Option(min=2, help="Number of problems; the pilot's by default.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Training runs per method.")] = 1,
    alpha: Annotated[float, typer.Option(help="Size of the two-sided test.")] = 0.05,
    target: Annotated[float, typer.Option("--target", help="The power wanted.")] = 0.8,
    run_deviation: Annotated[
        float, typer.Option(help="Standard deviation between runs of a method, a fraction.")
    ] = 0.0,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Plan an experiment from stored pilot results, with its cost at the measured rate."""
    with connect(server, ["power"]) as client:
        plan = client.power(
            run,
            benchmark,
            effect,
            find=find,
            k=k,
            candidate=candidate,
            samples=samples,
            problems=problems,
            runs=runs,
            alpha=alpha,
            target=target,
            run_deviation=run_deviation,
        )
    if as_json:
        print_json(plan.to_dict())
        return
    names = ("problems", "samples", "runs", "power", "best_power", "total_samples", "hours")
    print_table(names, [[getattr(plan, name) for name in names]])
    typer.echo(plan.sentence)
