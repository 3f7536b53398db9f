"""`/jobs/{id}`: the request, progress and rate, failures, and a timeline of the shards."""

from dataclasses import dataclass

from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.services.evaluations.timeline import Timeline, timeline
from evalsvc.services.jobs.views import JobView, view_job
from evalsvc.services.operations.overview import measured_rate
from evalsvc.store.states import LIVE_JOBS


@dataclass(frozen=True)
class JobModel:
    """A job. Rate and remaining time are those of its own shards; None until measured."""

    job: JobView
    samples_per_second: float | None
    seconds_left: float | None
    timeline: Timeline


def build(request: PageRequest) -> Page:
    """Build the page. Raises NotFound."""
    job = view_job(request.session, request.part("job"))
    evaluations = [part.id for part in job.evaluations]
    living = job.state in LIVE_JOBS
    rate = measured_rate(request.session, evaluations) if living else None
    left = job.progress.samples_wanted - job.progress.samples_done
    model = JobModel(
        job=job,
        samples_per_second=rate,
        seconds_left=left / rate if rate else None,
        timeline=timeline(request.session, evaluations, job.id),
    )
    columns = ("evaluation", "benchmark", "state", "samples", "problems", "done", "wanted", "error")
    rows = [
        (
            p.id,
            p.benchmark,
            p.state,
            p.samples,
            p.problems,
            p.samples_done,
            p.samples_wanted,
            p.error,
        )
        for p in job.evaluations
    ]
    return Page(
        template="job.html",
        title=f"Job {job.id}",
        model=model,
        table=PageTable(columns, rows),
        extras={"living": living},
        live=living,
    )
