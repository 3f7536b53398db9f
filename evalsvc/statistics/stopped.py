"""Intervals, comparisons and costs of evaluations that stopped problems after r correct answers.

The values per problem are those of `stopping`, unbiased and in [0, 1]. Two kinds of interval, as
for full sampling: fixed (these problems, another run of the plan) and population (other problems of
this kind). A plan widens the fixed interval at small k; the forecast shows by how much.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import betainc

from evalsvc.statistics.clusters import partition
from evalsvc.statistics.counts import (
    FloatArray,
    IntArray,
    check_one_k,
    check_probability,
    check_problem_counts,
    distinct_pairs,
)
from evalsvc.statistics.difficulty import DifficultyLaw, fit_difficulty
from evalsvc.statistics.distributions import normal_quantile
from evalsvc.statistics.intervals import (
    Estimate,
    Pair,
    clustered_interval,
    effective_trials,
    population_standard_error,
    raised_by_smaller_k,
    wilson,
)
from evalsvc.statistics.stopping import (
    StoppingPlan,
    check_endings,
    ending_chances,
    pass_at_k_stopped,
)
from evalsvc.statistics.zero_inflated import fit_zero_inflated

Kind = Literal["fixed", "population"]
NEGLIGIBLE = 1e-12  # of a law's weight
SMOOTHING = 25  # iterations of the fitted law, as for full sampling


def estimate_stopped(
    n: ArrayLike,
    c: ArrayLike,
    k: int,
    plan: StoppingPlan,
    *,
    clusters: Sequence[object] | ArrayLike | None = None,
    level: float = 0.95,
) -> Estimate:
    """Mean pass@k over problems that were sampled under `plan`, with both intervals.

    n, c: the counts at which each problem stopped. `interval_fixed` is None where 2k > n_max, as
    for full sampling. StatisticsError for counts that the plan cannot end with.

    Examples:
        >>> plan = StoppingPlan(3, block=4, n_max=16)
        >>> round(estimate_stopped([4, 8, 16], [3, 4, 0], 1, plan).value, 3)
        0.388
    """
    samples, correct = check_problem_counts(n, c)
    check_endings(samples, correct, plan)
    one_k = check_one_k(k, np.full(1, plan.n_max))
    check_probability(level, "level")
    groups = partition(clusters, samples.size)
    laws = _laws(samples, correct)

    def values_at(j: int) -> FloatArray:
        return _values(samples, correct, j, plan)

    def mean_at(j: int) -> float:
        return float(values_at(j).mean())

    def fixed_at(j: int) -> Pair | None:
        error = _fixed_error(samples, correct, j, plan, laws)
        if error is None:
            return None
        trials = effective_trials(mean_at(j), error, float(samples.size))
        return wilson(mean_at(j), trials, normal_quantile(0.5 + level / 2))

    def population_at(j: int) -> Pair:
        return clustered_interval(values_at(j), groups, level)

    return Estimate(
        metric="pass@k",
        k=one_k,
        value=mean_at(one_k),
        interval_fixed=raised_by_smaller_k(one_k, mean_at, fixed_at),
        interval_population=raised_by_smaller_k(one_k, mean_at, population_at) or (0.0, 1.0),
        standard_error_fixed=_fixed_error(samples, correct, one_k, plan, laws),
        standard_error_population=population_standard_error(values_at(one_k), groups),
        problems=samples.size,
        clusters=groups.count,
        samples=int(samples.sum()),
        indicator=one_k == plan.n_max,
        level=level,
    )


def sampling_variance_stopped(plan: StoppingPlan, rates: ArrayLike, k: int) -> FloatArray:
    """Variance of the plan's pass@k estimate of one problem, at each success rate. Exact."""
    success = np.asarray(rates, dtype=np.float64)
    ends, chances = ending_chances(plan, success)
    values = _values(ends[:, 0], ends[:, 1], k, plan)
    means = chances @ values
    return np.asarray(np.maximum(chances @ values**2 - means**2, 0.0), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class PlanForecast:
    """What a plan would cost and give on `problems` problems of a law of difficulty.

    samples: expected in all; share: of full sampling. The standard errors are of mean pass@k at the
    law's rates, for these problems (None where 2k > n_max) and for problems of this kind;
    full_fixed, full_population: the same under full sampling.
    """

    plan: StoppingPlan
    k: int
    problems: int
    samples: float
    share: float
    standard_error_fixed: float | None
    standard_error_population: float
    full_fixed: float | None
    full_population: float


def forecast_plan(law: DifficultyLaw, problems: int, plan: StoppingPlan, k: int) -> PlanForecast:
    """Expected samples and standard errors of a plan, before anything is sampled.

    law: from `fit_difficulty` of stored counts of the benchmark. Multiply `samples` by the measured
    seconds a sample for the hours; hard problems have longer answers, so tokens fall less.
    """
    one_k = check_one_k(k, np.full(1, plan.n_max))
    count = check_one_k(problems, np.full(1, np.iinfo(np.int32).max // 2))
    drawn = float(law.weights @ expected_samples(plan, law.rates))
    full = StoppingPlan(plan.n_max, plan.block, plan.n_max)
    errors = [_law_errors(law, count, design, one_k) for design in (plan, full)]
    return PlanForecast(
        plan=plan,
        k=one_k,
        problems=count,
        samples=drawn * count,
        share=drawn / plan.n_max,
        standard_error_fixed=errors[0][0],
        standard_error_population=errors[0][1],
        full_fixed=errors[1][0],
        full_population=errors[1][1],
    )


def cheapest_plan(
    law: DifficultyLaw,
    problems: int,
    k: int,
    half_width: float,
    *,
    kind: Kind = "fixed",
    level: float = 0.95,
    block: int = 16,
    n_max: int = 256,
) -> PlanForecast | None:
    """The cheapest plan whose interval at k is expected within +-half_width (a fraction).

    Tries r = 1, 2, 4 ... n_max; kind: of which interval. None where even full sampling is wider:
    then only more samples (fixed) or more problems (population) help.
    """
    check_probability(half_width, "half_width")
    quantile = normal_quantile(0.5 + check_probability(level, "level") / 2)
    for r in [*(2**i for i in range(n_max.bit_length()) if 2**i < n_max), n_max]:
        made = forecast_plan(law, problems, StoppingPlan(r, block, n_max), k)
        errors = {"fixed": made.standard_error_fixed, "population": made.standard_error_population}
        error = errors[kind]
        if error is not None and quantile * error <= half_width:
            return made
    return None


def expected_samples(plan: StoppingPlan, rates: ArrayLike) -> FloatArray:
    """Samples that the plan draws of a problem on average, at each success rate."""
    ends, chances = ending_chances(plan, np.asarray(rates, dtype=np.float64))
    return np.asarray(chances @ ends[:, 0], dtype=np.float64)


def _law_errors(
    law: DifficultyLaw, problems: int, plan: StoppingPlan, k: int
) -> tuple[float | None, float]:
    within = float(law.weights @ sampling_variance_stopped(plan, law.rates, k))
    passes = law.pass_at_k(k)
    between = float(law.weights @ passes**2 - (law.weights @ passes) ** 2)
    fixed = None if 2 * k > plan.n_max else float(np.sqrt(within / problems))
    return fixed, float(np.sqrt((within + max(between, 0.0)) / problems))


def _values(n: IntArray, c: IntArray, k: int, plan: StoppingPlan) -> FloatArray:
    made = pass_at_k_stopped(n, c, k, plan.stop_after, plan.block, plan.n_max)
    return np.asarray(made, dtype=np.float64)


def _laws(n: IntArray, c: IntArray) -> tuple[DifficultyLaw, ...]:
    """A law of the success rates without a shape, and the likeliest zero-inflated Beta.

    Each is too narrow on some benchmarks, as for full sampling: the larger variance counts.
    """
    shapeless = fit_difficulty(n, c, iterations=SMOOTHING)
    pair_n, pair_c, times, _ = distinct_pairs(n, c)
    fitted = fit_zero_inflated(pair_n, pair_c, times[None].astype(np.float64))
    rates = shapeless.rates
    edges = np.concatenate(([0.0], (rates[1:] + rates[:-1]) / 2, [1.0]))
    shares = np.diff(betainc(fitted.a[0], fitted.b[0], edges)) * (1.0 - fitted.never[0])
    shares[0] += fitted.never[0]
    # A little everywhere, so that no problem is impossible under a law of few points.
    weights = shares + NEGLIGIBLE
    return shapeless, DifficultyLaw(rates, weights / weights.sum())


def _fixed_error(
    n: IntArray, c: IntArray, k: int, plan: StoppingPlan, laws: Sequence[DifficultyLaw]
) -> float | None:
    """Standard error from sampling alone: each problem's variance averaged over its posterior.

    How a plan stopped says nothing more about p than the counts do, so the laws are fitted and the
    posteriors taken as for any counts.
    """
    if 2 * k > plan.n_max:
        return None
    pair_n, pair_c, times, _ = distinct_pairs(n, c)
    variances = [
        law.posterior(pair_n, pair_c) @ sampling_variance_stopped(plan, law.rates, k) @ times
        for law in laws
    ]
    return float(np.sqrt(max(variances)) / n.size)
