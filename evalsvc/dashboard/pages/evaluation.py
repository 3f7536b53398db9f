"""`/evaluations/{id}`: the figures with both intervals, the problems, and the provenance."""

from dataclasses import dataclass, replace

from evalsvc.catalogue import CatalogueError
from evalsvc.dashboard.pages.problem_list import FILTERS, SORTS, select_problems
from evalsvc.dashboard.plots.passk import PlottedCurve, pass_at_k_figure
from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest, Pages
from evalsvc.errors import Conflict, NotFound, StorageError
from evalsvc.services.evaluations.confidences import confidences
from evalsvc.services.evaluations.figures import Metric
from evalsvc.services.evaluations.metric_figures import EvaluationMetrics, quick_metrics
from evalsvc.services.evaluations.scoring import scoring
from evalsvc.services.evaluations.timeline import Timeline, timeline
from evalsvc.services.evaluations.views import EvaluationDetail, counts_of, describe, traits_of
from evalsvc.services.rescoring.rescoring import RescoreView, view
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations, rescores, results

PAGE_SIZE = 50
UNASKED_SHOWN = 20


@dataclass(frozen=True)
class ProblemLine:
    """One problem's counts; truncated and failed are samples out of n."""

    problem: int
    problem_id: str
    level: str | None
    subject: str | None
    n: int
    c: int
    truncated: int
    no_answer: int
    failed: int
    tokens_per_sample: float


@dataclass(frozen=True)
class UnaskedLine:
    """A problem without samples, and the reason."""

    problem: int
    problem_id: str
    error: str


@dataclass(frozen=True)
class EvaluationModel:
    """An evaluation with one page of its problems."""

    evaluation: EvaluationDetail
    problems: list[ProblemLine]
    pages: Pages
    solved_never: int
    solved_always: int
    unasked: list[UnaskedLine]  # the first of `unasked_total`
    unasked_total: int
    timeline: Timeline
    rescores: list[RescoreView]
    registered: EvaluationMetrics  # at the smallest and the largest k


def build(request: PageRequest) -> Page:
    """Build the page. Raises NotFound."""
    session, memo = request.session, request.state.memo
    state, name = request.state, request.part("evaluation")
    detail = describe(session, memo, state.catalogue, state.settings.data, name)
    row = evaluations.get(session, detail.id)
    detail = replace(detail, notes=[*detail.notes, *_verdict_notes(request, row)])
    counts, traits = counts_of(session, memo, row), traits_of(session, memo, row.revision_id)
    which = request.choice("show", dict(FILTERS), "all")
    sort = request.sort_by(SORTS, "problem")
    chosen = select_problems(counts, which, sort, request.descending)
    pages = request.pages(len(chosen.positions), PAGE_SIZE)
    shown = [int(i) for i in pages.slice(chosen.positions.tolist())]
    masks = results.read_masks(session, row.id, [int(counts.problems[i]) for i in shown])
    problems = []
    for i in shown:
        number = int(counts.problems[i])
        found = masks[number]
        problems.append(
            ProblemLine(
                problem=number,
                problem_id=traits.ids.get(number, str(number)),
                level=traits.traits["level"].get(number),
                subject=traits.traits["subject"].get(number),
                n=int(counts.n[i]),
                c=int(counts.c[i]),
                truncated=found.truncated.bit_count(),
                no_answer=found.no_answer.bit_count(),
                failed=found.failed.bit_count(),
                tokens_per_sample=float(counts.tokens[i] / max(int(counts.n[i]), 1)),
            )
        )
    unasked = _unasked(request, row.id, traits.ids)
    model = EvaluationModel(
        evaluation=detail,
        problems=problems,
        pages=pages,
        solved_never=chosen.solved_never,
        solved_always=chosen.solved_always,
        unasked=unasked[:UNASKED_SHOWN],
        unasked_total=len(unasked),
        timeline=timeline(session, [row.id]),
        rescores=[view(found) for found in rescores.all_of(session, row.id)],
        registered=_registered(request, row, detail),
    )
    kind = request.choice("interval", ("fixed", "population"), "population")
    s = detail
    return Page(
        template="evaluation.html",
        title=f"{s.run} @{s.step} on {s.benchmark}",
        model=model,
        table=_table(model),
        extras={"which": which, "filters": FILTERS, "kind": kind},
        figures={
            "passk": pass_at_k_figure([curve(s.benchmark, list(detail.metrics.values()), kind)])
        }
        if len(detail.metrics) > 1
        else {},
        live=s.state in ("pending", "running"),
    )


def _registered(
    request: PageRequest, row: Evaluation, detail: EvaluationDetail
) -> EvaluationMetrics:
    """Every registered metric at the smallest and the largest k that has a figure."""
    ks = [metric.k for metric in detail.metrics.values()]
    if not ks:
        return EvaluationMetrics(row.id, [], [])
    state = request.state
    ends = sorted({min(ks), max(ks)})
    metrics = state.metrics.metrics
    return quick_metrics(request.session, state.memo, state.artifacts, row, metrics, ends)


def _verdict_notes(request: PageRequest, row: Evaluation) -> list[str]:
    """What is said of the verdicts: two readings where they differ, and how they were reached."""
    state = request.state
    try:
        found = confidences(request.session, state.memo, state.artifacts, row).sentence
    except (NotFound, StorageError):  # the transcripts are gone
        found = ""
    return [*_scoring_note(request, row), *([found] if found else [])]


def _scoring_note(request: PageRequest, row: Evaluation) -> list[str]:
    """For benchmarks with pictures: the score of the same answers by the paper's stricter rule."""
    try:
        if request.state.catalogue.get(row.benchmark).modality != "image":
            return []
        found = scoring(request.session, request.state.memo, request.state.artifacts, row)
    except (CatalogueError, Conflict, NotFound, StorageError):  # deleted, or never written
        return []
    return [found.sentence] if found.sentence else []


def curve(name: str, metrics: list[Metric], kind: str) -> PlottedCurve:
    """The curve of these figures with the requested kind of interval."""
    bounds = [
        metric.interval_fixed if kind == "fixed" else metric.interval_population
        for metric in metrics
    ]
    return PlottedCurve(
        name=name,
        ks=[metric.k for metric in metrics],
        values=[metric.value for metric in metrics],
        low=[None if b is None else b[0] for b in bounds],
        high=[None if b is None else b[1] for b in bounds],
    )


def _unasked(request: PageRequest, evaluation: str, ids: dict[int, str]) -> list[UnaskedLine]:
    """The reason for each problem: a prompt too long, a broken picture, no answer to replay."""
    return [
        UnaskedLine(number, ids.get(number, str(number)), error)
        for number, error in results.errors_of(request.session, evaluation)
    ]


def _table(model: EvaluationModel) -> PageTable:
    columns = ("problem", "problem_id", "n", "c", "truncated", "no_answer", "failed")
    rows = [[getattr(p, name) for name in columns] for p in model.problems]
    return PageTable(columns, rows)
