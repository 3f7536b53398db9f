"""`evalsvc override`: set the verdict of one sample by hand, with the reason."""

from typing import Annotated

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, print_json
from evalsvc.client import Client
from evalsvc.client.operations import part
from evalsvc.errors import NotFound, UsageError

app = typer.Typer()


@app.command("override")
def override(
    evaluation: Annotated[str, typer.Argument(help="The evaluation.")],
    sample: Annotated[int, typer.Option(min=0, help="The sample, from 0.")],
    correct: Annotated[
        bool, typer.Option("--correct/--wrong", help="The verdict.", show_default=False)
    ],
    why: Annotated[str, typer.Option(help="The reason; it is kept beside the verdict.")],
    row: Annotated[
        int | None, typer.Option(min=0, help="The problem's row in the benchmark, from 0.")
    ] = None,
    problem_id: Annotated[str | None, typer.Option(help="Or the problem's id.")] = None,
    who: Annotated[str | None, typer.Option(help="Your name; the key's by default.")] = None,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Set one verdict by hand. It counts instead of the verifier's, which is kept beside it."""
    if (row is None) == (problem_id is None):
        raise UsageError("Name one problem: either --row or --problem-id.", "Rows count from 0.")
    with connect(server, ["evaluations", "samples"]) as client:
        at, name = _problem(client, evaluation, row, problem_id)
        path = f"/v1/evaluations/{part(evaluation)}/rows/{at}/samples/{sample}/override"
        body = {"correct": correct, "why": why, **({"who": who} if who else {})}
        made = client.post(path, body)
    if as_json:
        print_json({**made, "row": at, "problem_id": name, "sample": sample})
        return
    verdict = "correct" if made["correct"] else "not correct"
    typer.echo(f"Sample {sample} of row {at} (id {name}) is {verdict}: {made['who']}, {why}")


def _problem(
    client: Client, evaluation: str, row: int | None, problem_id: str | None
) -> tuple[int, str]:
    """(row, id) of the problem that was named. Raises NotFound."""
    cursor: str | None = None
    while True:
        asked = {"limit": 500, "cursor": cursor}
        page = client.get(f"/v1/evaluations/{part(evaluation)}/problems", asked)
        for item in page["items"]:
            if row == item["problem"] or problem_id == item["problem_id"]:
                return int(item["problem"]), str(item["problem_id"])
        cursor = page["next_cursor"]
        if cursor is None:
            raise NotFound(
                f"The evaluation {evaluation} has no result for "
                + (f"row {row}." if row is not None else f"the problem {problem_id!r}."),
                "Its page lists the problems, with their rows and ids.",
            )
