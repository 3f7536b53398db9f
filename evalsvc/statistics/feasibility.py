"""Whether any counts can give a printed pass@k curve: a linear program over the counts' shares.

Every curve of the unbiased estimator with n samples per problem is a mixture of n + 1 curves, one
per number of correct samples. Means over problems, runs and benchmarks of one n are such mixtures
too. So a printed curve that no mixture reaches within rounding was not computed that way: with
another n at some k, with another estimator, or rounded or copied by hand.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evalsvc.statistics.counts import FloatArray, check_k, integers
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k

MOST_SAMPLES = 4_096  # unknowns of the program
MOST_DECIMALS = 6
SETTLED = 1e-6  # points: below it a slack is within solver precision


@dataclass(frozen=True, slots=True)
class Feasibility:
    """feasible: some counts give all printed values within rounding.

    slack: by how many points beyond rounding the best counts still miss the worst of them; 0 where
    feasible. closest: k -> percent of those counts, unrounded.
    """

    feasible: bool
    slack: float
    closest: dict[int, float]


def feasibility(printed: Mapping[int, float], n: int = 256, decimals: int = 1) -> Feasibility:
    """Whether any counts out of n give the printed pass@k (k -> percent) within rounding.

    Are there shares w_0 .. w_n of problems with 0 .. n correct samples for which
    |sum_c w_c (1 - C(n-c, k)/C(n, k)) - printed_k| is at most half of the last printed digit at
    every k? The smallest common excess over that half is `slack`. StatisticsError for a k outside
    1..n, a percentage outside 0..100, no k at all.

    Examples:
        >>> feasibility({1: 10.0, 2: 25.0}).feasible
        False
    """
    ks, values, samples, half = _checked(printed, n, decimals)
    curves = np.stack([100.0 * pass_at_k(samples, np.arange(samples + 1), k) for k in ks])
    weights, slack = _closest(curves, values, half)
    reached = slack <= SETTLED
    closest = {k: float(curve @ weights) for k, curve in zip(ks, curves, strict=True)}
    return Feasibility(reached, 0.0 if reached else slack, closest)


def _closest(curves: FloatArray, values: FloatArray, half: float) -> tuple[FloatArray, float]:
    """The shares that miss the values by least, and the excess of their largest miss over half."""
    from scipy.optimize import linprog  # noqa: PLC0415 - 0.1 s that only this function needs

    unknowns = curves.shape[1]
    upper = np.column_stack([curves, -np.ones(values.size)])
    lower = np.column_stack([-curves, -np.ones(values.size)])
    found = linprog(
        c=np.append(np.zeros(unknowns), 1.0),
        A_ub=np.vstack([upper, lower]),
        b_ub=np.concatenate([values + half, half - values]),
        A_eq=np.append(np.ones(unknowns), 0.0)[None, :],
        b_eq=[1.0],
        bounds=[(0, None)] * (unknowns + 1),
        method="highs",
    )
    if not found.success:
        raise StatisticsError(f"the linear program was not solved: {found.message}")
    return np.asarray(found.x[:-1], dtype=np.float64), float(found.x[-1])


def _checked(
    printed: Mapping[int, float], n: int, decimals: int
) -> tuple[list[int], FloatArray, int, float]:
    samples, digits = integers(n, "n"), integers(decimals, "decimals")
    if samples.ndim or digits.ndim or not 1 <= samples <= MOST_SAMPLES or digits > MOST_DECIMALS:
        raise StatisticsError(
            f"n = {n} and decimals = {decimals} are not one n in 1..{MOST_SAMPLES} and at most "
            f"{MOST_DECIMALS} decimals."
        )
    if not printed:
        raise StatisticsError("nothing was printed.", "Give k -> percent for at least one k.")
    ks = [int(k) for k in check_k(sorted(printed), samples)]
    try:
        values = np.array([float(printed[k]) for k in ks])
    except (TypeError, ValueError) as error:
        raise StatisticsError("a printed value is not a number.", "Give percentages.") from error
    if not np.all((values >= 0) & (values <= 100)):
        raise StatisticsError("a printed value is outside 0..100.", "Give percentages.")
    return ks, values, int(samples), 0.5 * 10.0 ** -int(digits)
