"""`evalsvc workers`: what each worker is doing."""

from collections.abc import Mapping
from typing import Any

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, print_page

app = typer.Typer()


@app.command("workers")
def workers(server: Server = None, as_json: Json = False) -> None:
    """List the workers: state, loaded checkpoint, speed, swaps and cold starts."""
    with connect(server, ["workers"]) as client:
        page = client.get("/v1/workers")
    if not as_json:
        typer.echo(_dispatcher(page["dispatcher"]))
    print_page(
        page,
        as_json,
        ("worker", "state", "engine", "device", "checkpoint", "tokens/s", "swaps", "cold starts"),
        lambda item: (
            item["id"],
            item["state"],
            (item["status"] or {}).get("engine"),
            (item["status"] or {}).get("device"),
            (item["status"] or {}).get("checkpoint_path"),
            (item["status"] or {}).get("tokens_per_second"),
            (item["status"] or {}).get("swaps"),
            (item["status"] or {}).get("cold_starts"),
        ),
    )


def _dispatcher(about: Mapping[str, Any] | None) -> str:
    """The state of the dispatcher, as a sentence."""
    if about is None:
        return "There has been no dispatcher yet: `evalsvc up` or `evalsvc dispatch` starts one."
    why = f": {about['reason']} {about['remedy'] or ''}".rstrip() if about["reason"] else "."
    return f"The dispatcher ({about['holder']}) is {about['state']}{why}"
