r"""Plain text and tables as LaTeX that compiles with pdflatex and the packages it names.

Every name is escaped: a run called `\input{...}` prints as that. Greek letters, arrows, the usual
symbols and accented Latin letters are written as the commands that print them. For any other
character pdflatex has no glyph: its code point is printed, so that no two names become the same.
"""

import unicodedata
from collections.abc import Sequence

_ASCII = {
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
    '"': r"{\char34}",
    "'": r"\textquotesingle{}",
    "`": r"\textasciigrave{}",
    "-": "{-}",
}
_TEXT = {
    "ß": r"\ss{}", "æ": r"\ae{}", "Æ": r"\AE{}", "œ": r"\oe{}", "Œ": r"\OE{}", "ø": r"\o{}",
    "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "ı": r"\i{}", "§": r"\S{}", "¶": r"\P{}",
    "–": "{--}", "—": "{---}", "‘": "`", "’": "'", "“": "``", "”": "''", "…": r"\ldots{}",
    "·": r"\textperiodcentered{}", "†": r"\dag{}", "‡": r"\ddag{}",
}  # fmt: skip
_MATH = {
    "→": r"\rightarrow", "←": r"\leftarrow", "↔": r"\leftrightarrow", "↑": r"\uparrow",
    "↓": r"\downarrow", "⇒": r"\Rightarrow", "⇐": r"\Leftarrow", "⇔": r"\Leftrightarrow",
    "↦": r"\mapsto", "×": r"\times", "÷": r"\div", "±": r"\pm", "∓": r"\mp", "−": "-",
    "≤": r"\leq", "≥": r"\geq", "≠": r"\neq", "≈": r"\approx", "≡": r"\equiv", "∼": r"\sim",
    "∞": r"\infty", "∈": r"\in", "∉": r"\notin", "∅": r"\emptyset", "∑": r"\sum", "∏": r"\prod",
    "√": r"\surd", "∂": r"\partial", "∇": r"\nabla", "∆": r"\Delta", "Ω": r"\Omega",
    "µ": r"\mu", "°": r"^{\circ}", "⋅": r"\cdot", "•": r"\bullet", "¬": r"\neg",
    "ε": r"\varepsilon", "ϵ": r"\epsilon", "ς": r"\varsigma", "φ": r"\varphi", "ϕ": r"\phi",
    "ϑ": r"\vartheta",
}  # fmt: skip
_ACCENTS = {
    "\u0300": r"\`", "\u0301": r"\'", "\u0302": r"\^", "\u0303": r"\~", "\u0304": r"\=",
    "\u0306": r"\u", "\u0307": r"\.", "\u0308": r"\"", "\u030a": r"\r", "\u030b": r"\H",
    "\u030c": r"\v", "\u0327": r"\c",
}  # fmt: skip
_GREEK = frozenset(
    {
        *("ALPHA", "BETA", "GAMMA", "DELTA", "EPSILON", "ZETA", "ETA", "THETA", "IOTA", "KAPPA"),
        *("LAMBDA", "MU", "NU", "XI", "OMICRON", "PI", "RHO", "SIGMA", "TAU", "UPSILON", "PHI"),
        *("CHI", "PSI", "OMEGA"),
    }
)
_LATIN_CAPITALS = {
    "ALPHA": "A", "BETA": "B", "EPSILON": "E", "ZETA": "Z", "ETA": "H", "IOTA": "I", "KAPPA": "K",
    "MU": "M", "NU": "N", "OMICRON": "O", "RHO": "P", "TAU": "T", "CHI": "X",
}  # fmt: skip


def escape(text: str) -> str:
    """`text` on one line, as LaTeX that prints it."""
    flat = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(_character(character) for character in flat)


def tabular(columns: str, rows: Sequence[Sequence[Sequence[str]]]) -> str:
    r"""A booktabs table. `columns` as LaTeX wants them; `rows` come in groups with rules between.

    Cells are LaTeX already: escape what is plain text.
    """
    lines = [rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    for position, group in enumerate(rows):
        lines += [r"\midrule"] if position else []
        lines += [" & ".join(cells) + r" \\" for cells in group]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"])


def _character(character: str) -> str:
    if " " <= character <= "~":
        return _ASCII.get(character, character)
    if character in _TEXT:
        return _TEXT[character]
    if command := _MATH.get(character) or _greek(character):
        return rf"\ensuremath{{{command}}}"
    return _accented(character) or rf"\texttt{{U+{ord(character):04X}}}"


def _greek(character: str) -> str:
    """The command of a plain Greek letter; "" for anything else."""
    name = unicodedata.name(character, "")
    size, found, letter = name.removeprefix("GREEK ").partition(" LETTER ")
    letter = letter.replace("LAMDA", "LAMBDA")
    if not found or not name.startswith("GREEK ") or letter not in _GREEK:
        return ""
    if size == "SMALL":
        return "o" if letter == "OMICRON" else rf"\{letter.lower()}"
    if size == "CAPITAL":
        latin = _LATIN_CAPITALS.get(letter)
        return rf"\mathrm{{{latin}}}" if latin else rf"\{letter.capitalize()}"
    return ""


def _accented(character: str) -> str:
    """A Latin letter with one accent; "" for anything else."""
    parts = unicodedata.normalize("NFD", character)
    base, marks = parts[0], parts[1:]
    if len(marks) != 1 or not (base.isascii() and base.isalpha()):
        return ""
    accent = _ACCENTS.get(marks)
    return rf"{accent}{{{base}}}" if accent else ""
