"""Bayesian avg@n and pass@k: posteriors per problem, credible bands for the benchmark's mean.

The problems are fixed; the bands are about their unknown success rates. With a uniform prior the
order of two models by avg@n does not change (Hariri et al. 2025, arXiv 2510.04265), but a band
exists at any n. For pass@k a uniform prior would assume that every unsolved problem can be solved:
there the prior is fitted to the counts.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betaincinv

from evalsvc.statistics.counts import (
    FloatArray,
    check_one_k,
    check_probability,
    check_problem_counts,
    integers,
)
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.extrapolation import FittedDifficulty


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
    n: ArrayLike, c: ArrayLike, k: int, *, level: float = 0.95, seed: int = 0
) -> Posterior:
    """Posterior of the mean over these problems of 1-(1-p)^k, by empirical Bayes.

    The prior is the zero-inflated Beta law that fits all the counts best (see `extrapolation`), so
    that a problem never solved in many samples is not assumed to be solvable. The deviation
    includes the uncertainty of each problem's p and that of the law. k may be above n.
    StatisticsError with fewer than 5 problems or 4 samples: then no law can be fitted.
    """
    samples, correct = check_problem_counts(n, c)
    fitted = FittedDifficulty(samples, correct, level=level, seed=seed)
    return posterior_of(fitted, k, level)


def posterior_of(fitted: FittedDifficulty, k: int, level: float = 0.95) -> Posterior:
    """`bayes_pass_at_k` from a law that was fitted once, for figures at many k."""
    check_one_k(k, np.asarray(k))
    mean, deviation = fitted.posterior(k)
    made = _with_band(mean, deviation, (0.0, 1.0), level)
    least, most = fitted.unseen(k)
    return replace(made, band=(min(made.band[0], least), max(made.band[1], most)))


def _posterior(
    means: FloatArray, variances: FloatArray, bounds: tuple[float, float], level: float
) -> Posterior:
    mean, deviation = float(means.mean()), float(np.sqrt(variances.sum()) / means.size)
    return _with_band(mean, deviation, bounds, level)


def _with_band(
    mean: float, deviation: float, bounds: tuple[float, float], level: float
) -> Posterior:
    low, width = bounds[0], bounds[1] - bounds[0]
    share, spread = (mean - low) / width, deviation / width
    size = share * (1.0 - share) / spread**2 - 1.0 if spread > 0 else np.inf
    tails = [(1.0 - level) / 2, (1.0 + level) / 2]
    band = (mean, mean)
    if np.isfinite(size) and size > 0:
        ends = betaincinv(share * size, (1.0 - share) * size, tails)
        band = (low + width * float(ends[0]), low + width * float(ends[1]))
    return Posterior(mean, deviation, band, level)
