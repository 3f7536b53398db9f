"""A table as LaTeX (booktabs). Bold means significantly better than the baseline, not higher."""

from collections.abc import Sequence
from dataclasses import dataclass

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


@dataclass(frozen=True)
class Cell:
    """A fraction with its bounds."""

    value: float
    low: float
    high: float
    bold: bool


def tabular(
    benchmarks: Sequence[str],
    lines: Sequence[tuple[str, Sequence[Cell | None]]],
    k: int,
    baseline: str | None,
) -> str:
    """Percent with 95 % bounds as superscript and subscript."""
    compared = f" against {escape(baseline)}" if baseline else ""
    head = " & ".join(["Checkpoint", *(escape(name) for name in benchmarks)])
    body = [
        " & ".join([escape(name), *(_cell(cell) for cell in cells)]) + r" \\"
        for name, cells in lines
    ]
    return "\n".join(
        [
            f"% pass@{k} in percent, 95 % interval over problems of this kind.",
            f"% Bold: significantly better{compared} (Holm over this table).",
            r"\begin{tabular}{l" + "c" * len(benchmarks) + "}",
            r"\toprule",
            head + r" \\",
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            "",
        ]
    )


def escape(text: str) -> str:
    """`text` with what LaTeX would interpret escaped."""
    return "".join(_SPECIAL.get(character, character) for character in text)


def _cell(cell: Cell | None) -> str:
    if cell is None:
        return "--"
    number = f"{100 * cell.value:.1f}"
    shown = rf"\mathbf{{{number}}}" if cell.bold else number
    return rf"${shown}^{{{100 * cell.high:.1f}}}_{{{100 * cell.low:.1f}}}$"
