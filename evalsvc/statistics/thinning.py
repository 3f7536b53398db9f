"""As many samples on both sides: what a paired test needs and the counts do not always have.

pass@16 from 16 samples is 0 or 1, from 256 it is smooth: their difference is skewed even between
equal checkpoints, and flipping its sign is no coin flip (at k = 16 such a test rejects 11% of equal
pairs instead of 5%). With a random subset of the larger side of every problem the two sides can be
swapped again. Estimates keep all samples.
"""

from collections.abc import Sequence

import numpy as np

from evalsvc.statistics.counts import IntArray

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
