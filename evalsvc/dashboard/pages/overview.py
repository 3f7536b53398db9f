"""`/`: the queue and the workers as they are, what failed and what to do, the latest results."""

from dataclasses import dataclass

from evalsvc.dashboard.rendering.page import Table, View
from evalsvc.dashboard.web.page_request import Ask
from evalsvc.services.evaluations.figures import Metric
from evalsvc.services.evaluations.views import EvaluationSummary, metrics_of, summarise
from evalsvc.services.operations import overview as service


@dataclass(frozen=True)
class Result:
    """An evaluation with its pass@1 and the pass@k of its largest k."""

    evaluation: EvaluationSummary
    first: Metric | None
    last: Metric | None


@dataclass(frozen=True)
class Model:
    """The front page."""

    overview: service.Overview
    latest: list[Result]


def build(ask: Ask) -> View:
    """The present state; it follows the events."""
    model = Model(service.overview(ask.session), _latest(ask))
    rows: list[tuple[object, ...]] = [
        ("job", job.id, f"{job.run} @{job.step}", job.state, job.done, job.total, "")
        for job in model.overview.jobs
    ]
    rows += [
        ("failure", f.id, f.title, f.state, None, None, f"{f.message} {f.remedy}".strip())
        for f in model.overview.failures
    ]
    rows += [
        ("worker", w.id, w.status.get("checkpoint_path") or "", w.state, None, None, "")
        for w in model.overview.workers
    ]
    return View(
        template="overview.html",
        title="Overview",
        model=model,
        table=Table(("what", "id", "title", "state", "done", "total", "message"), rows),
        live=True,
    )


def _latest(ask: Ask) -> list[Result]:
    found = []
    for row in service.latest_results(ask.session):
        ks = sorted({1, max([int(k) for k in row.protocol.get("ks", [])] or [1])})
        metrics = metrics_of(ask.session, ask.state.memo, row, ks)
        found.append(
            Result(
                evaluation=summarise(row),
                first=metrics[0] if metrics else None,
                last=metrics[-1] if len(metrics) > 1 else None,
            )
        )
    return found
