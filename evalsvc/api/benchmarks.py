"""Benchmarks: the catalogue, whether the data are present, and published results."""

from typing import Annotated

from fastapi import APIRouter, Path, Query
from pydantic import BaseModel

from evalsvc.api.auth import Reader
from evalsvc.api.pagination import Paginated
from evalsvc.api.problem_details import documented
from evalsvc.api.state import State, StateDep
from evalsvc.errors import NotFound
from evalsvc.services.benchmarks.listing import BenchmarkView, list_benchmarks, view
from evalsvc.services.benchmarks.publications import OddityView, PublishedView, oddities, published
from evalsvc.services.evaluations.views import counts_of
from evalsvc.store.repositories import evaluations

router = APIRouter(prefix="/v1/benchmarks", tags=["benchmarks"])
BenchmarkName = Annotated[str, Path(max_length=200, examples=["aime2025"])]


@router.get("", responses=documented())
def benchmarks(state: StateDep, who: Reader) -> Paginated[BenchmarkView]:
    """The catalogue. `data` says whether a benchmark can be evaluated now, `remedy` what to do."""
    return Paginated(items=list_benchmarks(state.catalogue, state.settings.data))


@router.get("/{name}", responses=documented(404))
def benchmark(name: BenchmarkName, state: StateDep, who: Reader) -> BenchmarkView:
    """One benchmark with its parts, prompts, licence and known quirks."""
    _known(state, name)
    return view(state.catalogue.get(name), state.settings.data)


class PublishedRows(BaseModel):
    """What papers printed. `oddities` are found by rule in the printed numbers themselves."""

    items: list[PublishedView]
    oddities: list[OddityView]


@router.get("/{name}/published", responses=documented(404))
def published_rows(
    name: BenchmarkName,
    state: StateDep,
    who: Reader,
    evaluation: Annotated[
        str | None, Query(max_length=200, description="judge the rows against this evaluation")
    ] = None,
) -> PublishedRows:
    """Published results, whether they may stand beside yours, and whether yours reproduces them."""
    _known(state, name)
    with state.database.read() as session:
        ours = None if evaluation is None else evaluations.get(session, evaluation)
        counts = None if ours is None else counts_of(session, state.memo, ours)
        items = published(state.memo, state.catalogue, name, ours, counts)
    return PublishedRows(items=items, oddities=oddities(state.memo, state.catalogue, name))


def _known(state: State, name: str) -> None:
    if name.partition(":")[0] not in state.catalogue.names():
        raise NotFound(f"There is no benchmark {name!r}.", "GET /v1/benchmarks lists them.")
