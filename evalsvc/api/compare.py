"""Comparisons of checkpoints with a baseline, paired by problem."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import Field

from evalsvc.api.auth import Reader
from evalsvc.api.limits import MAX_KS
from evalsvc.api.pagination import Paginated
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.limits import MAX_SAMPLES
from evalsvc.services.compare import comparisons
from evalsvc.services.compare.comparisons import (
    DEFAULT_METRIC,
    MARGIN,
    ComparedMetric,
    ComparisonView,
    CrossoverView,
)
from evalsvc.services.compare.method_comparison import MethodView, compare_methods_family
from evalsvc.services.compare.pairings import evaluation_of
from evalsvc.services.compare.whole_curves import CurveView, whole_curves

router = APIRouter(prefix="/v1/compare", tags=["compare"])
Side = Annotated[
    str,
    Query(
        min_length=1,
        max_length=220,
        description="RUN or RUN@STEP; RUN alone means its newest evaluated step",
    ),
]
Candidate = Annotated[str, Query(min_length=1, max_length=220)]
K = Annotated[int, Query(ge=1, le=MAX_SAMPLES)]


class Comparisons(Paginated[ComparisonView]):
    """Everything that one answer shows. `notes`: what is not shown, and why."""

    crossovers: list[CrossoverView] = Field(description="where two curves cross")
    curve: list[CurveView] = Field(
        description="of each benchmark and candidate with several k: the verdict over all of them"
    )
    methods: list[MethodView] = Field(
        description="methods with several training runs each, Holm over these"
    )
    notes: list[str]


@router.get("", responses=documented(404))
def compare(
    state: StateDep,
    who: Reader,
    baseline: Side,
    candidate: Annotated[
        list[Candidate],
        Query(min_length=1, max_length=200, description="RUN or RUN@STEP; may be several"),
    ],
    benchmark: Annotated[
        str | None, Query(max_length=200, description="all that both have by default")
    ] = None,
    k: Annotated[list[K], Query(max_length=MAX_KS)] = [],  # noqa: B006 - FastAPI copies it
    allow_differences: Annotated[
        bool, Query(description="compare unlike evaluations on the problems that both have")
    ] = False,
    margin: Annotated[
        float, Query(gt=0, lt=1, description="differences below it count as equivalent")
    ] = MARGIN,
    metric: Annotated[
        str, Query(min_length=1, max_length=200, description="a registered metric with a test")
    ] = DEFAULT_METRIC,
) -> Comparisons:
    """Candidate minus baseline with two intervals, a two-sided paired test and Holm's correction.

    The family of the correction is every k and candidate asked for, on every benchmark that these
    have in common with the baseline; `benchmark` only chooses what is shown. One run per method
    compares two checkpoints and not two methods; each sentence says so, and `methods` compares
    methods that have several runs each. Crossings and methods are of pass@k only. With several
    candidates those that cannot be compared are left out.
    """
    chosen = None
    if metric != DEFAULT_METRIC:
        chosen = ComparedMetric(state.metrics.get(metric), state.artifacts)
    with state.database.read() as session:
        found = comparisons.compare_all(
            session,
            state.memo,
            baseline,
            candidate,
            benchmark=benchmark,
            ks=sorted(set(k)),
            allow_differences=allow_differences,
            margin=margin,
            metric=chosen,
        )
        if chosen is not None:
            notes = found.left_out
            return Comparisons(items=found.items, crossovers=[], curve=[], methods=[], notes=notes)
        sides = {(i.baseline_evaluation, i.baseline_checkpoint) for i in found.items}
        sides |= {(i.candidate_evaluation, i.candidate_checkpoint) for i in found.items}
        rows = {side: evaluation_of(session, *side) for side in sides}
        methods, reasons = compare_methods_family(
            session,
            state.memo,
            [
                (
                    rows[i.baseline_evaluation, i.baseline_checkpoint],
                    rows[i.candidate_evaluation, i.candidate_checkpoint],
                    i.k,
                )
                for i in found.items
            ],
        )
        curve = whole_curves(session, state.memo, found.items)
    return Comparisons(
        items=found.items,
        crossovers=comparisons.crossings(found.items),
        curve=curve,
        methods=methods,
        notes=[*found.left_out, *reasons],
    )
