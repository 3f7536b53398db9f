"""Comparisons of two checkpoints, paired by problem."""

from typing import Annotated

from fastapi import APIRouter, Query

from evalsvc.api.auth import Reader
from evalsvc.api.pagination import Page
from evalsvc.api.problems import documented
from evalsvc.api.services import comparisons
from evalsvc.api.services.comparisons import ComparisonView
from evalsvc.api.state import StateDep
from evalsvc.specs import MAX_SAMPLES

router = APIRouter(prefix="/v1/compare", tags=["compare"])
Side = Annotated[
    str,
    Query(
        min_length=1,
        max_length=220,
        description="RUN or RUN@STEP; RUN alone means its newest evaluated step",
    ),
]
K = Annotated[int, Query(ge=1, le=MAX_SAMPLES)]


@router.get("", responses=documented(404))
def compare(
    state: StateDep,
    who: Reader,
    baseline: Side,
    candidate: Side,
    benchmark: Annotated[
        str | None, Query(max_length=200, description="all that both have by default")
    ] = None,
    k: Annotated[list[K], Query(max_length=20)] = [],  # noqa: B006 - FastAPI copies it
    allow_differences: Annotated[
        bool, Query(description="compare unlike evaluations on the problems that both have")
    ] = False,
) -> Page[ComparisonView]:
    """Candidate minus baseline with two intervals, a two-sided paired test and Holm's correction.

    The family of the correction is everything in this answer. One run per method compares two
    checkpoints and not two methods; each sentence says so.
    """
    with state.database.read() as session:
        items = comparisons.compare(
            session,
            state.memo,
            baseline,
            candidate,
            benchmark=benchmark,
            ks=sorted(set(k)),
            allow_differences=allow_differences,
        )
    return Page(items=items)
