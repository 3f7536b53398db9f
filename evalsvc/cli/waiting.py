"""Waiting for a job with a progress bar: samples done, their rate, the time that remains."""

import sys
import time
from typing import Any

import typer

from evalsvc.cli.jobs import show_job
from evalsvc.cli.printing import print_json
from evalsvc.cli.results import show_results
from evalsvc.trainers.client import Client

POLL_SECONDS = 0.5


def wait_with_progress(client: Client, job_id: str, *, as_json: bool = False) -> int:
    """Wait until the job has ended and print its results. Returns the exit code."""
    job = follow(client, job_id)
    evaluations = [client.get(f"/v1/evaluations/{part['id']}") for part in job["evaluations"]]
    if as_json:
        print_json({"job": job, "evaluations": evaluations})
    else:
        if job["state"] != "done":
            show_job(job)
        show_results(evaluations)
    return 0 if job["state"] == "done" else 1


def follow(client: Client, job_id: str, description: str = "") -> dict[str, Any]:
    """Show the progress of a job on standard error until it has ended; returns the job."""
    from rich.console import Console  # noqa: PLC0415 - only for people
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not console.is_terminal:
        return _follow_plainly(client, job_id, description or job_id)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        console=console,
    ) as progress:
        task = progress.add_task(description or job_id, total=None, rate="")

        def show(job: dict[str, Any]) -> None:
            done, wanted = job["progress"]["samples_done"], job["progress"]["samples_wanted"]
            progress.update(task, completed=done, total=wanted)
            speed = progress.tasks[0].speed
            progress.update(task, rate=f"{speed:.1f} samples/s" if speed else job["state"])

        return client.wait(job_id, show, poll_seconds=POLL_SECONDS)


def _follow_plainly(client: Client, job_id: str, description: str) -> dict[str, Any]:
    """The same in lines, where standard error is no terminal: one at each tenth."""
    started, shown = time.monotonic(), -1
    there: int | None = None  # samples of former jobs: nobody draws them now

    def show(job: dict[str, Any]) -> None:
        nonlocal shown, there
        done, wanted = job["progress"]["samples_done"], job["progress"]["samples_wanted"]
        there = done if there is None else there
        tenth = int(10 * done / wanted) if wanted else 0
        if tenth == shown:
            return
        shown = tenth
        seconds = time.monotonic() - started
        rate = (done - there) / seconds if seconds > 0 else 0.0
        left = f", about {(wanted - done) / rate:.0f} s left" if rate and done < wanted else ""
        typer.echo(
            f"{description}: {done:,} of {wanted:,} samples, {rate:.1f} samples/s{left}", err=True
        )
        sys.stderr.flush()

    return client.wait(job_id, show, poll_seconds=POLL_SECONDS)
