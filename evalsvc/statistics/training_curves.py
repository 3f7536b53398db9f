"""A metric along training, with bands, and the bias of choosing the best step on the test set."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.clusters import partition
from evalsvc.statistics.counts import FloatArray, check_one_k, check_problem_counts
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.intervals import Estimate, Metric, estimate
from evalsvc.statistics.sentences import points

RESAMPLES = 2_000
BLOCK = 50  # resamples at a time; RESAMPLES is a multiple of it


@dataclass(frozen=True, slots=True)
class StepCounts:
    """Counts of one checkpoint of a run: its step, and n and c per problem."""

    step: int
    n: ArrayLike
    c: ArrayLike


@dataclass(frozen=True, slots=True)
class CurvePoint:
    step: int
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class BestStep:
    """The best step and by how much its figure is too high; `warning` is empty for one step.

    optimism: expected excess of the best step's figure over its value on other problems of this
    kind, in fractions; 0 for one step.
    """

    step: int
    value: float
    optimism: float
    steps: int
    warning: str


def training_curve(
    steps: Sequence[StepCounts],
    k: int,
    *,
    metric: Metric = "pass@k",
    clusters: Sequence[object] | ArrayLike | None = None,
) -> tuple[CurvePoint, ...]:
    """The metric at each step with its two bands, by rising step."""
    ordered = _ordered(steps)
    return tuple(
        CurvePoint(s.step, estimate(s.n, s.c, k, metric=metric, clusters=clusters)) for s in ordered
    )


def best_step(
    steps: Sequence[StepCounts],
    k: int,
    *,
    clusters: Sequence[object] | ArrayLike | None = None,
    seed: int = 0,
) -> BestStep:
    """The step with the highest pass@k, and the bias of its figure from being chosen.

    All steps must have the same problems in the same order. The true figures are estimated by
    shrinking the observed ones to their mean, as far as chance explains their spread (James and
    Stein 1961); then whole clusters are resampled, the best step is chosen again each time, and its
    figure compared with the true one. Without the shrinking the spread of chance counts twice, and
    the bootstrap (Efron 1983) reports seven tenths of the optimism or less. StatisticsError: no
    steps, a step twice, different problems, k above n.

    >>> flat = [StepCounts(i, [4] * 20, [2] * 20) for i in range(3)]
    >>> best_step(flat, 1).optimism
    0.0
    """
    ordered = _ordered(steps)
    columns = []
    for one in ordered:
        samples, correct = check_problem_counts(one.n, one.c)
        columns.append(pass_at_k(samples, correct, check_one_k(k, samples)))
    if len({column.size for column in columns}) > 1:
        raise StatisticsError("the steps have different problems.", "Use those that all have.")
    groups = partition(clusters, columns[0].size)
    totals = groups.totals(np.column_stack(columns))
    values = totals.sum(axis=0) / groups.problems
    best = int(values.argmax())
    optimism = 0.0
    if len(ordered) > 1:
        noise = _resampled(totals, groups.sizes, np.random.default_rng(seed)) - values
        chosen = (_shrunk(values, noise) + noise).argmax(axis=1)
        excess = float(np.mean(noise[np.arange(RESAMPLES), chosen]))
        optimism = max(excess, 0.0)  # below 0 only by the chance of the draws
    warning = ""
    if len(ordered) > 1:
        warning = (
            f"Step {ordered[best].step} is the best of {len(ordered)} steps on the test set "
            f"itself: its figure is about {points(optimism)} points too high for that. "
            "Choose the step on other problems, or compare at a step fixed beforehand."
        )
    return BestStep(ordered[best].step, float(values[best]), optimism, len(ordered), warning)


def _shrunk(values: FloatArray, noise: FloatArray) -> FloatArray:
    """The figures shrunk to their mean by the share of their spread that noise explains."""
    deviations = values - values.mean()
    spread = float(deviations @ deviations)
    own = noise - noise.mean(axis=1, keepdims=True)  # shared noise does not change the order
    by_chance = float(np.mean(np.sum(own * own, axis=1)))
    kept = max(1.0 - by_chance / spread, 0.0) if spread > 0 else 0.0
    return np.asarray(values.mean() + kept * deviations, dtype=np.float64)


def _resampled(totals: FloatArray, sizes: FloatArray, generator: np.random.Generator) -> FloatArray:
    """The mean of each column of `totals` in each resample of whole clusters, of shape
    (RESAMPLES, columns). In blocks: all weights at once would be 80 MB for 5,000 problems."""
    clusters = len(sizes)
    chances = np.full(clusters, 1.0 / clusters)
    blocks = []
    for _ in range(RESAMPLES // BLOCK):
        weights = generator.multinomial(clusters, chances, BLOCK).astype(np.float64)
        blocks.append((weights @ totals) / (weights @ sizes)[:, None])
    return np.concatenate(blocks)


def _ordered(steps: Sequence[StepCounts]) -> list[StepCounts]:
    if not steps:
        raise StatisticsError("there are no steps.", "Give at least one evaluated checkpoint.")
    ordered = sorted(steps, key=lambda s: s.step)
    if len({s.step for s in ordered}) != len(ordered):
        raise StatisticsError("a step occurs twice.", "Give one evaluation per step of one run.")
    return ordered
