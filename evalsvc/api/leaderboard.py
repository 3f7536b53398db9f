"""The leaderboard."""

from typing import Annotated

from fastapi import APIRouter, Query

from evalsvc.api.auth import Reader
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.limits import MAX_SAMPLES
from evalsvc.services.compare import leaderboards
from evalsvc.services.compare.leaderboards import Leaderboard
from evalsvc.services.evaluations.names import check_names

router = APIRouter(prefix="/v1/leaderboard", tags=["leaderboard"])


@router.get("", responses=documented(404))
def leaderboard(
    state: StateDep,
    who: Reader,
    benchmark: Annotated[str | None, Query(max_length=200)] = None,
    method: Annotated[str | None, Query(max_length=200)] = None,
    k: Annotated[int, Query(ge=1, le=MAX_SAMPLES)] = 1,
) -> Leaderboard:
    """Every checkpoint with its pass@k per benchmark, each with its intervals; the best first."""
    with state.database.read() as session:
        check_names(session, state.catalogue, method=method, benchmark=benchmark)
        return leaderboards.leaderboard(
            session, state.memo, benchmark=benchmark, k=k, method=method
        )
