"""The law of the problems' success rates, estimated from the counts of a pilot.

The nonparametric maximum likelihood estimate (Kiefer & Wolfowitz 1956) on a grid of rates, by
expectation maximisation. It lets a plan predict other n, k or gains on problems of this kind
without assuming a shape.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, gammaln, logit, xlog1py, xlogy

from evalsvc.statistics.counts import (
    FloatArray,
    IntArray,
    check_problem_counts,
    distinct_pairs,
)
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.overlap import overlap_law

GRID = np.concatenate(([0.0], expit(np.linspace(-9.0, 9.0, 145)), [1.0]))
ITERATIONS = 300
SETTLED = 1e-9


@dataclass(frozen=True)
class DifficultyLaw:
    """Success rates with their weights (which sum to 1)."""

    rates: FloatArray
    weights: FloatArray

    @cached_property
    def mean(self) -> float:
        return float(self.weights @ self.rates)

    def pass_at_k(self, k: int) -> FloatArray:
        """1-(1-p)^k at each rate."""
        return np.asarray(1.0 - (1.0 - self.rates) ** k, dtype=np.float64)

    def sampling_variance(self, n: int, k: int) -> FloatArray:
        """Variance of pass@k's estimate from n samples, at each rate."""
        powers, overlap = overlap_law(n, k)
        failures = 1.0 - self.rates
        variances = (failures[:, None] ** powers) @ overlap - failures ** (2 * k)
        return np.asarray(np.maximum(variances, 0.0), dtype=np.float64)

    def posterior(self, n: IntArray, c: IntArray) -> FloatArray:
        """Weights of the rates for each problem, given its c of n correct: (problems, rates)."""
        joint = _likelihood(n, c, self.rates) * self.weights
        return np.asarray(joint / joint.sum(axis=1, keepdims=True), dtype=np.float64)

    def shifted(self, gain: float, k: int) -> "DifficultyLaw":
        """The law after a common shift of all log-odds that lifts mean pass@k by `gain`.

        Problems at 0 or 1 exactly stay there. StatisticsError where no shift reaches the gain.
        """
        inner = (self.rates > 0) & (self.rates < 1)
        odds = logit(self.rates[inner])
        now = float(self.weights @ self.pass_at_k(k))

        def lifted(shift: float) -> FloatArray:
            rates = self.rates.copy()
            rates[inner] = expit(odds + shift)
            return rates

        def miss(shift: float) -> float:
            return float(self.weights @ (1.0 - (1.0 - lifted(shift)) ** k)) - now - gain

        if not inner.any() or miss(-40.0) > 0 or miss(40.0) < 0:
            raise StatisticsError(
                f"pass@{k} is {100 * now:.1f}% in the pilot and cannot move by "
                f"{100 * gain:+.1f} points.",
                "Ask for a smaller effect, or pilot with more samples.",
            )
        return DifficultyLaw(lifted(_root(miss, -40.0, 40.0)), self.weights)


def _root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a rising function is zero, by bisection to the last digit of a float."""
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rising(middle) < 0 else (low, middle)
    return (low + high) / 2


def fit_difficulty(n: ArrayLike, c: ArrayLike, iterations: int = ITERATIONS) -> DifficultyLaw:
    """The law most likely to have given these counts (one n and c per problem).

    Fewer iterations leave it smoother: it starts from equal weights.
    """
    samples, correct = check_problem_counts(n, c)
    pair_n, pair_c, times, _ = distinct_pairs(samples, correct)
    likelihood = _likelihood(pair_n, pair_c, GRID)
    weights = np.full(GRID.size, 1.0 / GRID.size)
    for _ in range(iterations):
        joint = likelihood * weights
        updated = (times / joint.sum(axis=1)) @ joint / times.sum()
        change = float(np.abs(updated - weights).max())
        weights = updated
        if change < SETTLED:
            break
    return DifficultyLaw(GRID, weights / weights.sum())


def _likelihood(n: IntArray, c: IntArray, rates: FloatArray) -> FloatArray:
    """Chance of c correct of n at each rate: (problems, rates)."""
    wrong = n - c
    chosen = gammaln(n + 1) - gammaln(c + 1) - gammaln(wrong + 1)
    logs = xlogy(c[:, None], rates) + xlog1py(wrong[:, None], -rates)
    return np.asarray(np.exp(chosen[:, None] + logs), dtype=np.float64)
