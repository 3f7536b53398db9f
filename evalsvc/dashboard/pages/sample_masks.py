"""The verdict of every sample of one problem, out of its bit masks, with no transcript read.

How a verdict was reached does not stand in the masks: the page reads that and passes it in.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from evalsvc.store.models import ProblemResult

FILTERS = (
    ("all", "all"),
    ("wrong", "wrong"),
    ("correct", "correct"),
    ("no_answer", "no answer"),
    ("truncated", "cut off"),
    ("failed", "verifier failed"),
    ("convention", "by convention"),
)
GLYPHS = {"correct": "✓", "wrong": "✕", "no_answer": "∅", "failed": "!"}


@dataclass(frozen=True)
class SampleMark:
    """A sample's number and what is known about it without its text."""

    sample: int
    verdict: str  # correct, wrong, no_answer, failed
    truncated: bool

    @property
    def glyph(self) -> str:
        return GLYPHS[self.verdict]


def marks_of(result: ProblemResult) -> list[SampleMark]:
    """Every sample that was judged, in order."""
    sampled, correct, truncated, no_answer, failed = (
        int.from_bytes(mask, "little")
        for mask in (
            result.sampled,
            result.correct,
            result.truncated,
            result.no_answer,
            result.failed,
        )
    )
    found = []
    for i in range(sampled.bit_length()):
        if not sampled >> i & 1:
            continue
        if correct >> i & 1:
            verdict = "correct"
        elif failed >> i & 1:
            verdict = "failed"
        elif no_answer >> i & 1:
            verdict = "no_answer"
        else:
            verdict = "wrong"
        found.append(SampleMark(i, verdict, bool(truncated >> i & 1)))
    return found


def choose(
    marks: Sequence[SampleMark], which: str, by_convention: Collection[int] = ()
) -> list[SampleMark]:
    """Those that a filter names. by_convention: the samples whose verdicts were reached so."""
    if which == "all":
        return list(marks)
    if which == "truncated":
        return [mark for mark in marks if mark.truncated]
    if which == "convention":
        return [mark for mark in marks if mark.sample in by_convention]
    return [mark for mark in marks if mark.verdict == which]
