"""Results as a LaTeX table in the paper's layout, for `\\input` or to compile on its own.

Needs the booktabs package only. Every name is escaped: a run called `\\input{...}` prints as that.
"""

import unicodedata
from collections.abc import Sequence

from evalsvc.exports.layout import Block, Table, lay_out
from evalsvc.exports.rows import ResultRow

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": "{-}",
}


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


def escape(text: str) -> str:
    """Plain text as LaTeX. Letters beyond ASCII lose their marks; what has no base becomes '?'."""
    flat = " ".join(unicodedata.normalize("NFKD", text).split())
    kept = (c for c in flat if not unicodedata.combining(c))
    return "".join(_SPECIAL.get(c, c if " " <= c <= "~" else "?") for c in kept)


def _table(table: Table) -> str:
    width = max(len(block.columns) for block in table.blocks)
    body: list[str] = []
    for i, block in enumerate(table.blocks):
        body += [r"\midrule"] if i else [r"\toprule"]
        body += _block(block, width)
    lines = [
        r"\begin{table}[htbp]",
        r"\centering\small",
        rf"\caption{{{escape(table.title)}. {escape(table.note)}}}",
        rf"\begin{{tabular}}{{l{'r' * width}}}",
        *body,
        r"\bottomrule",
        r"\end{tabular}",
        r"\end{table}",
    ]
    return "\n".join(lines)


def _block(block: Block, width: int) -> list[str]:
    missing = [""] * (width - len(block.columns))
    heading = [rf"\textit{{{escape(block.title)}}}", *(escape(c) for c in block.columns), *missing]
    lines = [_line(heading), r"\midrule"]
    for label, cells in block.lines:
        shown = [
            "--" if cell is None else rf"\textbf{{{cell.text}}}" if cell.bold else cell.text
            for cell in cells
        ]
        lines.append(_line([escape(label), *shown, *missing]))
    return lines


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + r" \\"
