"""The normal, Student, binomial and hypergeometric laws that the tests and intervals need.

Built on `scipy.special`: `scipy.stats` holds the same functions, but importing it takes half a
second and 45 MB, which every server and command would pay. Probabilities are in [0, 1].
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from evalsvc.statistics.counts import FloatArray


def normal_quantile(p: float) -> float:
    """The value that a standard normal variable stays below with probability p."""
    return float(special.ndtri(p))


def normal_above(x: ArrayLike) -> FloatArray:
    """Chance that a standard normal variable is above x."""
    return np.asarray(special.ndtr(-np.asarray(x, dtype=np.float64)), dtype=np.float64)


def t_quantile(p: float, freedom: float) -> float:
    """The value that Student's t stays below with probability p; freedom > 0, also infinite."""
    return float(special.stdtrit(freedom, p))


def t_above(x: float, freedom: float) -> float:
    """Chance that Student's t is above x."""
    return float(special.stdtr(freedom, -x))


def t_beyond(critical: float, freedom: float, shift: float) -> float:
    """Chance that the noncentral t of `shift` is below -critical or above critical."""
    above = 1.0 - special.nctdtr(freedom, shift, critical)
    return float(above + special.nctdtr(freedom, shift, -critical))


def binomial_at_most(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> FloatArray:
    """Chance of at most k successes in n trials; 0 for k < 0, 1 for k >= n."""
    most, trials = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    inside = np.clip(most, 0.0, trials)
    chance = special.bdtr(inside, trials.astype(np.int64), p)
    return np.asarray(np.where(most < 0, 0.0, chance), dtype=np.float64)


def binomial_above(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> FloatArray:
    """Chance of more than k successes in n trials; 1 for k < 0, 0 for k >= n."""
    most, trials = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    inside = np.clip(most, 0.0, trials)
    chance = special.bdtrc(inside, trials.astype(np.int64), p)
    return np.asarray(np.where(most < 0, 1.0, chance), dtype=np.float64)


def binomial_chance(k: ArrayLike, n: ArrayLike, p: ArrayLike) -> FloatArray:
    """Chance of exactly k successes in n trials; 0 <= k <= n."""
    hits, trials = np.asarray(k, dtype=np.float64), np.asarray(n, dtype=np.float64)
    log_odds = special.xlogy(hits, p) + special.xlog1py(trials - hits, -np.asarray(p))
    return np.asarray(np.exp(_log_choose(trials, hits) + log_odds), dtype=np.float64)


def binomial_quantile(q: float, n: ArrayLike, p: float) -> FloatArray:
    """The smallest number of successes in n trials that is not exceeded with probability q."""
    trials = np.asarray(n, dtype=np.int64)
    guess = np.ceil(special.bdtrik(q, np.maximum(trials, 1), p))
    guess = np.where(trials > 0, np.clip(guess, 0, trials), 0.0)
    one_less = np.maximum(guess - 1, 0)
    return np.where(binomial_at_most(one_less, trials, p) >= q, one_less, guess)


def hypergeometric_chance(
    hits: ArrayLike, total: ArrayLike, marked: ArrayLike, drawn: ArrayLike
) -> FloatArray:
    """Chance of this many marked ones among `drawn` out of `total`; 0 where impossible."""
    found, n, m, d = np.broadcast_arrays(*(np.asarray(x) for x in (hits, total, marked, drawn)))
    possible = (found >= np.maximum(0, d - (n - m))) & (found <= np.minimum(m, d))
    inside = np.where(possible, found, np.maximum(0, d - (n - m)))
    log_ways = _log_choose(m, inside) + _log_choose(n - m, d - inside) - _log_choose(n, d)
    return np.where(possible, np.exp(log_ways), 0.0)


def _log_choose(n: ArrayLike, k: ArrayLike) -> FloatArray:
    total, part = np.asarray(n, dtype=np.float64), np.asarray(k, dtype=np.float64)
    ways = special.gammaln(total + 1) - special.gammaln(part + 1)
    return np.asarray(ways - special.gammaln(total - part + 1), dtype=np.float64)
