"""`evalsvc workers`: what each worker is doing."""

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, print_page

app = typer.Typer()


@app.command("workers")
def workers(server: Server = None, as_json: Json = False) -> None:
    """List the workers: state, loaded checkpoint, speed, swaps and cold starts."""
    with connect(server, ["workers"]) as client:
        page = client.get("/v1/workers")
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
