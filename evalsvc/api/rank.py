"""Ranking over several benchmarks."""

from typing import Annotated

from fastapi import APIRouter, Query

from evalsvc.api.auth import Reader
from evalsvc.api.limits import MAX_RANKED
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.limits import MAX_SAMPLES
from evalsvc.services.compare import rankings
from evalsvc.services.compare.rankings import How, Ranking

router = APIRouter(prefix="/v1/rank", tags=["leaderboard"])
Name = Annotated[str, Query(min_length=1, max_length=220)]


@router.get("", responses=documented(404))
def rank(
    state: StateDep,
    who: Reader,
    checkpoint: Annotated[
        list[Name], Query(max_length=MAX_RANKED, description="RUN or RUN@STEP; all by default")
    ] = [],  # noqa: B006 - FastAPI copies it
    benchmark: Annotated[list[Name], Query(max_length=20)] = [],  # noqa: B006
    k: Annotated[int, Query(ge=1, le=MAX_SAMPLES)] = 1,
    how: Annotated[How, Query(description="mean over benchmarks, or a Swiss tournament")] = "mean",
    allow_differences: Annotated[
        bool, Query(description="rank subsets with whole sets, over the problems that all have")
    ] = False,
) -> Ranking:
    """Checkpoints from best to worst over the benchmarks they share, and who is tied."""
    with state.database.read() as session:
        return rankings.rank(
            session,
            state.memo,
            how=how,
            k=k,
            sides=checkpoint,
            benchmarks=benchmark,
            allow_differences=allow_differences,
        )
