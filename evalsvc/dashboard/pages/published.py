"""Published rows next to one's own, kept separate, with chips for what is not comparable."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.methods import method_order
from evalsvc.services.benchmarks.publications import PublishedView, published
from evalsvc.store.models import Evaluation

CHOICES = (("same", "of the same base model"), ("all", "all"), ("none", "none"))
_CHIPS = {
    "model": "other model",
    "part": "other split",
    "problems": "other problems",
    "prompt": "other prompt",
    "temperature": "other T",
    "top_p": "other top-p",
    "max_tokens": "other token limit",
    "grader": "other grader",
    "samples": "n below k",
}


@dataclass(frozen=True)
class PublishedLine:
    """One method of one table: its cells by benchmark, and why they are not comparable."""

    method: str
    cells: dict[str, PublishedView]
    chips: list[str]
    why: str


@dataclass(frozen=True)
class PublishedGroup:
    """The rows of one model in one table of a paper."""

    paper: str
    table: str
    model: str
    lines: list[PublishedLine]

    @property
    def chips(self) -> list[str]:
        """The chips that all lines share, shown once above them."""
        first, *others = self.lines
        return [chip for chip in first.chips if all(chip in line.chips for line in others)]


def published_groups(
    request: PageRequest, ours: Mapping[str, Evaluation | None], k: int, which: str
) -> list[PublishedGroup]:
    """The printed rows at k. `ours`: benchmark -> the evaluation that they are compared with."""
    if which == "none":
        return []
    found = [
        row
        for name, own in ours.items()
        for row in published(request.state.memo, request.state.catalogue, name, own)
        if row.k == k and (which == "all" or "model" not in row.differs)
    ]
    tables: dict[tuple[str, str, str], list[PublishedView]] = {}
    for row in found:
        tables.setdefault((row.paper, row.table, row.model), []).append(row)
    return [PublishedGroup(*key, lines=_lines(rows)) for key, rows in sorted(tables.items())]


def _lines(rows: Sequence[PublishedView]) -> list[PublishedLine]:
    methods: dict[str, dict[str, PublishedView]] = {}
    for row in rows:
        methods.setdefault(row.method, {}).setdefault(row.benchmark, row)
    return [
        PublishedLine(name, cells, chips(list(cells.values())), _why(list(cells.values())))
        for name, cells in sorted(methods.items(), key=lambda item: method_order(item[0]))
    ]


def chips(cells: Sequence[PublishedView]) -> list[str]:
    """A short label for each difference of a cell, and one for what is not stated."""
    points = dict.fromkeys(point for cell in cells for point in cell.differs)
    silent = dict.fromkeys(
        point for cell in cells for point in cell.not_stated if point not in points
    )
    words = [_CHIPS.get(point, point) for point in points]
    if silent:
        words.append("not stated: " + ", ".join(silent).replace("_", "-"))
    return words


def _why(cells: Sequence[PublishedView]) -> str:
    return " ".join(dict.fromkeys(cell.sentence for cell in cells if cell.sentence))
