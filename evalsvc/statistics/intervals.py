"""Two distinct kinds of interval for one evaluation.

fixed: these problems, other samples, as in a rerun of the same benchmark.
population: other problems of this kind, other samples, as in another benchmark.

Both are Wilson intervals at an effective number of trials m(1-m)/V, because a plain normal interval
loses its level near 0 and 1, with a floor that no spread of values in [0, 1] can fall below;
docs/decisions/0200 has the simulations behind the choice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.clusters import Partition, partition
from evalsvc.statistics.counts import (
    FloatArray,
    IntArray,
    check_one_k,
    check_probability,
    check_problem_counts,
)
from evalsvc.statistics.distributions import normal_quantile, t_quantile
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.sampling import SamplingNoise

Pair = tuple[float, float]
Metric = Literal["pass@k", "pass^k"]


@dataclass(frozen=True, slots=True)
class Estimate:
    """A benchmark's figure with both intervals, all in fractions of 1.

    `interval_fixed` is None where 2k > n for some problem: the counts do not determine the sampling
    noise there. `indicator` says that k = n: each problem counts as solved or not, nothing between.
    With one cluster the population interval is (0, 1): one problem says nothing about others.
    """

    metric: Metric
    k: int
    value: float
    interval_fixed: Pair | None
    interval_population: Pair
    standard_error_fixed: float | None
    standard_error_population: float | None
    problems: int
    clusters: int
    samples: int
    indicator: bool
    level: float


def estimate(
    n: ArrayLike,
    c: ArrayLike,
    k: int,
    *,
    metric: Metric = "pass@k",
    clusters: Sequence[object] | ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Mean pass@k or pass^k over the problems, with both intervals.

    n, c: one count per problem, shape (problems,). clusters: one label per problem, by default each
    its own. avg@n is k = 1. StatisticsError on bad counts or k > n.

    >>> figure = estimate([16] * 30, [16] * 30, 16)
    >>> figure.value, round(figure.interval_population[0], 3)
    (1.0, 0.878)
    """
    samples, correct = check_problem_counts(n, c)
    one_k = check_one_k(k, samples)
    check_probability(level, "level")
    # pass^k of the right answers is 1 - pass@k of the wrong ones: one computation serves both.
    hits = correct if metric == "pass@k" else samples - correct
    values = pass_at_k(samples, hits, one_k)
    mean, groups = float(values.mean()), partition(clusters, samples.size)
    noise = SamplingNoise(samples, hits)
    fixed_error = noise.standard_error(one_k)
    fixed = fixed_interval(samples, hits, one_k, noise, level)
    population_error = population_standard_error(values, groups)
    population = population_interval(samples, hits, one_k, groups, level)
    if metric == "pass^k":
        mean, population = 1.0 - mean, _mirrored(population)
        fixed = None if fixed is None else _mirrored(fixed)
    return Estimate(
        metric=metric,
        k=one_k,
        value=mean,
        interval_fixed=fixed,
        interval_population=population,
        standard_error_fixed=fixed_error,
        standard_error_population=population_error,
        problems=samples.size,
        clusters=groups.count,
        samples=int(samples.sum()),
        indicator=bool(np.all(samples == one_k)),
        level=level,
    )


def fixed_interval(
    n: IntArray, c: IntArray, k: int, noise: SamplingNoise, level: float
) -> Pair | None:
    """Interval of mean pass@k for these problems and other samples; None where 2k > n.

    The lower end does not fall with k, because pass@k does not.
    """

    def at(j: int) -> Pair | None:
        error = noise.standard_error(j)
        if error is None:
            return None
        return noise_interval(float(pass_at_k(n, c, j).mean()), error, n, j, level)

    return raised_by_smaller_k(k, lambda j: float(pass_at_k(n, c, j).mean()), at)


def population_interval(n: IntArray, c: IntArray, k: int, groups: Partition, level: float) -> Pair:
    """Interval of mean pass@k for problems of this kind; (0, 1) for one cluster.

    The lower end does not fall with k, because pass@k does not.
    """

    def at(j: int) -> Pair:
        return clustered_interval(pass_at_k(n, c, j), groups, level)

    figure = raised_by_smaller_k(k, lambda j: float(pass_at_k(n, c, j).mean()), at)
    return figure or (0.0, 1.0)


def raised_by_smaller_k(
    k: int, mean_at: Callable[[int], float], at: Callable[[int], Pair | None]
) -> Pair | None:
    """The interval at k, its lower end raised to that at half of k, a quarter ... where higher.

    Near 1 all problems seem to agree, and the interval is no tighter than for that many equal coin
    flips; at a smaller k, where they differ, it is tighter. A lower end is below its figure, so the
    search ends at the first k whose figure is below.
    """
    interval = at(k)
    if interval is None:
        return None
    low, high = interval
    j = (1 << (k - 1).bit_length()) // 2
    while j >= 1 and mean_at(j) > low:
        smaller = at(j)
        if smaller is not None:
            low = max(low, smaller[0])
        j //= 2
    return low, high


def noise_interval(mean: float, error: float, n: IntArray, k: int, level: float) -> Pair:
    """Wilson interval at the effective trials that `error` implies, but at least the floor.

    A problem's pass@k varies no more than the mean of its floor(n/k) blocks of k samples, and the
    mean over problems no more than if all were equally hard: so it is worth at least
    N min(floor(n/k)) trials. n: (problems,), each at least k.
    """
    floor = float(n.size * max(int(n.min()) // k, 1))
    return wilson(mean, effective_trials(mean, error, floor), normal_quantile(0.5 + level / 2))


def population_standard_error(values: FloatArray, groups: Partition) -> float | None:
    """Clustered standard error of the mean of values in [0, 1], with one worst-case cluster added.

    The addition (a cluster with variance m(1-m), Agresti and Coull's idea) keeps the level where
    all but a few problems agree and the observed spread misses the rare ones. None for one cluster.
    """
    if groups.count < 2:
        return None
    problems, mean = groups.problems, float(values.mean())
    residuals = groups.totals(values) - mean * groups.sizes
    padded_mean = (mean * problems + 0.5) / (problems + 1.0)
    worst_case = padded_mean * (1.0 - padded_mean) * float(np.mean(groups.sizes**2))
    return float(np.sqrt(residuals @ residuals + worst_case) / problems)


def clustered_interval(values: FloatArray, groups: Partition, level: float) -> Pair:
    """Wilson interval with the t quantile of (clusters - 1) degrees of freedom.

    A value in [0, 1] with mean m varies by m(1-m) at most, so that clusters of equal size are
    worth one trial each at least, whatever the error near 0 and 1 seems to say; clusters of unequal
    size (sum of sizes)^2 / sum of squared sizes.
    """
    error, mean = population_standard_error(values, groups), float(values.mean())
    if error is None:
        return 0.0, 1.0
    floor = groups.problems**2 / float(groups.sizes @ groups.sizes)
    return wilson(
        mean, effective_trials(mean, error, floor), t_quantile(0.5 + level / 2, groups.count - 1)
    )


def effective_trials(mean: float, error: float, floor: float) -> float:
    """Binary trials that a mean with this standard error is worth, at least `floor`."""
    if not 0 < mean < 1 or error == 0:
        return floor
    return max(mean * (1.0 - mean) / error**2, floor)


def wilson(mean: float, trials: float, quantile: float) -> Pair:
    """Wilson's score interval for a mean in [0, 1] worth `trials` binary trials."""
    squared = quantile * quantile
    centre = (mean + squared / (2 * trials)) / (1 + squared / trials)
    spread = mean * (1 - mean) / trials + squared / (4 * trials * trials)
    half = quantile * float(np.sqrt(max(spread, 0.0))) / (1 + squared / trials)
    return max(centre - half, 0.0), min(centre + half, 1.0)


def _mirrored(pair: Pair) -> Pair:
    return 1.0 - pair[1], 1.0 - pair[0]
