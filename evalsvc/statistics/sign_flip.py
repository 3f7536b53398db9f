"""The paired test: is the difference larger than swapping the two sides by chance would make it?

If both checkpoints are equally good, the sign of each cluster's difference is a coin flip. Up to
14 discordant clusters all flips are enumerated (with one sample per problem this is the exact
McNemar test); above, equal differences give McNemar's mid-p and others Monte-Carlo flips, ties
counted half, because the exact test's conservatism would then only cost power. Two-sided always.
"""

from dataclasses import dataclass

import numpy as np

from evalsvc.statistics.counts import BoolArray, FloatArray
from evalsvc.statistics.distributions import binomial_above, binomial_chance

EXACT_LIMIT = 14  # discordant clusters up to which all 2^m flips are enumerated
DRAWS = 4_999  # Monte-Carlo flips: a p-value near 0.05 is then known to +-0.3 points
BATCH = 500  # flips at a time: 500 x 5,000 float32 is 10 MB, which stays in the cache
TIE = 1e-6  # of the sum of absolute differences: below it two statistics are equal


@dataclass(frozen=True, slots=True)
class PairedTest:
    """A two-sided p-value, how it was found, and how many clusters differ at all."""

    p_value: float
    method: str
    discordant: int


def sign_flip_tests(totals: FloatArray, seed: int) -> tuple[PairedTest, ...]:
    """One test per column of `totals` (clusters, columns): cluster sums of the differences.

    The flips are drawn once and shared by the columns, so that the tests of a family (one
    comparison at several k) are as correlated as their data are.
    """
    size = np.abs(totals)
    discordant = size > TIE * size.max(initial=0.0)
    tests: list[PairedTest | None] = [
        _closed_form(totals[discordant[:, j], j]) for j in range(totals.shape[1])
    ]
    drawn = [j for j, test in enumerate(tests) if test is None]
    if drawn:
        for j, p_value in zip(
            drawn, _monte_carlo(totals[:, drawn], discordant[:, drawn], seed), strict=True
        ):
            method = f"sign flips by cluster, {DRAWS:,} draws"
            tests[j] = PairedTest(p_value, method, int(discordant[:, j].sum()))
    return tuple(test for test in tests if test is not None)


def mcnemar(candidate_only: int, baseline_only: int) -> PairedTest:
    """McNemar's test from the discordant pairs: exact up to 14 of them, mid-p above.

    Source: Fagerland, Lydersen & Laake 2013 (mid-p holds its level and is less conservative).
    """
    pairs, larger = candidate_only + baseline_only, max(candidate_only, baseline_only)
    if pairs == 0:
        return PairedTest(1.0, "no discordant pair", 0)
    p_value = 2.0 * float(binomial_above(larger - 1, pairs, 0.5))
    if pairs <= EXACT_LIMIT:
        return PairedTest(min(p_value, 1.0), "exact McNemar", pairs)
    p_value -= float(binomial_chance(larger, pairs, 0.5))
    return PairedTest(min(p_value, 1.0), "McNemar, mid-p", pairs)


def _closed_form(values: FloatArray) -> PairedTest | None:
    """The test without random draws, or None where it needs them. `values`: no zeros."""
    if values.size == 0 or np.ptp(np.abs(values)) <= TIE * np.abs(values).sum():
        return mcnemar(int(np.sum(values > 0)), int(np.sum(values < 0)))
    if values.size > EXACT_LIMIT:
        return None
    # By symmetry one sign stays fixed: |S| is the same for a pattern and its mirror image.
    patterns = np.arange(2 ** (values.size - 1))[:, None] >> np.arange(values.size - 1) & 1
    flipped = np.abs((1.0 - 2.0 * patterns) @ values[1:] + values[0])
    reached = flipped >= abs(values.sum()) - TIE * np.abs(values).sum()
    return PairedTest(float(reached.mean()), "exact sign flips by cluster", int(values.size))


def _monte_carlo(totals: FloatArray, discordant: BoolArray, seed: int) -> list[float]:
    used = discordant.any(axis=1)
    values = np.ascontiguousarray(totals[used], dtype=np.float32)
    observed = values.sum(axis=0, dtype=np.float64)
    tie = TIE * np.abs(values).sum(axis=0, dtype=np.float64)
    above, equal = np.zeros(values.shape[1]), np.zeros(values.shape[1])
    random = np.random.default_rng(seed)
    width = -(-values.shape[0] // 8)
    for start in range(0, DRAWS, BATCH):
        rows = min(BATCH, DRAWS - start)
        packed = np.frombuffer(random.bytes(rows * width), dtype=np.uint8).reshape(rows, width)
        heads = np.unpackbits(packed, axis=1, count=values.shape[0]).astype(np.float32)
        excess = np.abs(2.0 * (heads @ values) - observed) - np.abs(observed)
        above += np.sum(excess > tie, axis=0)
        equal += np.sum(np.abs(excess) <= tie, axis=0)
    return [float(p) for p in (1.0 + above + equal / 2.0) / (DRAWS + 1.0)]
