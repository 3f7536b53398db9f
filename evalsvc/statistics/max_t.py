"""One test for a family of differences, and a simultaneous band that always agrees with it.

The signs of all clusters are flipped together for every column (Westfall & Young 1993, single
step): T_j = |sum_i d_ij| / sqrt(sum_i d_ij^2), and the law of max_j T_j under the flips gives the
p-values. Flips assume symmetry, so a column counts with the smaller of T_j and its skewness-
corrected t statistic. The flips are done twice with the same signs: on the data unchanged, which is
exact where both sides are equally good, and around the observed differences, which keeps the band
valid where they are not. The larger p-value and the wider band count: a band excludes 0 exactly
where its test rejects. docs/decisions/0210 has the simulations.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evalsvc.statistics.counts import FloatArray
from evalsvc.statistics.distributions import normal_above, normal_quantile
from evalsvc.statistics.paired_score import paired_score_interval
from evalsvc.statistics.studentised import Spread

Pair = tuple[float, float]

EXACT_CLUSTERS = 14  # up to this many that differ, all flips are enumerated
DRAWS = 4_999
DRAWS_PER_ALPHA = 20  # at a small alpha: the quantile rests on at least this many draws
BATCH = 500  # flips at a time: 500 x 5,000 float32 is 10 MB
NOTHING = 1e-9  # a difference below it is rounding
TIE = 1e-5  # of statistics that are sums of unit vectors: the precision of float32
# Bentkus & Dzindzalieta 2015: a sum of signs of unit variance exceeds x with chance at most this
# times a standard normal's.
TAIL_CONSTANT = 3.1787
RARE_DIFFERENCE = 0.3  # per problem, which a few problems may occasionally show
TINY = 1e-300  # below it a p-value has no normal deviate


@dataclass(frozen=True, slots=True)
class MaxTest:
    """p_value: that no column differs. adjusted: per column. band: simultaneous, per column.

    critical: the statistic that a column must exceed. exact: all flips were enumerated.
    """

    p_value: float
    adjusted: tuple[float, ...]
    band: tuple[Pair, ...]
    critical: float
    exact: bool


@dataclass(frozen=True, slots=True)
class _Reference:
    """The largest statistic of each flip, falling; `exact`: of all flips instead of a sample."""

    maxima: FloatArray
    exact: bool

    def p_values(self, observed: FloatArray) -> FloatArray:
        """Chance that the largest statistic reaches each of `observed`, never 0."""
        reached = np.searchsorted(-self.maxima, TIE - observed, side="right")
        if self.exact:
            return np.asarray(reached / self.maxima.size, dtype=np.float64)
        sampled = (1.0 + reached) / (self.maxima.size + 1.0)
        columns = observed.size
        bound = 2.0 * columns * TAIL_CONSTANT * normal_above(observed)
        return np.where(reached == 0, np.minimum(sampled, bound), sampled)

    def critical(self, alpha: float) -> float:
        """What a statistic must exceed by more than TIE to have a p-value of at most alpha."""
        size = self.maxima.size
        allowed = alpha * size if self.exact else alpha * (size + 1) - 1.0
        return float(self.maxima[min(int(allowed + 1e-9), size - 1)])


def max_t_test(
    totals: FloatArray, sizes: FloatArray, spreads: Sequence[Spread], alpha: float, seed: int
) -> MaxTest:
    """Test every column of `totals` (clusters, columns) at once, with a band for their means.

    totals: sums of the differences over each cluster. sizes: (clusters,) or (clusters, columns),
    what a shift of 1 adds to each. A column's mean is its total over the total of its sizes.
    spreads: the columns' means with their errors, for the studentised half.
    """
    weights = np.broadcast_to(sizes[:, None] if sizes.ndim == 1 else sizes, totals.shape)
    columns = [_Column(totals[:, j], weights[:, j], spread) for j, spread in enumerate(spreads)]
    flips = _statistics(totals)
    observed = np.array([column.least(t) for column, t in zip(columns, flips, strict=True)])
    residuals = totals - totals.sum(axis=0) / weights.sum(axis=0) * weights
    references = _references((totals, residuals), alpha, seed)
    adjusted = np.maximum(*(reference.p_values(observed) for reference in references))
    adjusted = np.where(observed > 0, adjusted, 1.0)
    critical = max(reference.critical(alpha) for reference in references) + TIE
    # With few clusters the flips' quantile may be low; a band is never narrower than a normal one.
    wide = max(critical, normal_quantile(1.0 - alpha / 2))
    band = [
        column.rejected_band(critical, wide) if t > critical else column.open_band(wide)
        for column, t in zip(columns, observed, strict=True)
    ]
    p_values = tuple(float(p) for p in adjusted)
    return MaxTest(min(p_values), p_values, tuple(band), critical, references[0].exact)


def _statistics(totals: FloatArray) -> FloatArray:
    """|sum d| / sqrt(sum d^2) per column; 0 where nothing differs."""
    norms = np.sqrt(np.sum(totals**2, axis=0))
    sums = np.abs(totals.sum(axis=0))
    return np.asarray(np.divide(sums, norms, out=np.zeros_like(sums), where=norms > 0))


def _references(families: Sequence[FloatArray], alpha: float, seed: int) -> tuple[_Reference, ...]:
    """Per family the law of its largest statistic when the signs of the clusters are random.

    The families share their flips; one with few clusters that differ is enumerated.
    """
    units = [_unit_columns(values) for values in families]
    made = {i: _enumerated(unit) for i, unit in enumerate(units)}
    drawn = [i for i, reference in made.items() if reference is None]
    if drawn:
        draws = max(DRAWS, int(np.ceil(DRAWS_PER_ALPHA / alpha)))
        maxima = _random_maxima([units[i] for i in drawn], draws, seed)
        made |= {
            i: _Reference(-np.sort(-found), exact=False)
            for i, found in zip(drawn, maxima, strict=True)
        }
    return tuple(reference for reference in made.values() if reference is not None)


def _unit_columns(values: FloatArray) -> FloatArray:
    """The columns that differ anywhere, each of length 1."""
    norms = np.sqrt(np.sum(values**2, axis=0))
    used = norms > NOTHING
    return np.asarray(values[:, used] / norms[used], dtype=np.float64)


def _enumerated(unit: FloatArray) -> _Reference | None:
    """All flips, or None where more than 14 clusters differ."""
    unit = unit[np.any(np.abs(unit) > NOTHING, axis=1)]
    if unit.size == 0:
        return _Reference(np.zeros(1), exact=True)
    if unit.shape[0] > EXACT_CLUSTERS:
        return None
    # One sign is fixed: a pattern and its mirror image have the same statistics.
    free = np.arange(2 ** (unit.shape[0] - 1))[:, None] >> np.arange(unit.shape[0] - 1) & 1
    maxima = np.abs(unit[0] + (1.0 - 2.0 * free) @ unit[1:]).max(axis=1)
    return _Reference(-np.sort(-maxima), exact=True)


def _random_maxima(units: Sequence[FloatArray], draws: int, seed: int) -> list[FloatArray]:
    """The largest statistic of each family at every draw of the signs."""
    values = np.ascontiguousarray(np.column_stack(units), dtype=np.float32)
    edges = np.cumsum([0, *(unit.shape[1] for unit in units)])
    sums, clusters = values.sum(axis=0), values.shape[0]
    random, width = np.random.default_rng(seed), -(-values.shape[0] // 8)
    maxima = np.empty((len(units), draws))
    for start in range(0, draws, BATCH):
        rows = min(BATCH, draws - start)
        packed = np.frombuffer(random.bytes(rows * width), dtype=np.uint8).reshape(rows, width)
        heads = np.unpackbits(packed, axis=1, count=clusters).astype(np.float32)
        statistics = np.abs(2.0 * (heads @ values) - sums)
        maxima[:, start : start + rows] = np.maximum.reduceat(statistics, edges[:-1], axis=1).T
    return list(maxima)


@dataclass(frozen=True, slots=True)
class _Column:
    """One column: totals and sizes of its clusters, and the spread of its mean."""

    totals: FloatArray
    weights: FloatArray
    spread: Spread

    @property
    def solved_or_not(self) -> bool:
        """Whether each problem is its own cluster and was gained, lost or neither."""
        values = np.isin(self.totals, (-1.0, 0.0, 1.0))
        return bool(np.all(self.weights == 1.0) and np.all(values))

    def least(self, flips: float) -> float:
        """The smaller of the flips' statistic and the studentised one, as a normal deviate."""
        if self.solved_or_not:
            return flips
        return min(flips, normal_quantile(1.0 - max(self.spread.p_value, TINY) / 2))

    def open_band(self, wide: float) -> Pair:
        """The band of a column that is not resolved: it contains 0."""
        low, high = self._interval(wide, self._rare)
        return max(min(low, 0.0), -1.0), min(max(high, 0.0), 1.0)

    def rejected_band(self, critical: float, wide: float) -> Pair:
        """The band of a resolved column: the end towards 0 is where the test stops rejecting."""
        near, far = self._interval(critical), self._interval(wide, self._rare)
        least = np.nextafter(0.0, 1.0)
        if self.totals.sum() > 0:
            return float(min(max(near[0], least), 1.0)), min(max(near[1], far[1]), 1.0)
        return max(min(near[0], far[0]), -1.0), float(max(min(near[1], -least), -1.0))

    @property
    def _rare(self) -> float:
        """Allowance in the sum of squares for an unseen cluster: like the largest residual."""
        residuals = self.totals - self.totals.sum() / self.weights.sum() * self.weights
        least = (RARE_DIFFERENCE * float(self.weights.mean())) ** 2
        return max(float(np.max(residuals**2)), least)

    def _interval(self, critical: float, extra: float = 0.0) -> Pair:
        """The shifts that one of the two statistics does not refuse at `critical`.

        extra: added to the flips' sum of squares.
        """
        level = 1.0 - 2.0 * float(normal_above(critical))
        if self.solved_or_not:
            gained, lost = int(np.sum(self.totals > 0)), int(np.sum(self.totals < 0))
            return paired_score_interval(gained, lost, self.totals.size, level)
        flips = _not_refused(self.totals, self.weights, critical, extra)
        pairs = flips, self.spread.interval(level)
        return min(low for low, _ in pairs), max(high for _, high in pairs)


def _not_refused(totals: FloatArray, weights: FloatArray, critical: float, extra: float) -> Pair:
    """Where (S - dM)^2 <= critical^2 (sum (t - dw)^2 + extra), a quadratic in d; around S/M."""
    whole, mass = float(totals.sum()), float(weights.sum())
    squared = critical**2
    curve = mass**2 - squared * float(weights @ weights)
    slope = whole * mass - squared * float(totals @ weights)
    constant = whole**2 - squared * (float(totals @ totals) + extra)
    root = slope**2 - curve * constant
    if root < 0 or curve == 0:
        return -1.0, 1.0
    ends = sorted(((slope - np.sqrt(root)) / curve, (slope + np.sqrt(root)) / curve))
    if curve > 0:
        return float(ends[0]), float(ends[1])
    return (float(ends[1]), 1.0) if whole / mass >= ends[1] else (-1.0, float(ends[0]))
