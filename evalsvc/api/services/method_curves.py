"""The curve of a method against the training step: the mean of its runs, and how far they spread.

The band is from the lowest run to the highest one, not an interval: with the two or three seeds
that people train, an interval over runs would be wider than the figure.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from evalsvc.api.services.memo import Memo
from evalsvc.api.services.runs import CurvePoint, curve
from evalsvc.methods import method_order
from evalsvc.store.repositories import browsing
from evalsvc.store.repositories.browsing import EvaluationFilter


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

    Incomplete evaluations are left out: a step must not move because samples are missing.
    """
    rows = browsing.all_evaluations(session, EvaluationFilter(benchmark=benchmark))
    runs = {row.checkpoint.run.name: row.checkpoint.run for row in rows}
    found: dict[str, list[Sequence[CurvePoint]]] = {}
    for name, run in runs.items():
        if run.base_model == base_model:
            points = curve(session, memo, name, benchmark, k).points
            found.setdefault(run.method, []).append([one for one in points if one.complete])
    return [
        MethodCurve(method, together(points))
        for method, points in sorted(found.items(), key=lambda item: method_order(item[0]))
        if any(points)
    ]


def together(runs: Sequence[Sequence[CurvePoint]]) -> list[MethodPoint]:
    """The runs' points by step; of a run that has a step twice, the newest counts."""
    steps: dict[int, list[float]] = {}
    for points in runs:
        for step, value in {point.step: point.value for point in points}.items():
            steps.setdefault(step, []).append(value)
    return [
        MethodPoint(step, sum(values) / len(values), min(values), max(values), len(values))
        for step, values in sorted(steps.items())
    ]
