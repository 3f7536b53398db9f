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
    values, index, counts = np.unique(sizes, return_inverse=True, return_counts=True)
    chances = _chances_by_size(values, counts, groups.no_answer, one_k)
    return np.asarray(chances[index], dtype=np.float64)


def _chances_by_size(values: IntArray, counts: IntArray, no_answer: int, k: int) -> FloatArray:
    """Chance of one group of each distinct size to win; `counts` groups have that size."""
    n = int(values @ counts) + no_answer
    majority = k // 2 + 1  # from here on nobody else can reach as many votes
    chances = np.asarray(stats.hypergeom.sf(majority - 1, n, values, k), dtype=np.float64)
    # Each sample is drawn with probability k/n; given that k are drawn this is drawing k of n.
    rate = k / n
    # The coefficients are real, so half of the circle is enough.
    turns = np.arange((n + 1) // 2 + 1)
    angles = np.exp(-2j * np.pi * turns / (n + 1))
    shares = np.where((turns == 0) | (2 * turns == n + 1), 1.0, 2.0) / (n + 1)
    abstained = shares * (1 - rate + rate * angles) ** no_answer / stats.binom.pmf(k, n, rate)
    sums = [_vote_sums(int(g), rate, angles, majority - 1) for g in values]
    for votes in range(1, min(majority - 1, int(values[-1])) + 1):
        others = _others(votes, k, sums, counts)
        phase = abstained * angles ** -(k - votes)
        coefficients = np.maximum(np.real(others @ phase), 0.0)
        chances += stats.binom.pmf(votes, values, rate) * coefficients
    return np.minimum(chances, 1.0)


def _vote_sums(
    size: int, rate: float, angles: NDArray[np.complex128], most: int
) -> NDArray[np.complex128]:
    """Row v: the group's generating function restricted to v votes or fewer, at each angle."""
    votes = np.arange(min(size, most) + 1)
    terms = stats.binom.pmf(votes, size, rate)[:, None] * angles[None, :] ** votes[:, None]
    return np.asarray(np.cumsum(terms, axis=0), dtype=np.complex128)


def _others(
    votes: int, k: int, sums: Sequence[NDArray[np.complex128]], counts: IntArray
) -> NDArray[np.complex128]:
    """Row i: product over all groups but one of size i, each with at most `votes` votes.

    Averaged over tie shares y: a factor is (fewer votes) + y (exactly as many).
    """
    fewer = np.stack([own[min(votes - 1, len(own) - 1)] for own in sums])
    upto = np.stack([own[min(votes, len(own) - 1)] for own in sums])
    most_ties = min((k - votes) // votes, int(counts.sum()) - 1)
    nodes, weights = np.polynomial.legendre.leggauss(most_ties // 2 + 1)
    average = np.zeros_like(fewer)
    for share, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        factors = fewer + share * (upto - fewer)
        powers = factors ** counts[:, None]
        before = np.cumprod(np.vstack([np.ones_like(powers[:1]), powers[:-1]]), axis=0)
        after = np.cumprod(np.vstack([np.ones_like(powers[:1]), powers[:0:-1]]), axis=0)[::-1]
        average += weight * before * after * factors ** (counts[:, None] - 1)
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
