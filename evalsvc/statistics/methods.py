"""Two methods with several training runs each: such a claim needs the run as its unit.

Checkpoints of one method differ by their training seed; that alone may explain a difference between
two checkpoints. Here the spread between runs enters the error, with Welch's degrees of freedom.
With one run per method no such claim is possible, and requesting it is an error.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.clusters import Partition, partition
from evalsvc.statistics.comparison import holm
from evalsvc.statistics.counts import (
    FloatArray,
    check_one_k,
    check_probability,
    check_problem_counts,
)
from evalsvc.statistics.distributions import normal_quantile, t_above, t_quantile
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.intervals import Pair, noise_interval
from evalsvc.statistics.sampling import SamplingNoise
from evalsvc.statistics.sentences import p_words, percent, points, size_words
from evalsvc.statistics.studentised import spread_of

Counts = tuple[ArrayLike, ArrayLike]
LEVEL = 0.95  # of the interval by which a run's sampling variance is measured


@dataclass(frozen=True, slots=True)
class MethodComparison:
    """Candidate method minus baseline method, in fractions of 1; p-values are two-sided.

    interval_fixed, p_value_fixed: other training runs, these problems (Welch over runs).
    interval_population, p_value: other training runs and other problems of this kind.
    p_adjusted: after Holm over the family that is shown together.
    run_deviations: standard deviation of the runs' means per method.
    """

    k: int
    baseline: float
    candidate: float
    difference: float
    interval_fixed: Pair
    interval_population: Pair
    p_value_fixed: float
    p_value: float
    p_adjusted: float
    family_size: int
    baseline_runs: int
    candidate_runs: int
    run_deviations: Pair
    problems: int
    clusters: int
    alpha: float
    sentence: str


def compare_methods(
    baseline: Sequence[Counts],
    candidate: Sequence[Counts],
    k: int,
    *,
    clusters: Sequence[object] | ArrayLike | None = None,
    alpha: float = 0.05,
) -> MethodComparison:
    """Compare pass@k of two methods; each side is a list of runs, each run its (n, c) arrays.

    All runs have the same problems in the same order. The runs' spread is at least what their
    samples explain, so that equal runs do not give a zero-width interval. StatisticsError with
    fewer than two runs a side: then use `paired_comparison`, which compares two checkpoints; and on
    bad counts or k above n.

    >>> run = ([8] * 30, [4] * 30)
    >>> compare_methods([run, run], [run, run], 1).p_value
    1.0
    """
    check_probability(alpha, "alpha")
    if min(len(baseline), len(candidate)) < 2:
        raise StatisticsError(
            f"{len(baseline)} and {len(candidate)} runs cannot tell a method from a lucky seed.",
            "Give at least two runs per method, or compare two checkpoints.",
        )
    before, noise_before = _run_values(baseline, k)
    after, noise_after = _run_values(candidate, k)
    if before.shape[1] != after.shape[1]:
        raise StatisticsError("the methods have different problems.", "Compare what both have.")
    groups = partition(clusters, before.shape[1])
    difference = float(after.mean() - before.mean())
    run_error, run_freedom, deviations = _welch(
        before.mean(axis=1), after.mean(axis=1), (noise_before, noise_after)
    )
    both_error, both_freedom = _with_problems(
        before, after, groups, (run_error, run_freedom), alpha
    )
    fixed, p_fixed = _t_summary(difference, run_error, run_freedom, alpha)
    population, p_value = _t_summary(difference, both_error, both_freedom, alpha)
    made = MethodComparison(
        k=k,
        baseline=float(before.mean()),
        candidate=float(after.mean()),
        difference=difference,
        interval_fixed=fixed,
        interval_population=population,
        p_value_fixed=p_fixed,
        p_value=p_value,
        p_adjusted=p_value,
        family_size=1,
        baseline_runs=before.shape[0],
        candidate_runs=after.shape[0],
        run_deviations=deviations,
        problems=groups.problems,
        clusters=groups.count,
        alpha=alpha,
        sentence="",
    )
    return adjust_methods([made])[0]


def adjust_methods(comparisons: Sequence[MethodComparison]) -> tuple[MethodComparison, ...]:
    """The comparisons with `p_adjusted` by Holm over all of them, and sentences that say so."""
    if not comparisons:
        return ()
    adjusted = holm([c.p_value for c in comparisons])
    family = [
        replace(c, p_adjusted=float(p), family_size=len(comparisons))
        for c, p in zip(comparisons, adjusted, strict=True)
    ]
    return tuple(replace(c, sentence=_sentence(c)) for c in family)


def _sentence(c: MethodComparison) -> str:
    verdict = (
        f"the {'candidate' if c.difference > 0 else 'baseline'} method is better"
        if c.p_adjusted <= c.alpha
        else f"not resolved with {c.baseline_runs} and {c.candidate_runs} runs on "
        f"{size_words(c.problems, c.clusters)}"
    )
    return (
        f"pass@{c.k} averages {percent(c.baseline)} over {c.baseline_runs} runs and "
        f"{percent(c.candidate)} over {c.candidate_runs} ({points(c.difference)} points; "
        f"{100 * (1 - c.alpha):g}% interval for other runs and problems of this kind "
        f"{points(c.interval_population[0])} to {points(c.interval_population[1])}; "
        f"{p_words(c)}): {verdict}."
    )


def _run_values(runs: Sequence[Counts], k: int) -> tuple[FloatArray, float]:
    """pass@k as (runs, problems), and the sampling variance of a run's mean, averaged.

    By the width of its interval: near 0 and 1 the variance itself would be nothing.
    """
    rows, noise = [], []
    for n, c in runs:
        samples, correct = check_problem_counts(n, c)
        one_k = check_one_k(k, samples)
        values = pass_at_k(samples, correct, one_k)
        error = float(np.sqrt(SamplingNoise(samples, correct).variances(one_k).sum())) / values.size
        low, high = noise_interval(float(values.mean()), error, samples, one_k, LEVEL)
        rows.append(values)
        noise.append(((high - low) / (2.0 * normal_quantile(0.5 + LEVEL / 2))) ** 2)
    if len({row.size for row in rows}) > 1:
        raise StatisticsError("runs have different problems.", "Compare what all of them have.")
    return np.stack(rows), float(np.mean(noise))


def _welch(
    before: FloatArray, after: FloatArray, noises: Sequence[float]
) -> tuple[float, float, Pair]:
    """Standard error of the difference of means, degrees of freedom, the sides' deviations.

    Runs cannot differ by less than their samples do by chance: where they do, as equal runs would,
    that was luck, and the sampling variance counts.
    """
    deviations = float(before.std(ddof=1)), float(after.std(ddof=1))
    parts = [
        (max(deviation**2, noise) / means.size, means.size - 1.0)
        for deviation, noise, means in zip(deviations, noises, (before, after), strict=True)
    ]
    error, freedom = _satterthwaite(parts)
    return error, freedom, deviations


def _with_problems(
    before: FloatArray,
    after: FloatArray,
    groups: Partition,
    runs: tuple[float, float],
    alpha: float,
) -> tuple[float, float]:
    """Adds the spread between problems to that between runs (a little of both counted twice).

    runs: (standard error, degrees of freedom). Where no problem differs, rare ones still may.
    """
    spread = spread_of(groups.totals(after.mean(axis=0) - before.mean(axis=0)), groups)
    error, freedom = spread.error, max(spread.freedom, 1.0)
    if error == 0.0:
        error = spread.interval(1 - alpha)[1] / t_quantile(1 - alpha / 2, freedom)
    return _satterthwaite([(runs[0] ** 2, runs[1]), (error**2, freedom)])


def _satterthwaite(parts: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Joint standard error and degrees of freedom of independent (variance, freedom) parts."""
    variance = sum(v for v, _ in parts)
    return float(np.sqrt(variance)), variance**2 / sum(v**2 / f for v, f in parts)


def _t_summary(difference: float, error: float, freedom: float, alpha: float) -> tuple[Pair, float]:
    half = t_quantile(1 - alpha / 2, freedom) * error
    p_value = 2.0 * t_above(abs(difference) / error, freedom)
    return (max(difference - half, -1.0), min(difference + half, 1.0)), p_value
