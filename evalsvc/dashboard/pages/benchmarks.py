"""`/benchmarks`: what each one holds, its licence, its hashes, overrides and published rows."""

from dataclasses import dataclass

from evalsvc.catalogue import CatalogueError
from evalsvc.dashboard.pages.leaderboard import ordered
from evalsvc.dashboard.rendering.page import Table, View
from evalsvc.dashboard.web.page_request import Ask
from evalsvc.errors import NotFound
from evalsvc.services.benchmarks.listing import BenchmarkView, list_benchmarks
from evalsvc.services.benchmarks.publications import OddityView, PublishedView, oddities, published
from evalsvc.store.repositories import revisions
from evalsvc.store.repositories.revisions import RevisionUse

MOST_OVERRIDES = 100


@dataclass(frozen=True)
class OverrideLine:
    """A row whose gold is not taken as the data have it."""

    problem: str
    what: str


@dataclass(frozen=True)
class Detail:
    """One benchmark, looked at closely."""

    benchmark: BenchmarkView
    hashes: list[tuple[str, int, str]]  # set, rows, sha256 of the rows ("" where not recorded)
    source: str
    overrides: list[OverrideLine]
    overrides_total: int
    revisions: list[RevisionUse]
    published: list[PublishedView]
    oddities: list[OddityView]


@dataclass(frozen=True)
class Model:
    """All benchmarks, and the one that was chosen."""

    benchmarks: list[BenchmarkView]
    detail: Detail | None


def build(ask: Ask) -> View:
    """Raises NotFound for a name that is not in the catalogue."""
    views = list_benchmarks(ask.state.catalogue, ask.state.settings.data)
    by_name = {view.name: view for view in views}
    views = [by_name[name] for name in ordered(set(by_name))]
    name = ask.text("name")
    if name and name not in by_name:
        raise NotFound(f"There is no benchmark {name!r}.", "The list of all is at /benchmarks.")
    model = Model(views, _detail(ask, by_name[name]) if name else None)
    columns = ("name", "title", "problems", "modality", "licence", "data")
    rows = [(v.name, v.title, v.problems, v.modality, v.licence, v.data) for v in views]
    title = model.detail.benchmark.title if model.detail else "Benchmarks"
    return View("benchmarks.html", title, model, Table(columns, rows))


def _detail(ask: Ask, view: BenchmarkView) -> Detail:
    benchmark = ask.state.catalogue.get(view.name)
    overrides = _overrides(ask, view.name)
    return Detail(
        benchmark=view,
        hashes=[(name, rows.rows, rows.sha256 or "") for name, rows in benchmark.sets.items()],
        source=benchmark.licence.source,
        overrides=overrides[:MOST_OVERRIDES],
        overrides_total=len(overrides),
        revisions=revisions.of_benchmark(ask.session, view.name),
        published=published(ask.state.memo, ask.state.catalogue, view.name),
        oddities=oddities(ask.state.memo, ask.state.catalogue, view.name),
    )


def _overrides(ask: Ask, name: str) -> list[OverrideLine]:
    try:
        found = ask.state.catalogue.overrides(name)
    except CatalogueError as error:
        return [OverrideLine("golds.yaml", str(error))]
    return [OverrideLine(problem, _words(vars(override))) for problem, override in found.items()]


def _words(fields: dict[str, object]) -> str:
    return ", ".join(f"{k}: {v}" for k, v in fields.items() if v not in (None, "", (), False))
