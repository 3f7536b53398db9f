"""Make text from outside safe to display: escaped, without characters that hide or reorder.

Control characters, direction marks and zero-width characters become small labelled boxes. Long
texts keep their head and tail and state how much is left out.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

from markupsafe import Markup, escape

from evalsvc.dashboard.limits import HEAD_CHARACTERS, TAIL_CHARACTERS

Span: TypeAlias = tuple[int, int]  # start and end (exclusive), in characters

MAX_COMBINING_MARKS = 4  # in a row; more would cover the neighbouring lines

_SHORT_NAMES = {
    0x200B: "ZWSP",
    0x200C: "ZWNJ",
    0x200D: "ZWJ",
    0x200E: "LRM",
    0x200F: "RLM",
    0x202A: "LRE",
    0x202B: "RLE",
    0x202C: "PDF",
    0x202D: "LRO",
    0x202E: "RLO",
    0x2028: "LSEP",
    0x2029: "PSEP",
    0x2060: "WJ",
    0x2066: "LRI",
    0x2067: "RLI",
    0x2068: "FSI",
    0x2069: "PDI",
    0x061C: "ALM",
    0xFEFF: "BOM",
    0x00AD: "SHY",
}
# All but tab and newline of: C0, DEL and C1, soft hyphen, marks of direction, characters without
# width, lone surrogates, tags; and long runs of combining marks.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
    "|[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
    f"{{{MAX_COMBINING_MARKS + 1},}}"
)


def visible(text: str, mark: Span | None = None) -> Markup:
    """`text` escaped; invisible characters are labelled boxes, those of `mark` are marked."""
    if mark is not None and (start := max(mark[0], 0)) < (end := min(mark[1], len(text))):
        pieces = (text[:start], text[start:end], text[end:])
        return Markup("{}<mark>{}</mark>{}").format(*(visible(piece) for piece in pieces))
    parts: list[Markup] = []
    end = 0
    for match in _UNSEEN.finditer(text):
        parts.append(escape(text[end : match.start()]))
        parts.append(_box(match.group()))
        end = match.end()
    parts.append(escape(text[end:]))
    return Markup("").join(parts)


def with_code(text: str) -> Markup:
    """`visible`, with text in backticks as code: our own messages name commands that way."""
    pieces = text.split("`")
    if len(pieces) % 2 == 0:
        return visible(text)
    shown = [
        Markup("<code>{}</code>").format(visible(piece)) if i % 2 else visible(piece)
        for i, piece in enumerate(pieces)
    ]
    return Markup("").join(shown)


def shifted(mark: Span | None, by: int) -> Span | None:
    """The same characters, counted from `by` on."""
    return None if mark is None else (mark[0] - by, mark[1] - by)


def plain(text: str) -> str:
    """`text` with invisible characters as `⟨RLO⟩`: for plot labels, which hold no markup."""
    return _UNSEEN.sub(lambda m: f"⟨{_label(m.group())}⟩", text)


@lru_cache(maxsize=1024)
def _box(characters: str) -> Markup:
    return Markup('<span class="unseen" title="{}">{}</span>').format(
        _description(characters), _label(characters)
    )


def _label(characters: str) -> str:
    if len(characters) > 1:
        return f"{len(characters)} marks"
    code = ord(characters)
    if code < 0x20:
        return chr(0x2400 + code)
    return _SHORT_NAMES.get(code) or f"U+{code:04X}"


def _description(characters: str) -> str:
    code = ord(characters[0])
    name = unicodedata.name(characters[0], "control character")
    return f"U+{code:04X} {name}"


@dataclass(frozen=True)
class Excerpt:
    """Head and tail of a text; `left_out` characters are between them (0: all is in `head`)."""

    head: str
    tail: str
    left_out: int


def excerpt(text: str, head: int = HEAD_CHARACTERS, tail: int = TAIL_CHARACTERS) -> Excerpt:
    """Head and tail of `text`, lengths in characters. Answers are at the end: both are kept."""
    if len(text) <= head + tail:
        return Excerpt(text, "", 0)
    return Excerpt(text[:head], text[-tail:], len(text) - head - tail)
