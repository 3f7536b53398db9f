"""Majority voting and diversity, from the groups of equivalent answers of one problem.

The verifier groups answers that are equivalent; here only the groups' sizes count. A sample
without an answer votes for nothing. Everything is exact: a vote of k is k of the n samples drawn
without replacement, ties between the largest groups broken evenly.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from evalsvc.statistics.counts import FloatArray, IntArray, check_probability, integers
from evalsvc.statistics.errors import StatisticsError


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
    return float(winning_chances(groups, k)[np.asarray(groups.correct, dtype=bool)].sum())


def winning_chances(groups: AnswerGroups, k: int) -> FloatArray:
    """Chance of each group to win a vote of k samples; they sum to 1 less the chance of no answer.

    For a group of g to win with h votes no other group may have more, and t others with h each
    leave it a share 1/(t+1) = integral of y^t over [0, 1]. So the other groups' generating
    function, each cut at h votes with weight y on h itself, is averaged over y by an exact Gauss
    rule, and its coefficient of k - h votes read off by a discrete Fourier transform.
    """
    n = groups.samples
    one_k = int(integers(k, "k"))
    if not 1 <= one_k <= n:
        raise StatisticsError(f"k = {k} is not in 1..{n}.", "Draw more samples or lower k.")
    sizes = np.asarray(groups.sizes, dtype=np.int64)
    if one_k == n:
        winners = sizes == sizes.max(initial=0)
        return np.asarray(winners / max(int(winners.sum()), 1), dtype=np.float64)
    of_size = {int(g): _chance(int(g), sizes, groups.no_answer, one_k) for g in np.unique(sizes)}
    return np.array([of_size[int(g)] for g in sizes], dtype=np.float64)


def _chance(size: int, sizes: IntArray, no_answer: int, k: int) -> float:
    """Chance of one group of `size` to win; `sizes` holds all groups, itself among them."""
    n = int(sizes.sum()) + no_answer
    majority = k // 2 + 1  # from here on nobody else can reach as many votes
    chance = float(stats.hypergeom.sf(majority - 1, n, size, k))
    below = np.arange(1, min(majority - 1, size) + 1)
    if below.size == 0:
        return chance
    # Each sample is drawn with probability k/n; given that k are drawn this is drawing k of n.
    rate = k / n
    values, counts = np.unique(sizes, return_counts=True)
    counts = counts - (values == size)
    angles = np.exp(-2j * np.pi * np.arange(n + 1) / (n + 1))
    abstained = (1 - rate + rate * angles) ** no_answer
    factors = [_vote_sums(int(g), rate, angles) for g in values]
    total = float(stats.binom.pmf(k, n, rate))
    for votes in below:
        others = _others(int(votes), k, factors, counts) * abstained
        phase = angles ** -(k - int(votes))
        coefficient = float(np.real(np.mean(others * phase)))
        chance += float(stats.binom.pmf(votes, size, rate)) * max(coefficient, 0.0) / total
    return min(chance, 1.0)


def _vote_sums(size: int, rate: float, angles: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """Row v: the group's generating function restricted to v votes or fewer, at each angle."""
    votes = np.arange(size + 1)
    terms = stats.binom.pmf(votes, size, rate)[:, None] * angles[None, :] ** votes[:, None]
    return np.asarray(np.cumsum(terms, axis=0), dtype=np.complex128)


def _others(
    votes: int, k: int, factors: Sequence[NDArray[np.complex128]], counts: IntArray
) -> NDArray[np.complex128]:
    """Product over the other groups with at most `votes` votes each, averaged over tie shares."""
    most_ties = min((k - votes) // votes, int(counts.sum()))
    nodes, weights = np.polynomial.legendre.leggauss(most_ties // 2 + 1)
    average = np.zeros(factors[0].shape[1], dtype=np.complex128)
    for share, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        product = np.full_like(average, weight)
        for sums, count in zip(factors, counts, strict=True):
            if count == 0:
                continue
            fewer = sums[min(votes - 1, len(sums) - 1)]
            exactly = sums[votes] - sums[votes - 1] if votes < len(sums) else 0.0
            product = product * (fewer + share * exactly) ** count
        average += product
    return average


def distinct_answers(groups: AnswerGroups) -> int:
    """Number of different answers."""
    return len(groups.sizes)


def answer_entropy(groups: AnswerGroups) -> float:
    """Shannon entropy of the answers in bits; 0 when all agree. Samples without answer left out."""
    return float(stats.entropy(groups.sizes, base=2)) if groups.sizes else 0.0


def samples_for_majority(groups: AnswerGroups, confidence: float = 0.95) -> int | None:
    """Fewest samples whose vote elects the winner of all n samples with this probability.

    None where the n samples have no single winner: then no number of them settles it. Found by
    bisection over k, along which the winner's chance does not fall. Such numbers tell how much
    voting could be saved by stopping early (optimal stopping for self-consistency).
    """
    check_probability(confidence, "confidence")
    sizes = np.asarray(groups.sizes)
    if sizes.size == 0 or np.sum(sizes == sizes.max()) > 1:
        return None
    winner, low, high = int(sizes.argmax()), 0, groups.samples
    while high - low > 1:
        middle = (low + high) // 2
        if winning_chances(groups, middle)[winner] >= confidence:
            high = middle
        else:
            low = middle
    return high
