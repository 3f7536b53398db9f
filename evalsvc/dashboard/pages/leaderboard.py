"""`/leaderboard`: checkpoints by benchmarks, each figure with its interval.

Against a chosen baseline each figure has a badge, corrected for the size of the whole list.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.dashboard.pages.published import CHOICES, PublishedGroup, published_groups
from evalsvc.dashboard.rendering.latex import LatexCell, leaderboard_table
from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest, Pages
from evalsvc.errors import ParameterError
from evalsvc.methods import method_order
from evalsvc.services.compare.leaderboards import Leaderboard, LeaderboardRow, Score, leaderboard
from evalsvc.services.compare.significance import Significance, significances
from evalsvc.services.evaluations.names import check_names
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter

PAGE_SIZE = 40
KS = (1, 2, 4, 8, 16, 32, 64, 128, 256)
PAPER_ORDER = ("math", "aime2025", "amc23", "geo3k", "mathvision", "mathverse", "medical", "smoke")

Behind = dict[tuple[str, int], Evaluation]


@dataclass(frozen=True)
class LeaderboardLine:
    """A checkpoint with its scores by benchmark; `baseline` marks the baseline."""

    row: LeaderboardRow
    scores: dict[str, Score]
    baseline: bool

    @property
    def name(self) -> str:
        return f"{self.row.run}@{self.row.step}"


@dataclass(frozen=True)
class LeaderboardModel:
    """One page of the leaderboard."""

    k: int
    benchmarks: list[str]
    baseline: str | None
    lines: list[LeaderboardLine]
    significance: dict[str, Significance]  # by evaluation
    badges: dict[str, Significance]  # the former name in the JSON
    not_comparable: dict[str, str]  # evaluation -> the reason for its missing badge
    published: list[PublishedGroup]
    notes: list[str]
    pages: Pages


def build(request: PageRequest) -> Page:
    """Show the newest checkpoint of each run, or all of them with `steps=all`."""
    k = request.number("k", 1, 1, 16_384)
    method = request.text("method") or None
    only = request.text("benchmark") or None
    check_names(request.session, request.state.catalogue, method=method, benchmark=only)
    board = leaderboard(request.session, request.state.memo, benchmark=only, k=k, method=method)
    every = request.choice("steps", ("newest", "all"), "newest") == "all"
    baseline = _baseline(board.items, request.text("baseline"))
    rows = list(board.items) if every else newest(board.items, keep=baseline)
    rows = _sorted(rows, request)
    benchmarks = ordered({score.benchmark for row in rows for score in row.scores})
    pages = request.pages(len(rows), PAGE_SIZE)
    shown = list(pages.slice(rows))
    behind = _evaluations(request, [*shown, *([baseline] if baseline else [])])
    tests = 0 if baseline is None else _family_size(request, board, baseline, k, every=every)
    marks, reasons = _significance(request, shown, baseline, behind, k, family_size=tests)
    which = request.choice("published", dict(CHOICES), "same")
    reference = [*([baseline] if baseline else []), *shown]
    model = LeaderboardModel(
        k=k,
        benchmarks=benchmarks,
        baseline=_name(baseline) if baseline else None,
        lines=[
            LeaderboardLine(row, {score.benchmark: score for score in row.scores}, row is baseline)
            for row in shown
        ],
        significance=marks,
        badges=marks,
        not_comparable=reasons,
        published=published_groups(request, _ours(benchmarks, reference, behind), k, which),
        notes=board.notes,
        pages=pages,
    )
    return Page(
        template="leaderboard.html",
        title="Leaderboard",
        model=model,
        table=_table(model),
        latex=_latex(model),
        more_formats=(("LaTeX", request.as_format("tex")),),
        extras={
            "ks": [(str(value), f"pass@{value}") for value in sorted({*KS, k})],
            "baselines": [(_name(row), _name(row)) for row in board.items],
            "methods": [(m, m) for m in sorted({row.method for row in board.items})],
            "every": every,
            "which": which,
            "published_choices": CHOICES,
            "permalink": request.with_(
                benchmark=only,
                k=k,
                baseline=model.baseline,
                steps="all" if every else "newest",
                published=which,
            ),
        },
    )


def ordered(benchmarks: set[str]) -> list[str]:
    """The methods in the paper's order, followed by the others by name."""
    rank = {name: i for i, name in enumerate(PAPER_ORDER)}
    return sorted(benchmarks, key=lambda name: (rank.get(name.partition(":")[0], 99), name))


def newest(rows: Sequence[LeaderboardRow], keep: LeaderboardRow | None) -> list[LeaderboardRow]:
    """The last step of each run, and the baseline at any step."""
    last: dict[str, int] = {}
    for row in rows:
        last[row.run] = max(last.get(row.run, -1), row.step)
    return [row for row in rows if row.step == last[row.run] or row is keep]


def _baseline(rows: Sequence[LeaderboardRow], asked: str) -> LeaderboardRow | None:
    found = next((row for row in rows if asked and _name(row) == asked), None)
    if asked and found is None:
        raise ParameterError(
            f"The baseline {asked!r} has no row here.", "Name RUN@STEP of one that has."
        )
    return found


def _name(row: LeaderboardRow) -> str:
    return f"{row.run}@{row.step}"


def _sorted(rows: list[LeaderboardRow], request: PageRequest) -> list[LeaderboardRow]:
    """Sort by the paper's order of methods, or by a benchmark's figure, missing figures last."""
    if request.sort in ("", "method"):
        keyed = sorted(rows, key=lambda row: (method_order(row.method), row.run, row.step))
        return keyed[::-1] if request.descending else keyed

    def value(row: LeaderboardRow) -> float:
        found = [score.figure.value for score in row.scores if score.benchmark == request.sort]
        if not found:
            return float("inf")
        return -found[0] if request.descending else found[0]

    return sorted(rows, key=value)


def _evaluations(request: PageRequest, rows: Sequence[LeaderboardRow]) -> Behind:
    """The evaluations behind the shown scores, by id and by the checkpoint that shows them."""
    wanted = {(score.evaluation, row.checkpoint_id) for row in rows for score in row.scores}
    every = evaluations.matching(request.session, EvaluationFilter())
    return {key: row for row in every if (key := (row.id, row.checkpoint_id)) in wanted}


def _ours(
    benchmarks: Sequence[str],
    rows: Sequence[LeaderboardRow],
    behind: Behind,
) -> dict[str, Evaluation | None]:
    """For each benchmark the first evaluation shown, with which published rows are compared."""
    found: dict[str, Evaluation | None] = dict.fromkeys(benchmarks)
    for row in rows:
        for score in row.scores:
            found[score.benchmark] = (
                found[score.benchmark] or behind[score.evaluation, row.checkpoint_id]
            )
    return found


def _significance(
    request: PageRequest,
    shown: Sequence[LeaderboardRow],
    baseline: LeaderboardRow | None,
    behind: Behind,
    k: int,
    *,
    family_size: int,
) -> tuple[dict[str, Significance], dict[str, str]]:
    if baseline is None:
        return {}, {}
    before = {s.benchmark: behind[s.evaluation, baseline.checkpoint_id] for s in baseline.scores}
    candidates = [
        behind[score.evaluation, row.checkpoint_id]
        for row in shown
        if row is not baseline
        for score in row.scores
    ]
    return significances(
        request.session, request.state.memo, before, candidates, k, family_size=family_size
    )


def _family_size(
    request: PageRequest, board: Leaderboard, baseline: LeaderboardRow, k: int, *, every: bool
) -> int:
    """The number of comparisons over all methods and pages: filters do not change a verdict."""
    rows = board.items
    if request.text("method") or request.text("benchmark"):
        rows = leaderboard(request.session, request.state.memo, benchmark=None, k=k).items
    keep = _baseline(rows, _name(baseline))
    names = {score.benchmark for score in baseline.scores}
    counted = rows if every else newest(rows, keep=keep)
    return sum(s.benchmark in names for row in counted if row is not keep for s in row.scores)


def _table(model: LeaderboardModel) -> PageTable:
    columns = ["method", "run", "step"]
    for name in model.benchmarks:
        columns += [f"{name} pass@{model.k}", f"{name} low", f"{name} high", f"{name} verdict"]
        columns.append(f"{name} remarks")
    rows: list[list[object]] = []
    for line in model.lines:
        cells: list[object] = [line.row.method, line.row.run, line.row.step]
        for name in model.benchmarks:
            score = line.scores.get(name)
            if score is None:
                cells += [None] * 5
                continue
            badge = model.significance.get(score.evaluation)
            cells += [
                score.figure.value,
                *score.figure.interval_population,
                badge.outcome if badge else None,
                "; ".join(score.remarks) or None,
            ]
        rows.append(cells)
    return PageTable(columns, rows)


def _latex(model: LeaderboardModel) -> str:
    """The table as LaTeX: half-widths as ±, bold only where the badge says better."""
    lines = []
    for line in model.lines:
        cells: list[LatexCell | None] = []
        for name in model.benchmarks:
            score = line.scores.get(name)
            if score is None:
                cells.append(None)
                continue
            badge = model.significance.get(score.evaluation)
            low, high = score.figure.interval_population
            better = badge is not None and badge.outcome == "better"
            cells.append(
                LatexCell(
                    score.figure.value, low, high, bold=better, remark="; ".join(score.remarks)
                )
            )
        lines.append((f"{line.row.method} ({line.row.run}, step {line.row.step})", cells))
    return leaderboard_table(model.benchmarks, lines, model.k, model.baseline)
