"""Bayesian avg@n and pass@k: posteriors per problem, credible bands for the benchmark's mean.

The problems are fixed; the bands speak of their unknown success rates. With a uniform prior the
order of two models is that of avg@n (Hariri et al. 2025, arXiv 2510.04265), but a band exists at
any n, also at n = 1 and where nothing was solved.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv, betaln

from evalsvc.statistics.counts import (
    FloatArray,
    check_one_k,
    check_probability,
    check_problem_counts,
    integers,
)
from evalsvc.statistics.errors import StatisticsError


@dataclass(frozen=True, slots=True)
class Posterior:
    """Posterior mean and standard deviation of a benchmark's figure, with a credible band."""

    mean: float
    standard_deviation: float
    band: tuple[float, float]
    level: float


def bayes_average(
    category_counts: ArrayLike,
    weights: ArrayLike = (0.0, 1.0),
    *,
    prior: float = 1.0,
    level: float = 0.95,
) -> Posterior:
    """Bayes@N: mean over problems of the expected score under a Dirichlet posterior.

    category_counts: (problems, categories), e.g. columns wrong and correct. weights: the score of
    each category. prior: pseudo-count of each category (1 is uniform). For two categories this is
    a Beta posterior. Closed form of the moments; the band is a Beta law with the same two moments
    on the range of the weights.
    """
    counts = integers(category_counts, "category_counts")
    scores = np.asarray(weights, dtype=np.float64)
    check_probability(level, "level")
    if counts.ndim != 2 or counts.shape[0] == 0 or counts.shape[1] != scores.size:
        raise StatisticsError(
            f"category_counts of shape {counts.shape} do not fit {scores.size} weights.",
            "Give one row per problem and one column per category.",
        )
    if prior <= 0 or np.ptp(scores) == 0:
        raise StatisticsError("the prior must be above 0 and the weights must differ.")
    alphas = counts + prior
    totals = alphas.sum(axis=1, keepdims=True)
    shares = alphas / totals
    means = shares @ scores
    variances = (shares @ scores**2 - means**2) / (totals[:, 0] + 1.0)
    return _posterior(means, variances, (float(scores.min()), float(scores.max())), level)


def bayes_pass_at_k(
    n: ArrayLike, c: ArrayLike, k: int, *, prior: float = 1.0, level: float = 0.95
) -> Posterior:
    """Posterior of the mean over problems of 1-(1-p)^k under Beta(prior + c, prior + n - c).

    k may be above n here: then the prior speaks loudly, which the band shows by its width.
    """
    samples, correct = check_problem_counts(n, c)
    check_probability(level, "level")
    one_k = check_one_k(k, np.maximum(samples, k))
    if prior <= 0:
        raise StatisticsError(f"prior = {prior} is not above 0.", "1 is uniform, 0.5 Jeffreys'.")
    hits, misses = correct + prior, samples - correct + prior
    first = np.exp(betaln(hits, misses + one_k) - betaln(hits, misses))
    second = np.exp(betaln(hits, misses + 2 * one_k) - betaln(hits, misses))
    return _posterior(1.0 - first, np.maximum(second - first**2, 0.0), (0.0, 1.0), level)


def _posterior(
    means: FloatArray, variances: FloatArray, bounds: tuple[float, float], level: float
) -> Posterior:
    mean, deviation = float(means.mean()), float(np.sqrt(variances.sum()) / means.size)
    low, width = bounds[0], bounds[1] - bounds[0]
    share, spread = (mean - low) / width, deviation / width
    size = share * (1.0 - share) / spread**2 - 1.0 if spread > 0 else np.inf
    tails = [(1.0 - level) / 2, (1.0 + level) / 2]
    band = (mean, mean)
    if np.isfinite(size) and size > 0:
        ends = betaincinv(share * size, (1.0 - share) * size, tails)
        band = (low + width * float(ends[0]), low + width * float(ends[1]))
    return Posterior(mean, deviation, band, level)
