"""`/compare`: two checkpoints on all their common benchmarks: curves, difference, verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.dashboard.pages.evaluation import curve
from evalsvc.dashboard.plots.passk import difference_figure, pass_at_k_figure
from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.methods import method_order
from evalsvc.services.compare.comparisons import ComparisonView, CrossoverView, compare, crossings
from evalsvc.services.compare.method_comparison import MethodView, compare_methods_of
from evalsvc.services.compare.pairings import evaluation_of, find_pairings
from evalsvc.services.compare.whole_curves import CurveView, whole_curves
from evalsvc.services.evaluations.views import metrics_of
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter

KINDS = (("population", "other problems"), ("fixed", "other samples"))


@dataclass(frozen=True)
class CompareModel:
    """The comparisons of one pair; `chosen` is the benchmark whose curves are drawn."""

    baseline: str
    candidate: str
    chosen: str
    comparisons: list[ComparisonView]  # every benchmark, at every k
    crossovers: list[CrossoverView]
    curve: CurveView | None  # the verdict over all k of the chosen benchmark
    methods: MethodView | None  # if both methods have several runs
    one_run: str  # why checkpoints and not methods are compared; "" if methods are


def build(request: PageRequest) -> Page:
    """Build the page; without sides, the form. Raises the comparison's NotFound and UsageError."""
    checkpoints = _checkpoints(request)
    baseline, candidate = request.text("baseline"), request.text("candidate")
    if not baseline or not candidate:
        return _choice(request, checkpoints)
    allow = request.choice("allow_differences", ("true", "false"), "false") == "true"
    found = compare(
        request.session, request.state.memo, baseline, candidate, allow_differences=allow
    )
    names = list(dict.fromkeys(view.benchmark for view in found))
    chosen = request.choice("benchmark", names, names[0])
    own = [view for view in found if view.benchmark == chosen]
    kind = request.choice("interval", dict(KINDS), "population")
    headline = _headline(own, request)
    methods, one_run = _methods(request, headline)
    curves = whole_curves(request.session, request.state.memo, own)
    model = CompareModel(
        baseline=own[0].baseline_checkpoint,
        candidate=own[0].candidate_checkpoint,
        chosen=chosen,
        comparisons=found,
        crossovers=crossings(own),
        curve=curves[0] if curves else None,
        methods=methods,
        one_run=one_run,
    )
    return Page(
        template="compare.html",
        title=f"{model.candidate} against {model.baseline}",
        model=model,
        table=_table(found),
        extras={
            "checkpoints": checkpoints,
            "own": own,
            "at": {} if model.curve is None else _by_k(model.curve),
            "headline": headline,
            "first": [view for view in found if view.k == _first_k(found, view.benchmark)],
            "names": [(name, name) for name in names],
            "kind": kind,
            "kinds": KINDS,
            "allow": allow,
        },
        figures=_figures(request, own, kind, model.curve, allow=allow),
    )


def _choice(request: PageRequest, checkpoints: list[tuple[str, str]]) -> Page:
    return Page(
        template="compare_choice.html",
        title="Compare",
        model=[name for name, _ in checkpoints],
        table=PageTable(("checkpoint",), [(name,) for name, _ in checkpoints]),
        extras={"checkpoints": checkpoints},
    )


def _checkpoints(request: PageRequest) -> list[tuple[str, str]]:
    """(RUN@STEP, label) of checkpoints with results; methods in the paper's order."""
    rows = evaluations.matching(request.session, EvaluationFilter())
    found = {
        (row.checkpoint.run.method, row.checkpoint.run.name, row.checkpoint.step)
        for row in rows
        if row.samples_seen
    }
    ordered = sorted(found, key=lambda item: (method_order(item[0]), item))
    return [(f"{run}@{step}", f"{method}: {run}@{step}") for method, run, step in ordered]


def _figures(
    request: PageRequest,
    own: Sequence[ComparisonView],
    kind: str,
    whole: CurveView | None,
    *,
    allow: bool,
) -> dict[str, object]:
    pairing = find_pairings(
        request.session,
        own[0].baseline_checkpoint,
        own[0].candidate_checkpoint,
        own[0].benchmark,
        allow=allow,
    )[0]
    ks = [view.k for view in own]
    curves = [
        curve(name, metrics_of(request.session, request.state.memo, row, ks), kind)
        for name, row in (
            (f"baseline {own[0].baseline_checkpoint}", pairing.baseline),
            (f"candidate {own[0].candidate_checkpoint}", pairing.candidate),
        )
    ]
    bounds = [v.interval_fixed if kind == "fixed" else v.interval_population for v in own]
    return {
        "curves": pass_at_k_figure(curves),
        "difference": difference_figure(
            ks,
            [view.difference for view in own],
            [None if pair is None else pair[0] for pair in bounds],
            [None if pair is None else pair[1] for pair in bounds],
            [crossing.k for crossing in crossings(own)],
            simultaneous=whole.band if whole else (),
        ),
    }


def _headline(own: Sequence[ComparisonView], request: PageRequest) -> ComparisonView:
    """The k of the sentence: the requested one, or the smallest."""
    asked = request.choice("k", [str(view.k) for view in own], str(own[0].k))
    return next(view for view in own if str(view.k) == asked)


def _first_k(found: Sequence[ComparisonView], benchmark: str) -> int:
    return min(view.k for view in found if view.benchmark == benchmark)


def _by_k(curve: CurveView) -> dict[int, tuple[float, tuple[float, float]]]:
    """k -> (p adjusted over the curve, the simultaneous band)."""
    return dict(zip(curve.ks, zip(curve.adjusted, curve.band, strict=True), strict=True))


def _methods(request: PageRequest, view: ComparisonView) -> tuple[MethodView | None, str]:
    before = evaluation_of(request.session, view.baseline_evaluation, view.baseline_checkpoint)
    after = evaluation_of(request.session, view.candidate_evaluation, view.candidate_checkpoint)
    return compare_methods_of(request.session, request.state.memo, before, after, view.k)


def _table(found: Sequence[ComparisonView]) -> PageTable:
    columns = (
        "benchmark",
        "k",
        "baseline",
        "candidate",
        "difference",
        "population_low",
        "population_high",
        "fixed_low",
        "fixed_high",
        "p_value",
        "p_adjusted",
        "minimum_detectable_effect",
        "problems",
    )
    rows = [
        (
            v.benchmark,
            v.k,
            v.baseline,
            v.candidate,
            v.difference,
            *v.interval_population,
            *(v.interval_fixed or (None, None)),
            v.p_value,
            v.p_adjusted,
            v.minimum_detectable_effect,
            v.problems,
        )
        for v in found
    ]
    return PageTable(columns, rows)
