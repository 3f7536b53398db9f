"""`evalsvc import FORMAT PATH`: import results of other tools as evaluations of a run."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import groupby
from pathlib import Path
from typing import Annotated, Any

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, percent, print_json
from evalsvc.errors import UsageError
from evalsvc.imports import COUNTS_FORMAT, FORMATS, CountsRow, ResponseRow, check_rows, read

app = typer.Typer()
#: Judging some hundred thousand answers takes hours; the request is not sent a second time.
IMPORT_SECONDS = 24 * 3600.0


class NamedBy(StrEnum):
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
    step: Annotated[
        int | None,
        typer.Option(
            min=0, help="The training step; of a verl folder this step only.  [default: 0]"
        ),
    ] = None,
    base_model: Annotated[str | None, typer.Option(help="What the run started from.")] = None,
    train_seed: Annotated[int | None, typer.Option(help="The seed of the training.")] = None,
    protocol: Annotated[
        str | None,
        typer.Option(help="paper, official, quick or greedy, if the samples were drawn under it."),
    ] = None,
    problem_ids: Annotated[
        NamedBy | None,
        typer.Option(help="What the file's problem ids are, where a number can be both."),
    ] = None,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Import counts, or responses, which are judged again by this service's verifier.

    Importing the same run, step, benchmark and format again replaces the earlier import; the same
    file again changes nothing. A folder of verl's is imported step by step.
    """
    shared = {
        "format": format,
        "run": run,
        "method": method,
        "base_model": base_model,
        "train_seed": train_seed,
        "benchmark": benchmark,
        "protocol": protocol,
        "problem_ids": problem_ids and problem_ids.value,
        "source": str(path),
    }
    made: list[dict[str, Any]] = []
    with connect(
        server, ["imports"], create=True, timeout_seconds=IMPORT_SECONDS, attempts=1
    ) as client:
        for named, rows in _imports(format, path):
            if step is not None and named not in (None, step):
                continue
            at = named if named is not None else step or 0
            body = {k: v for k, v in {**shared, "step": at, **rows}.items() if v is not None}
            made.append(client.post("/v1/imports", body, _idempotency_key(body)))
            if not as_json:
                _show(made[-1])
    if not made:
        raise UsageError(f"{path} holds no rows of step {step}.", "Leave --step out to see all.")
    if as_json:
        print_json(made[0] if len(made) == 1 else made)


def _idempotency_key(body: dict[str, Any]) -> str:
    """The same for the same import, so that a second try is not a second import."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=True)
    return f"import-{hashlib.sha256(text.encode()).hexdigest()}"


def _show(made: dict[str, Any]) -> None:
    rate = made["correct"] / made["samples"] if made["samples"] else None
    ending = "."
    if made["replaced"]:
        ending = "; the earlier import is replaced."
    if made["repeated"]:
        ending = "; it was imported before, and nothing is changed."
    typer.echo(
        f"{made['run']}@{made['step']} on {made['benchmark']}: {made['problems']:,} problems, "
        f"{made['samples']:,} samples, {percent(rate)} of them correct{ending}"
    )
    for note in made["notes"]:
        typer.echo(f"Note: {note}")
    if (agreement := made["source_verdicts"]) is not None:
        _show_agreement(agreement)


def _show_agreement(agreement: dict[str, Any]) -> None:
    """Print both graders' scores over the same samples, and where they differ."""
    samples, differ = agreement["samples"], agreement["disagreements"]
    typer.echo(
        f"The source's own grader accepts {agreement['correct']:,} of {samples:,} "
        f"({agreement['correct'] / samples:.2%}), this verifier {agreement['correct_here']:,} "
        f"({agreement['correct_here'] / samples:.2%}); they differ on "
        f"{sum(entry['samples'] for entry in differ):,}."
    )
    for entry in differ:
        who = "the source" if entry["accepted_by"] == "source" else "this verifier"
        typer.echo(f"  {entry['samples']:,} only {who} accepts; rule: {entry['rule']}")


def _imports(format: str, path: Path) -> Iterator[tuple[int | None, dict[str, Any]]]:
    """The rows as the API takes them, one import per training step that the source names.

    Raises UsageError, with file and line.
    """
    if format not in FORMATS:
        raise UsageError(f"There is no format {format!r}.", f"Known: {', '.join(FORMATS)}.")
    if format == COUNTS_FORMAT:
        rows = [row for row in read(format, path) if isinstance(row, CountsRow)]
        counts = [{"problem_id": row.problem_id, "n": row.n, "c": row.c} for row in rows]
        yield None, {"counts": counts}
        return
    responses = (row for row in read(format, path) if isinstance(row, ResponseRow))
    for step, group in groupby(responses, key=lambda row: row.step):
        rows_of_step = list(group)
        check_rows(rows_of_step)
        yield (
            step,
            {
                "problems": _problems(rows_of_step),
                "responses": [_response(row) for row in rows_of_step],
            },
        )


def _problems(rows: Sequence[ResponseRow]) -> list[dict[str, Any]]:
    """What the source says of each problem, once."""
    first: dict[str, ResponseRow] = {}
    for row in rows:
        first.setdefault(row.problem_id, row)
    return [
        {"problem_id": name, "question": row.question, "gold": row.gold}
        for name, row in first.items()
        if row.question is not None or row.gold is not None
    ]


def _response(row: ResponseRow) -> dict[str, Any]:
    return {
        "problem_id": row.problem_id,
        "response": row.response,
        "truncated": row.truncated,
        "output_tokens": row.output_tokens,
        "claimed_correct": row.claimed_correct,
    }
