"""Comparison of two pass@k curves at all k together: which is higher, where, by how much.

The test is the max-T test of `max_t`, with its simultaneous band. Counts from full sampling and
from a stopping plan are accepted. Where the sides have different n the larger one is thinned at
random, because a difference between unequal samples is skewed, and flipping signs assumes symmetry.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

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
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.max_t import MaxTest, max_t_test
from evalsvc.statistics.sentences import CHECKPOINTS_ONLY, p_value_words, points, size_words
from evalsvc.statistics.stopping import StoppingPlan, check_endings, pass_at_k_stopped
from evalsvc.statistics.studentised import rare_difference, spread_of
from evalsvc.statistics.thinning import equal_samples

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class CurveComparison:
    """Candidate minus baseline at every k of `ks` (rising), in fractions of 1.

    p_value: of the whole curve (that it differs anywhere). adjusted: per k, single-step max-T, to
    be read together. band: per k, holds at all k at once with 1 - alpha; it excludes 0 exactly
    where `adjusted` is at most alpha. thinned: samples were left out at random to make n equal.
    """

    ks: tuple[int, ...]
    baseline: tuple[float, ...]
    candidate: tuple[float, ...]
    difference: tuple[float, ...]
    p_value: float
    adjusted: tuple[float, ...]
    band: tuple[Pair, ...]
    problems: int
    clusters: int
    thinned: bool
    alpha: float
    sentence: str

    def resolved(self, sign: int) -> tuple[int, ...]:
        """The k at which the candidate is resolved above (sign = 1) or below (-1) the baseline."""
        return tuple(
            k
            for k, d, p in zip(self.ks, self.difference, self.adjusted, strict=True)
            if p <= self.alpha and d * sign > 0
        )


def curve_comparison(  # noqa: PLR0917 - the order is part of the interface
    baseline_n: ArrayLike,
    baseline_c: ArrayLike,
    candidate_n: ArrayLike,
    candidate_c: ArrayLike,
    ks: Sequence[int],
    clusters: Sequence[object] | ArrayLike | None = None,
    seed: int = 0,
    *,
    alpha: float = 0.05,
) -> CurveComparison:
    """Compare pass@k of two checkpoints at all `ks` at once, paired by problem.

    Row i of the four counts is problem i. n may differ between problems and between sides; a
    problem with more samples on one side is thinned to the other's n. clusters: one label per
    problem. The same seed gives the same result. StatisticsError on bad counts, no k, a k above n,
    or fewer than two clusters.

    Source: Westfall & Young 1993, single-step max-T, with sign flips.

    Examples:
        >>> made = curve_comparison([8] * 9, [1] * 9, [8] * 9, [3] * 9, [1, 2, 4])
        >>> made.resolved(1)
        (1, 2, 4)
    """
    n, before, after, thinned = equal_samples(
        (baseline_n, baseline_c), (candidate_n, candidate_c), seed
    )
    checked = _checked_ks(ks, n)
    values = [np.column_stack([pass_at_k(n, c, k) for k in checked]) for c in (before, after)]
    smallest = int(n.min())
    return _compared(checked, values, clusters, seed, alpha, smallest_n=smallest, thinned=thinned)


@dataclass(frozen=True, slots=True)
class SampledCounts:
    """Counts of one checkpoint, one n and c per problem; `plan`: how it stopped, None for full."""

    n: ArrayLike
    c: ArrayLike
    plan: StoppingPlan | None = None


def curve_comparison_stopped(
    baseline: SampledCounts,
    candidate: SampledCounts,
    ks: Sequence[int],
    clusters: Sequence[object] | ArrayLike | None = None,
    seed: int = 0,
    *,
    alpha: float = 0.05,
) -> CurveComparison:
    """`curve_comparison` where one side or both were sampled under a stopping plan.

    Each side's pass@k is the unbiased one of its own design. Nothing is thinned: the designs differ
    in variance, not in mean; bench.adaptive prints the size of the test.
    """
    sides = [_design(side) for side in (baseline, candidate)]
    _same_problems(sides[0][0].size, sides[1][0].size)
    reach = np.minimum(*(limit for _, _, limit in sides))
    checked = _checked_ks(ks, reach)
    values = [
        np.column_stack([_pass_values(n, c, k, side.plan) for k in checked])
        for (n, c, _), side in zip(sides, (baseline, candidate), strict=True)
    ]
    smallest = min(int(n.min()) for n, _, _ in sides)
    return _compared(checked, values, clusters, seed, alpha, smallest_n=smallest, thinned=False)


def _design(side: SampledCounts) -> tuple[IntArray, IntArray, IntArray]:
    """Checked n and c, and the largest k that each problem allows."""
    n, c = check_problem_counts(side.n, side.c)
    if side.plan is None:
        return n, c, n
    check_endings(n, c, side.plan)
    return n, c, np.full(n.size, side.plan.n_max, dtype=np.int64)


def _pass_values(n: IntArray, c: IntArray, k: int, plan: StoppingPlan | None) -> FloatArray:
    if plan is None:
        return pass_at_k(n, c, k)
    made = pass_at_k_stopped(n, c, k, plan.stop_after, plan.block, plan.n_max)
    return np.asarray(made, dtype=np.float64)


def _same_problems(baseline: int, candidate: int) -> None:
    if baseline != candidate:
        raise StatisticsError(
            f"the baseline has {baseline} problems and the candidate {candidate}.",
            "Compare on the problems that both have, in the same order.",
        )


def _checked_ks(ks: Sequence[int], reach: IntArray) -> tuple[int, ...]:
    if np.ndim(ks) != 1 or len(ks) == 0:
        raise StatisticsError("there is no k to compare at.", "Give a list, such as 1, 2, 4, 8.")
    return tuple(sorted({check_one_k(k, reach) for k in ks}))


def _compared(
    ks: tuple[int, ...],
    values: Sequence[FloatArray],
    clusters: Sequence[object] | ArrayLike | None,
    seed: int,
    alpha: float,
    *,
    smallest_n: int,
    thinned: bool,
) -> CurveComparison:
    check_probability(alpha, "alpha")
    before, after = values
    groups = partition(clusters, before.shape[0])
    if groups.count < 2:
        raise StatisticsError(
            "one cluster cannot be compared: its difference has no spread.",
            "Give the counts of at least two problems that share nothing.",
        )
    totals = groups.totals(after - before)
    spreads = [
        spread_of(totals[:, j], groups, rare_difference(k, smallest_n)) for j, k in enumerate(ks)
    ]
    test = max_t_test(totals, groups.sizes, spreads, alpha, seed)
    differences = tuple(float(d) for d in (after - before).mean(axis=0))
    return CurveComparison(
        ks=ks,
        baseline=tuple(float(v) for v in before.mean(axis=0)),
        candidate=tuple(float(v) for v in after.mean(axis=0)),
        difference=differences,
        p_value=test.p_value,
        adjusted=test.adjusted,
        band=test.band,
        problems=groups.problems,
        clusters=groups.count,
        thinned=thinned,
        alpha=alpha,
        sentence=_sentence(ks, differences, test, groups, alpha, thinned=thinned),
    )


def _sentence(
    ks: tuple[int, ...],
    differences: tuple[float, ...],
    test: MaxTest,
    groups: Partition,
    alpha: float,
    *,
    thinned: bool,
) -> str:
    """Which stretches of k are resolved and which way, and how wide the band is elsewhere."""
    signs = [
        (1 if d > 0 else -1) if p <= alpha else 0
        for d, p in zip(differences, test.adjusted, strict=True)
    ]
    parts = [_stretch(sign, ks, list(run)) for sign, run in _runs(signs) if sign]
    size = size_words(groups.problems, groups.count)
    low, high = min(b[0] for b in test.band), max(b[1] for b in test.band)
    extent = f"{100 * (1 - alpha):g}% band over all k {points(low)} to {points(high)} points"
    tested = f"{p_value_words(test.p_value)} for the curve, {len(ks)} k tested together"
    verdict = "; ".join(parts) if parts else f"not resolved at any k with {size}"
    if parts and 0 in signs:
        verdict += f"; not resolved at the other k with {size}"
    words = [f"{verdict[0].upper()}{verdict[1:]} ({tested}; {extent})."]
    if thinned:
        words.append("Samples of the side with more of them were left out at random.")
    return " ".join([*words, CHECKPOINTS_ONLY])


def _runs(signs: Sequence[int]) -> list[tuple[int, list[int]]]:
    """(sign, indices) of each stretch of equal signs."""
    grouped = groupby(range(len(signs)), key=lambda i: signs[i])
    return [(sign, list(indices)) for sign, indices in grouped]


def _stretch(sign: int, ks: tuple[int, ...], indices: Sequence[int]) -> str:
    where = "above" if sign > 0 else "below"
    first, last = ks[indices[0]], ks[indices[-1]]
    if first == last:
        return f"the candidate is {where} the baseline at k = {first}"
    return f"the candidate is {where} the baseline at every k from {first} to {last}"
