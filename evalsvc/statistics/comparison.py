"""Two checkpoints on the same problems: the paired difference, its intervals, its test, its limits.

Differences are candidate minus baseline in fractions of 1, over the mean of all problems. The
fixed interval speaks of other samples on these problems, the population interval and the test of
other problems of this kind. Nothing here knows how many training runs stand behind a side: one
comparison is always of two checkpoints (see `methods` for several seeds).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from evalsvc.statistics.distributions import t_quantile
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.intervals import Pair, fixed_interval
from evalsvc.statistics.paired_score import paired_score_interval
from evalsvc.statistics.sampling import SamplingNoise
from evalsvc.statistics.sentences import comparison_sentence
from evalsvc.statistics.sign_flip import PairedTest, sign_flip_tests

POWER = 0.8  # the power that "detectable" means everywhere
# Fewer discordant clusters than this cannot reach p <= 0.05: 2 / 2^5 = 0.0625.
FEWEST_DISCORDANT = 6
RARE_CLUSTER = 0.3  # by simulation, as the next: docs/decisions/0200
RARE_DIFFERENCE = 0.3  # per problem of a cluster, which few problems may show once in a while


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate minus baseline at one k. Fractions of 1; `p_value` is two-sided.

    interval_fixed: None where 2k > n on a side (no sampling interval exists). test: how the
    p-value was found. discordant: clusters whose totals differ. candidate_only, baseline_only:
    problems with a correct sample on one side only. minimum_detectable_effect: the smallest true
    difference that this design would call significant in 4 of 5 repeats. p_adjusted: after Holm
    over the family that the comparison was made in (equal to p_value when it was made alone).
    """

    k: int
    baseline: float
    candidate: float
    difference: float
    interval_fixed: Pair | None
    interval_population: Pair
    standard_error: float
    p_value: float
    p_adjusted: float
    family_size: int
    test: str
    discordant: int
    candidate_only: int
    baseline_only: int
    minimum_detectable_effect: float
    problems: int
    clusters: int
    indicator: bool
    alpha: float
    sentence: str

    @property
    def significant(self) -> bool:
        """Resolved at `alpha` after Holm."""
        return self.p_adjusted <= self.alpha


@dataclass(frozen=True, slots=True)
class _Side:
    """Checked counts of one checkpoint, its pass@k per problem, its noise at every k."""

    n: IntArray
    c: IntArray
    values: FloatArray
    noise: SamplingNoise

    @property
    def mean(self) -> float:
        return float(self.values.mean())


def paired_comparison(  # noqa: PLR0917 - the order is part of the interface
    baseline_n: ArrayLike,
    baseline_c: ArrayLike,
    candidate_n: ArrayLike,
    candidate_c: ArrayLike,
    k: int,
    clusters: Sequence[object] | ArrayLike | None = None,
    seed: int = 0,
) -> Comparison:
    """Compares pass@k of two checkpoints, paired by problem: row i of all four is problem i.

    n and c may differ between sides and problems, k must not exceed any n. clusters: one label
    per problem, by default each its own. The same seed gives the same p-value.
    StatisticsError on bad counts, different lengths, or k > n.
    """
    return compare_curves(
        baseline_n, baseline_c, candidate_n, candidate_c, [k], clusters=clusters, seed=seed
    )[0]


def compare_curves(
    baseline_n: ArrayLike,
    baseline_c: ArrayLike,
    candidate_n: ArrayLike,
    candidate_c: ArrayLike,
    ks: Sequence[int],
    *,
    clusters: Sequence[object] | ArrayLike | None = None,
    seed: int = 0,
    alpha: float = 0.05,
) -> tuple[Comparison, ...]:
    """`paired_comparison` at each of `ks`, with Holm's correction over them."""
    baseline = check_problem_counts(baseline_n, baseline_c)
    candidate = check_problem_counts(candidate_n, candidate_c)
    _same_problems(baseline[0], candidate[0])
    check_probability(alpha, "alpha")
    smallest = np.minimum(baseline[0], candidate[0])
    checked = [check_one_k(k, smallest) for k in ks]
    groups = partition(clusters, smallest.size)
    noises = SamplingNoise(*baseline), SamplingNoise(*candidate)
    pairs = [(_side(baseline, k, noises[0]), _side(candidate, k, noises[1])) for k in checked]
    differences = [groups.totals(after.values - before.values) for before, after in pairs]
    tests = sign_flip_tests(np.column_stack(differences), seed)
    made = [
        _comparison(k, pair, groups, test, alpha)
        for k, pair, test in zip(checked, pairs, tests, strict=True)
    ]
    return adjust_family(made)


def compare_candidates(
    baseline: tuple[ArrayLike, ArrayLike],
    candidates: Sequence[tuple[ArrayLike, ArrayLike]],
    k: int,
    *,
    clusters: Sequence[object] | ArrayLike | None = None,
    seed: int = 0,
    alpha: float = 0.05,
) -> tuple[Comparison, ...]:
    """Several candidates against one baseline at one k, with Holm's correction over them.

    Each side is (n, c), one row per problem. The flips are drawn once for all candidates, which
    makes a table of forty as quick as two comparisons. StatisticsError as `compare_curves`.
    """
    before_counts = check_problem_counts(*baseline)
    check_probability(alpha, "alpha")
    groups = partition(clusters, before_counts[0].size)
    before_noise = SamplingNoise(*before_counts)
    pairs = []
    for candidate in candidates:
        after_counts = check_problem_counts(*candidate)
        _same_problems(before_counts[0], after_counts[0])
        checked = check_one_k(k, np.minimum(before_counts[0], after_counts[0]))
        after = _side(after_counts, checked, SamplingNoise(*after_counts))
        pairs.append((_side(before_counts, checked, before_noise), after))
    if not pairs:
        return ()
    differences = [groups.totals(after.values - before.values) for before, after in pairs]
    tests = sign_flip_tests(np.column_stack(differences), seed)
    made = [
        _comparison(int(k), pair, groups, test, alpha)
        for pair, test in zip(pairs, tests, strict=True)
    ]
    return adjust_family(made)


def adjust_family(comparisons: Sequence[Comparison]) -> tuple[Comparison, ...]:
    """The comparisons with `p_adjusted` by Holm over all of them, and sentences that say so.

    The family is what a reader is shown together: every k, benchmark and pair of one page.
    """
    if not comparisons:
        return ()
    adjusted = holm([c.p_value for c in comparisons])
    family = [
        replace(c, p_adjusted=float(p), family_size=len(comparisons), sentence="")
        for c, p in zip(comparisons, adjusted, strict=True)
    ]
    return tuple(replace(c, sentence=comparison_sentence(c)) for c in family)


def holm(p_values: ArrayLike) -> FloatArray:
    """Holm's step-down adjustment (1979), in the order given.

    Equal to statsmodels' `multipletests(method="holm")`, which collects garbage on every call:
    tens of milliseconds in a large process, more than the whole comparison.
    """
    raw = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(raw)
    stepped = np.maximum.accumulate(raw[order] * np.arange(raw.size, 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def _same_problems(baseline: IntArray, candidate: IntArray) -> None:
    if baseline.size != candidate.size:
        raise StatisticsError(
            f"the baseline has {baseline.size} problems and the candidate {candidate.size}.",
            "Compare on the problems that both have, in the same order.",
        )


def _side(counts: tuple[IntArray, IntArray], k: int, noise: SamplingNoise) -> _Side:
    n, c = counts
    return _Side(n, c, pass_at_k(n, c, k), noise)


def _comparison(
    k: int, sides: tuple[_Side, _Side], groups: Partition, test: PairedTest, alpha: float
) -> Comparison:
    baseline, candidate = sides
    totals = groups.totals(candidate.values - baseline.values)
    difference = float(totals.sum()) / groups.problems
    error = difference_standard_error(totals, groups)
    gained = int(np.sum((candidate.c > 0) & (baseline.c == 0)))
    lost = int(np.sum((baseline.c > 0) & (candidate.c == 0)))
    indicator = bool(np.all(baseline.n == k) and np.all(candidate.n == k))
    if indicator and 1 < groups.count == groups.problems:
        population = paired_score_interval(gained, lost, groups.problems, 1 - alpha)
    else:
        population = population_difference(difference, error, groups.count, 1 - alpha)
    return Comparison(
        k=k,
        baseline=baseline.mean,
        candidate=candidate.mean,
        difference=difference,
        interval_fixed=_fixed_difference(k, baseline, candidate, 1 - alpha),
        interval_population=population,
        standard_error=error,
        p_value=test.p_value,
        p_adjusted=test.p_value,
        family_size=1,
        test=test.method,
        discordant=test.discordant,
        candidate_only=gained,
        baseline_only=lost,
        minimum_detectable_effect=_detectable(totals, error, groups, test.discordant, alpha),
        problems=groups.problems,
        clusters=groups.count,
        indicator=indicator,
        alpha=alpha,
        sentence="",
    )


def _fixed_difference(k: int, baseline: _Side, candidate: _Side, level: float) -> Pair | None:
    """The sides' own intervals joined by MOVER (Zou & Donner 2008; Newcombe's method for means)."""
    sides = []
    for side in (baseline, candidate):
        error = side.noise.standard_error(k)
        if error is None:
            return None
        sides.append(fixed_interval(side.mean, error, float(side.n.sum()) / k, level))
    (low_before, high_before), (low_after, high_after) = sides
    below = np.hypot(candidate.mean - low_after, high_before - baseline.mean)
    above = np.hypot(high_after - candidate.mean, baseline.mean - low_before)
    difference = candidate.mean - baseline.mean
    return difference - float(below), difference + float(above)


def difference_standard_error(totals: FloatArray, groups: Partition) -> float:
    """Clustered standard error of the mean difference; 0 where nothing differs or one cluster.

    A cluster with 0.3 of the largest squared residual is added: where few clusters carry the whole
    difference the observed spread misses those not met, and a plain t interval covers too little.
    That residual is taken as 0.3 a problem at least, for where all that were met differ by little.
    """
    if groups.count < 2:
        return 0.0
    residuals = totals - totals.sum() / groups.problems * groups.sizes
    if not np.any(totals):
        return 0.0
    squares = residuals * residuals
    correction = groups.count / (groups.count - 1)
    rare = max(float(squares.max()), (RARE_DIFFERENCE * groups.problems / groups.count) ** 2)
    padded = correction * float(squares.sum()) + RARE_CLUSTER * rare
    return float(np.sqrt(padded) / groups.problems)


def population_difference(difference: float, error: float, clusters: int, level: float) -> Pair:
    """t interval with (clusters - 1) degrees of freedom, within [-1, 1].

    Where no cluster differs the data still allow rare ones: then Wilson's bound for 0 of C.
    """
    if clusters < 2:
        return -1.0, 1.0
    quantile = t_quantile(0.5 + level / 2, clusters - 1)
    half = quantile * error
    if error == 0.0:
        half = quantile**2 / (clusters + quantile**2)
    return max(difference - half, -1.0), min(difference + half, 1.0)


def _detectable(
    totals: FloatArray, error: float, groups: Partition, discordant: int, alpha: float
) -> float:
    """(t_{1-alpha/2} + t_{power}) x standard error, but at least what the exact test can reach."""
    if groups.count < 2:
        return 1.0
    freedom = groups.count - 1
    effect = (t_quantile(1 - alpha / 2, freedom) + t_quantile(POWER, freedom)) * error
    if discordant < FEWEST_DISCORDANT:
        largest = float(np.abs(totals).max()) if discordant else float(groups.sizes.max())
        effect = max(effect, FEWEST_DISCORDANT * largest / groups.problems)
    return min(effect, 1.0)
