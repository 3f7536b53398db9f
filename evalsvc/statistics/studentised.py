"""The studentised half of a comparison: a clustered t test and interval, corrected for skewness.

Sign flips ask whether differences stray up as often as down, which unequal gains do not; this part
tests the mean alone. The t statistic is straightened by Hall's cubic transformation (Journal of the
Royal Statistical Society B 54, 1992, 221-228), the closed form of what a bootstrap-t corrects for,
so that p-value and interval are one formula and no draws limit how small the p-value can be.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from evalsvc.statistics.clusters import Partition
from evalsvc.statistics.counts import FloatArray
from evalsvc.statistics.distributions import t_above, t_quantile

RARE_CLUSTER = 0.3  # by simulation, as the next: docs/decisions/0200
RARE_DIFFERENCE = 0.3  # per problem of a cluster, which a few problems may occasionally show
RARE_FROM = 0.25  # of k/n: below it all problems show what they differ by, the less so the rarer
SLIGHT_SKEW = 1e-6  # of the mean: below it the transformation is the identity

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Spread:
    """A mean difference, its standard error, the skewness of that mean, and the freedom of t.

    error is 0 where no cluster differs, freedom 0 for one cluster. skewness: third cumulant of the
    mean over error cubed; that of one cluster's difference over the root of their number.
    """

    difference: float
    error: float
    skewness: float
    freedom: float

    @property
    def p_value(self) -> float:
        """Two-sided, of no difference; 1 where the spread is unknown."""
        if self.freedom < 1 or self.error == 0.0:
            return 1.0
        return min(
            2.0 * t_above(abs(self._straight(self.difference / self.error)), self.freedom), 1.0
        )

    def above(self, bound: float) -> float:
        """One-sided p-value of "the difference is at most `bound`"."""
        if self.freedom < 1:
            return 1.0
        if self.error == 0.0:
            return t_above(self._rare(bound), self.freedom)
        return t_above(self._straight((self.difference - bound) / self.error), self.freedom)

    def below(self, bound: float) -> float:
        """One-sided p-value of "the difference is at least `bound`"."""
        mirrored = Spread(-self.difference, self.error, -self.skewness, self.freedom)
        return mirrored.above(-bound)

    def interval(self, level: float) -> Pair:
        """The differences that the test does not reject, not yet cut to [-1, 1].

        Where no cluster differs the data still allow rare ones: then Wilson's bound for 0 of C.
        """
        if self.freedom < 1:
            return -1.0, 1.0
        quantile = t_quantile(0.5 + level / 2, self.freedom)
        if self.error == 0.0:
            half = quantile**2 / (self.freedom + 1 + quantile**2)
            return -half, half
        low, high = (self.difference - self.error * self._bent(q) for q in (quantile, -quantile))
        return low, high

    def _straight(self, t: float) -> float:
        """Hall's transformation of the t statistic: nearly symmetric about 0, always rising."""
        k = self.skewness
        return t + k * t * t / 3.0 + k * k * t**3 / 27.0 + k / 6.0

    def _bent(self, straight: float) -> float:
        """The t statistic that `_straight` takes there."""
        k = self.skewness
        if abs(k) < SLIGHT_SKEW:
            return straight - k / 6.0
        return float(3.0 / k * (np.cbrt(1.0 + k * (straight - k / 6.0)) - 1.0))

    def _rare(self, bound: float) -> float:
        """Wilson's bound for 0 of C solved for its quantile."""
        clusters, margin = self.freedom + 1, min(-bound, 1.0)
        return (
            0.0
            if margin <= 0
            else sqrt(clusters * margin / (1.0 - margin))
            if margin < 1
            else np.inf
        )


def rare_difference(k: int, n: int) -> float:
    """How much an unseen problem may differ, at pass@k of n samples: little where k is far below n.

    >>> rare_difference(1, 256) < 0.005 < rare_difference(64, 256)
    True
    """
    return RARE_DIFFERENCE * min(k / (RARE_FROM * n), 1.0)


def spread_of(
    totals: FloatArray, groups: Partition, rare_problem: float = RARE_DIFFERENCE
) -> Spread:
    """The spread of the mean over problems from cluster sums of the differences.

    A cluster with 0.3 of the largest squared residual is added to the variance: where few clusters
    carry the whole difference the observed spread misses unseen ones, and a plain t interval covers
    too little. That residual is taken as `rare_problem` a problem at least, for where all observed
    ones differ by little.
    """
    difference = float(totals.sum()) / groups.problems
    if groups.count < 2:
        return Spread(difference, 0.0, 0.0, 0.0)
    freedom = groups.count - 1.0
    if not np.any(totals):
        return Spread(0.0, 0.0, 0.0, freedom)
    residuals = totals - difference * groups.sizes
    squares = residuals * residuals
    rare = max(float(squares.max()), (rare_problem * groups.problems / groups.count) ** 2)
    variance = groups.count / freedom * float(squares.sum()) + RARE_CLUSTER * rare
    skewness = float((squares * residuals).sum()) / variance**1.5
    return Spread(difference, sqrt(variance) / groups.problems, skewness, freedom)


def weighted_sum(spreads: Sequence[Spread], weights: Sequence[float]) -> Spread:
    """The spread of sum_b w_b difference_b over independent benchmarks, Satterthwaite's freedom."""
    pairs = list(zip(spreads, weights, strict=True))
    difference = sum(w * s.difference for s, w in pairs)
    variances = [(w * s.error) ** 2 for s, w in pairs]
    variance = sum(variances)
    if min(s.freedom for s in spreads) < 1:
        return Spread(difference, 0.0, 0.0, 0.0)
    if variance == 0.0:
        return Spread(difference, 0.0, 0.0, sum(s.freedom for s in spreads))
    third = sum(s.skewness * (w * s.error) ** 3 for s, w in pairs)
    share = sum(v * v / s.freedom for v, (s, _) in zip(variances, pairs, strict=True))
    return Spread(difference, sqrt(variance), third / variance**1.5, variance**2 / share)
