"""`evalsvc checkpoints`: what the training runs wrote, and whether it was evaluated."""

from typing import Annotated

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, print_page

app = typer.Typer()


@app.command("checkpoints")
def checkpoints(
    run: Annotated[str | None, typer.Option(help="Only of this run.")] = None,
    state: Annotated[
        str | None,
        typer.Option(help="complete, waiting, rotated, abandoned, skipped or failed."),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 50,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """List the checkpoints, including those that were not evaluated, with the reason."""
    with connect(server, ["checkpoints"]) as client:
        page = client.get("/v1/checkpoints", {"run": run, "state": state, "limit": limit})
    print_page(
        page,
        as_json,
        ("run", "step", "method", "state", "architecture", "path", "reason"),
        lambda item: (
            item["run"],
            item["step"],
            item["method"],
            item["state"],
            item["architecture"],
            item["path"],
            item["reason"],
        ),
    )
