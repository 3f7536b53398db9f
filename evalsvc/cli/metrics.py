"""`evalsvc metrics`: the registered metrics, those of other packages included."""

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, print_json, print_table

app = typer.Typer()
DIRECTIONS = {True: "higher", False: "lower", None: ""}


@app.command("metrics")
def metrics(server: Server = None, as_json: Json = False) -> None:
    """List the registered metrics: what each is, its inputs, intervals and test."""
    with connect(server, ["metrics_catalogue"]) as client:
        found = client.get("/v1/metrics-catalogue")
    if as_json:
        print_json(found)
        return
    print_table(
        ("metric", "formula", "inputs", "better", "unit", "intervals", "test", "package"),
        [
            (
                item["name"],
                item["formula"],
                item["inputs"],
                DIRECTIONS[item["higher_is_better"]],
                item["unit"],
                ", ".join(item["intervals"]),
                item["test"],
                item["package"],
            )
            for item in found["items"]
        ],
    )
    for message in found["unusable"]:
        typer.echo(f"Note: {message}", err=True)
