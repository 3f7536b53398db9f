"""A table as LaTeX (booktabs). Bold means significantly better than the baseline, not higher."""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.exports.latex_text import escape, tabular


@dataclass(frozen=True)
class LatexCell:
    """A fraction with its bounds and its remark."""

    value: float
    low: float
    high: float
    bold: bool
    remark: str = ""


def leaderboard_table(
    benchmarks: Sequence[str],
    lines: Sequence[tuple[str, Sequence[LatexCell | None]]],
    k: int,
    baseline: str | None,
) -> str:
    """Percent with 95 % bounds as superscript and subscript."""
    compared = f" against {escape(baseline)}" if baseline else ""
    head = ["Checkpoint", *(escape(name) for name in benchmarks)]
    cells_shown = [cell for _, cells in lines for cell in cells if cell is not None]
    remarks = list(dict.fromkeys(cell.remark for cell in cells_shown if cell.remark))
    body = [[escape(name), *(_cell(cell, remarks) for cell in cells)] for name, cells in lines]
    return "\n".join(
        [
            f"% pass@{k} in percent, 95 % interval over problems of this kind.",
            f"% Bold: significantly better{compared} (Holm over this table).",
            tabular("l" + "c" * len(benchmarks), [[head], body]),
            *(f"\\par [{i}] {escape(remark)}." for i, remark in enumerate(remarks, start=1)),
            "",
        ]
    )


def _cell(cell: LatexCell | None, remarks: Sequence[str]) -> str:
    if cell is None:
        return "--"
    number = f"{100 * cell.value:.1f}"
    shown = rf"\mathbf{{{number}}}" if cell.bold else number
    mark = f" [{remarks.index(cell.remark) + 1}]" if cell.remark else ""
    return rf"${shown}^{{{100 * cell.high:.1f}}}_{{{100 * cell.low:.1f}}}${mark}"
