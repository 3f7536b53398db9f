"""`/`: the queue, the workers, failures with their remedies, and the latest results."""

from dataclasses import dataclass

from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.services.evaluations.figures import Metric
from evalsvc.services.evaluations.views import EvaluationSummary, metrics_of, summarise
from evalsvc.services.operations import overview as service


@dataclass(frozen=True)
class Result:
    """An evaluation with its pass@1 and its pass@k at the largest k."""

    evaluation: EvaluationSummary
    first: Metric | None
    last: Metric | None


@dataclass(frozen=True)
class OverviewModel:
    """The front page."""

    overview: service.Overview
    latest: list[Result]


def build(request: PageRequest) -> Page:
    """Show the current state; the page follows the events."""
    model = OverviewModel(service.overview(request.session), _latest(request))
    rows: list[tuple[object, ...]] = [
        ("job", job.id, f"{job.run} @{job.step}", job.state, job.done, job.total, "")
        for job in model.overview.jobs
    ]
    rows += [
        ("failure", f.id, f.title, f.state, None, None, f"{f.message} {f.remedy}".strip())
        for f in model.overview.failures
    ]
    rows += [
        ("worker", w.id, (w.status and w.status.checkpoint_path) or "", w.state, None, None, "")
        for w in model.overview.workers
    ]
    return Page(
        template="overview.html",
        title="Overview",
        model=model,
        table=PageTable(("what", "id", "title", "state", "done", "total", "message"), rows),
        live=True,
    )


def _latest(request: PageRequest) -> list[Result]:
    found = []
    for row in service.latest_results(request.session):
        ks = sorted({1, max([int(k) for k in row.protocol.get("ks", [])] or [1])})
        metrics = metrics_of(request.session, request.state.memo, row, ks)
        found.append(
            Result(
                evaluation=summarise(row),
                first=metrics[0] if metrics else None,
                last=metrics[-1] if len(metrics) > 1 else None,
            )
        )
    return found
