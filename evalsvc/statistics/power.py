"""Power of the paired test for a design: problems, samples per problem, runs per method.

The effect is a common shift of all log-odds. The variance of one problem's difference is what the
effect varies between problems plus the sampling noise of both sides; more samples only reduce the
second part, so beyond some n nothing is gained.
"""

from functools import lru_cache

import numpy as np

from evalsvc.statistics.counts import FloatArray, check_probability, integers
from evalsvc.statistics.difficulty import DifficultyLaw
from evalsvc.statistics.distributions import (
    binomial_above,
    binomial_at_most,
    binomial_chance,
    binomial_quantile,
    normal_quantile,
    t_beyond,
    t_quantile,
)
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import failure_table

POWER = 0.8  # the power that "detectable" means everywhere
FEW_PROBLEMS = 200  # up to here the power is simulated, above the t law is close enough
REPEATS = 4_000  # of a simulated design: a power is then accurate to about +-0.8 points
POOL = 100_000
SEED = 20_240_601  # fixed: the same plan every time, and neighbouring designs comparable


class Design:
    """Power as a function of problems, samples and runs, for one k and effect."""

    def __init__(
        self,
        law: DifficultyLaw,
        k: int,
        effect: float,
        alpha: float,
        *,
        effect_variance: float = 0.0,
        run_deviation: float = 0.0,
    ) -> None:
        check_probability(alpha, "alpha")
        self.k = int(integers(k, "k"))
        if self.k < 1 or not 0 < abs(effect) < 1:
            raise StatisticsError(
                f"k = {k} and effect = {effect} make no question.",
                "k is at least 1, the effect a fraction such as 0.05 for 5 points.",
            )
        self.effect, self.alpha, self.run_deviation = effect, alpha, run_deviation
        self.before = law
        self.after = law.shifted(effect, self.k)
        gains = self.after.pass_at_k(self.k) - self.before.pass_at_k(self.k)
        spread = float(self.before.weights @ (gains - effect) ** 2)
        self.between = max(spread, effect_variance)
        self._noise: dict[int, float] = {}

    def power(self, problems: int, samples: int, runs: int) -> float:
        if problems < 2 or samples < self.k or runs < 1:
            raise StatisticsError(
                f"{problems} problems, {samples} samples and {runs} runs cannot answer at "
                f"k = {self.k}.",
                "At least 2 problems, k samples and 1 run are needed.",
            )
        if samples == self.k and runs == 1:
            return self._indicator_power(problems)
        if problems <= FEW_PROBLEMS and runs == 1:
            return self._simulated_power(problems, samples)
        return self._power(problems, self.noise(samples), runs)

    def best_power(self, problems: int, runs: int) -> float:
        return self._power(problems, 0.0, runs)

    def noise(self, samples: int) -> float:
        """Sampling variance of one problem's difference, averaged over the problems."""
        if samples not in self._noise:
            sides = [law.sampling_variance(samples, self.k) for law in (self.before, self.after)]
            self._noise[samples] = float(self.before.weights @ (sides[0] + sides[1]))
        return self._noise[samples]

    def _power(self, problems: int, noise: float, runs: int) -> float:
        problem_part = (self.between + noise / runs) / problems
        if runs == 1:
            return _t_power(self.effect, problem_part, problems - 1, self.alpha)
        run_part, run_freedom = 2.0 * self.run_deviation**2 / runs, 2 * (runs - 1)
        total = problem_part + run_part
        share = problem_part**2 / (problems - 1) + run_part**2 / run_freedom
        freedom = total**2 / share if share > 0 else problems - 1
        return _t_power(self.effect, total, freedom, self.alpha)

    def _simulated_power(self, problems: int, samples: int) -> float:
        """Share of simulated repeats that the sign-flip test rejects.

        With few problems the differences are far from normal, and a t power is off by up to ten
        points. The flips' law is taken as normal with their own fourth cumulant, which gives
        the test's critical value to within a percent. At k = 1 sums are multiples of 2/n under
        the flips, and those that tie count against the difference: half a step is lost.
        """
        random = np.random.default_rng(SEED)
        pool = self._differences(samples, random)
        drawn = pool[random.integers(0, pool.size, (REPEATS, problems))]
        squares = drawn * drawn
        scale = np.sqrt(squares.sum(axis=1))
        quantile = normal_quantile(1 - self.alpha / 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            fourth = -2.0 * (squares * squares).sum(axis=1) / scale**4
            critical = quantile + (quantile**3 - 3 * quantile) / 24 * fourth
            half_step = 1.0 / samples if self.k == 1 else 0.0
            rejected = np.abs(drawn.sum(axis=1)) - half_step > critical * scale
        enough = np.sum(drawn != 0, axis=1) >= fewest_discordant(self.alpha)
        return float(np.mean(rejected & enough))

    def _differences(self, samples: int, random: np.random.Generator) -> FloatArray:
        """A pool of one problem's measured differences under the effect."""
        which = random.choice(self.before.rates.size, POOL, p=self.before.weights)
        values = 1.0 - failure_table(samples, self.k)
        before = values[random.binomial(samples, self.before.rates[which])]
        after = values[random.binomial(samples, self.after.rates[which])]
        # Heterogeneity that a pilot of both sides showed beyond the common shift.
        gains = self.after.pass_at_k(self.k) - self.before.pass_at_k(self.k)
        missing = self.between - float(self.before.weights @ (gains - self.effect) ** 2)
        extra = random.normal(0.0, np.sqrt(max(missing, 0.0)), POOL)
        return np.asarray(after - before + extra, dtype=np.float64)

    def _indicator_power(self, problems: int) -> float:
        """k = n: each problem is solved or not, the test is McNemar's, whose law is known."""
        before, after = self.before.pass_at_k(self.k), self.after.pass_at_k(self.k)
        wins = float(self.before.weights @ (after * (1 - before)))
        losses = float(self.before.weights @ (before * (1 - after)))
        return mcnemar_power(problems, wins, losses, self.alpha)


def _t_power(effect: float, variance: float, freedom: float, alpha: float) -> float:
    if variance <= 0:
        return 1.0
    critical = t_quantile(1 - alpha / 2, freedom)
    shift = abs(effect) / float(np.sqrt(variance))
    if shift > critical + 9.0:
        return 1.0
    return t_beyond(critical, freedom, shift)


def mcnemar_power(problems: int, wins: float, losses: float, alpha: float) -> float:
    """Chance that McNemar's exact test rejects at `alpha`, over all outcomes.

    wins, losses: chances in [0, 1] that a problem is solved by the candidate or the baseline only.

    >>> round(mcnemar_power(30, 0.25, 0.0, 0.05), 3)
    0.797
    """
    discordant = min(wins + losses, 1.0)
    low, high = (binomial_quantile(q, problems, discordant) for q in (1e-9, 1 - 1e-9))
    pairs = np.arange(int(low), int(high) + 1)
    weights = binomial_chance(pairs, problems, discordant)
    rejecting = binomial_quantile(1 - alpha / 2, pairs, 0.5) + 1.0
    share = wins / discordant if discordant > 0 else 0.5
    upper = binomial_above(rejecting - 1, pairs, share)
    lower = binomial_at_most(pairs - rejecting, pairs, share)
    return float(np.clip(weights @ (upper + lower), 0.0, 1.0))


@lru_cache(maxsize=4096)
def detectable_gain(problems: int, exchanged: int, alpha: float) -> float:
    """The smallest difference that McNemar's exact test sees with power 0.8; 1 where none is.

    exchanged: problems that are gained and as many that are lost whatever the difference, because
    both checkpoints vary at random. In (0, 1].

    >>> round(detectable_gain(30, 0, 0.05), 3)
    0.251
    """
    both = exchanged / problems
    low, high = 0.0, 1.0 - 2.0 * both
    if high <= 0 or mcnemar_power(problems, both + high, both, alpha) < POWER:
        return 1.0
    while high - low > 1e-3 * high:
        middle = (low + high) / 2
        enough = mcnemar_power(problems, both + middle, both, alpha) >= POWER
        low, high = (low, middle) if enough else (middle, high)
    return high


def fewest_discordant(alpha: float) -> int:
    """Fewest clusters that differ with which sign flips can reach `alpha`: 2 / 2^m <= alpha."""
    return int(np.ceil(1.0 - np.log2(alpha)))
