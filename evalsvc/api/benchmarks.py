"""Benchmarks: the catalogue, whether the data are here, and what was published."""

from typing import Annotated

from fastapi import APIRouter, Path

from evalsvc.api.auth import Reader
from evalsvc.api.pagination import Page
from evalsvc.api.problems import documented
from evalsvc.api.services.catalogues import BenchmarkView, list_benchmarks, view
from evalsvc.api.state import StateDep
from evalsvc.errors import NotFound

router = APIRouter(prefix="/v1/benchmarks", tags=["benchmarks"])
BenchmarkName = Annotated[str, Path(max_length=200, examples=["aime2025"])]


@router.get("", responses=documented())
def benchmarks(state: StateDep, who: Reader) -> Page[BenchmarkView]:
    """The catalogue. `data` says whether a benchmark can be evaluated now, `remedy` what to do."""
    return Page(items=list_benchmarks(state.catalogue, state.settings.data))


@router.get("/{name}", responses=documented(404))
def benchmark(name: BenchmarkName, state: StateDep, who: Reader) -> BenchmarkView:
    """One benchmark with its parts, prompts, licence and known quirks."""
    if name.partition(":")[0] not in state.catalogue.names():
        raise NotFound(f"There is no benchmark {name!r}.", "GET /v1/benchmarks lists them.")
    return view(state.catalogue.get(name), state.settings.data)
