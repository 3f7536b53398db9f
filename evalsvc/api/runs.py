"""Training runs and their curves."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from evalsvc.api import pagination
from evalsvc.api.auth import Reader
from evalsvc.api.pagination import Cursor, Limit, Paginated
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.limits import MAX_SAMPLES
from evalsvc.services.evaluations.names import check_names
from evalsvc.services.evaluations.runs import RunCurve, RunView, curve, view_runs
from evalsvc.store.repositories import runs

router = APIRouter(prefix="/v1/runs", tags=["runs"])
RunName = Annotated[str, Path(max_length=200, examples=["qwen-grpo-seed0"])]


@router.get("", responses=documented())
def list_runs(
    state: StateDep,
    who: Reader,
    method: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Paginated[RunView]:
    """The training runs, newest first."""
    with state.database.read() as session:
        rows = runs.page(session, method, pagination.decode(cursor), limit)
        return pagination.page(rows, view_runs(session, rows.rows))


@router.get("/{name:path}/curve", responses=documented(404))
def run_curve(
    name: RunName,
    state: StateDep,
    who: Reader,
    benchmark: Annotated[str | None, Query(max_length=200)] = None,
    k: Annotated[int, Query(ge=1, le=MAX_SAMPLES)] = 1,
) -> RunCurve:
    """pass@k against the training step, with bands; warns of choosing a step on the test set."""
    with state.database.read() as session:
        check_names(session, state.catalogue, benchmark=benchmark)
        return curve(session, state.memo, name, benchmark, k)
