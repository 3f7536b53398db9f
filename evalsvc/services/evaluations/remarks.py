"""Remarks shown with a figure: a subset of the problems, and samples without a usable answer.

Pure. Tables, pages, exports and comparisons use the same texts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

WORTH_SAYING = 0.05  # a share above this is shown with the figure


@dataclass(frozen=True)
class AnswerShares:
    """Fractions of the samples seen; None where unknown."""

    truncated: float | None
    no_answer: float | None
    failed: float | None


def subset_of(problems: int, total: int) -> str:
    """`10 of 40 problems`; empty for all of them."""
    return f"{problems:,} of {total:,} problems" if 0 < problems < total else ""


def remarks_on(
    problems: int, total: int, shares: AnswerShares, protocol: Mapping[str, Any]
) -> list[str]:
    """The remarks as text, the most important first; empty if there are none."""
    subset = subset_of(problems, total)
    said = [
        f"{_percent(share)} {words}"
        for share, words in _in_words(shares, protocol)
        if share is not None and share > WORTH_SAYING
    ]
    return [subset, *said] if subset else said


def share_differences(
    names: tuple[str, str], shares: tuple[AnswerShares, AnswerShares], protocol: Mapping[str, Any]
) -> list[str]:
    """Where two sides differ in a share by more than WORTH_SAYING."""
    before, after = (_in_words(side, protocol) for side in shares)
    return [
        f"The sides differ: {_percent(left)} of {names[0]} and {_percent(right)} of {names[1]} "
        f"{words}."
        for (left, words), (right, _) in zip(before, after, strict=True)
        if left is not None and right is not None and abs(left - right) > WORTH_SAYING
    ]


def _in_words(shares: AnswerShares, protocol: Mapping[str, Any]) -> list[tuple[float | None, str]]:
    limit = protocol.get("max_tokens")
    cut = f"cut off at {limit:,} tokens" if isinstance(limit, int) else "cut off"
    return [
        (shares.truncated, cut),
        (shares.no_answer, "without an answer"),
        (shares.failed, "not judged"),
    ]


def _percent(share: float) -> str:
    return f"{100 * share:.0f}%"
