"""Results as a LaTeX table in the paper's layout, for `\\input` or to compile on its own.

Needs the booktabs package only.
"""

from collections.abc import Sequence

from evalsvc.exports.latex_text import escape, tabular
from evalsvc.exports.layout import Block, Cell, ExportTable, lay_out
from evalsvc.exports.rows import ResultRow


def to_latex(rows: Sequence[ResultRow], *, document: bool = False) -> str:
    """A table environment per model; with `document`, a whole file that compiles by itself."""
    tables = "\n\n".join(_table(table) for table in lay_out(rows))
    if not document:
        return tables + "\n"
    head = [
        r"\documentclass{article}",
        r"\usepackage[T1]{fontenc}",
        r"\usepackage{textcomp}",
        r"\usepackage{booktabs}",
        r"\usepackage[margin=1cm,landscape]{geometry}",
        r"\begin{document}",
    ]
    return "\n".join([*head, tables, r"\end{document}"]) + "\n"


def _table(table: ExportTable) -> str:
    width = max(len(block.columns) for block in table.blocks)
    groups = [group for block in table.blocks for group in _groups(block, width)]
    lines = [
        r"\begin{table}[htbp]",
        r"\centering\small",
        rf"\caption{{{escape(table.title)}. {escape(table.note)}}}",
        tabular("l" + "r" * width, groups),
        r"\end{table}",
    ]
    return "\n".join(lines)


def _cell(cell: Cell) -> str:
    return rf"\textbf{{{escape(cell.text)}}}" if cell.bold else escape(cell.text)


def _groups(block: Block, width: int) -> list[list[list[str]]]:
    """The heading of a block and its lines, filled up to the table's width."""
    missing = [""] * (width - len(block.columns))
    heading = [rf"\textit{{{escape(block.title)}}}", *(escape(c) for c in block.columns), *missing]
    lines = []
    for label, cells in block.lines:
        shown = ["--" if cell is None else _cell(cell) for cell in cells]
        lines.append([escape(label), *shown, *missing])
    return [[heading], lines]
