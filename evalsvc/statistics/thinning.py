"""Equal numbers of samples on both sides, which a paired test needs.

pass@16 from 16 samples is 0 or 1, from 256 it is smooth: their difference is skewed even between
equal checkpoints, and a test that flips signs rejects 11% of such pairs at k = 16 instead of 5%.
With a random subset of the larger side of every problem the two sides can be swapped again.
Estimates keep all samples.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.counts import IntArray, check_problem_counts
from evalsvc.statistics.errors import StatisticsError

Counts = tuple[IntArray, IntArray]


def thinned(sides: Sequence[Counts], seed: int) -> list[Counts]:
    """The sides (n, c) with n cut to the smallest of each problem; c of a random subset of samples.

    Sides have the same problems in the same order. Those that lose nothing keep their counts.
    """
    smallest = np.minimum.reduce([n for n, _ in sides])
    random, cut = np.random.default_rng(seed), []
    for n, c in sides:
        if np.array_equal(n, smallest):
            cut.append((n, c))
        else:
            cut.append((smallest, random.hypergeometric(c, n - c, smallest).astype(np.int64)))
    return cut


def equal_samples(
    baseline: tuple[ArrayLike, ArrayLike], candidate: tuple[ArrayLike, ArrayLike], seed: int
) -> tuple[IntArray, IntArray, IntArray, bool]:
    """(n, baseline's c, candidate's c, whether anything was left out), one row per problem.

    Raises StatisticsError for bad counts or unlike numbers of problems.
    """
    before, after = check_problem_counts(*baseline), check_problem_counts(*candidate)
    if before[0].size != after[0].size:
        raise StatisticsError(
            f"the baseline has {before[0].size} problems and the candidate {after[0].size}.",
            "Compare on the problems that both have, in the same order.",
        )
    (n, before_c), (_, after_c) = thinned([before, after], seed)
    return n, before_c, after_c, bool(np.any(before[0] != after[0]))
