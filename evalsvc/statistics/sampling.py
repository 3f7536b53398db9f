"""Sampling noise of pass@k on one problem: how much c correct of n varies by chance.

The unbiased estimate F_k^2 - F_2k of the variance (F_k = C(n-c,k)/C(n,k)) exists only for
2k <= n, and calls a problem with c = 0 noiseless. So the variance is averaged over each
problem's posterior instead, whose prior is fitted to all problems of the benchmark: a problem
that was never solved in 16 samples still has the noise of one that is solved once in a hundred.
Above k = n/2 the counts do not determine the noise, and there is no sampling interval.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import gammaln

from evalsvc.statistics.counts import FloatArray, IntArray, distinct_pairs
from evalsvc.statistics.difficulty import DifficultyLaw, fit_difficulty
from evalsvc.statistics.overlap import overlap_law

# Bounds of the fitted intra-problem correlation: a benchmark is at neither extreme.
CORRELATION_BOUNDS = (0.02, 0.95)
SMOOTHING = 25  # iterations of the shapeless law: more would make it jagged
MANY_SIZES = 32  # different n, above which similar ones are taken as the smallest of them
SIMILAR = 1.02  # ratio of n that are similar: the variance is at most 2% too large


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """Spread of the problems' success rates over a benchmark: Beta(successes, failures)."""

    successes: float
    failures: float

    def variances(
        self, n: int | IntArray, c: IntArray, k: int, drawn: int | None = None
    ) -> FloatArray:
        """Posterior mean of the variance of pass@k from `drawn` samples, for each c of n correct.

        n: one for all or one per c. drawn: by default n, which must be one number then.
        """
        powers, overlap = overlap_law(int(n) if drawn is None else drawn, k)
        failures = (self.failures + n - c)[:, None]
        total = np.broadcast_to(self.successes + self.failures + n, c.shape)[:, None]
        wanted = np.append(powers, 2 * k)
        logs = gammaln(failures + wanted) - gammaln(failures)
        moments = np.exp(logs + gammaln(total) - gammaln(total + wanted))
        return np.asarray(np.maximum(moments[:, :-1] @ overlap - moments[:, -1], 0.0))


class SamplingNoise:
    """The noise of one evaluation's pass@k at every k, from checked counts of its problems.

    Under two laws of the success rates: a Beta, and one without a shape, which sees that half of
    the problems are hard and half easy where a Beta cannot. The larger variance counts, because
    each law alone underestimates it on some benchmarks: docs/decisions/0200.
    """

    def __init__(self, n: IntArray, c: IntArray) -> None:
        self._n, self._c = n, c
        self._pair_n, self._pair_c, self._times, self._pair_of = distinct_pairs(n, c)
        self._errors: dict[int, float] = {}

    @cached_property
    def _prior(self) -> BetaPrior:
        return fit_beta_prior(self._n, self._c)

    @cached_property
    def _law(self) -> DifficultyLaw:
        return fit_difficulty(self._n, self._c, iterations=SMOOTHING)

    @cached_property
    def _posterior(self) -> FloatArray:
        return self._law.posterior(self._pair_n, self._pair_c)

    @cached_property
    def _drawn(self) -> IntArray:
        """The n whose noise each pair is given: its own, or the smallest of similar ones."""
        smallest = int(self._pair_n.min())
        if np.unique(self._pair_n).size <= MANY_SIZES:
            return self._pair_n
        steps = np.floor(np.log(self._pair_n / smallest) / np.log(SIMILAR) + 1e-9)
        nearby = np.minimum(np.ceil(smallest * SIMILAR**steps), self._pair_n)
        return np.asarray(nearby, dtype=np.int64)

    def variances(self, k: int) -> FloatArray:
        """Sampling variance of pass@k per problem; k <= min(n). Always >= 0."""
        shaped, shapeless = np.empty(self._times.size), np.empty(self._times.size)
        for n in np.unique(self._drawn):
            here = self._drawn == n
            shaped[here] = self._prior.variances(
                self._pair_n[here], self._pair_c[here], k, drawn=int(n)
            )
            shapeless[here] = self._posterior[here] @ self._law.sampling_variance(int(n), k)
        larger = max(shaped, shapeless, key=lambda of_pair: float(of_pair @ self._times))
        return np.asarray(larger[self._pair_of])

    def standard_error(self, k: int) -> float | None:
        """Standard error of mean pass@k from sampling alone; None where some n < 2k."""
        if 2 * k > int(self._n.min()):
            return None
        if k not in self._errors:
            self._errors[k] = float(np.sqrt(self.variances(k).sum()) / self._n.size)
        return self._errors[k]


def fit_beta_prior(n: IntArray, c: IntArray) -> BetaPrior:
    """Beta prior by moments (the ANOVA estimate of the intra-problem correlation).

    n, c: checked counts of at least one problem. Half a success and half a failure are added to
    the mean, so that it is never 0 or 1. One sample per problem says nothing about the correlation:
    then it is 0.5.
    """
    total = float(n.sum())
    mean = (float(c.sum()) + 0.5) / (total + 1.0)
    size = 1.0 / _correlation(n, c, mean) - 1.0
    return BetaPrior(mean * size, (1.0 - mean) * size)


def _correlation(n: IntArray, c: IntArray, mean: float) -> float:
    problems, total = n.size, float(n.sum())
    if problems < 2 or total == problems:
        return 0.5
    rates = c / n
    between = float(np.sum(n * (rates - mean) ** 2)) / (problems - 1)
    within = float(np.sum(n * rates * (1.0 - rates))) / (total - problems)
    typical_n = (total - float(np.sum(n * n)) / total) / (problems - 1)
    spread = between + (typical_n - 1.0) * within
    correlation = (between - within) / spread if spread > 0 else 0.0
    return float(np.clip(correlation, *CORRELATION_BOUNDS))
