"""`/matrix`: problems by checkpoints, coloured by c of n, with links to the samples."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.dashboard.limits import MAX_COLUMNS
from evalsvc.dashboard.pages.leaderboard import ordered
from evalsvc.dashboard.plots.strips import draw_strips
from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest, Pages
from evalsvc.methods import method_order
from evalsvc.services.compare.problem_matrix import FILTERS, SORTS, choose, matrix_of, strip, tally
from evalsvc.services.evaluations.views import traits_of
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter

PAGE_SIZE = 60
COLUMNS_AT_FIRST = 6
BINS = 240


@dataclass(frozen=True)
class Column:
    """A checkpoint's evaluation."""

    evaluation: str
    checkpoint: str
    method: str
    mark: str  # A, B or ""


@dataclass(frozen=True)
class MatrixCell:
    """c correct of n samples; n = 0 if the checkpoint has no sample of the problem."""

    n: int
    c: int

    @property
    def shade(self) -> str:
        """The class of its colour: ten steps of c/n; the lowest is only for c = 0."""
        if not self.n:
            return "missing"
        return "c0" if not self.c else f"c{max(1, min(9, 10 * self.c // self.n))}"


@dataclass(frozen=True)
class MatrixRow:
    """A problem with its cells in the order of the columns; `difference` is B minus A."""

    problem: int
    problem_id: str
    subject: str | None
    level: str | None
    cells: list[MatrixCell]
    difference: float | None


@dataclass(frozen=True)
class MatrixModel:
    """One page of the matrix."""

    benchmark: str
    columns: list[Column]
    rows: list[MatrixRow]
    tally: dict[str, int]
    pages: Pages
    notes: list[str]


def build(request: PageRequest) -> Page:
    """Build the page; the default benchmark is the first one with results."""
    every = [
        row for row in evaluations.matching(request.session, EvaluationFilter()) if row.samples_seen
    ]
    benchmarks = ordered({row.benchmark for row in every})
    if not benchmarks:
        return _nothing()
    benchmark = request.choice("benchmark", benchmarks, benchmarks[0])
    candidates = _one_each([row for row in every if row.benchmark == benchmark])
    chosen, notes = _columns(candidates, request.many("checkpoint"))
    matrix = matrix_of(request.session, request.state.memo, chosen)
    traits = traits_of(request.session, request.state.memo, chosen[0].revision_id)
    which = request.choice("show", dict(FILTERS), "all")
    sort = request.sort_by(SORTS, "difficulty")
    positions = choose(matrix, which, sort, descending=request.descending)
    wanted = request.text("q").lower()
    if wanted:
        ids = [traits.ids.get(int(matrix.problems[i]), "").lower() for i in positions]
        positions = positions[[wanted in name for name in ids]]
    pages = request.pages(len(positions), PAGE_SIZE)
    differences = matrix.difference
    rows = []
    for i in pages.slice(positions.tolist()):
        number = int(matrix.problems[i])
        difference = float(differences[i])
        rows.append(
            MatrixRow(
                problem=number,
                problem_id=traits.ids.get(number, str(number)),
                subject=traits.traits["subject"].get(number),
                level=traits.traits["level"].get(number),
                cells=[
                    MatrixCell(int(n), int(c))
                    for n, c in zip(matrix.n[:, i], matrix.c[:, i], strict=True)
                ],
                difference=None if math.isnan(difference) else difference,
            )
        )
    model = MatrixModel(benchmark, _headers(chosen), rows, tally(matrix), pages, notes)
    return Page(
        template="matrix.html",
        title=f"Matrix of {benchmark}",
        model=model,
        table=_table(model),
        extras={
            "benchmarks": [(name, name) for name in benchmarks],
            "choices": [(_name(row), row.checkpoint.run.method) for row in candidates],
            "chosen": {_name(row) for row in chosen},
            "filters": [(name, f"{words} {model.tally[name]}") for name, words in FILTERS],
            "which": which,
            "subjects": any(row.subject or row.level for row in rows),
            "map": draw_strips(
                strip(matrix, positions, BINS),
                [column.checkpoint for column in model.columns],
                pages,
                lambda page: request.with_(page=page),
            ),
        },
    )


def _nothing() -> Page:
    return Page("matrix_empty.html", "Matrix", [], PageTable(("problem",), []))


def _one_each(rows: Sequence[Evaluation]) -> list[Evaluation]:
    """For each checkpoint the complete evaluation with the most samples; by method and step."""
    best: dict[int, Evaluation] = {}
    for row in sorted(rows, key=lambda row: (row.state == "done", row.samples_seen)):
        best[row.checkpoint_id] = row
    return sorted(
        best.values(),
        key=lambda r: (
            method_order(r.checkpoint.run.method),
            r.checkpoint.run.name,
            r.checkpoint.step,
        ),
    )


def _columns(
    candidates: Sequence[Evaluation], asked: Sequence[str]
) -> tuple[list[Evaluation], list[str]]:
    """The evaluations to show, all of one revision, and those left out."""
    named = {_name(row): row for row in candidates}
    chosen = [named[name] for name in asked if name in named] or _newest(candidates)
    notes = [f"{name} has no results on this benchmark." for name in asked if name not in named]
    if len(chosen) > MAX_COLUMNS:
        notes.append(f"Only the first {MAX_COLUMNS} of {len(chosen)} checkpoints are shown.")
        chosen = chosen[:MAX_COLUMNS]
    alike = [row for row in chosen if row.revision_id == chosen[0].revision_id]
    if len(alike) < len(chosen):
        notes.append("Checkpoints that were evaluated on other rows of it are left out.")
    return alike, notes


def _newest(candidates: Sequence[Evaluation]) -> list[Evaluation]:
    """The last step of each run."""
    last = {row.checkpoint.run_id: row for row in candidates}
    return list(last.values())[:COLUMNS_AT_FIRST]


def _name(row: Evaluation) -> str:
    return f"{row.checkpoint.run.name}@{row.checkpoint.step}"


def _headers(chosen: Sequence[Evaluation]) -> list[Column]:
    last = len(chosen) - 1
    return [
        Column(
            evaluation=row.id,
            checkpoint=_name(row),
            method=row.checkpoint.run.method,
            mark="" if not last else {0: "A", last: "B"}.get(i, ""),
        )
        for i, row in enumerate(chosen)
    ]


def _table(model: MatrixModel) -> PageTable:
    columns = ["problem", "problem_id"]
    for column in model.columns:
        columns += [f"{column.checkpoint} n", f"{column.checkpoint} c"]
    rows: list[list[object]] = []
    for row in model.rows:
        cells: list[object] = [row.problem, row.problem_id]
        for cell in row.cells:
            cells += [cell.n, cell.c]
        rows.append(cells)
    return PageTable(columns, rows)
