"""A metric's figure for one evaluation, and its paired comparison of two."""

from dataclasses import dataclass

import numpy as np

from evalsvc.statistics.clusters import partition
from evalsvc.statistics.comparison import Comparison, compare_values
from evalsvc.statistics.counts import FloatArray
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.intervals import clustered_interval
from evalsvc.statistics.metrics.definition import (
    MetricDefinition,
    MetricEstimate,
    Pair,
    SampledProblems,
)
from evalsvc.statistics.thinning import thinned

LEVEL = 0.95
ROUNDING = 1e-9  # a value may leave the range by this much


@dataclass(frozen=True)
class MetricFigure:
    """One figure of one evaluation, in the metric's unit.

    name: the metric with its k, as in "pass@16". k: null for a metric without k. interval_fixed:
    sampling noise on these problems; interval_population: other problems of this kind; null where
    the metric has none. indicator: k = n, each problem counts as solved or not.
    """

    metric: str
    name: str
    k: int | None
    value: float
    unit: str
    higher_is_better: bool | None
    interval_fixed: Pair | None
    interval_population: Pair | None
    problems: int
    clusters: int
    samples: int
    indicator: bool


def metric_figure(
    metric: MetricDefinition, problems: SampledProblems, k: int | None = None
) -> MetricFigure | None:
    """The metric over the problems with at least k samples; None where there are none.

    k is needed exactly for a metric with k. Raises StatisticsError where it is missing or not
    needed, where the inputs are missing, and where the metric's own code fails.
    """
    one_k = _checked_k(metric, k)
    check_inputs(metric, problems)
    kept = problems.rows(problems.n >= one_k)
    if not len(kept):
        return None
    found = _estimate(metric, kept, one_k)
    return MetricFigure(
        metric=metric.name,
        name=metric.name_at(k),
        k=k,
        value=found.value,
        unit=metric.unit,
        higher_is_better=metric.higher_is_better,
        interval_fixed=found.interval_fixed,
        interval_population=found.interval_population,
        problems=len(kept),
        clusters=partition(kept.clusters, len(kept)).count,
        samples=int(kept.n.sum()),
        indicator=metric.takes_k and bool(np.all(kept.n == one_k)),
    )


def compare_metric(
    metric: MetricDefinition,
    baseline: SampledProblems,
    candidate: SampledProblems,
    k: int | None = None,
    *,
    seed: int = 0,
) -> Comparison:
    """The candidate's figure minus the baseline's, paired by problem, row by row the same problem.

    Where the numbers of samples differ, the test of a metric of counts is made on equal numbers,
    as in `compare_curves`. Raises StatisticsError for a metric without a test, and as
    `metric_figure`.
    """
    one_k = _checked_k(metric, k)
    if metric.test is None:
        raise StatisticsError(
            f"The metric {metric.name} has no paired test.",
            "A test needs one value in [0, 1] per problem; see `evalsvc metrics`.",
        )
    sides = (baseline, candidate)
    for side in sides:
        check_inputs(metric, side)
    values = [per_problem_values(metric, side, one_k) for side in sides]
    tested = values
    if metric.inputs == "counts" and np.any(baseline.n != candidate.n):
        equal = thinned([(side.n, side.c) for side in sides], seed)
        thin = [SampledProblems(n, c, clusters=baseline.clusters) for n, c in equal]
        tested = [per_problem_values(metric, side, one_k) for side in thin]
    return compare_values(
        metric.name_at(k),
        (values[0], values[1]),
        (tested[0], tested[1]),
        (baseline.c, candidate.c),
        k=one_k,
        clusters=baseline.clusters,
        seed=seed,
        higher_is_better=metric.higher_is_better,
    )


def check_inputs(metric: MetricDefinition, problems: SampledProblems) -> None:
    """Raise StatisticsError where the problems lack what the metric is computed from."""
    if metric.inputs == "answers" and problems.answers is None:
        raise StatisticsError(f"{metric.name} needs the answers.", "Keep the transcripts.")
    if metric.inputs == "samples" and problems.truncated is None:
        raise StatisticsError(
            f"{metric.name} needs the samples; only counts are here.", "Import the responses."
        )


def per_problem_values(metric: MetricDefinition, problems: SampledProblems, k: int) -> FloatArray:
    """One checked value per problem. Raises StatisticsError where the metric's code fails."""
    assert metric.per_problem is not None
    try:
        values = np.asarray(metric.per_problem(problems, k), dtype=np.float64)
    except StatisticsError:
        raise
    except Exception as error:  # code of any package
        raise _failed(metric, f"{type(error).__name__}: {error}") from error
    low, high = metric.range
    if values.shape != (len(problems),):
        raise _failed(metric, f"{values.shape} values for {len(problems)} problems")
    end = np.inf if high is None else high
    if not np.all(np.isfinite(values) & (values >= low - ROUNDING) & (values <= end + ROUNDING)):
        raise _failed(metric, f"a value is outside its range {low:g} to {end:g}")
    return np.clip(values, low, end)


def _estimate(metric: MetricDefinition, problems: SampledProblems, k: int) -> MetricEstimate:
    if metric.estimate is None:
        return _mean(metric, problems, k)
    try:
        found = metric.estimate(problems, k)
    except StatisticsError:
        raise
    except Exception as error:  # code of any package
        raise _failed(metric, f"{type(error).__name__}: {error}") from error
    if not isinstance(found, MetricEstimate) or not np.isfinite(found.value):
        raise _failed(metric, f"it gave {found!r}")
    return found


def _mean(metric: MetricDefinition, problems: SampledProblems, k: int) -> MetricEstimate:
    """The mean of the values with its clustered interval, computed on [0, 1] and scaled back."""
    values = per_problem_values(metric, problems, k)
    low, high = metric.range
    width = (low + 1.0 if high is None else high) - low
    groups = partition(problems.clusters, len(problems))
    ends = clustered_interval((values - low) / width, groups, LEVEL)
    interval = (low + width * ends[0], low + width * ends[1])
    return MetricEstimate(float(values.mean()), interval_population=interval)


def _checked_k(metric: MetricDefinition, k: int | None) -> int:
    if metric.takes_k and (k is None or k < 1):
        raise StatisticsError(f"{metric.name} needs a k of at least 1.", "Give a k.")
    if not metric.takes_k and k is not None:
        raise StatisticsError(f"{metric.name} has no k.", "Leave the k out.")
    return 1 if k is None else k


def _failed(metric: MetricDefinition, why: str) -> StatisticsError:
    return StatisticsError(
        f"The metric {metric.name} could not be computed: {why}.", "Repair the metric's code."
    )
