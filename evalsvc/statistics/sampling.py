"""Sampling noise of pass@k on one problem: how far c correct of n could have fallen otherwise.

The unbiased estimate F_k^2 - F_2k of the variance (F_k = C(n-c,k)/C(n,k)) exists only for
2k <= n, and calls a problem with c = 0 noiseless. So the variance is averaged over each
problem's Beta posterior instead, whose prior is fitted to all problems of the benchmark: a problem
that was never solved in 16 samples still has the noise of one that is solved once in a hundred.
Above k = n/2 nothing in the counts tells the noise, and there is no sampling interval.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats
from scipy.special import gammaln

from evalsvc.statistics.counts import FloatArray, IntArray

# Bounds of the fitted intra-problem correlation: a benchmark is neither one coin nor all certain.
CORRELATION_BOUNDS = (0.02, 0.95)
NEGLIGIBLE = 1e-12  # overlap probabilities below it do not move a variance


@dataclass(frozen=True, slots=True)
class BetaPrior:
    """Spread of the problems' success rates over a benchmark: Beta(successes, failures)."""

    successes: float
    failures: float


def fit_beta_prior(n: IntArray, c: IntArray) -> BetaPrior:
    """Beta prior by moments (the ANOVA estimate of the intra-problem correlation).

    n, c: checked counts of at least one problem. Half a success and half a failure are added to
    the mean, so that it is never 0 or 1. One sample per problem tells nothing of the correlation:
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


def pass_at_k_variance(n: IntArray, c: IntArray, k: int, prior: BetaPrior) -> FloatArray:
    """Posterior mean of the sampling variance of pass@k's estimate, per problem.

    n, c: checked counts with k <= min(n). For one problem with failure rate q the variance is
    sum_i h(i) q^(2k-i) - q^(2k), where h is the hypergeometric law of the overlap of two
    k-subsets of the n samples (Hoeffding 1948); the powers of q are replaced by their posterior
    means. Always >= 0.
    """
    keys = n * (int(c.max(initial=0)) + 1) + c
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    rows_n, rows_c = n[first], c[first]
    of_row = np.empty(first.size, dtype=np.float64)
    for one_n in np.unique(rows_n):
        here = rows_n == one_n
        of_row[here] = _variance_rows(int(one_n), rows_c[here], k, prior)
    return of_row[inverse]


def _variance_rows(n: int, c: IntArray, k: int, prior: BetaPrior) -> FloatArray:
    overlap = np.arange(max(0, 2 * k - n), k + 1)
    weight = stats.hypergeom.pmf(overlap, n, k, k)
    kept = weight > NEGLIGIBLE
    powers = np.append(2 * k - overlap[kept], 2 * k)
    failures = (prior.failures + n - c)[:, None]
    total = prior.successes + prior.failures + n
    log_moments = (
        gammaln(failures + powers) - gammaln(failures) + gammaln(total) - gammaln(total + powers)
    )
    moments = np.exp(log_moments)
    variances: FloatArray = np.maximum(moments[:, :-1] @ weight[kept] - moments[:, -1], 0.0)
    return variances
