"""`/compare`: two checkpoints on every benchmark that both have: curves, difference, verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.dashboard.pages.evaluation import curve
from evalsvc.dashboard.plots.passk import difference_figure, pass_at_k_figure
from evalsvc.dashboard.rendering.page import Table, View
from evalsvc.dashboard.web.page_request import Ask
from evalsvc.methods import method_order
from evalsvc.services.compare.comparisons import ComparisonView, CrossoverView, compare, crossings
from evalsvc.services.compare.method_comparison import MethodView, compare_methods_of
from evalsvc.services.compare.pairings import find_pairings
from evalsvc.services.evaluations.views import metrics_of
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter

KINDS = (("population", "other problems"), ("fixed", "other samples"))


@dataclass(frozen=True)
class Model:
    """The comparisons of one pair; `chosen` is the benchmark whose curves are drawn."""

    baseline: str
    candidate: str
    chosen: str
    comparisons: list[ComparisonView]  # every benchmark, at every k
    crossovers: list[CrossoverView]
    methods: MethodView | None  # where both methods have several runs
    one_run: str  # why this is a comparison of checkpoints and not of methods; "" where it is


def build(ask: Ask) -> View:
    """Raises NotFound and UsageError in the words of the comparison; without sides: the choice."""
    checkpoints = _checkpoints(ask)
    baseline, candidate = ask.text("baseline"), ask.text("candidate")
    if not baseline or not candidate:
        return _choice(ask, checkpoints)
    allow = ask.text("allow") == "yes"
    found = compare(ask.session, ask.state.memo, baseline, candidate, allow_differences=allow)
    names = list(dict.fromkeys(view.benchmark for view in found))
    chosen = ask.choice("benchmark", names, names[0])
    own = [view for view in found if view.benchmark == chosen]
    kind = ask.choice("interval", dict(KINDS), "population")
    headline = _headline(own, ask)
    methods, one_run = _methods(ask, headline)
    model = Model(
        baseline=own[0].baseline_checkpoint,
        candidate=own[0].candidate_checkpoint,
        chosen=chosen,
        comparisons=found,
        crossovers=crossings(own),
        methods=methods,
        one_run=one_run,
    )
    return View(
        template="compare.html",
        title=f"{model.candidate} against {model.baseline}",
        model=model,
        table=_table(found),
        extras={
            "checkpoints": checkpoints,
            "own": own,
            "headline": headline,
            "first": [view for view in found if view.k == _first_k(found, view.benchmark)],
            "names": [(name, name) for name in names],
            "kind": kind,
            "kinds": KINDS,
            "allow": allow,
        },
        figures=_figures(ask, own, kind, allow=allow),
    )


def _choice(ask: Ask, checkpoints: list[tuple[str, str]]) -> View:
    return View(
        template="compare_choice.html",
        title="Compare",
        model=[name for name, _ in checkpoints],
        table=Table(("checkpoint",), [(name,) for name, _ in checkpoints]),
        extras={"checkpoints": checkpoints},
    )


def _checkpoints(ask: Ask) -> list[tuple[str, str]]:
    """(RUN@STEP, words) of those with results; methods in the paper's order."""
    rows = evaluations.matching(ask.session, EvaluationFilter())
    found = {
        (row.checkpoint.run.method, row.checkpoint.run.name, row.checkpoint.step)
        for row in rows
        if row.samples_seen
    }
    ordered = sorted(found, key=lambda item: (method_order(item[0]), item))
    return [(f"{run}@{step}", f"{method}: {run}@{step}") for method, run, step in ordered]


def _figures(
    ask: Ask, own: Sequence[ComparisonView], kind: str, *, allow: bool
) -> dict[str, object]:
    pairing = find_pairings(
        ask.session,
        own[0].baseline_checkpoint,
        own[0].candidate_checkpoint,
        own[0].benchmark,
        allow=allow,
    )[0]
    ks = [view.k for view in own]
    curves = [
        curve(name, metrics_of(ask.session, ask.state.memo, row, ks), kind)
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
        ),
    }


def _headline(own: Sequence[ComparisonView], ask: Ask) -> ComparisonView:
    """The k that the sentence speaks of: the one asked for, or the smallest."""
    asked = ask.number("k", own[0].k)
    return next((view for view in own if view.k == asked), own[0])


def _first_k(found: Sequence[ComparisonView], benchmark: str) -> int:
    return min(view.k for view in found if view.benchmark == benchmark)


def _methods(ask: Ask, view: ComparisonView) -> tuple[MethodView | None, str]:
    before = evaluations.get(ask.session, view.baseline_evaluation)
    after = evaluations.get(ask.session, view.candidate_evaluation)
    return compare_methods_of(ask.session, ask.state.memo, before, after, view.k)


def _table(found: Sequence[ComparisonView]) -> Table:
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
    return Table(columns, rows)
