"""`/benchmarks`: the contents, licence, hashes, overrides and published rows of each."""

from dataclasses import dataclass

from evalsvc.catalogue import CatalogueError
from evalsvc.dashboard.limits import MAX_OVERRIDES
from evalsvc.dashboard.pages.leaderboard import ordered
from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.errors import NotFound
from evalsvc.services.benchmarks.listing import BenchmarkView, list_benchmarks
from evalsvc.services.benchmarks.publications import OddityView, PublishedView, oddities, published
from evalsvc.store.repositories import revisions
from evalsvc.store.repositories.revisions import RevisionUse


@dataclass(frozen=True)
class OverrideLine:
    """A row whose gold differs from the data set's."""

    problem: str
    what: str


@dataclass(frozen=True)
class Detail:
    """The details of one benchmark."""

    benchmark: BenchmarkView
    hashes: list[tuple[str, int, str]]  # set, rows, sha256 of the rows ("" where not recorded)
    source: str
    overrides: list[OverrideLine]
    overrides_total: int
    revisions: list[RevisionUse]
    published: list[PublishedView]
    oddities: list[OddityView]


@dataclass(frozen=True)
class BenchmarksModel:
    """All benchmarks, and the chosen one."""

    benchmarks: list[BenchmarkView]
    detail: Detail | None


def build(request: PageRequest) -> Page:
    """Build the page. Raises NotFound for a name that is not in the catalogue."""
    views = list_benchmarks(request.state.catalogue, request.state.settings.data)
    by_name = {view.name: view for view in views}
    views = [by_name[name] for name in ordered(set(by_name))]
    name = request.text("name")
    if name and name not in by_name:
        raise NotFound(f"There is no benchmark {name!r}.", "The list of all is at /benchmarks.")
    model = BenchmarksModel(views, _detail(request, by_name[name]) if name else None)
    columns = ("name", "title", "problems", "modality", "licence", "data")
    rows = [(v.name, v.title, v.problems, v.modality, v.licence, v.data) for v in views]
    title = model.detail.benchmark.title if model.detail else "Benchmarks"
    return Page("benchmarks.html", title, model, PageTable(columns, rows))


def _detail(request: PageRequest, view: BenchmarkView) -> Detail:
    benchmark = request.state.catalogue.get(view.name)
    overrides = _overrides(request, view.name)
    return Detail(
        benchmark=view,
        hashes=[(name, rows.rows, rows.sha256 or "") for name, rows in benchmark.sets.items()],
        source=benchmark.licence.source,
        overrides=overrides[:MAX_OVERRIDES],
        overrides_total=len(overrides),
        revisions=revisions.of_benchmark(request.session, view.name),
        published=published(request.state.memo, request.state.catalogue, view.name),
        oddities=oddities(request.state.memo, request.state.catalogue, view.name),
    )


def _overrides(request: PageRequest, name: str) -> list[OverrideLine]:
    try:
        found = request.state.catalogue.overrides(name)
    except CatalogueError as error:
        return [OverrideLine("golds.yaml", str(error))]
    return [OverrideLine(problem, _words(vars(override))) for problem, override in found.items()]


def _words(fields: dict[str, object]) -> str:
    return ", ".join(f"{k}: {v}" for k, v in fields.items() if v not in (None, "", (), False))
