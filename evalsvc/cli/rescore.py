"""`evalsvc rescore`: judge stored transcripts again with the current verifier."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import Json, Server, percent, print_json, print_table
from evalsvc.client import Client
from evalsvc.client.operations import part
from evalsvc.errors import ServerError

app = typer.Typer()
POLL_SECONDS = 0.5


@app.command("rescore")
def rescore(
    evaluation: Annotated[
        str, typer.Argument(help="The evaluation; or an earlier rescore, to show or accept it.")
    ],
    accept: Annotated[
        bool, typer.Option("--accept", help="Replace the evaluation's verdicts by the new ones.")
    ] = False,
    disagreements: Annotated[
        Path | None, typer.Option(help="Write the changed verdicts here, as CSV.")
    ] = None,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Judge every sample again and show what changes. Nothing is generated; old verdicts stay."""
    with connect(server, ["rescores"]) as client:
        found = _wait(client, _earlier(client, evaluation) or _start(client, evaluation))
        if found["state"] != "failed" and disagreements is not None:
            text = client.get(f"/v1/rescores/{found['id']}/changes.csv")
            disagreements.write_text(str(text), encoding="utf-8")
        changes = client.get(f"/v1/rescores/{found['id']}/changes", {"limit": 20})["items"]
        if found["state"] == "done" and accept:
            found = client.post(f"/v1/rescores/{found['id']}/accept")
    if as_json:
        print_json({**found, "changes": changes})
    else:
        _show(found, changes)
    if found["state"] == "failed":
        raise typer.Exit(1)


def _earlier(client: Client, name: str) -> str | None:
    """The rescore of that name; None where there is none."""
    try:
        return str(client.get(f"/v1/rescores/{part(name)}")["id"])
    except ServerError as error:
        if error.answered_status == 404:
            return None
        raise


def _start(client: Client, evaluation: str) -> str:
    return str(client.post(f"/v1/evaluations/{part(evaluation)}/rescore")["id"])


def _wait(client: Client, rescore_id: str) -> dict[str, Any]:
    while True:
        found: dict[str, Any] = client.get(f"/v1/rescores/{rescore_id}")
        if found["state"] != "running":
            return found
        typer.echo(f"{found['judged']:,} of {found['total']:,} samples judged", err=True)
        time.sleep(POLL_SECONDS)


def _show(found: dict[str, Any], changes: list[dict[str, Any]]) -> None:
    typer.echo(
        f"Rescore {found['id']} ({found['state']}): {found['judged']:,} samples judged by "
        f"{found['verifier_after']} (before: {found['verifier_before']}), "
        f"{found['flipped']:,} verdicts changed."
    )
    if found["error"]:
        typer.echo(found["error"], err=True)
    if found["summary"]:
        before, after = found["summary"]["correct_before"], found["summary"]["correct_after"]
        typer.echo(f"Correct samples: {percent(before)} before, {percent(after)} after.")
        for one in found["summary"].get("pass_at_k", []):
            typer.echo(
                f"pass@{one['k']}: {percent(one['before'])} before, {percent(one['after'])} after."
            )
    if changes:
        names = ("problem_id", "sample", "verdict_before", "verdict_after", "rule_after")
        print_table(names, [[change[name] for name in names] for change in changes])
