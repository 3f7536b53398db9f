"""The curve of a method against the training step: the mean and the spread of its runs.

The band is from the lowest run to the highest one, not an interval: with the usual two or three
seeds, an interval over runs would be wider than the figure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from evalsvc.methods import method_order
from evalsvc.services.evaluations.views import metrics_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter
from evalsvc.store.states import EvaluationState


@dataclass(frozen=True)
class MethodPoint:
    """One step: mean, lowest and highest of `runs` runs, in fractions of 1."""

    step: int
    value: float
    low: float
    high: float
    runs: int


@dataclass(frozen=True)
class MethodCurve:
    """All the runs of a method on one benchmark at one k, by step."""

    method: str
    points: list[MethodPoint]


def method_curves(
    session: Session, memo: Memo, benchmark: str, base_model: str | None, k: int
) -> list[MethodCurve]:
    """One curve for each method that was trained from `base_model`, in the paper's order.

    Incomplete evaluations are left out: a step must not move because samples are missing. Runs of
    one training seed are one draw: of several the newest result counts.
    """
    rows = evaluations.matching(
        session, EvaluationFilter(benchmark=benchmark, state=EvaluationState.DONE)
    )
    most = max((row.problems_wanted for row in rows), default=0)
    rows = [row for row in rows if row.problems_wanted == most]  # a subset measures something else
    found: dict[str, dict[str, dict[int, float]]] = {}  # method -> seed or run -> step -> value
    for row in sorted(rows, key=lambda row: row.created_at):
        run = row.checkpoint.run
        metrics = metrics_of(session, memo, row, [k]) if run.base_model == base_model else []
        for metric in metrics:
            draw = f"run {run.name}" if run.train_seed is None else f"seed {run.train_seed}"
            steps = found.setdefault(run.method, {}).setdefault(draw, {})
            steps[row.checkpoint.step] = metric.value
    return [
        MethodCurve(method, together(list(runs.values())))
        for method, runs in sorted(found.items(), key=lambda item: method_order(item[0]))
    ]


def together(runs: Sequence[Mapping[int, float]]) -> list[MethodPoint]:
    """The runs' values by step."""
    steps: dict[int, list[float]] = {}
    for values in runs:
        for step, value in values.items():
            steps.setdefault(step, []).append(value)
    return [
        MethodPoint(step, sum(values) / len(values), min(values), max(values), len(values))
        for step, values in sorted(steps.items())
    ]
