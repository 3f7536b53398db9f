"""The problems in a text: the problem's own text, or a prompt that contains it."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

ANCHOR = 24  # characters used to look up positions in a prompt
LONG = 40  # a question this long (characters) is not found in a prompt by accident


@dataclass(frozen=True)
class Asked:
    """Rows whose question equals or is in a text. `certain`: it cannot be an accident."""

    rows: tuple[int, ...]
    certain: bool


class QuestionIndex:
    """The questions of a benchmark, for looking up texts; spaces and letter forms normalized."""

    def __init__(self, questions: Sequence[str]) -> None:
        self._rows: dict[str, list[int]] = {}
        for row, question in enumerate(questions):
            if text := even(question):
                self._rows.setdefault(text, []).append(row)
        self._anchors: dict[str, list[str]] = {}
        for text in self._rows:
            self._anchors.setdefault(text[:ANCHOR], []).append(text)
        self._lengths = sorted({len(anchor) for anchor in self._anchors}, reverse=True)

    def asked(self, text: str) -> Asked:
        """The rows with this question; else those whose question is contained in the text."""
        text = even(text)
        if text in self._rows:
            return Asked(tuple(self._rows[text]), certain=True)
        found = self._inside(text)
        rows = tuple(row for question in found for row in self._rows[question])
        return Asked(rows, certain=all(len(question) >= LONG for question in found))

    def _inside(self, text: str) -> list[str]:
        """Questions in the text as whole words, without those inside a longer one."""
        places: list[tuple[int, int, str]] = []
        for start in range(len(text)):
            if start and text[start - 1].isalnum() and text[start].isalnum():
                continue
            for length in self._lengths:
                places += [
                    (start, start + len(question), question)
                    for question in self._anchors.get(text[start : start + length], ())
                    if text.startswith(question, start) and _ends(text, start + len(question))
                ]
        kept = [
            question
            for start, stop, question in places
            if not any((a <= start and stop <= b) and (a, b) != (start, stop) for a, b, _ in places)
        ]
        return list(dict.fromkeys(kept))


def even(text: str) -> str:
    """A text normalized for changes by copying: runs of white space, forms of one letter."""
    return " ".join(unicodedata.normalize("NFKC", text).split())


def _ends(text: str, stop: int) -> bool:
    return stop >= len(text) or not (text[stop - 1].isalnum() and text[stop].isalnum())
