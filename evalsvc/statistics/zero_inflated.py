"""The zero-inflated beta-binomial law of counts, fitted by maximum likelihood to many data sets.

A share z of the problems is never solved; the others have success rates from Beta(a, b). Fitting
all bootstrap samples of one evaluation at once costs little more than fitting one.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import betainc, betaln, digamma, expit, logit, xlogy

from evalsvc.statistics.counts import FloatArray, IntArray

# Bounds of logit z, log a, log b: beyond them the law does not change in any figure.
BOUNDS = np.array([[-15.0, -7.0, -7.0], [15.0, 10.0, 10.0]])
STEPS = 80
HALVINGS = 6
RIDGE = 1e-6  # of the curvature's trace: where the data do not determine a direction
SETTLED = 1e-8  # of the likelihood per problem


@dataclass(frozen=True, slots=True)
class ZeroInflatedBeta:
    """Laws of the success rates, one per entry: 0 with chance `never`, else Beta(a, b)."""

    never: FloatArray
    a: FloatArray
    b: FloatArray

    def log_chances(self, n: IntArray, c: IntArray) -> FloatArray:
        """Log chance of one order of c right among n: (laws, counts)."""
        a, b = self.a[:, None], self.b[:, None]
        shaped = betaln(a + c, b + n - c) - betaln(a, b)
        never = self.never[:, None]
        mixed = np.log1p(-never) + shaped
        return np.asarray(
            np.where(c == 0, np.logaddexp(xlogy(1.0, never), mixed), mixed), dtype=np.float64
        )

    def never_given(self, n: IntArray, c: IntArray) -> FloatArray:
        """Chance that a problem with c of n right is never solved: (laws, counts)."""
        a, b, never = self.a[:, None], self.b[:, None], self.never[:, None]
        unsolved = np.exp(betaln(a, b + n) - betaln(a, b))
        return np.asarray(np.where(c == 0, never / (never + (1 - never) * unsolved), 0.0))

    def failure_moment(self, n: IntArray, c: IntArray, power: int) -> FloatArray:
        """Posterior mean of (1-p)^power given c of n right: (laws, counts)."""
        a, b = self.a[:, None] + c, self.b[:, None] + n - c
        moment = np.exp(betaln(a, b + power) - betaln(a, b))
        never = self.never_given(n, c)
        return np.asarray(never + (1 - never) * moment, dtype=np.float64)

    def reaches(self, n: IntArray, c: IntArray, threshold: float) -> FloatArray:
        """Posterior chance that p is at least `threshold` > 0, given c of n right."""
        a, b = self.a[:, None] + c, self.b[:, None] + n - c
        above = 1.0 - betainc(a, b, threshold)
        return np.asarray((1 - self.never_given(n, c)) * above, dtype=np.float64)


def fit_zero_inflated(
    n: IntArray, c: IntArray, weights: FloatArray, start: ZeroInflatedBeta | None = None
) -> ZeroInflatedBeta:
    """The likeliest law for each row of `weights` (data sets, counts) over the distinct (n, c).

    start: one law to begin from; without it the best of a coarse grid. Newton steps with the outer
    product of the scores for the curvature, shortened until the likelihood rises.
    """
    first = _coarse(n, c, weights.sum(axis=0)) if start is None else start
    parameters = np.repeat(_parameters(first), weights.shape[0], axis=0)
    values = _likelihood(parameters, n, c, weights)
    active = np.arange(weights.shape[0])
    for _ in range(STEPS):
        step = _direction(parameters[active], n, c, weights[active])
        moved, risen = _line_search(
            parameters[active], values[active], step, (n, c), weights[active]
        )
        gain = risen - values[active]
        parameters[active], values[active] = moved, risen
        active = active[gain > SETTLED * weights[active].sum(axis=1)]
        if active.size == 0:
            break
    return _law(parameters)


def _law(parameters: FloatArray) -> ZeroInflatedBeta:
    return ZeroInflatedBeta(
        expit(parameters[:, 0]), np.exp(parameters[:, 1]), np.exp(parameters[:, 2])
    )


def _parameters(law: ZeroInflatedBeta) -> FloatArray:
    stacked = np.column_stack([logit(law.never), np.log(law.a), np.log(law.b)])
    return np.clip(stacked, BOUNDS[0], BOUNDS[1])


def _likelihood(
    parameters: FloatArray, n: IntArray, c: IntArray, weights: FloatArray
) -> FloatArray:
    logs = _law(parameters).log_chances(n, c)
    return np.asarray(np.sum(weights * logs, axis=1), dtype=np.float64)


def _coarse(n: IntArray, c: IntArray, weights: FloatArray) -> ZeroInflatedBeta:
    """The best of some hundred laws that spread over all means, shapes and shares."""
    solved = c > 0
    mean = float(weights[solved] @ (c / n)[solved]) / max(float(weights[solved].sum()), 1.0)
    means = expit(logit(np.clip(mean, 1e-4, 1 - 1e-4)) + np.array([-3.0, -1.5, -0.5, 0.0, 0.5]))
    zeros = float(weights[~solved].sum() / weights.sum())
    shares = np.clip(zeros * np.array([0.02, 0.3, 0.7, 0.95]), 1e-4, 1 - 1e-4)
    sizes = np.exp(np.linspace(-1.5, 5.0, 8))
    grid = np.array([(z, m * s, (1 - m) * s) for z in shares for m in means for s in sizes])
    laws = ZeroInflatedBeta(grid[:, 0], grid[:, 1], grid[:, 2])
    best = int(np.argmax(laws.log_chances(n, c) @ weights))
    return ZeroInflatedBeta(*(grid[best : best + 1, i] for i in range(3)))


def _direction(parameters: FloatArray, n: IntArray, c: IntArray, weights: FloatArray) -> FloatArray:
    scores = _scores(_law(parameters), n, c)
    slope = np.einsum("bd,bdi->bi", weights, scores)
    curvature = np.einsum("bd,bdi,bdj->bij", weights, scores, scores, optimize=True)
    trace = np.trace(curvature, axis1=1, axis2=2)[:, None, None]
    curvature = curvature + (RIDGE * trace + 1e-9) * np.eye(3)
    return np.asarray(np.linalg.solve(curvature, slope[..., None])[..., 0], dtype=np.float64)


def _scores(law: ZeroInflatedBeta, n: IntArray, c: IntArray) -> FloatArray:
    """Derivatives of the log chances by logit z, log a and log b: (laws, counts, 3)."""
    a, b, never = law.a[:, None], law.b[:, None], law.never[:, None]
    common = digamma(a + b) - digamma(a + b + n)
    by_a = a * (digamma(a + c) - digamma(a) + common)
    by_b = b * (digamma(b + n - c) - digamma(b) + common)
    of_never = law.never_given(n, c)
    by_never = np.where(c == 0, of_never - never, -never)
    shaped = 1 - of_never
    return np.stack([by_never, shaped * by_a, shaped * by_b], axis=-1)


def _line_search(
    parameters: FloatArray,
    values: FloatArray,
    step: FloatArray,
    counts: tuple[IntArray, IntArray],
    weights: FloatArray,
) -> tuple[FloatArray, FloatArray]:
    """The longest of a few halvings of the step that raises each likelihood; else no step."""
    best, risen = parameters.copy(), values.copy()
    open_: NDArray[np.int64] = np.arange(values.size)
    for halving in range(HALVINGS + 1):
        tried = np.clip(parameters[open_] + step[open_] / 2**halving, BOUNDS[0], BOUNDS[1])
        reached = _likelihood(tried, *counts, weights[open_])
        better = reached > values[open_]
        best[open_[better]], risen[open_[better]] = tried[better], reached[better]
        open_ = open_[~better]
        if open_.size == 0:
            break
    return best, risen
