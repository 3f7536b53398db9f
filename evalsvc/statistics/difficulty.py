"""The law of the problems' success rates, estimated from the counts of a pilot.

The nonparametric maximum likelihood estimate (Kiefer & Wolfowitz 1956) on a grid of rates, by
expectation maximisation. It lets a plan ask what other n, k or gains would look like on problems
of this kind without assuming a shape.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats
from scipy.special import expit, logit

from evalsvc.statistics.counts import FloatArray, check_problem_counts
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import failure_table

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
        counts = np.arange(n + 1)
        weights = stats.binom.pmf(counts[None, :], n, self.rates[:, None])
        values = 1.0 - failure_table(n, k)
        variances = weights @ values**2 - (weights @ values) ** 2
        return np.asarray(np.maximum(variances, 0.0), dtype=np.float64)

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
        return DifficultyLaw(lifted(float(optimize.brentq(miss, -40.0, 40.0))), self.weights)


def fit_difficulty(n: ArrayLike, c: ArrayLike) -> DifficultyLaw:
    """The law most likely to have given these counts (one n and c per problem)."""
    samples, correct = check_problem_counts(n, c)
    pairs, times = np.unique(np.stack([samples, correct]), axis=1, return_counts=True)
    likelihood = stats.binom.pmf(pairs[1][:, None], pairs[0][:, None], GRID[None, :])
    weights = np.full(GRID.size, 1.0 / GRID.size)
    for _ in range(ITERATIONS):
        joint = likelihood * weights
        updated = (times / joint.sum(axis=1)) @ joint / times.sum()
        change = float(np.abs(updated - weights).max())
        weights = updated
        if change < SETTLED:
            break
    return DifficultyLaw(GRID, weights / weights.sum())
