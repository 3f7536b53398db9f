"""Waiting for a job: its progress on standard error, then its results."""

from evalsvc.cli.jobs import show_job
from evalsvc.cli.printing import print_json
from evalsvc.cli.results import show_results
from evalsvc.client import Client, Job
from evalsvc.client.progress import job_progress

POLL_SECONDS = 0.5


def wait_with_progress(client: Client, job: Job, *, as_json: bool = False) -> int:
    """Wait until the job has ended and print its results. Returns the exit code."""
    ended = follow(client, job)
    evaluations = [client.evaluation(part.id) for part in ended.evaluations]
    if as_json:
        print_json({"job": ended.to_dict(), "evaluations": [e.to_dict() for e in evaluations]})
    else:
        if ended.state != "done":
            show_job(ended)
        show_results(evaluations)
    return 0 if ended.state == "done" else 1


def follow(client: Client, job: Job, description: str = "") -> Job:
    """Show the progress of a job until it has ended; returns the ended job."""
    with job_progress(description or job.id, lines=True) as show:
        return client.wait(job, progress=show or False, poll_seconds=POLL_SECONDS)
