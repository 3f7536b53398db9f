"""Training runs, their checkpoints, and the curve of a metric against the training step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from evalsvc.api.services.evaluations import metrics_of
from evalsvc.api.services.figures import Metric
from evalsvc.api.services.memo import Memo
from evalsvc.store.models import Checkpoint, Evaluation, Run
from evalsvc.store.repositories import browsing
from evalsvc.store.repositories.browsing import EvaluationFilter


@dataclass(frozen=True)
class RunView:
    """A training run."""

    name: str
    method: str
    base_model: str | None
    train_seed: int | None
    config: dict[str, Any]
    checkpoints: int
    newest_step: int | None
    created_at: datetime


@dataclass(frozen=True)
class CheckpointView:
    """A checkpoint; `state` other than complete says why it was not evaluated, with the reason."""

    id: int
    run: str
    method: str
    step: int
    path: str
    state: str
    reason: str | None
    fingerprint: str
    architecture: str | None
    size_bytes: int | None
    created_at: datetime


@dataclass(frozen=True)
class CurvePoint:
    """One evaluated checkpoint on the curve of a run."""

    benchmark: str
    step: int
    checkpoint_id: int
    evaluation: str
    protocol: str
    protocol_hash: str
    complete: bool
    coverage: float
    value: float
    k: int
    interval_fixed: tuple[float, float] | None
    interval_population: tuple[float, float]


@dataclass(frozen=True)
class Curve:
    """A metric against the training step, by benchmark, with what a reader must know of it."""

    run: str
    method: str
    k: int
    points: list[CurvePoint]
    notes: list[str]


def view_runs(session: Session, runs: Sequence[Run]) -> list[RunView]:
    """The runs in the order given."""
    counts = browsing.checkpoint_counts(session, [run.id for run in runs])
    return [
        RunView(
            name=run.name,
            method=run.method,
            base_model=run.base_model,
            train_seed=run.train_seed,
            config=run.config,
            checkpoints=counts.get(run.id, (0, None))[0],
            newest_step=counts.get(run.id, (0, None))[1],
            created_at=run.created_at,
        )
        for run in runs
    ]


def view_checkpoint(row: Checkpoint) -> CheckpointView:
    """A checkpoint with its run."""
    return CheckpointView(
        id=row.id,
        run=row.run.name,
        method=row.run.method,
        step=row.step,
        path=row.path,
        state=row.state,
        reason=row.reason,
        fingerprint=row.fingerprint,
        architecture=row.spec.get("architecture"),
        size_bytes=row.spec.get("size_bytes"),
        created_at=row.created_at,
    )


def curve(session: Session, memo: Memo, name: str, benchmark: str | None, k: int) -> Curve:
    """pass@k of a run's checkpoints by step. Raises NotFound."""
    run = browsing.get_run(session, name)
    rows = browsing.all_evaluations(session, EvaluationFilter(run=name, benchmark=benchmark))
    points = []
    for row in sorted(rows, key=lambda row: (row.benchmark, row.checkpoint.step, row.created_at)):
        found = metrics_of(session, memo, row, [k])
        if found:
            points.append(_point(row, found[0]))
    return Curve(run.name, run.method, k, points, _notes(points))


def _point(row: Evaluation, metric: Metric) -> CurvePoint:
    wanted = row.samples_wanted * row.problems_wanted
    return CurvePoint(
        benchmark=row.benchmark,
        step=row.checkpoint.step,
        checkpoint_id=row.checkpoint_id,
        evaluation=row.id,
        protocol=str(row.protocol.get("name", "custom")),
        protocol_hash=row.protocol_hash,
        complete=row.state == "done",
        coverage=min(row.samples_seen / wanted, 1.0) if wanted else 0.0,
        value=metric.value,
        k=metric.k,
        interval_fixed=metric.interval_fixed,
        interval_population=metric.interval_population,
    )


def _notes(points: Sequence[CurvePoint]) -> list[str]:
    notes = []
    for benchmark in sorted({point.benchmark for point in points}):
        own = [point for point in points if point.benchmark == benchmark]
        if len({point.step for point in own}) >= 2:
            best = max(own, key=lambda point: point.value)
            notes.append(
                f"{benchmark}: step {best.step} is the best of {len(own)} on the test set itself; "
                "its value is biased upwards by having been chosen there. Choose the step on other "
                "data, or report the last one."
            )
        if len({point.protocol_hash for point in own}) > 1:
            notes.append(f"{benchmark}: the points were sampled under different protocols.")
    return notes
