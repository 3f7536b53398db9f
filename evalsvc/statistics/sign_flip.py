"""The paired test and its interval, from swapping the two sides at random.

If the candidate is better by `shift`, and each cluster's difference strays around it as often up as
down, then the sign of (difference - shift) is a coin flip. The p-value is that of shift 0; the
interval contains every shift that these flips do not reject, so the two cannot disagree. Up to 14
clusters that differ all their flips are enumerated; above, flips are drawn, and a p-value too small
for the draws is computed in closed form. Ties count in full, as an exact test must. Two-sided.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalsvc.statistics.counts import BoolArray, FloatArray, IntArray
from evalsvc.statistics.distributions import binomial_above, normal_above

EXACT_LIMIT = 14  # clusters that differ, up to which all 2^m flips are enumerated
HALVED_LIMIT = 28  # up to which a small p-value is found exactly from two halves of 2^14
DRAWS = 4_999  # flips: a p-value near 0.05 is then known to +-0.3 points
FEW_REACHED = 20  # fewer flips as large as the observed sum: the draws do not determine the p-value
BEYOND = 1e-12  # a p-value that no family correction raises above its level
BATCH = 500  # flips at a time: 500 x 5,000 float32 is 10 MB, which stays in the cache
TIE = 1e-6  # of the sum of absolute differences: below it two statistics are equal
NEWTON_STEPS = 40
SMALLEST = float(np.finfo(np.float64).tiny)  # a p-value is never 0

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class PairedTest:
    """p_value: two-sided, of no difference. interval: the shifts not rejected, per unit of size.

    method: how the p-value was found. discordant: clusters that differ at all. Without an
    interval (`mcnemar`) it is (-inf, inf).
    """

    p_value: float
    method: str
    discordant: int
    interval: Pair = (-np.inf, np.inf)


def sign_flip_tests(
    totals: FloatArray, sizes: FloatArray | None = None, *, seed: int = 0, alpha: float = 0.05
) -> tuple[PairedTest, ...]:
    """One test per column of `totals` (clusters, columns): cluster sums of the differences.

    sizes (clusters,): by how much a shift of 1 moves each total, by default 1. The interval is at
    level 1 - alpha. The flips are drawn once and shared by the columns, so that the tests of a
    family (one comparison at several k) are as correlated as their data are. A column's result
    does not depend on the other columns.

    >>> import numpy as np
    >>> test = sign_flip_tests(np.array([[0.2], [0.1], [0.3], [0.1], [0.2], [0.1]]))[0]
    >>> test.p_value
    0.03125
    >>> test.interval[0] > 0
    True
    """
    units = np.ones(totals.shape[0]) if sizes is None else np.asarray(sizes, dtype=np.float64)
    magnitude = np.abs(totals)
    discordant = magnitude > TIE * magnitude.max(initial=0.0)
    count = discordant.sum(axis=0)
    tests: list[PairedTest | None] = [None] * totals.shape[1]
    for j in np.flatnonzero(count <= EXACT_LIMIT):
        tests[j] = _enumerated(totals[:, j], units, discordant[:, j], seed, alpha)
    drawn = np.flatnonzero(count > EXACT_LIMIT)
    if drawn.size:
        made = _drawn(totals[:, drawn], units, count[drawn], seed, alpha)
        for j, test in zip(drawn, made, strict=True):
            tests[j] = test
    return tuple(test for test in tests if test is not None)


def mcnemar(candidate_only: int, baseline_only: int) -> PairedTest:
    """McNemar's exact test from the discordant pairs, two-sided: twice the tail, at most 1.

    >>> mcnemar(5, 0).p_value
    0.0625
    """
    pairs, larger = candidate_only + baseline_only, max(candidate_only, baseline_only)
    if pairs == 0:
        return PairedTest(1.0, "no discordant pair", 0)
    p_value = 2.0 * float(binomial_above(larger - 1, pairs, 0.5))
    return PairedTest(min(max(p_value, SMALLEST), 1.0), "exact McNemar", pairs)


def flip_tail(values: FloatArray) -> float:
    """Chance that flipping the signs of `values` gives a sum at least as far from 0.

    Exact where all are of one size (binomial), where all have one sign, and for up to 28 values;
    else by the saddlepoint r* (Barndorff-Nielsen 1990), within a few percent of itself, where sums
    that tie with the observed one count half. Values of 0 play no part. In (0, 1].
    """
    sizes = np.abs(values[values != 0])
    observed, total, count = abs(float(values.sum())), float(sizes.sum()), sizes.size
    if count == 0:
        return 1.0
    if observed >= total * (1.0 - TIE):
        return max(float(2.0 ** (1.0 - count)), SMALLEST)
    if np.ptp(sizes) <= TIE * float(sizes.max()):
        majority = round((count + observed / float(sizes.mean())) / 2.0)
        return min(max(2.0 * float(binomial_above(majority - 1, count, 0.5)), SMALLEST), 1.0)
    if count <= HALVED_LIMIT:
        return _halved_tail(sizes, observed - TIE * total)
    return _saddlepoint_tail(sizes, observed)


def _halved_tail(sizes: FloatArray, threshold: float) -> float:
    """Exactly: every sum of one half of the values against the sorted sums of the other."""
    half = sizes.size // 2
    left, right = _all_sums(sizes[:half]), np.sort(_all_sums(sizes[half:]))
    reached = right.size - np.searchsorted(right, threshold - left, side="left")
    return min(2.0 * float(reached.sum()) / (left.size * right.size), 1.0)


def _all_sums(sizes: FloatArray) -> FloatArray:
    sums = np.zeros(1)
    for size in sizes:
        sums = np.concatenate((sums + size, sums - size))
    return sums


def _saddlepoint_tail(sizes: FloatArray, observed: float) -> float:
    if observed <= TIE * float(sizes.sum()):
        return 1.0
    point = observed / float(sizes @ sizes)
    for _ in range(NEWTON_STEPS):  # rises to the root from below: the slope falls as it goes
        tanh = np.tanh(point * sizes)
        slope = float(sizes * sizes @ (1.0 - tanh * tanh))
        step = (observed - float(sizes @ tanh)) / max(slope, SMALLEST)
        point += step
        if abs(step) <= 1e-9 * point:
            break
    scaled = point * sizes
    tanh = np.tanh(scaled)
    # log cosh without overflow
    cumulant = float(np.sum(scaled + np.log1p(np.exp(-2.0 * scaled)) - np.log(2.0)))
    root = np.sqrt(max(2.0 * (point * observed - cumulant), 0.0))
    spread = point * np.sqrt(float(sizes * sizes @ (1.0 - tanh * tanh)))
    largest = 2.0 * float(np.exp(-root * root / 2.0))  # Chernoff's bound, which always holds
    if root < 1e-3 or spread <= 0.0:
        return min(largest, 1.0)
    adjusted = root + float(np.log(spread / root)) / root
    smallest = max(2.0 ** (1.0 - min(sizes.size, 1_000)), SMALLEST)
    return float(np.clip(2.0 * normal_above(adjusted), smallest, min(largest, 1.0)))


def _enumerated(
    totals: FloatArray, units: FloatArray, discordant: BoolArray, seed: int, alpha: float
) -> PairedTest:
    """All flips of the clusters that differ; those of the others, which only shifts move, drawn."""
    values, own = totals[discordant], units[discordant]
    count = values.size
    repeats = 2 ** max(12 - count, 0)  # few patterns are repeated with other flips of the rest
    patterns = np.arange(2**count)[:, None] >> np.arange(count) & 1
    heads = np.repeat(patterns.astype(np.float64), repeats, axis=0)
    up = heads @ own + _heads_of_the_rest(units[~discordant], heads.shape[0], seed)
    lowest, highest, reached = _thresholds(
        heads @ values, up, float(values.sum()), float(units.sum()), float(np.abs(values).sum())
    )
    kept = int(np.floor(alpha * heads.shape[0] + 1e-9)) + 1
    method = "exact sign flips by cluster" if count else "no cluster differs"
    p_value = float(reached.mean())
    return PairedTest(p_value, method, count, (_smallest(lowest, kept), -_smallest(-highest, kept)))


def _heads_of_the_rest(units: FloatArray, draws: int, seed: int) -> FloatArray:
    """Summed size of the heads among clusters that do not differ, in each draw."""
    random, heads = np.random.default_rng(seed), np.zeros(draws)
    for size, count in zip(*np.unique(units, return_counts=True), strict=True):
        heads += size * random.binomial(count, 0.5, draws)
    return heads


def pairwise_flip_p_values(
    values: FloatArray, pairs: Sequence[tuple[int, int]], *, seed: int = 0
) -> list[float]:
    """The p-values of `sign_flip_tests` for the differences of pairs of columns, without intervals.

    values: (clusters, columns). The flips meet each column once, not each pair. Where Hoeffding's
    bound 2 exp(-s^2 / (2 sum d^2)) is beyond doubt already, the bound is the p-value.
    """
    p_values, drawn = [1.0] * len(pairs), []
    for place, (i, j) in enumerate(pairs):
        differences = values[:, j] - values[:, i]
        sizes = np.abs(differences)
        discordant = sizes > TIE * sizes.max(initial=0.0)
        squares = float(differences @ differences)
        if discordant.sum() <= EXACT_LIMIT:
            found = _enumerated(differences, np.ones(sizes.size), discordant, seed, 0.05)
            p_values[place] = found.p_value
        elif (bound := 2.0 * np.exp(-(float(differences.sum()) ** 2) / (2.0 * squares))) < BEYOND:
            p_values[place] = max(float(bound), SMALLEST)
        else:
            drawn.append(place)
    if drawn:
        # Less the mean of the row: small figures lose nothing in the sums.
        centred = values - values.mean(axis=1, keepdims=True)
        heads = _heads(centred, DRAWS, seed)
    for place in drawn:
        i, j = pairs[place]
        differences = values[:, j] - values[:, i]
        total, scale = float(differences.sum()), float(np.abs(differences).sum())
        sums = np.abs(2.0 * (heads[:, j] - heads[:, i]) - total)
        p_values[place] = _drawn_p_value(differences, sums >= abs(total) - TIE * scale)[0]
    return p_values


def _heads(columns: NDArray[np.floating], draws: int, seed: int) -> FloatArray:
    """Sums of the columns over the clusters that keep their sign: (draws, columns).

    The same seed gives the same flips whatever the columns.
    """
    random, clusters = np.random.default_rng(seed), columns.shape[0]
    width = -(-clusters // 8)
    heads = np.empty((draws, columns.shape[1]))
    for start in range(0, draws, BATCH):
        rows = min(BATCH, draws - start)
        packed = np.frombuffer(random.bytes(rows * width), dtype=np.uint8).reshape(rows, width)
        flips = np.unpackbits(packed, axis=1, count=clusters).astype(columns.dtype)
        heads[start : start + rows] = flips @ columns
    return heads


def _drawn(
    totals: FloatArray, units: FloatArray, discordant: IntArray, seed: int, alpha: float
) -> list[PairedTest]:
    draws = max(DRAWS, int(np.ceil(50 / alpha)) - 1) if alpha < 0.01 else DRAWS
    columns = np.ascontiguousarray(np.column_stack([totals, units]), dtype=np.float32)
    heads = _heads(columns, draws, seed)
    kept = max(int(np.floor(alpha * (draws + 1) + 1e-9)), 1)
    tests = []
    for j, count in enumerate(discordant):
        column = totals[:, j]
        lowest, highest, reached = _thresholds(
            heads[:, j],
            heads[:, -1],
            float(column.sum()),
            float(units.sum()),
            float(np.abs(column).sum()),
        )
        p_value, method = _drawn_p_value(column, reached)
        interval = _smallest(lowest, kept), -_smallest(-highest, kept)
        tests.append(PairedTest(p_value, method, int(count), interval))
    return tests


def _drawn_p_value(values: FloatArray, reached: BoolArray) -> tuple[float, str]:
    draws, times = reached.size, int(reached.sum())
    if times >= FEW_REACHED:
        return (1.0 + times) / (draws + 1.0), f"sign flips by cluster, {draws:,} draws"
    # The draws put it below about 0.4%; the closed form may not lift it above.
    p_value = min(flip_tail(values), (1.0 + FEW_REACHED) / (draws + 1.0))
    return p_value, "sign flips by cluster, tail in closed form"


def _thresholds(
    heads: FloatArray, up: FloatArray, total: float, size: float, scale: float
) -> tuple[FloatArray, FloatArray, BoolArray]:
    """Per flip: the lowest and highest shift at which its sum is as far off as the observed one.

    heads, up: sums of the differences and of the sizes of the clusters that keep their sign. The
    flipped sum of (difference - shift) exceeds the observed one beyond the mean of those clusters
    or that of the others, whichever is further. Last: does it reach the observed sum at shift 0?
    """
    tails, down = total - heads, size - up
    tie = TIE * scale
    heads, tails = (np.where(np.abs(sums) <= tie, 0.0, sums) for sums in (heads, tails))
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.stack([heads / up, tails / down])
    empty = np.stack([up <= TIE * size, down <= TIE * size])
    lowest = np.where(empty, -np.inf, means).min(axis=0)
    highest = np.where(empty, np.inf, means).max(axis=0)
    reached = highest >= 0.0 if total < 0 else lowest <= 0.0
    return lowest, highest, reached


def _smallest(values: FloatArray, rank: int) -> float:
    """The rank-th smallest value, rank counted from 1."""
    return float(np.partition(values, rank - 1)[rank - 1])
