"""Majority voting and diversity, from the groups of equivalent answers of one problem.

The verifier groups answers that are equivalent; here only the groups' sizes count. A sample
without an answer votes for nothing. Everything is exact: a vote of k is k of the n samples drawn
without replacement, ties between the largest groups broken evenly.
"""

from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy.special import entr

from evalsvc.statistics.counts import BoolArray, FloatArray, check_probability, integers
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.votes import chance_to_win


@dataclass(frozen=True, slots=True)
class AnswerGroups:
    """One problem's answers: size of each group, which groups are correct, samples without any."""

    sizes: tuple[int, ...]
    correct: tuple[bool, ...]
    no_answer: int = 0

    def __post_init__(self) -> None:
        if len(self.sizes) != len(self.correct):
            raise StatisticsError(
                f"{len(self.sizes)} groups but {len(self.correct)} verdicts.",
                "Give one verdict per group.",
            )
        if np.any(integers(self.sizes, "group sizes") == 0) or self.samples == 0:
            raise StatisticsError("a group or the problem has no samples.", "Leave it out.")

    @property
    def samples(self) -> int:
        return sum(self.sizes) + int(integers(self.no_answer, "no_answer"))


def maj_at_k(groups: AnswerGroups, k: int) -> float:
    """Chance that a majority vote of k samples elects a correct answer, in [0, 1]."""
    correct = np.asarray(groups.correct, dtype=bool)
    return min(float(_chances(groups, k, correct)[correct].sum()), 1.0)


def winning_chances(groups: AnswerGroups, k: int) -> FloatArray:
    """Chance of each group to win a vote of k samples; they sum to 1 less the chance of no answer.

    StatisticsError where k is not in 1..n.
    """
    return _chances(groups, k, np.ones(len(groups.sizes), dtype=bool))


def _chances(groups: AnswerGroups, k: int, wanted: BoolArray) -> FloatArray:
    """Winning chances of the `wanted` groups; those of others stay 0."""
    n = groups.samples
    one_k = int(integers(k, "k"))
    if not 1 <= one_k <= n:
        raise StatisticsError(f"k = {k} is not in 1..{n}.", "Draw more samples or lower k.")
    sizes = np.asarray(groups.sizes, dtype=np.int64)
    if one_k == n:
        winners = sizes == sizes.max(initial=0)
        return np.asarray(winners * wanted / max(int(winners.sum()), 1), dtype=np.float64)
    chances = np.zeros(sizes.size)
    counts = Counter(groups.sizes)
    for size in np.unique(sizes[wanted]):
        others = counts - Counter([int(size)])
        here = wanted & (sizes == size)
        chances[here] = chance_to_win(int(size), others, groups.no_answer, one_k)
    return chances


def distinct_answers(groups: AnswerGroups) -> int:
    """Number of different answers."""
    return len(groups.sizes)


def answer_entropy(groups: AnswerGroups) -> float:
    """Shannon entropy of the answers in bits; 0 when all agree. Samples without answer left out."""
    shares = np.asarray(groups.sizes, dtype=np.float64) / max(sum(groups.sizes), 1)
    return float(entr(shares).sum() / np.log(2))


def samples_for_majority(groups: AnswerGroups, confidence: float = 0.95) -> int | None:
    """Fewest samples whose vote elects the winner of all n samples with this probability.

    None where the n samples have no single winner: then no number of samples decides it. Found by
    bisection over k, along which the winner's chance does not fall. It shows how much voting could
    be saved by stopping early (optimal stopping for self-consistency).
    """
    check_probability(confidence, "confidence")
    sizes = np.asarray(groups.sizes)
    if sizes.size == 0 or np.sum(sizes == sizes.max()) > 1:
        return None
    winner, low, high = sizes == sizes.max(), 0, groups.samples
    while high - low > 1:
        middle = (low + high) // 2
        if _chances(groups, middle, winner).sum() >= confidence:
            high = middle
        else:
            low = middle
    return high
