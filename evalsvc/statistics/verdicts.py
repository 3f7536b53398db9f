"""Verdicts built on comparisons: equivalence within a margin, and where two curves cross."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from evalsvc.statistics.comparison import Comparison
from evalsvc.statistics.counts import check_probability
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.sentences import metric_label, p_value_words, size_words


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests (Schuirmann 1987): is the difference within +-margin?"""

    margin: float
    p_value: float
    equivalent: bool
    sentence: str


def equivalence(comparison: Comparison, margin: float) -> Equivalence:
    """Whether the population difference is smaller than `margin` (a fraction) either way.

    "Not significant" is never evidence of equality; this is. At alpha = 5% it asks whether the 90%
    interval is within the margin. With one cluster nothing is shown: the p-value is 1.
    """
    check_probability(margin, "margin")
    p_value = max(comparison.spread.above(-margin), comparison.spread.below(margin))
    equivalent = p_value <= comparison.alpha
    size = size_words(comparison.problems, comparison.clusters)
    words = (
        f"no difference larger than {100 * margin:.1f} points"
        if equivalent
        else f"a difference of {100 * margin:.1f} points cannot be ruled out with {size}"
    )
    return Equivalence(
        margin,
        p_value,
        equivalent,
        f"{metric_label(comparison)}: {words} ({p_value_words(p_value)}).",
    )


class ComparisonAtK(Protocol):
    """What a crossing needs of a comparison."""

    @property
    def k(self) -> int: ...
    @property
    def difference(self) -> float: ...
    @property
    def significant(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Crossover:
    """Between `below` and `above` the sign of the difference changes; `k` by log interpolation.

    resolved: the differences at `below` and at `above` are both significant (after Holm), so that
    the place is known; otherwise noise can explain it. resolved_between: the nearest two k with
    significant differences of opposite sign that enclose it; that the curves cross somewhere
    between these is known. None where there are no such two.
    """

    k: float
    below: int
    above: int
    leader_below: str
    leader_above: str
    resolved: bool
    resolved_between: tuple[int, int] | None


def crossovers(curve: Sequence[ComparisonAtK]) -> tuple[Crossover, ...]:
    """Where two Pass@k curves cross, from comparisons at several k (as `compare_curves` gives).

    A curve without a change of sign has none. StatisticsError where a k occurs twice.

    >>> from evalsvc.statistics import compare_curves
    >>> n, narrow = [64] * 40, [32] * 20 + [0] * 20
    >>> [(x.below, x.above) for x in crossovers(compare_curves(n, [6] * 40, n, narrow, [1, 8, 64]))]
    [(1, 8)]
    """
    ordered = sorted(curve, key=lambda c: c.k)
    if len({c.k for c in ordered}) != len(ordered):
        raise StatisticsError("a k occurs twice.", "Give one comparison per k of one pair.")
    found: list[Crossover] = []
    nonzero = [i for i, c in enumerate(ordered) if c.difference != 0]
    for left, right in pairwise(nonzero):
        low, high = ordered[left], ordered[right]
        if low.difference * high.difference > 0:
            continue
        share = low.difference / (low.difference - high.difference)
        between = _known_between(ordered[: left + 1], ordered[right:])
        found.append(
            Crossover(
                k=float(low.k * (high.k / low.k) ** share),
                below=low.k,
                above=high.k,
                leader_below=_leader(low),
                leader_above=_leader(high),
                resolved=between == (low.k, high.k),
                resolved_between=between,
            )
        )
    return tuple(found)


def _leader(comparison: ComparisonAtK) -> str:
    return "candidate" if comparison.difference > 0 else "baseline"


def _known_between(
    below: Sequence[ComparisonAtK], above: Sequence[ComparisonAtK]
) -> tuple[int, int] | None:
    """The nearest significant k on both sides, where their leaders differ."""
    low = next((c for c in reversed(below) if c.significant), None)
    high = next((c for c in above if c.significant), None)
    if low is None or high is None or low.difference * high.difference > 0:
        return None
    return low.k, high.k
