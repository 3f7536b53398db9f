"""Planning: how many samples, problems or runs it takes to see a difference, and at what cost.

A pilot gives the law of the problems' difficulty; the effect is a common shift of the log-odds.
The variance of one problem's difference is then what the effect varies between problems plus the
sampling noise of both sides, and the power that of the paired test at that variance. More samples
only reduce the second part: where the first is too large, no number of samples is enough.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.counts import check_problem_counts, integers
from evalsvc.statistics.difficulty import DifficultyLaw, fit_difficulty
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.power import Design
from evalsvc.statistics.sampling import SamplingNoise

MOST_SAMPLES = 16_384  # of one problem
MOST_PROBLEMS = 1_000_000
MOST_RUNS = 1_000
FEW_TELLING = 10  # right (or wrong) samples of a pilot; with fewer a plan is mostly assumption


@dataclass(frozen=True)
class Pilot:
    """Prior knowledge: the difficulty law, costs and spreads.

    effect_variance: how much true differences vary between problems beyond a common shift, from a
    pilot of both sides; 0 if unknown. run_deviation: standard deviation of a method's runs, as a
    fraction. tokens_per_sample and tokens_per_second: measured; 0 leaves costs out.
    """

    law: DifficultyLaw
    problems: int
    effect_variance: float = 0.0
    run_deviation: float = 0.0
    tokens_per_sample: float = 0.0
    tokens_per_second: float = 0.0
    telling: int = FEW_TELLING  # samples that fell to the rarer side, right or wrong


@dataclass(frozen=True, slots=True)
class Plan:
    """A design and what it achieves. `reached` is False where no design up to the limits does.

    power: of the two-sided paired test at `effect`. best_power: with unlimited samples on these
    problems. total_samples, tokens and hours: both sides, all runs.
    """

    k: int
    effect: float
    alpha: float
    problems: int
    samples: int
    runs: int
    power: float
    best_power: float
    reached: bool
    total_samples: int
    tokens: float
    hours: float
    sentence: str


def pilot(
    n: ArrayLike,
    c: ArrayLike,
    *,
    candidate_n: ArrayLike | None = None,
    candidate_c: ArrayLike | None = None,
    k: int = 1,
    run_deviation: float = 0.0,
    tokens_per_sample: float = 0.0,
    tokens_per_second: float = 0.0,
) -> Pilot:
    """A pilot from stored counts of the baseline and, where there are any, of a candidate.

    n, c: one per problem. k: at which the candidate's differences are judged. run_deviation: a
    fraction of 1. StatisticsError on bad counts, on negative costs, and where all samples are wrong
    or all right: such a pilot does not show how close any problem is to changing.

    >>> pilot([16] * 30, [1] * 30).problems
    30
    """
    samples, correct = check_problem_counts(n, c)
    solved, total = int(correct.sum()), int(samples.sum())
    if solved in (0, total):
        raise StatisticsError(
            f"the pilot solved {solved:,} of {total:,} samples, which says nothing about how far "
            "its problems are from changing.",
            "Pilot with more samples, or on problems of which some are solved.",
        )
    if min(run_deviation, tokens_per_sample, tokens_per_second) < 0:
        raise StatisticsError("deviations, tokens and rates must not be negative.")
    variance = 0.0
    if candidate_n is not None and candidate_c is not None:
        variance = _effect_variance((samples, correct), (candidate_n, candidate_c), k)
    return Pilot(
        law=fit_difficulty(samples, correct),
        problems=samples.size,
        effect_variance=variance,
        run_deviation=run_deviation,
        tokens_per_sample=tokens_per_sample,
        tokens_per_second=tokens_per_second,
        telling=min(solved, total - solved),
    )


def plan_power(
    known: Pilot,
    k: int,
    effect: float,
    *,
    samples: int,
    problems: int | None = None,
    runs: int = 1,
    alpha: float = 0.05,
) -> Plan:
    """Power of a given design. problems: by default the pilot's. runs: per method.

    With runs = 1 this is the comparison of two checkpoints; the runs' spread then plays no part.
    """
    design = _design(known, k, effect, alpha)
    number = known.problems if problems is None else problems
    return _plan(
        known, design, int(integers(number, "problems")), int(integers(samples, "samples")), runs
    )


def plan_samples(
    known: Pilot,
    k: int,
    effect: float,
    *,
    problems: int | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Plan:
    """Fewest samples per problem (at least k) that detect `effect` with this power."""
    design = _design(known, k, effect, alpha)
    number = known.problems if problems is None else int(integers(problems, "problems"))
    needed = _smallest(k, MOST_SAMPLES, lambda n: design.power(number, n, 1) >= power)
    return _plan(known, design, number, needed or MOST_SAMPLES, 1, reached=needed is not None)


def plan_problems(
    known: Pilot,
    k: int,
    effect: float,
    *,
    samples: int,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Plan:
    """Fewest problems of this kind that detect `effect` with `samples` samples each."""
    design = _design(known, k, effect, alpha)
    needed = _smallest(2, MOST_PROBLEMS, lambda m: design.power(m, samples, 1) >= power)
    return _plan(known, design, needed or MOST_PROBLEMS, samples, 1, reached=needed is not None)


def plan_runs(
    known: Pilot,
    k: int,
    effect: float,
    *,
    samples: int,
    problems: int | None = None,
    alpha: float = 0.05,
    power: float = 0.8,
) -> Plan:
    """Fewest training runs per method (at least 2) that detect `effect` between two methods."""
    design = _design(known, k, effect, alpha)
    number = known.problems if problems is None else int(integers(problems, "problems"))
    needed = _smallest(2, MOST_RUNS, lambda r: design.power(number, samples, r) >= power)
    return _plan(known, design, number, samples, needed or MOST_RUNS, reached=needed is not None)


def _design(known: Pilot, k: int, effect: float, alpha: float) -> Design:
    return Design(
        known.law,
        k,
        effect,
        alpha,
        effect_variance=known.effect_variance,
        run_deviation=known.run_deviation,
    )


def _plan(
    known: Pilot, design: Design, problems: int, samples: int, runs: int, *, reached: bool = True
) -> Plan:
    power = design.power(problems, samples, runs)
    total = 2 * runs * problems * samples
    tokens = total * known.tokens_per_sample
    rate = known.tokens_per_second
    what = f"{100 * design.effect:+.1f} points of pass@{design.k}"
    words = f"{problems:,} problems, {samples:,} samples each"
    words += f", {runs} runs per method" if runs > 1 else ""
    sentence = f"{words}: {what} are detected in {power:.0%} of repeats."
    if not reached:
        sentence = f"{what} stay out of reach: even {words} detect them in {power:.0%} of repeats."
    if known.telling < FEW_TELLING:
        sentence += (
            f" The pilot has only {known.telling} samples that are not like all others, so this "
            "rests on the assumed shift more than on data."
        )
    return Plan(
        k=design.k,
        effect=design.effect,
        alpha=design.alpha,
        problems=problems,
        samples=samples,
        runs=runs,
        power=power,
        best_power=design.best_power(problems, runs),
        reached=reached,
        total_samples=total,
        tokens=tokens,
        hours=tokens / rate / 3600.0 if rate > 0 else 0.0,
        sentence=sentence,
    )


def _effect_variance(
    before: tuple[ArrayLike, ArrayLike], after: tuple[ArrayLike, ArrayLike], k: int
) -> float:
    """Variance of true differences between problems: observed spread less the sampling noise."""
    noise, values = 0.0, []
    for n, c in (before, after):
        samples, correct = check_problem_counts(n, c)
        values.append(pass_at_k(samples, correct, k))
        noise += float(SamplingNoise(samples, correct).variances(k).mean())
    if values[0].size != values[1].size:
        raise StatisticsError("the pilots have different problems.", "Use what both have.")
    if values[0].size < 2:
        return 0.0
    return max(float(np.var(values[1] - values[0], ddof=1)) - noise, 0.0)


def _smallest(low: int, high: int, enough: Callable[[int], bool]) -> int | None:
    """Smallest whole number in [low, high] that is enough, by doubling then bisection."""
    top = low
    while not enough(top):
        if top >= high:
            return None
        low, top = top, min(2 * top, high)
    while top - low > 1:
        middle = (low + top) // 2
        low, top = (low, middle) if enough(middle) else (middle, top)
    return top
