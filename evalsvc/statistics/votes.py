"""Exact winning chances in a vote of k out of n samples, as maj@k needs them.

Treat each sample as drawn independently with probability k/n; given that k are drawn this is
drawing k of the n. A group's number of votes is then binomial, and the vote of all groups is a
product of polynomials whose coefficient of x^k is needed. Only groups that could reach the winner's
votes need a polynomial of their own; all others together are one binomial.
"""

from collections.abc import Mapping
from functools import lru_cache

import numpy as np
from scipy.special import gammaln

from evalsvc.statistics.counts import FloatArray
from evalsvc.statistics.distributions import hypergeometric_chance

NEGLIGIBLE = 1e-15  # chances below it do not change any figure


def chance_to_win(size: int, others: Mapping[int, int], no_answer: int, k: int) -> float:
    """Chance that a group of `size` samples wins a vote of k, ties broken evenly.

    others: size -> how many other groups have it. no_answer: samples that vote for nothing.
    1 <= k < n, where n is the sum of all of these.
    """
    n = size + no_answer + sum(g * count for g, count in others.items())
    majority = k // 2 + 1  # from here on no other group can reach as many votes
    chance = float(hypergeometric_chance(np.arange(majority, k + 1), n, size, k).sum())
    largest = max(size, *others, 0) if others else size
    of_largest = np.cumsum(hypergeometric_chance(np.arange(k + 1), n, largest, k))
    least = int(np.searchsorted(of_largest, NEGLIGIBLE))  # the winner has no fewer
    own = _binomial(size, k, n)
    for votes in range(max(least, 1), min(majority - 1, size) + 1):
        if own[votes] > NEGLIGIBLE:
            chance += own[votes] * _others_lose(votes, others, no_answer, k, n)
    return min(chance, 1.0)


def _others_lose(votes: int, others: Mapping[int, int], no_answer: int, k: int, n: int) -> float:
    """Weight of the other groups having k - votes votes in all, none more than `votes`.

    t groups with exactly `votes` leave the winner a share 1/(t + 1), the integral of y^t over
    [0, 1]: so each is weighed by y, and y averaged by a Gauss rule that is exact for the most ties
    there can be. Relative to the chance that k samples are drawn at all.
    """
    degree = k - votes
    rivals = {g: count for g, count in others.items() if g >= votes}
    rest = no_answer + sum(g * count for g, count in others.items() if g < votes)
    base = _binomial(rest, k, n)[: degree + 1]
    whole = _binomial(n, k, n)[k]
    if not rivals:
        return float(base[degree] / whole) if base.size > degree else 0.0
    most_ties = min(degree // votes, sum(rivals.values()))
    nodes, weights = np.polynomial.legendre.leggauss(most_ties // 2 + 1)
    total = 0.0
    for share, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
        product: FloatArray = base
        for g, count in rivals.items():
            factor = _binomial(g, k, n)[: votes + 1].copy()
            factor[votes] *= share
            product = _product(product, _power(factor, count, degree), degree)
        total += weight * float(product[degree]) if product.size > degree else 0.0
    return total / float(whole)


def _power(factor: FloatArray, exponent: int, degree: int) -> FloatArray:
    """`factor` to a power by squaring, cut at `degree`."""
    result: FloatArray = np.ones(1)
    square = factor[: degree + 1]
    while exponent:
        if exponent & 1:
            result = _product(result, square, degree)
        exponent >>= 1
        if exponent:
            square = _product(square, square, degree)
    return result


def _product(a: FloatArray, b: FloatArray, degree: int) -> FloatArray:
    """The product of two polynomials, cut at `degree`."""
    return np.asarray(np.convolve(a, b)[: degree + 1], dtype=np.float64)


@lru_cache(maxsize=4096)
def _binomial(size: int, k: int, n: int) -> FloatArray:
    """Chances of 0..size votes when each sample is drawn with probability k/n. Read-only."""
    votes = np.arange(size + 1)
    logs = gammaln(size + 1) - gammaln(votes + 1) - gammaln(size - votes + 1)
    chances = np.exp(logs + votes * np.log(k / n) + (size - votes) * np.log1p(-k / n))
    chances.setflags(write=False)
    return np.asarray(chances, dtype=np.float64)
