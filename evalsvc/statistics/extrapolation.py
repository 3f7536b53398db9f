"""pass@K above the samples drawn, and how many problems are solved reliably, from a fitted law.

The law is the zero-inflated beta-binomial of `zero_inflated`. Two distinct bands: `fixed` is about
these very problems, the other about problems of this kind. Both include the uncertainty of the fit,
by a bootstrap over clusters of problems. docs/statistics.md has the simulated coverage.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.clusters import Partition, partition
from evalsvc.statistics.counts import (
    BoolArray,
    FloatArray,
    IntArray,
    check_probability,
    check_problem_counts,
    distinct_pairs,
    integers,
)
from evalsvc.statistics.distributions import t_quantile
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.intervals import wilson
from evalsvc.statistics.zero_inflated import fit_zero_inflated

Pair = tuple[float, float]

FEWEST_PROBLEMS = 5
FEWEST_SAMPLES = 4
REPLICATES = 400
LARGEST_K = 1_000_000


@dataclass(frozen=True, slots=True)
class Extrapolation:
    """A figure in fractions of 1 with two bands.

    interval: for problems of this kind. interval_fixed: for these problems: what they would show.
    extrapolated: some problem has fewer than k samples, so that the law decides. sentence: what the
    figure rests on.
    """

    k: int
    value: float
    interval: Pair
    interval_fixed: Pair
    extrapolated: bool
    problems: int
    clusters: int
    level: float
    sentence: str


@dataclass(frozen=True, slots=True)
class CoverAtTau:
    """Share of problems solved with at least probability `tau`, with the same two bands."""

    tau: float
    value: float
    interval: Pair
    interval_fixed: Pair
    level: float


def extrapolate_pass_at_k(
    n: ArrayLike,
    c: ArrayLike,
    k: int,
    *,
    clusters: Sequence[object] | ArrayLike | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> Extrapolation:
    """pass@k for a k above the samples at hand (at most n is also allowed), with its bands.

    A problem that was solved counts 1 at any k >= n. One that was not counts with the chance that
    k - n more samples solve it, under the fitted law given its n failures. `interval_fixed` is
    where the pass@k of these problems falls once the other samples are drawn; `interval` is for the
    mean over problems of this kind. StatisticsError with fewer than 5 problems or fewer than 4
    samples of each: then no law can be fitted.

    Source: zero-inflated beta-binomial by maximum likelihood, after Kazdan et al. 2025
    (arXiv 2510.05197).

    Examples:
        >>> made = extrapolate_pass_at_k([16] * 40, [0] * 20 + [1, 2, 4, 8, 16] * 4, 64)
        >>> 0.5 < made.value < 0.8
        True
    """
    return FittedDifficulty(n, c, clusters=clusters, level=level, seed=seed).pass_at(k)


def cover_at_tau(
    n: ArrayLike,
    c: ArrayLike,
    tau: float,
    *,
    clusters: Sequence[object] | ArrayLike | None = None,
    level: float = 0.95,
    seed: int = 0,
) -> CoverAtTau:
    """Share of problems whose success rate is at least `tau`: the mean of P(p >= tau | c, n).

    Counting c/n >= tau is biased near tau; this averages each problem's posterior under the fitted
    law. It separates a model that solves more problems from one that is only luckier: pass@k is an
    average of this share over tau. Source: Cover@tau (arXiv 2510.08325).
    """
    return FittedDifficulty(n, c, clusters=clusters, level=level, seed=seed).cover(tau)


class FittedDifficulty:
    """The law fitted to one evaluation, once, for figures at many k and tau."""

    def __init__(
        self,
        n: ArrayLike,
        c: ArrayLike,
        *,
        clusters: Sequence[object] | ArrayLike | None = None,
        level: float = 0.95,
        seed: int = 0,
    ) -> None:
        samples, correct = check_problem_counts(n, c)
        if samples.size < FEWEST_PROBLEMS or int(samples.max()) < FEWEST_SAMPLES:
            raise StatisticsError(
                f"{samples.size} problems with at most {int(samples.max())} samples do not tell how"
                " difficult problems of this kind are.",
                f"It takes {FEWEST_PROBLEMS} problems and {FEWEST_SAMPLES} samples of a problem.",
            )
        self._level, self._seed = check_probability(level, "level"), seed
        self._groups = partition(clusters, samples.size)
        self._samples, self._correct = samples, correct
        self._n, self._c, self._times, self._pair_of = distinct_pairs(samples, correct)
        once = self._times[None].astype(np.float64)
        law = fit_zero_inflated(self._n, self._c, once)
        self._weights = _resampled(self._groups, self._pair_of, self._times, seed)
        # Row 0 is the original data, the others are bootstrap samples.
        self._laws = fit_zero_inflated(self._n, self._c, np.vstack([once, self._weights]), law)

    def pass_at(self, k: int) -> Extrapolation:
        """`extrapolate_pass_at_k` at one k."""
        one_k = integers(k, "k")
        if one_k.ndim or not 1 <= one_k <= LARGEST_K:
            raise StatisticsError(f"k = {k} is not one number in 1..{LARGEST_K:,}.")
        k = int(one_k)
        known = k <= self._n
        chances = np.zeros((self._laws.a.size, self._n.size))
        for pair in np.flatnonzero(known):
            chances[:, pair] = pass_at_k(int(self._n[pair]), int(self._c[pair]), k)
        for more in np.unique(k - self._n[~known]):
            here = ~known & (k - self._n == more)
            chances[:, here] = 1 - self._laws.failure_moment(
                self._n[here], self._c[here], int(more)
            )
            chances[:, here & (self._c > 0)] = 1.0
        value, interval, fixed = self._figure(chances, ~known & (self._c == 0))
        if not known.all():
            least, most = self.unseen(k)
            interval = min(interval[0], least), max(interval[1], most)
            fixed = fixed[0], max(fixed[1], most)
        return Extrapolation(
            k=k,
            value=value,
            interval=interval,
            interval_fixed=fixed,
            extrapolated=not known.all(),
            problems=self._groups.problems,
            clusters=self._groups.count,
            level=self._level,
            sentence=self._sentence(k, value, interval, fixed, extrapolated=not known.all()),
        )

    def cover(self, tau: float) -> CoverAtTau:
        """`cover_at_tau` at one tau."""
        check_probability(tau, "tau")
        chances = self._laws.reaches(self._n, self._c, tau)
        value, interval, fixed = self._figure(chances, np.ones(self._n.size, dtype=bool))
        return CoverAtTau(float(tau), value, interval, fixed, self._level)

    def posterior(self, k: int) -> tuple[float, float]:
        """Mean and standard deviation of the problems' mean 1-(1-p)^k, given their counts.

        The deviation includes the uncertainty of each problem and of the law.
        """
        first = self._laws.failure_moment(self._n, self._c, k)
        second = self._laws.failure_moment(self._n, self._c, 2 * k)
        shares = self._times / self._times.sum()
        means = 1.0 - first @ shares
        inner = np.maximum(second[0] - first[0] ** 2, 0.0) @ self._times
        variance = float(inner) / float(self._times.sum()) ** 2 + float(np.var(means[1:]))
        return float(means[0]), float(np.sqrt(variance))

    def _figure(self, chances: FloatArray, open_: BoolArray) -> tuple[float, Pair, Pair]:
        """Mean of the first law's chances, and the bands. `open_`: counts not decided yet."""
        value = float(chances[0] @ self._times) / self._groups.problems
        sampled = np.sum(self._weights * chances[1:], axis=1) / self._weights.sum(axis=1)
        return value, self._population(value, float(np.var(sampled))), self._these(chances, open_)

    def _population(self, value: float, variance: float) -> Pair:
        """Wilson's interval at the bootstrap's variance, with one worst-case cluster added."""
        if self._groups.count < 2:
            return 0.0, 1.0
        problems, sizes = self._groups.problems, self._groups.sizes
        padded = (value * problems + 0.5) / (problems + 1.0)
        variance += padded * (1.0 - padded) * float(np.mean(sizes**2)) / problems**2
        trials = value * (1.0 - value) / variance if 0 < value < 1 else float(self._groups.count)
        return wilson(value, trials, t_quantile(0.5 + self._level / 2, self._groups.count - 1))

    def _these(self, chances: FloatArray, open_: BoolArray) -> Pair:
        """Quantiles of the mean over these problems, each of the open ones 0 or 1 by its chance."""
        random = np.random.default_rng([self._seed, 2])
        decided = chances[1:, ~open_] @ self._times[~open_]
        drawn = random.binomial(self._times[open_], np.clip(chances[1:, open_], 0.0, 1.0))
        sums = (decided + drawn.sum(axis=1)) / self._groups.problems
        tail = (1.0 - self._level) / 2
        low = float(np.quantile(sums, tail, method="lower"))
        return low, float(np.quantile(sums, 1.0 - tail, method="higher"))

    def unseen(self, k: int) -> Pair:
        """Bounds for counts that are all 0, or all n: bounds of the mean of 1-(1-p)^k.

        No bootstrap shows it. Where nothing was solved, the mean success rate has an exact upper
        bound, and 1-(1-p)^k is concave in p; where nothing failed, 1-(1-p)^k is at least p. (1, 0)
        otherwise: no bound.
        """
        rate = 1.0 - ((1.0 - self._level) / 2) ** (1.0 / float(self._samples.sum()))
        if not self._correct.any():
            return 0.0, float(-np.expm1(k * np.log1p(-rate)))
        if np.array_equal(self._correct, self._samples):
            return 1.0 - rate, 1.0
        return 1.0, 0.0

    def _sentence(
        self, k: int, value: float, interval: Pair, fixed: Pair, *, extrapolated: bool
    ) -> str:
        figure = f"pass@{k} is {100 * value:.1f}%"
        if not extrapolated:
            return f"{figure}, estimated from the samples; nothing is extrapolated."
        unsolved = int(np.sum((self._correct == 0) & (self._samples < k)))
        return (
            f"{figure} by extrapolation ({100 * self._level:g}% band for these problems "
            f"{100 * fixed[0]:.1f} to {100 * fixed[1]:.1f}, for problems of this kind "
            f"{100 * interval[0]:.1f} to {100 * interval[1]:.1f}): {unsolved} of "
            f"{self._groups.problems} problems were not solved yet, and how many will be rests on "
            "a fitted law of difficulty."
        )

    @property
    def parameters(self) -> tuple[float, float, float]:
        """(share never solved, a, b) of the fitted law."""
        return float(self._laws.never[0]), float(self._laws.a[0]), float(self._laws.b[0])


def _resampled(groups: Partition, pair_of: IntArray, times: IntArray, seed: int) -> FloatArray:
    """Bootstrap over clusters: how often each distinct (n, c) was drawn, (REPLICATES, pairs)."""
    random = np.random.default_rng([seed, 1])
    if groups.count == groups.problems:
        drawn = random.multinomial(groups.problems, times / times.sum(), REPLICATES)
        return drawn.astype(np.float64)
    incidence = np.zeros((groups.count, times.size))
    np.add.at(incidence, (groups.index, pair_of), 1.0)
    even = np.full(groups.count, 1.0 / groups.count)
    return np.asarray(random.multinomial(groups.count, even, REPLICATES) @ incidence)
