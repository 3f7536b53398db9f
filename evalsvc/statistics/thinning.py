"""Equal samples on both sides: what a test that flips signs needs to keep its level."""

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.counts import IntArray, check_problem_counts
from evalsvc.statistics.errors import StatisticsError

Counts = tuple[ArrayLike, ArrayLike]


def equal_samples(
    baseline: Counts, candidate: Counts, seed: int
) -> tuple[IntArray, IntArray, IntArray, bool]:
    """(n, baseline's c, candidate's c, whether anything was left out), one row per problem.

    Of a problem with more samples on one side, as many as the other side has are drawn at random.
    A difference between 16 and 256 samples is skewed although both sides are equally good, and sign
    flips rejected 11% of such pairs. StatisticsError for bad counts or unlike numbers of problems.
    """
    before, after = check_problem_counts(*baseline), check_problem_counts(*candidate)
    if before[0].size != after[0].size:
        raise StatisticsError(
            f"the baseline has {before[0].size} problems and the candidate {after[0].size}.",
            "Compare on the problems that both have, in the same order.",
        )
    fewer = np.minimum(before[0], after[0])
    random = np.random.default_rng([seed, 1])
    kept = [_thinned(n, c, fewer, random) for n, c in (before, after)]
    return fewer, kept[0], kept[1], bool(np.any(before[0] != after[0]))


def _thinned(n: IntArray, c: IntArray, wanted: IntArray, random: np.random.Generator) -> IntArray:
    """Correct ones among `wanted` of the n samples."""
    more = n > wanted
    kept = c.copy()
    kept[more] = random.hypergeometric(c[more], (n - c)[more], wanted[more])
    return kept
