"""Definition of a metric: its name, formula and inputs, and the function that computes it.

A metric is computed from `SampledProblems`, one row per problem. Most metrics give one value per
problem (`per_problem`); the benchmark's figure is then the mean of the values, with a population
interval by cluster and a paired test. A metric that is not such a mean gives an `estimate`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

import numpy as np

from evalsvc.statistics.answers import AnswerGroups
from evalsvc.statistics.counts import BoolArray, FloatArray, IntArray
from evalsvc.statistics.errors import StatisticsError

Inputs = Literal["counts", "samples", "answers"]
IntervalKind = Literal["fixed", "population"]
Pair = tuple[float, float]

FRACTION = "fraction"
ALL = "all"  # selects every registered metric, so no metric may have this name
MAX_NAME = 60
BY_K = ("@k", "^k")


@dataclass(frozen=True)
class SampledProblems:
    """The samples of an evaluation, one row per problem; no problem has n = 0.

    n, c, tokens, tokens_correct: samples, correct ones, output tokens of all and of correct ones,
    shape (problems,). truncated, no_answer, failed: samples with that flag; None where the source
    has counts only. answers: the groups of equal answers; None where there are no transcripts.
    clusters: a label per problem; None where every problem is its own cluster.
    """

    n: IntArray
    c: IntArray
    tokens: IntArray | None = None
    tokens_correct: IntArray | None = None
    truncated: IntArray | None = None
    no_answer: IntArray | None = None
    failed: IntArray | None = None
    answers: Sequence[AnswerGroups] | None = None
    clusters: Sequence[str] | None = None

    def __len__(self) -> int:
        return int(self.n.size)

    def rows(self, chosen: BoolArray | IntArray) -> "SampledProblems":
        """The problems at these positions, or where the mask is set."""
        positions = np.arange(len(self))[chosen]
        changed: dict[str, Any] = {}
        for name in (field.name for field in fields(self)):
            values = getattr(self, name)
            if isinstance(values, np.ndarray):
                changed[name] = values[positions]
            elif values is not None:
                changed[name] = [values[i] for i in positions.tolist()]
        return replace(self, **changed)


@dataclass(frozen=True, slots=True)
class MetricEstimate:
    """A benchmark's figure with the intervals that the metric has, in the metric's unit."""

    value: float
    interval_fixed: Pair | None = None
    interval_population: Pair | None = None


PerProblem = Callable[[SampledProblems, int], FloatArray]
EstimateFunction = Callable[[SampledProblems, int], MetricEstimate]


@dataclass(frozen=True)
class MetricDefinition:
    """One metric.

    Args:
        name: as users type it. A metric with a k ends with `@k` or `^k`.
        formula: how it is computed, in one line.
        source: who defined it.
        inputs: "counts" needs n and c; "samples" also tokens and flags; "answers" the transcripts.
        higher_is_better: None where neither direction is better.
        range: lowest and highest value; None for no upper limit.
        unit: "fraction" is shown in percent.
        per_problem: one value per problem from (problems, k), each in the range. k is 1 for a
            metric without k; every problem that it is called with has at least k samples.
        estimate: the figure, where it is not the mean of `per_problem` with the usual interval.
        intervals: which intervals `estimate` gives.

    Raises:
        StatisticsError: A name or a range that cannot be used, or neither function.
    """

    name: str
    formula: str
    source: str
    inputs: Inputs
    higher_is_better: bool | None
    range: tuple[float, float | None] = (0.0, 1.0)
    unit: str = FRACTION
    per_problem: PerProblem | None = None
    estimate: EstimateFunction | None = None
    intervals: tuple[IntervalKind, ...] = ("population",)

    def __post_init__(self) -> None:
        name = self.name
        if not 1 <= len(name) <= MAX_NAME or not name.isprintable() or " " in name or name == ALL:
            raise StatisticsError(
                f"{name!r} cannot be the name of a metric.",
                f"Use 1 to {MAX_NAME} characters without spaces, and not {ALL!r}.",
            )
        low, high = self.range
        if high is not None and not low < high:
            raise StatisticsError(
                f"{name}: the range {self.range} is empty.", "Lowest value first."
            )
        if self.per_problem is None and self.estimate is None:
            raise StatisticsError(f"{name} computes nothing.", "Give per_problem or estimate.")
        if self.estimate is None and (high is None or self.intervals != ("population",)):
            raise StatisticsError(
                f"{name}: a mean has a population interval, and needs a range with an end for it.",
                "Give an upper limit, or an estimate with its intervals.",
            )

    @property
    def takes_k(self) -> bool:
        """Whether the metric is computed for a number k of samples."""
        return self.name.endswith(BY_K)

    @property
    def test(self) -> str | None:
        """The paired test of two checkpoints; None where the metric has none."""
        in_fractions = self.range == (0.0, 1.0) and self.unit == FRACTION
        return "paired by problem" if self.per_problem is not None and in_fractions else None

    def name_at(self, k: int | None) -> str:
        """`pass@16`: the name with its k."""
        return f"{self.name[:-1]}{k}" if self.takes_k and k is not None else self.name
