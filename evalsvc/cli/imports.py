"""`evalsvc import FORMAT PATH`: import results of other tools as evaluations of a run."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, percent, print_json
from evalsvc.errors import UsageError
from evalsvc.imports import COUNTS_FORMAT, FORMATS, CountsRow, ResponseRow, read

app = typer.Typer()


class ProblemIds(StrEnum):
    """What a problem is named by."""

    ID = "id"
    ROW = "row"


@app.command("import")
def import_results(
    format: Annotated[str, typer.Argument(help=f"One of: {', '.join(FORMATS)}.")],
    path: Annotated[Path, typer.Argument(help="The file, or the folder that the tool wrote.")],
    run: Annotated[str, typer.Option(help="The training run.")],
    benchmark: Annotated[str, typer.Option(help="NAME or NAME:PART.")],
    method: Annotated[str, typer.Option(help='For example "GRPO + A-GRAE".')] = "unknown",
    step: Annotated[int, typer.Option(min=0, help="The training step.")] = 0,
    base_model: Annotated[str | None, typer.Option(help="What the run started from.")] = None,
    train_seed: Annotated[int | None, typer.Option(help="The seed of the training.")] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="paper, official, quick or greedy, if the samples were drawn under it."),
    ] = None,
    problem_ids: Annotated[
        ProblemIds | None,
        typer.Option(help="What the file's problem ids are, where a number can be both."),
    ] = None,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Import counts, or responses, which are judged again by this service's verifier.

    Importing the same run, step, benchmark and format again replaces the earlier import.
    """
    body: dict[str, Any] = {
        "format": format,
        "run": run,
        "method": method,
        "step": step,
        "base_model": base_model,
        "train_seed": train_seed,
        "benchmark": benchmark,
        "protocol": protocol,
        "problem_ids": problem_ids and problem_ids.value,
        "source": str(path),
        **_rows(format, path),
    }
    with connect(server, ["imports"], create=True) as client:
        made = client.post("/v1/imports", {k: v for k, v in body.items() if v is not None})
    if as_json:
        print_json(made)
        return
    rate = made["correct"] / made["samples"] if made["samples"] else None
    typer.echo(
        f"{made['run']}@{made['step']} on {made['benchmark']}: {made['problems']:,} problems, "
        f"{made['samples']:,} samples, {percent(rate)} of them correct"
        + ("; the earlier import is replaced." if made["replaced"] else ".")
    )
    for note in made["notes"]:
        typer.echo(f"Note: {note}")
    if (claims := made["source_verdicts"]) is not None:
        _show_claims(claims)


def _show_claims(claims: dict[str, Any]) -> None:
    """Print both graders' scores over the same samples, and where they differ."""
    samples, differ = claims["samples"], claims["disagreements"]
    typer.echo(
        f"The source's own grader accepts {claims['correct']:,} of {samples:,} "
        f"({claims['correct'] / samples:.2%}), this verifier {claims['correct_here']:,} "
        f"({claims['correct_here'] / samples:.2%}); they differ on "
        f"{sum(entry['samples'] for entry in differ):,}."
    )
    for entry in differ:
        who = "the source" if entry["accepted_by"] == "source" else "this verifier"
        typer.echo(f"  {entry['samples']:,} only {who} accepts; rule: {entry['rule']}")


def _rows(format: str, path: Path) -> dict[str, list[dict[str, Any]]]:
    """The rows of the file as the API takes them. Raises UsageError, with file and line."""
    if format not in FORMATS:
        raise UsageError(f"There is no format {format!r}.", f"Known: {', '.join(FORMATS)}.")
    counts, responses = [], []
    for row in read(format, path):
        if isinstance(row, CountsRow):
            counts.append({"problem_id": row.problem_id, "n": row.n, "c": row.c})
        else:
            responses.append(_response(row))
    if not counts and not responses:
        raise UsageError(f"{path} holds no rows.", "Is it the right file?")
    return {"counts": counts} if format == COUNTS_FORMAT else {"responses": responses}


def _response(row: ResponseRow) -> dict[str, Any]:
    return {
        "problem_id": row.problem_id,
        "response": row.response,
        "truncated": row.truncated,
        "output_tokens": row.output_tokens,
        "claimed_correct": row.claimed_correct,
    }
