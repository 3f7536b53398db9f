"""Verdicts built on comparisons: equivalence within a margin, and where two curves cross."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from evalsvc.statistics.comparison import Comparison
from evalsvc.statistics.counts import check_probability
from evalsvc.statistics.distributions import t_above
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.sentences import p_value_words, size_words


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests (Schuirmann 1987): is the difference within +-margin?"""

    margin: float
    p_value: float
    equivalent: bool
    sentence: str


def equivalence(comparison: Comparison, margin: float) -> Equivalence:
    """Whether the population difference is smaller than `margin` (a fraction) either way.

    "Not significant" is never evidence of equality; this is. With one cluster nothing is shown.
    """
    check_probability(margin, "margin")
    freedom = comparison.clusters - 1
    if freedom < 1:
        p_value = 1.0
    elif comparison.standard_error == 0.0:
        # Nothing differed: the bound q^2/(C+q^2) of the t interval, solved for q.
        bound = np.sqrt(comparison.clusters * margin / (1.0 - margin))
        p_value = t_above(bound, freedom)
    else:
        distance = (margin - abs(comparison.difference)) / comparison.standard_error
        p_value = t_above(distance, freedom)
    equivalent = p_value <= comparison.alpha
    size = size_words(comparison.problems, comparison.clusters)
    words = (
        f"no difference larger than {100 * margin:.1f} points"
        if equivalent
        else f"a difference of {100 * margin:.1f} points cannot be ruled out with {size}"
    )
    return Equivalence(
        margin, p_value, equivalent, f"pass@{comparison.k}: {words} ({p_value_words(p_value)})."
    )


class CurvePoint(Protocol):
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

    resolved: the differences on the two sides are both significant (after Holm) and opposite;
    otherwise noise can explain the crossing.
    """

    k: float
    below: int
    above: int
    leader_below: str
    leader_above: str
    resolved: bool


def crossovers(curve: Sequence[CurvePoint]) -> tuple[Crossover, ...]:
    """Where two Pass@k curves cross, from comparisons at several k (as `compare_curves` gives)."""
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
        found.append(
            Crossover(
                k=float(low.k * (high.k / low.k) ** share),
                below=low.k,
                above=high.k,
                leader_below=_leader(low),
                leader_above=_leader(high),
                resolved=_resolved(ordered[: left + 1], low) and _resolved(ordered[right:], high),
            )
        )
    return tuple(found)


def _leader(comparison: CurvePoint) -> str:
    return "candidate" if comparison.difference > 0 else "baseline"


def _resolved(side: Sequence[CurvePoint], nearest: CurvePoint) -> bool:
    """Some k on this side shows the same leader significantly."""
    return any(c.significant and c.difference * nearest.difference > 0 for c in side)
