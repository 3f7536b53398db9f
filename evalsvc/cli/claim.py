"""`evalsvc claim`: is a method, or a checkpoint, better over several benchmarks together?"""

from typing import Annotated

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, percent, print_json, print_table
from evalsvc.errors import UsageError

app = typer.Typer()


@app.command("claim")
def claim(
    baseline_method: Annotated[
        str | None, typer.Option(help="A method with all its runs, as `GRPO`.")
    ] = None,
    candidate_method: Annotated[
        str | None, typer.Option(help="The method that is claimed to be better.")
    ] = None,
    baseline: Annotated[
        str | None, typer.Option(help="In place of methods.", metavar="RUN[@STEP]")
    ] = None,
    candidate: Annotated[
        str | None, typer.Option(help="In place of methods.", metavar="RUN[@STEP]")
    ] = None,
    benchmarks: Annotated[
        str | None, typer.Option(help="Separated by commas; those that all runs have by default.")
    ] = None,
    k: Annotated[int, typer.Option(min=1, help="k of pass@k.")] = 1,
    weights: Annotated[
        str | None, typer.Option(help="As `aime2025=2,amc23=1`; equal by default.")
    ] = None,
    alpha: Annotated[float, typer.Option(help="Size of the two-sided tests.")] = 0.05,
    test: Annotated[
        str, typer.Option(help="For several runs: permutation, or welch (assumes normal scores).")
    ] = "permutation",
    step: Annotated[
        int | None, typer.Option(min=0, help="For methods; each run's newest step by default.")
    ] = None,
    base_model: Annotated[
        str | None, typer.Option(help="For methods: only runs from this base model.")
    ] = None,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Test a claim over several benchmarks: on average, on every one, and on which."""
    with connect(server, ["claims"]) as client:
        found = client.claim(
            baseline,
            candidate,
            baseline_method=baseline_method,
            candidate_method=candidate_method,
            benchmarks=benchmarks,
            k=k,
            weights=_weights(weights or ""),
            alpha=alpha,
            test=test,
            step=step,
            base_model=base_model,
        )
    if as_json:
        print_json(found.to_dict())
        return
    print_table(
        ("benchmark", "weight", "baseline", "candidate", "difference", "p (Holm)", "outcome"),
        [
            (
                own.benchmark,
                f"{own.weight:.2f}",
                percent(own.baseline),
                percent(own.candidate),
                f"{100 * own.difference:+.1f}",
                f"{own.p_adjusted:.2g}",
                own.outcome,
            )
            for own in found.benchmarks
        ],
        title=f"pass@{found.k}, {found.candidate} against {found.baseline}, in points",
    )
    if found.unit == "run":
        print_table(
            ("side", "run", "base model", "train seed", "score", "counted"),
            [
                (
                    own.side,
                    f"{own.run}@{own.step}",
                    own.base_model,
                    None if own.train_seed is None else str(own.train_seed),
                    percent(own.score),
                    own.counted,
                )
                for own in found.runs
            ],
        )
    typer.echo(found.sentence)
    for note in found.notes:
        typer.echo(f"Note: {note}")


def _weights(text: str) -> dict[str, float]:
    """`a=2,b=1` as a mapping. Raises UsageError; the server checks the names and the signs."""
    found: dict[str, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, number = part.rpartition("=")
        try:
            found[name.strip()] = float(number)
        except ValueError as error:
            raise UsageError(
                f"{part!r} is not a weight of a benchmark.", "Write a=2,b=1."
            ) from error
    return found
