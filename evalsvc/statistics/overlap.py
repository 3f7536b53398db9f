"""Variance of pass@k's estimate on one problem, from the overlap of two k-subsets of its n samples.

The estimate is an average over all k-subsets, so that its variance at failure rate q is
sum_i h(i) q^(2k-i) - q^(2k), with h(i) the chance that two random k-subsets share i samples
(Hoeffding 1948). If q is known only by its posterior, use the posterior means of the powers.
"""

from functools import lru_cache

import numpy as np

from evalsvc.statistics.counts import FloatArray, IntArray
from evalsvc.statistics.distributions import hypergeometric_chance

NEGLIGIBLE = 1e-12  # chances below it do not move a variance


@lru_cache(maxsize=4096)
def overlap_law(n: int, k: int) -> tuple[IntArray, FloatArray]:
    """(powers 2k-i of q, their chances h(i)) for 1 <= k <= n. Read-only."""
    shared = np.arange(max(0, 2 * k - n), k + 1)
    chances = hypergeometric_chance(shared, n, k, k)
    kept = chances > NEGLIGIBLE
    powers, chances = 2 * k - shared[kept], chances[kept]
    powers.setflags(write=False)
    chances.setflags(write=False)
    return powers, chances
