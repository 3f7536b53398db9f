"""Two checkpoints on the same problems: the paired difference, its intervals, its test, its limits.

Differences are candidate minus baseline in fractions of 1, over the mean of all problems. The fixed
interval is about other samples on these problems, the population interval and the test about other
problems of this kind. Test and population interval are one procedure: the interval holds 0 exactly
where the p-value is above alpha. Training runs play no part here: a comparison is always of two
checkpoints (see `methods` for several seeds).
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
from evalsvc.statistics.power import POWER, detectable_gain, fewest_discordant
from evalsvc.statistics.sampling import SamplingNoise
from evalsvc.statistics.sentences import DEFAULT_METRIC, comparison_sentence
from evalsvc.statistics.sign_flip import PairedTest, mcnemar, sign_flip_tests
from evalsvc.statistics.studentised import Spread, rare_difference, spread_of
from evalsvc.statistics.thinning import thinned

Counts = tuple[IntArray, IntArray]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Candidate minus baseline at one k. Fractions of 1; `p_value` is two-sided.

    interval_fixed: None where 2k > n on a side (no sampling interval exists). interval_population:
    contains 0 exactly if p_value > alpha. test: how the p-value was found. discordant: clusters
    whose totals differ. candidate_only, baseline_only: problems with a correct sample on one side
    only. largest_difference: of one cluster, over the size of a mean one. skewness: of the mean
    difference; where it is large the test errs more often than alpha says. p_adjusted: after Holm
    over the family of the comparison (p_value when it is alone).
    minimum_detectable_effect: the smallest true difference that this design would call significant
    in 4 of 5 repeats, at alpha over the size of the family. metric: pass@k, or the name of another
    one, with its k if it has one (k is 1 if not).
    """

    k: int
    baseline: float
    candidate: float
    difference: float
    interval_fixed: Pair | None
    interval_population: Pair
    standard_error: float
    skewness: float
    p_value: float
    p_adjusted: float
    family_size: int
    test: str
    discordant: int
    largest_difference: float
    candidate_only: int
    baseline_only: int
    minimum_detectable_effect: float
    problems: int
    clusters: int
    indicator: bool
    alpha: float
    sentence: str
    metric: str = DEFAULT_METRIC
    higher_is_better: bool | None = True

    @property
    def significant(self) -> bool:
        """Resolved at `alpha` after Holm."""
        return self.p_adjusted <= self.alpha

    @property
    def spread(self) -> Spread:
        """The studentised half of the test, for other questions about the same data."""
        freedom = max(self.clusters - 1.0, 0.0)
        return Spread(self.difference, self.standard_error, self.skewness, freedom)


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
    """The candidate's pass@k minus the baseline's on the same problems, in the same order.

    baseline_n, baseline_c, candidate_n, candidate_c: samples and correct ones, shape (problems,),
    1 <= n, 0 <= c <= n; n may differ between problems and sides. k: 1 to the smallest n. clusters:
    one label per problem, by default each its own. seed: of the flips where more than 14 clusters
    differ, and of the subset of samples where n differs between the sides.

    Below k = n the test is a sign flip by cluster and a skewness-corrected t test, whose larger
    p-value counts; the interval contains every shift that one of them does not reject. At k = n
    (unless problems share a cluster) it is McNemar's exact test and Tango's score interval (1998),
    widened to 0 where the test does not reject. docs/decisions/0200 and 0201 say why.

    Raises StatisticsError: c > n, NaN, text, no problems, a problem without samples, different
    lengths, k < 1 or k > n, a missing cluster label. With one problem nothing is known about
    others: the interval is (-1, 1) and the p-value 1.

    >>> made = paired_comparison([4] * 30, [0] * 30, [4] * 30, [1] * 5 + [0] * 25, k=4)
    >>> made.p_value, made.interval_population[0], made.significant
    (0.0625, 0.0, False)
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
    """`paired_comparison` at each of `ks`, with Holm's correction over them.

    Same shapes and errors; StatisticsError too if `ks` is empty. The intervals, each for its own
    k, are at level 1 - alpha.

    Examples:
        >>> [c.k for c in compare_curves([4, 4], [1, 2], [4, 4], [2, 3], [1, 2])]
        [1, 2]
    """
    baseline = check_problem_counts(baseline_n, baseline_c)
    candidate = check_problem_counts(candidate_n, candidate_c)
    _same_problems(baseline[0], candidate[0])
    check_probability(alpha, "alpha")
    smallest = np.minimum(baseline[0], candidate[0])
    checked = [check_one_k(k, smallest) for k in ks]
    if not checked:
        raise StatisticsError("no k is asked for.", "Give at least one, such as ks=[1].")
    groups = partition(clusters, smallest.size)
    noises = SamplingNoise(*baseline), SamplingNoise(*candidate)
    pairs = [(_side(baseline, k, noises[0]), _side(candidate, k, noises[1])) for k in checked]
    alike = thinned([baseline, candidate], seed)
    totals = [groups.totals(pass_at_k(*alike[1], k) - pass_at_k(*alike[0], k)) for k in checked]
    tests = sign_flip_tests(np.column_stack(totals), groups.sizes, seed=seed, alpha=alpha)
    made = [
        _comparison(k, pair, groups, test, alpha)
        for k, pair, test in zip(checked, pairs, tests, strict=True)
    ]
    return adjust_family(made)


def compare_values(
    metric: str,
    values: tuple[FloatArray, FloatArray],
    tested: tuple[FloatArray, FloatArray],
    correct: tuple[IntArray, IntArray],
    *,
    k: int = 1,
    clusters: Sequence[object] | ArrayLike | None = None,
    seed: int = 0,
    alpha: float = 0.05,
    higher_is_better: bool | None = True,
) -> Comparison:
    """Candidate minus baseline of any metric with one value in [0, 1] per problem.

    values, tested, correct: of (baseline, candidate), shape (problems,). tested: the values that
    the flips are made of, `values` unless the sides had to be thinned. There is no sampling
    interval; test and population interval are those of `paired_comparison` below k = n.
    """
    before, after = values
    _same_problems(correct[0], correct[1])
    check_probability(alpha, "alpha")
    groups = partition(clusters, before.size)
    totals = groups.totals(tested[1] - tested[0])
    flips = sign_flip_tests(totals[:, None], groups.sizes, seed=seed, alpha=alpha)[0]
    differences = groups.totals(after - before)
    spread = spread_of(differences, groups)
    p_value, population = both_tests(flips, spread, alpha)
    made = Comparison(
        k=k,
        baseline=float(before.mean()),
        candidate=float(after.mean()),
        difference=spread.difference,
        interval_fixed=None,
        interval_population=population,
        standard_error=spread.error,
        skewness=spread.skewness,
        p_value=p_value,
        p_adjusted=p_value,
        family_size=1,
        test=flips.method,
        discordant=flips.discordant,
        largest_difference=float(np.abs(differences).max()) * groups.count / groups.problems,
        candidate_only=int(np.sum((correct[1] > 0) & (correct[0] == 0))),
        baseline_only=int(np.sum((correct[0] > 0) & (correct[1] == 0))),
        minimum_detectable_effect=1.0,
        problems=groups.problems,
        clusters=groups.count,
        indicator=False,
        alpha=alpha,
        sentence="",
        metric=metric,
        higher_is_better=higher_is_better,
    )
    return adjust_family([made])[0]


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
    makes a table of forty as fast as two comparisons. StatisticsError as `compare_curves`; without
    candidates the answer is empty.
    """
    before_counts = check_problem_counts(*baseline)
    check_probability(alpha, "alpha")
    groups = partition(clusters, before_counts[0].size)
    before_noise = SamplingNoise(*before_counts)
    pairs, totals = [], []
    for candidate in candidates:
        after_counts = check_problem_counts(*candidate)
        _same_problems(before_counts[0], after_counts[0])
        checked = check_one_k(k, np.minimum(before_counts[0], after_counts[0]))
        after = _side(after_counts, checked, SamplingNoise(*after_counts))
        pairs.append((_side(before_counts, checked, before_noise), after))
        alike = thinned([before_counts, after_counts], seed)
        totals.append(groups.totals(pass_at_k(*alike[1], checked) - pass_at_k(*alike[0], checked)))
    if not pairs:
        return ()
    tests = sign_flip_tests(np.column_stack(totals), groups.sizes, seed=seed, alpha=alpha)
    made = [
        _comparison(int(k), pair, groups, test, alpha)
        for pair, test in zip(pairs, tests, strict=True)
    ]
    return adjust_family(made)


def adjust_family(
    comparisons: Sequence[Comparison], size: int | None = None
) -> tuple[Comparison, ...]:
    """The comparisons with `p_adjusted` over their family, and everything that depends on it.

    The family is what was declared to be tested together: every k, benchmark and pair. Without
    `size` these comparisons are all of it (Holm). With it they are part of a family of that size,
    such as one page of a list, and p_adjusted is the p-value times the size (Bonferroni), which
    does not depend on the part. The minimum detectable effect and the sentence follow the size. An
    empty family stays empty. StatisticsError where `size` is smaller than the part.
    """
    if not comparisons:
        return ()
    tests = len(comparisons) if size is None else size
    if tests < len(comparisons):
        raise StatisticsError(
            f"{len(comparisons)} comparisons cannot be part of a family of {tests}.",
            "Count every test that was declared.",
        )
    raw = np.array([c.p_value for c in comparisons])
    adjusted = holm(raw) if size is None else np.minimum(raw * tests, 1.0)
    family = [
        replace(
            c,
            p_adjusted=float(p),
            family_size=tests,
            minimum_detectable_effect=_detectable(c, c.alpha / tests),
        )
        for c, p in zip(comparisons, adjusted, strict=True)
    ]
    return tuple(replace(c, sentence=comparison_sentence(c)) for c in family)


def holm(p_values: ArrayLike) -> FloatArray:
    """Holm's step-down adjustment (1979), in the order given; an empty array for no p-values.

    Equal to statsmodels' `multipletests(method="holm")`, which collects garbage on every call:
    tens of milliseconds in a large process, more than the whole comparison. StatisticsError where
    a value is not in [0, 1].

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    raw = np.asarray(p_values, dtype=np.float64)
    if not np.all((raw >= 0) & (raw <= 1)):
        raise StatisticsError("a p-value is not in [0, 1].", "Leave out tests that were not made.")
    order = np.argsort(raw)
    stepped = np.maximum.accumulate(raw[order] * np.arange(raw.size, 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted


def both_tests(flips: PairedTest, spread: Spread, alpha: float) -> tuple[float, Pair]:
    """The larger p-value of the two tests, and every shift in [-1, 1] that one of them allows.

    So the interval contains 0 exactly if the p-value is above alpha. Where the two reject 0 in
    opposite directions, nothing is shown: the p-value is 1.
    """
    low, high = spread.interval(1.0 - alpha)
    interval = max(min(low, flips.interval[0]), -1.0), min(max(high, flips.interval[1]), 1.0)
    p_value = max(flips.p_value, spread.p_value)
    holds_zero = interval[0] <= 0.0 <= interval[1]
    if holds_zero and p_value <= alpha:
        p_value = 1.0
    return p_value, interval


def score_test(gained: int, lost: int, problems: int, alpha: float) -> tuple[PairedTest, Pair]:
    """At k = n: McNemar's exact test, and Tango's interval, widened to 0 if it does not reject.

    The exact test rejects less often than the score (5 gained and 0 lost: p = 0.0625), so the
    interval may have to be widened but never narrowed.
    """
    test = mcnemar(gained, lost)
    low, high = paired_score_interval(gained, lost, problems, 1.0 - alpha)
    if test.p_value > alpha:
        low, high = min(low, 0.0), max(high, 0.0)
    return test, (low, high)


def _same_problems(baseline: IntArray, candidate: IntArray) -> None:
    if baseline.size != candidate.size:
        raise StatisticsError(
            f"the baseline has {baseline.size} problems and the candidate {candidate.size}.",
            "Compare on the problems that both have, in the same order.",
        )


def _side(counts: Counts, k: int, noise: SamplingNoise) -> _Side:
    n, c = counts
    return _Side(n, c, pass_at_k(n, c, k), noise)


def _comparison(
    k: int, sides: tuple[_Side, _Side], groups: Partition, flips: PairedTest, alpha: float
) -> Comparison:
    baseline, candidate = sides
    totals = groups.totals(candidate.values - baseline.values)
    fewest = int(min(baseline.n.min(), candidate.n.min()))
    spread = spread_of(totals, groups, rare_difference(k, fewest))
    gained = int(np.sum((candidate.c > 0) & (baseline.c == 0)))
    lost = int(np.sum((baseline.c > 0) & (candidate.c == 0)))
    indicator = bool(np.all(baseline.n == k) and np.all(candidate.n == k))
    if indicator and 1 < groups.count == groups.problems:
        test, population = score_test(gained, lost, groups.problems, alpha)
        p_value = test.p_value
    else:
        test = flips
        p_value, population = both_tests(flips, spread, alpha)
    return Comparison(
        k=k,
        baseline=baseline.mean,
        candidate=candidate.mean,
        difference=spread.difference,
        interval_fixed=_fixed_difference(k, baseline, candidate, 1 - alpha),
        interval_population=population,
        standard_error=spread.error,
        skewness=spread.skewness,
        p_value=p_value,
        p_adjusted=p_value,
        family_size=1,
        test=test.method,
        discordant=test.discordant,
        largest_difference=float(np.abs(totals).max()) * groups.count / groups.problems,
        candidate_only=gained,
        baseline_only=lost,
        minimum_detectable_effect=1.0,
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
        interval = fixed_interval(side.n, side.c, k, side.noise, level)
        if interval is None:
            return None
        sides.append(interval)
    (low_before, high_before), (low_after, high_after) = sides
    below = np.hypot(candidate.mean - low_after, high_before - baseline.mean)
    above = np.hypot(high_after - candidate.mean, baseline.mean - low_before)
    difference = candidate.mean - baseline.mean
    return difference - float(below), difference + float(above)


def _detectable(c: Comparison, alpha: float) -> float:
    """The smallest true difference that the test at `alpha` sees in 4 of 5 repeats, at most 1.

    At k = n by McNemar's exact power, with as many problems exchanged as observed.
    Else (t_{1-alpha/2} + t_{power}) standard errors, but at least enough that the clusters needed
    for the flips differ, each as much as the one that differs most now.
    """
    if c.clusters < 2:
        return 1.0
    if c.indicator and c.clusters == c.problems:
        return detectable_gain(c.problems, min(c.candidate_only, c.baseline_only), alpha)
    freedom = c.clusters - 1
    effect = (t_quantile(1 - alpha / 2, freedom) + t_quantile(POWER, freedom)) * c.standard_error
    if c.discordant < fewest_discordant(alpha):
        largest = c.largest_difference if c.discordant else 1.0
        effect = max(effect, largest * detectable_gain(c.clusters, 0, alpha))
    return min(effect, 1.0)
