"""`evalsvc jobs` and `evalsvc cancel`."""

from typing import Annotated, Any

import typer

from evalsvc.cli.connection import connect, require_server
from evalsvc.cli.printing import (
    Json,
    Server,
    percent,
    print_json,
    print_page,
    print_table,
)
from evalsvc.client import Job

app = typer.Typer()
COLUMNS = ("job", "state", "run", "step", "benchmarks", "done", "samples", "submitted")


@app.command("jobs")
def jobs(
    job: Annotated[str | None, typer.Argument(help="One job; all by default.")] = None,
    state: Annotated[
        str | None, typer.Option(help="queued, running, done, failed or cancelled.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 20,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """List the jobs, or show one with the reasons of what failed."""
    with connect(server, ["jobs"]) as client:
        if job is None:
            page = client.get("/v1/jobs", {"state": state, "limit": limit})
            print_page(page, as_json, COLUMNS, _row)
            return
        found = client.job(job)
    if as_json:
        print_json(found.to_dict())
    else:
        show_job(found)


@app.command("cancel")
def cancel(
    job: Annotated[str, typer.Argument(help="The job.")],
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Cancel a job. Generation stops within seconds; the samples that exist stay."""
    with require_server(server) as client:
        found = client.cancel(job)
    if as_json:
        print_json(found.to_dict())
    else:
        typer.echo(f"{found.id} is {found.state}.")


def show_job(job: Job) -> None:
    """Print a job: its state, the reasons of what failed, then its evaluations."""
    typer.echo(f"{job.id}: {job.state} ({percent(job.progress.fraction)} done)")
    for reason in job.reasons or ([job.error] if job.error else []):
        typer.echo(f"  {reason}")
    print_table(
        ("evaluation", "benchmark", "state", "problems", "n", "done", "samples"),
        [
            (
                part.id,
                part.benchmark,
                part.state,
                part.problems,
                part.samples,
                part.samples_done,
                part.samples_wanted,
            )
            for part in job.evaluations
        ],
    )


def _row(job: dict[str, Any]) -> tuple[Any, ...]:
    progress = job["progress"]
    return (
        job["id"],
        job["state"],
        job["run"],
        job["step"],
        ", ".join(item["benchmark"] for item in job["evaluations"]),
        percent(progress["fraction"]),
        progress["samples_wanted"],
        job["created_at"][:19].replace("T", " "),
    )
