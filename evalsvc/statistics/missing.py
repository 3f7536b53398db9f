"""Bounds for an incomplete evaluation, valid whatever the missing samples were.

The usual figure leaves out what is missing, which is right if it is missing at random. Hard
problems have long answers and are missing more often, so that the figure may be too high. Here
every missing sample is counted as wrong for the lower bound and as right for the upper one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.counts import IntArray, check_counts, check_one_k, integers
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.intervals import Estimate, estimate

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class MissingBounds:
    """coverage: share of the wanted samples that exist; problems without any: `unseen`.

    bounds: of the figure over all problems with all samples, whatever is missing. interval_fixed,
    interval_population: from the lower end of the worst case's to the upper end of the best case's;
    the fixed one is None where 2k is above the wanted n.
    """

    k: int
    coverage: float
    problems: int
    unseen: int
    bounds: Pair
    interval_fixed: Pair | None
    interval_population: Pair
    sentence: str


def missing_bounds(
    n: ArrayLike,
    c: ArrayLike,
    k: int,
    wanted: int,
    *,
    clusters: Sequence[object] | ArrayLike | None = None,
    level: float = 0.95,
) -> MissingBounds:
    """Bounds of mean pass@k over all problems, once each has `wanted` samples.

    n, c: of every problem of the benchmark, n = 0 where nothing exists yet. Samples above `wanted`
    are refused, because they are not missing but another design. For k = 1 with coverage v and
    observed mean m the bounds are v m and v m + (1 - v) (Manski 1989).

    Example:
        >>> missing_bounds([4, 4, 0, 0], [4, 0, 0, 0], 1, wanted=4).bounds
        (0.25, 0.75)
    """
    samples, correct = _all_problems(n, c)
    total = integers(wanted, "wanted")
    if total.ndim or total < 1 or np.any(samples > total):
        raise StatisticsError(
            f"wanted = {wanted} is not one number of at least every n.", "Give the protocol's n."
        )
    one_k = check_one_k(k, np.atleast_1d(total))
    full = np.full(samples.size, int(total))
    worst = estimate(full, correct, one_k, clusters=clusters, level=level)
    best = estimate(full, correct + full - samples, one_k, clusters=clusters, level=level)
    made = MissingBounds(
        k=one_k,
        coverage=float(samples.sum() / full.sum()),
        problems=samples.size,
        unseen=int(np.sum(samples == 0)),
        bounds=(worst.value, best.value),
        interval_fixed=_joined(worst, best),
        interval_population=(worst.interval_population[0], best.interval_population[1]),
        sentence="",
    )
    return replace(made, sentence=_sentence(made, samples, correct, level))


def _all_problems(n: ArrayLike, c: ArrayLike) -> tuple[IntArray, IntArray]:
    samples, correct = check_counts(n, c)
    if samples.ndim != 1 or samples.size == 0:
        raise StatisticsError(
            "there are no problems.", "Give one n and one c for each problem of the benchmark."
        )
    return samples, correct


def _joined(worst: Estimate, best: Estimate) -> Pair | None:
    if worst.interval_fixed is None or best.interval_fixed is None:
        return None
    return worst.interval_fixed[0], best.interval_fixed[1]


def _sentence(made: MissingBounds, n: IntArray, c: IntArray, level: float) -> str:
    low, high, least, most = (
        f"{100 * end:.1f}%" for end in (*made.bounds, *made.interval_population)
    )
    if made.coverage == 1.0:
        return f"pass@{made.k} is {low}; nothing is missing."
    there = n >= made.k
    figure = f"pass@{made.k} is not known"
    if there.any():
        seen = float(pass_at_k(n[there], c[there], made.k).mean())
        figure = f"pass@{made.k} is {100 * seen:.1f}% of what exists"
    return (
        f"{figure}; with {100 * (1 - made.coverage):.1f}% of the samples missing it lies between "
        f"{low} and {high} whatever they were ({100 * level:g}% interval for problems of this kind "
        f"{least} to {most})."
    )
