"""Alternative intervals for `bench.statistics`: what width would a cell's coverage allow?

Each takes checked counts and returns a 95% interval, or None where it is undefined. They are the
standard ones and the components of ours.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy import stats

from evalsvc.statistics import pass_at_k
from evalsvc.statistics.clusters import partition
from evalsvc.statistics.estimators import failure_table
from evalsvc.statistics.intervals import population_standard_error, wilson
from evalsvc.statistics.paired_score import paired_score_interval
from evalsvc.statistics.sampling import BetaPrior
from evalsvc.statistics.sign_flip import sign_flip_tests
from evalsvc.statistics.studentised import spread_of

Pair = tuple[float, float]
Z = 1.959963984540054


def population(n: int, c: np.ndarray, k: int) -> dict[str, Pair]:
    """Intervals of mean pass@k for problems of this kind."""
    values = pass_at_k(n, c, k)
    mean, count = float(values.mean()), values.size
    plain = float(values.std(ddof=1)) / count**0.5
    q = float(stats.t.ppf(0.975, count - 1))
    padded = population_standard_error(values, partition(None, count)) or plain
    room = mean * (1 - mean)
    return {
        "t": _cut(mean - q * plain, mean + q * plain),
        "Wilson": wilson(mean, max(room / plain**2, count) if plain else count, q),
        "Wilson, padded, no floor": wilson(mean, room / padded**2 if room else count, q),
    }


def fixed(n: int, c: np.ndarray, k: int) -> dict[str, Pair]:
    """Intervals of mean pass@k for these problems; none where 2k > n."""
    if 2 * k > n:
        return {}
    values = pass_at_k(n, c, k)
    mean, count = float(values.mean()), values.size
    unbiased = float(np.sum(_unbiased_variance(n, c, k)))
    jeffreys = float(np.sum(BetaPrior(0.5, 0.5).variances(n, c, k)))
    floor, room = count * (n // k), mean * (1 - mean) * count**2
    error = max(unbiased, 0.0) ** 0.5 / count
    return {
        "normal": _cut(mean - Z * error, mean + Z * error),
        "Wilson": wilson(mean, max(room / unbiased, floor) if unbiased > 0 else floor, Z),
        "Wilson, Jeffreys": wilson(mean, max(room / jeffreys, floor) if jeffreys else floor, Z),
    }


def population_difference(values: np.ndarray, *, indicator: bool) -> dict[str, Pair]:
    """Intervals of the mean difference for problems of this kind."""
    count, mean = values.size, float(values.mean())
    q = float(stats.t.ppf(0.975, count - 1)) * float(values.std(ddof=1)) / count**0.5
    spread = spread_of(values, partition(None, count))
    low, high = sign_flip_tests(values[:, None])[0].interval
    found = {
        "t": (mean - q, mean + q),
        "skew-corrected t": _cut(*spread.interval(0.95), least=-1.0),
        "sign flips": _cut(low, high, least=-1.0),
    }
    if indicator:
        gained, lost = int(np.sum(values > 0)), int(np.sum(values < 0))
        found["Tango"] = paired_score_interval(gained, lost, count, 0.95)
    return found


def fixed_difference(n: int, before: np.ndarray, after: np.ndarray, k: int) -> dict[str, Pair]:
    """Intervals of the mean difference for these problems; none where 2k > n."""
    if 2 * k > n:
        return {}
    mean = float(np.mean(pass_at_k(n, after, k) - pass_at_k(n, before, k)))
    found = {}
    rules: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
        "normal": lambda c: _unbiased_variance(n, c, k),
        "normal, Jeffreys": lambda c: BetaPrior(0.5, 0.5).variances(n, c, k),
    }
    for name, rule in rules.items():
        variance = float(np.sum(rule(before)) + np.sum(rule(after)))
        half = Z * max(variance, 0.0) ** 0.5 / before.size
        found[name] = (mean - half, mean + half)
    return found


def _unbiased_variance(n: int, c: np.ndarray, k: int) -> np.ndarray:
    """F_k^2 - F_2k, which exists for 2k <= n."""
    once, twice = failure_table(n, k)[c], failure_table(n, 2 * k)[c]
    return np.asarray(once * once - twice)


def _cut(low: float, high: float, least: float = 0.0) -> Pair:
    return max(low, least), min(high, 1.0)
