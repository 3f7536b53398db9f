"""Estimators of one evaluation: pass@k, pass^k, G-pass@k, avg@n, coverage.

All are unbiased for drawing k of the n samples without replacement (a hypergeometric law), and
return one value per problem in [0, 1]; the benchmark's figure is their mean. They never
bootstrap with replacement: the plug-in 1-(1-c/n)^k that some trainers log is biased low.
"""

from functools import lru_cache
from typing import overload

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.counts import (
    FloatArray,
    IntArray,
    broadcast,
    check_counts,
    check_k,
    check_probability,
)
from evalsvc.statistics.distributions import hypergeometric_chance
from evalsvc.statistics.errors import StatisticsError

MANY_TABLES = 64  # different (n, k) in one call


@lru_cache(maxsize=512)
def failure_table(n: int, k: int) -> FloatArray:
    """C(n-c, k) / C(n, k) for c = 0..n: the chance that k of n samples are all wrong.

    By the recursion F(c+1) = F(c) (n-c-k)/(n-c), which neither overflows nor cancels. Read-only.
    """
    c = np.arange(n, dtype=np.float64)
    steps = np.maximum(n - c - k, 0.0) / (n - c)
    table = np.concatenate(([1.0], np.cumprod(steps)))
    table.setflags(write=False)
    return table


@overload
def pass_at_k(n: int, c: int, k: int) -> float: ...
@overload
def pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> FloatArray: ...
def pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> float | FloatArray:
    """Chance that at least one of k samples is correct, per problem: 1 - C(n-c, k) / C(n, k).

    n, c, k: scalars or arrays that broadcast; returns a float for scalars, else an array in [0, 1].
    Source: Chen et al. 2021 (arXiv 2107.03374), eq. 1. StatisticsError on c > n, k > n, k < 1,
    negative or fractional counts, NaN and text.

    >>> pass_at_k(4, 1, 2)
    0.5
    >>> pass_at_k([4, 8], [1, 0], 2).tolist()
    [0.5, 0.0]
    """
    samples, correct, ks = _checked(n, c, k)
    result = 1.0 - _failures(samples, correct, ks)
    return float(result) if result.ndim == 0 else result


@overload
def pass_hat_k(n: int, c: int, k: int) -> float: ...
@overload
def pass_hat_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> FloatArray: ...
def pass_hat_k(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> float | FloatArray:
    """Chance that all of k samples are correct (pass^k), per problem: C(c, k) / C(n, k).

    Same shapes, range and errors as `pass_at_k`. Source: tau-bench (arXiv 2406.12045).

    >>> pass_hat_k(4, 3, 2)
    0.5
    """
    samples, correct, ks = _checked(n, c, k)
    result = _failures(samples, samples - correct, ks)
    return float(result) if result.ndim == 0 else result


def g_pass_at_k(n: ArrayLike, c: ArrayLike, k: ArrayLike, threshold: float) -> FloatArray:
    """Chance that at least ceil(threshold * k), and at least one, of k samples are correct.

    threshold in [0, 1]; 0 gives pass@k and 1 gives pass^k. Source: Liu et al. 2024, G-Pass@k
    (arXiv 2412.13147). Returns an array of the broadcast shape.
    """
    if not 0 <= threshold <= 1:
        raise StatisticsError(f"threshold = {threshold} is not in [0, 1].", "0.5 is usual.")
    samples, correct = check_counts(n, c)
    ks = check_k(k, samples)
    needed = np.maximum(np.ceil(threshold * ks - 1e-9), 1)
    chance = np.zeros(np.broadcast_shapes(samples.shape, ks.shape))
    for hits in range(1, int(ks.max(initial=1)) + 1):
        chance += np.where(hits >= needed, hypergeometric_chance(hits, samples, correct, ks), 0.0)
    return np.minimum(chance, 1.0)


def mg_pass_at_k(n: ArrayLike, c: ArrayLike, k: int) -> FloatArray:
    """Mean of G-pass@k over the thresholds above one half: 2/k sum_{i > ceil(k/2)}^{k} P(X >= i).

    Same source as `g_pass_at_k`; X is the number of correct ones among k samples. X = j is in
    j - ceil(k/2) of the terms.
    """
    samples, correct = check_counts(n, c)
    one_k = int(check_k(k, samples).max(initial=1))
    total = np.zeros(samples.shape)
    half = -(-one_k // 2)
    for hits in range(half + 1, one_k + 1):
        total += (hits - half) * hypergeometric_chance(hits, samples, correct, one_k)
    return 2.0 * total / one_k


def avg_at_n(n: ArrayLike, c: ArrayLike) -> FloatArray:
    """Share of correct samples per problem, c / n; NaN where nothing has been sampled yet."""
    samples, correct = check_counts(n, c)
    with np.errstate(invalid="ignore"):
        return np.asarray(correct / np.where(samples == 0, np.nan, samples), dtype=np.float64)


def sample_coverage(n: ArrayLike, wanted: int) -> float:
    """Share of the wanted samples that exist, in [0, 1]: min(n, wanted) summed over the problems.

    An incomplete evaluation shows this with every figure; missing samples are never counted as
    wrong.
    """
    samples, _ = check_counts(n, 0)
    if wanted < 1 or samples.size == 0:
        raise StatisticsError(
            "coverage needs problems and a wanted n of at least 1.", "Give the protocol's n."
        )
    return float(np.minimum(samples, wanted).sum() / (wanted * samples.size))


def problem_coverage(n: ArrayLike, c: ArrayLike) -> float:
    """Share of problems solved at least once by any of their samples (pass@n at each one's n)."""
    samples, correct = check_counts(n, c)
    if samples.size == 0:
        raise StatisticsError("there are no problems.", "Give counts of at least one problem.")
    return float(np.mean(correct > 0))


def worst_problems_mean(values: ArrayLike, share: float = 0.1) -> float:
    """Mean of the worst `share` of the problems (CVaR, expected shortfall), in the values' unit.

    The problem on the edge counts with its fraction, so the figure is continuous in `share`.
    Source: Rockafellar & Uryasev 2000, for a discrete law.
    """
    check_probability(share, "share")
    ordered = np.sort(np.asarray(values, dtype=np.float64).ravel())
    if ordered.size == 0 or not np.all(np.isfinite(ordered)):
        raise StatisticsError("the values must be finite, at least one.", "Leave out missing ones.")
    mass = share * ordered.size
    weights = np.clip(mass - np.arange(ordered.size), 0.0, 1.0)
    return float(ordered @ weights / mass)


def _checked(n: ArrayLike, c: ArrayLike, k: ArrayLike) -> tuple[IntArray, IntArray, IntArray]:
    samples, correct = check_counts(n, c)
    samples, ks = broadcast(samples, check_k(k, samples))
    return samples, np.broadcast_to(correct, samples.shape), ks


def _failures(samples: IntArray, hits: IntArray, ks: IntArray) -> FloatArray:
    """C(n-c, k) / C(n, k) elementwise: by tables, or by its product where they would be many."""
    pairs = samples * (int(ks.max(initial=0)) + 1) + ks
    distinct = np.unique(pairs)
    if distinct.size > MANY_TABLES:
        product = np.ones(samples.shape, dtype=np.float64)
        for i in range(int(ks.max())):
            factor = np.maximum(samples - hits - i, 0) / np.maximum(samples - i, 1)
            product *= np.where(i < ks, factor, 1.0)
        return product
    result = np.empty(samples.shape, dtype=np.float64)
    for pair in distinct:
        here = pairs == pair
        one_n, one_k = int(samples[here][0]), int(ks[here][0])
        result[here] = failure_table(one_n, one_k)[hits[here]]
    return result
