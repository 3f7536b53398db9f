"""Render mathematics as MathML on the server: no script in the page, no font to load.

The input is untrusted. We serialise the tree that latex2mathml builds ourselves: only elements and
attributes of the lists below, with every text escaped (its own output leaves text of `\\text{}` as
markup). A formula that is too long, too deep or not understood stays source text.
"""

import html
import re
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from functools import lru_cache

from latex2mathml.converter import convert_to_element
from markupsafe import Markup, escape

from evalsvc.dashboard.limits import FORMULA_SECONDS, MAX_FORMULA_CHARACTERS, MAX_FORMULA_NESTING
from evalsvc.dashboard.rendering.text import Span, shifted, visible

LONGEST_SPAN = 4 * MAX_FORMULA_CHARACTERS  # between two delimiters; further apart they are no pair

_ELEMENTS = frozenset(
    """math mrow mi mn mo mtext mspace mfrac msqrt mroot mstyle merror mpadded mphantom menclose
    msub msup msubsup munder mover munderover mmultiscripts mprescripts none mtable mtr mtd
    mlabeledtr""".split()  # noqa: SIM905 - a list of words
)
_ATTRIBUTES = frozenset(
    """display displaystyle scriptlevel mathvariant accent stretchy fence separator form
    movablelimits largeop symmetric minsize maxsize lspace rspace linethickness notation
    columnalign rowspacing columnspacing columnlines rowlines width height depth""".split()  # noqa: SIM905
)
_VALUE = re.compile(r"[A-Za-z0-9 .%+-]{1,60}")
_DISPLAY = ("$$", r"\[", r"\begin")
_CLOSERS = {"$$": "$$", r"\[": r"\]", r"\(": r"\)"} | {
    rf"\begin{{{name}}}": rf"\end{{{name}}}"
    for name in ("align", "align*", "equation", "equation*", "gather", "gather*")
}
_OPENER = re.compile("|".join(map(re.escape, _CLOSERS)) + r"|(?<![\\$])\$(?=[^\s$])")
_END_OF_INLINE = re.compile(r"(?<!\\)\$|\n\s*\n")
_NESTING = re.compile(r"(?<!\\)[{}]|\\(?:left|right|begin|end)\b")


def render(text: str, mark: Span | None = None) -> Markup:
    """`text` escaped, with formulas in `$`, `$$`, `\\(`, `\\[` and aligned environments
    as MathML.

    `mark`: characters to be marked; a formula with some of them is marked as a whole.
    """
    parts: list[Markup] = []
    end = 0
    for start, stop, latex in _formulas(text):
        parts.append(visible(text[end:start], shifted(mark, end)))
        shown = formula(latex, text[start:stop])
        marked = mark is not None and mark[0] < stop and start < mark[1]
        parts.append(Markup("<mark>{}</mark>").format(shown) if marked else shown)
        end = stop
    parts.append(visible(text[end:], shifted(mark, end)))
    return Markup("").join(parts)


def _formulas(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, LaTeX) of each formula, until the time is used up: the rest stays text.

    The end of an unclosed formula is searched once, so that the time is linear in the length.
    """
    deadline = time.perf_counter() + FORMULA_SECONDS
    unclosed: set[str] = set()
    position = 0
    while (opener := _OPENER.search(text, position)) and time.perf_counter() < deadline:
        sign, position = opener.group(), opener.end()
        if sign in unclosed:
            continue
        stop = _closing(text, sign, position)
        if stop < 0:
            unclosed.update({sign} if sign in _CLOSERS else ())
        elif 0 < stop - position <= LONGEST_SPAN:
            end = stop + len(_CLOSERS.get(sign, sign))
            whole = sign.startswith(r"\begin")  # an environment is part of its formula
            yield opener.start(), end, text[opener.start() : end] if whole else text[position:stop]
            position = end


def _closing(text: str, sign: str, start: int) -> int:
    """Where the formula that `sign` opened ends, or -1. A `$` closes within its paragraph, not
    after a blank and not before a digit: "$5 and $6" are prices."""
    if sign in _CLOSERS:
        return text.find(_CLOSERS[sign], start)
    found = _END_OF_INLINE.search(text, start, start + LONGEST_SPAN)
    if found is None or found.group() != "$" or text[found.start() - 1].isspace():
        return -1
    following = text[found.end() : found.end() + 1]
    return -1 if following.isdigit() or following == "$" else found.start()


def formula(latex: str, source: str | None = None) -> Markup:
    """One formula as MathML, or its `source` (with delimiters) where it cannot be rendered."""
    shown = latex if source is None else source
    mathml = to_mathml(latex.strip(), shown.startswith(_DISPLAY))
    return source_text(shown) if mathml is None else mathml


def source_text(source: str) -> Markup:
    """The source of a formula that is not rendered."""
    return Markup('<code class="tex" title="shown as written: not rendered">{}</code>').format(
        visible(source)
    )


@lru_cache(maxsize=2048)
def to_mathml(latex: str, display: bool = False) -> Markup | None:
    """MathML of `latex`, or None if it is over a cap or not understood."""
    if not latex or len(latex) > MAX_FORMULA_CHARACTERS or _depth(latex) > MAX_FORMULA_NESTING:
        return None
    known = latex.replace("{aligned}", "{align*}")  # the same, but the library knows only this one
    try:
        tree = convert_to_element(known, display="block" if display else "inline")
    except (Exception, RecursionError):  # its errors have no common base; show the source text
        return None
    out: list[str] = []
    _write(tree, out)
    return Markup("".join(out))  # noqa: S704 - every text in it went through `escape`


def _depth(latex: str) -> int:
    """Deepest nesting; scripts and commands without braces count as well."""
    depth = deepest = 0
    for token in _NESTING.findall(latex):
        depth += 1 if token in ("{", r"\left", r"\begin") else -1
        deepest = max(deepest, depth)
    run = max((len(m.group()) // 2 for m in re.finditer(r"(?:\S[\^_]){2,}", latex)), default=0)
    return max(deepest, run)


def _write(element: ET.Element, out: list[str]) -> None:
    tag = element.tag.rpartition("}")[2]
    known = tag if tag in _ELEMENTS else "mrow"
    out.append(f"<{known}")
    for name, value in element.attrib.items():
        if name in _ATTRIBUTES and _VALUE.fullmatch(value):
            out.append(f' {name}="{value}"')
    out.append(">")
    if element.text:
        # The library writes characters as references, to be resolved after serialisation.
        out.append(str(visible(html.unescape(element.text))))
    for child in element:
        _write(child, out)
        if child.tail and child.tail.strip():
            out.append(str(escape(child.tail)))
    out.append(f"</{known}>")
