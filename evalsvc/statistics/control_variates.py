"""Fewer problems for the same answer: a subset corrected by other checkpoints' results on all.

A subset may be easier than the benchmark. Where other checkpoints' pass rates are known on all of
its problems, their difference between subset and benchmark shows by how much, and a regression
removes it (control variates). Their spread is then no longer in the interval.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.counts import BoolArray, FloatArray, check_probability
from evalsvc.statistics.distributions import t_quantile
from evalsvc.statistics.errors import StatisticsError

Pair = tuple[float, float]
SPARE = 3  # problems of the subset beyond one per coefficient that a spread needs
FLAT = 1e-12  # of the largest spread: below it a covariate is uninformative


@dataclass(frozen=True, slots=True)
class SubsetEstimate:
    """A figure of the whole benchmark from some of its problems, in the values' unit.

    raw: the subset's mean. corrected: after the control variates. Both intervals are for the mean
    over all `problems`, assuming that the subset is effectively random. saved: the share of the
    subset's problems that the correction is worth: 1 - (corrected error / raw error)^2.
    """

    raw: float
    raw_interval: Pair
    corrected: float
    corrected_interval: Pair
    coefficients: tuple[float, ...]
    saved: float
    evaluated: int
    problems: int
    level: float


def subset_estimate(
    values: ArrayLike,
    evaluated: ArrayLike,
    known: ArrayLike,
    *,
    level: float = 0.95,
) -> SubsetEstimate:
    """Mean over a benchmark of `values`, known on a subset only, by control variates.

    values: one per evaluated problem, e.g. pass@k or a paired difference. evaluated: a mask over
    all problems, or the evaluated problems' indices, in the order of `values`. known: other
    checkpoints' pass rates on all problems, (problems,) or (problems, checkpoints).
    corrected = mean(v) - beta (mean(x, evaluated) - mean(x, all)), beta by least squares; errors
    with the finite-population factor 1 - m/M, so that nothing is uncertain once all are evaluated.
    StatisticsError where the subset is too small for the number of checkpoints.

    Example:
        >>> x = [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 0.1, 0.9]
        >>> made = subset_estimate(x[:6], range(6), x)
        >>> round(made.raw, 3), round(made.corrected, 3)
        (0.5, 0.5)
    """
    check_probability(level, "level")
    given, chosen, covariates = _checked(values, evaluated, known)
    inside = covariates[chosen]
    centred = inside - inside.mean(axis=0)
    deviations = given - given.mean()
    useful = np.ptp(inside, axis=0) > FLAT
    coefficients = np.zeros(covariates.shape[1])
    if useful.any():
        coefficients[useful] = np.linalg.lstsq(centred[:, useful], deviations, rcond=None)[0]
    raw = float(given.mean())
    shift = float(coefficients @ (inside.mean(axis=0) - covariates.mean(axis=0)))
    left = deviations - centred @ coefficients
    used = int(useful.sum())
    spread = float(left @ left) / (given.size - 1 - used)
    # The subset's distance from the benchmark enters the error of the coefficients.
    gap = (inside.mean(axis=0) - covariates.mean(axis=0))[useful]
    leverage = float(gap @ np.linalg.pinv(centred[:, useful].T @ centred[:, useful]) @ gap)
    share = 1.0 - given.size / chosen.size
    raw_error = float(np.sqrt(given.var(ddof=1) / given.size * share))
    error = float(np.sqrt(spread * (share / given.size + leverage)))
    corrected = raw - shift
    return SubsetEstimate(
        raw=raw,
        raw_interval=_interval(raw, raw_error, given.size - 1, level),
        corrected=corrected,
        corrected_interval=_interval(corrected, error, given.size - 1 - used, level),
        coefficients=tuple(float(b) for b in coefficients),
        saved=max(1.0 - (error / raw_error) ** 2, 0.0) if raw_error > 0 else 0.0,
        evaluated=given.size,
        problems=chosen.size,
        level=level,
    )


def _checked(
    values: ArrayLike, evaluated: ArrayLike, known: ArrayLike
) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Values in the order of the problems, the mask, and the covariates (problems, checkpoints)."""
    try:
        given = np.atleast_1d(np.asarray(values, dtype=np.float64))
        covariates = np.asarray(known, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise StatisticsError("values and known must be numbers.", "Give pass rates.") from error
    covariates = covariates[:, None] if covariates.ndim == 1 else covariates
    if (
        given.ndim != 1
        or covariates.ndim != 2
        or not (np.all(np.isfinite(given)) and np.all(np.isfinite(covariates)))
    ):
        raise StatisticsError(
            "values must be one finite number per evaluated problem, known one per problem and "
            "checkpoint.",
            "Leave out checkpoints that were not evaluated on all problems.",
        )
    order, chosen = _mask(np.asarray(evaluated), covariates.shape[0])
    needed = covariates.shape[1] + 1 + SPARE
    if order.size != given.size or given.size < needed:
        raise StatisticsError(
            f"{given.size} values for {order.size} evaluated problems; {needed} are needed for "
            f"{covariates.shape[1]} checkpoints.",
            "Evaluate more problems or use fewer checkpoints.",
        )
    return given[np.argsort(order)], chosen, covariates


def _mask(evaluated: np.typing.NDArray[np.generic], problems: int) -> tuple[FloatArray, BoolArray]:
    """The evaluated problems' indices in the order given, and as a mask."""
    if evaluated.dtype == np.bool_ and evaluated.shape == (problems,):
        return np.flatnonzero(evaluated).astype(np.float64), evaluated.astype(np.bool_)
    if evaluated.ndim != 1 or evaluated.dtype.kind not in "iu":
        raise StatisticsError("evaluated is no mask over all problems and no list of indices.")
    indices = evaluated.astype(np.int64)
    if indices.size != np.unique(indices).size or np.any((indices < 0) | (indices >= problems)):
        raise StatisticsError(f"an index occurs twice or is not in 0..{problems - 1}.")
    chosen = np.zeros(problems, dtype=np.bool_)
    chosen[indices] = True
    return indices.astype(np.float64), chosen


def _interval(mean: float, error: float, freedom: int, level: float) -> Pair:
    half = t_quantile(0.5 + level / 2, freedom) * error
    return mean - half, mean + half
