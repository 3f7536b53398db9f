"""Training runs, their checkpoints, and the curve of a metric against the training step."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np

from evalsvc.services.evaluations.figures import Metric, cluster_labels
from evalsvc.services.evaluations.views import counts_of, metrics_of, remarks_of, traits_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Checkpoint, Evaluation, Run
from evalsvc.store.repositories import checkpoints, evaluations, runs
from evalsvc.store.repositories.checkpoints import IMPORTED
from evalsvc.store.repositories.evaluations import EvaluationFilter


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
class RunCurvePoint:
    """One evaluated checkpoint on the curve of a run."""

    benchmark: str
    step: int
    checkpoint_id: int
    evaluation: str
    protocol: str
    protocol_hash: str
    complete: bool
    coverage: float
    problems: int
    problems_total: int  # of the benchmark
    remarks: list[str]
    value: float
    k: int
    interval_fixed: tuple[float, float] | None
    interval_population: tuple[float, float]


@dataclass(frozen=True)
class BestStepView:
    """The best step of a benchmark among `steps`, and how much its choice there flatters it.

    optimism: expected excess of `value` over other problems of this kind; null where the steps
    were evaluated on different problems.
    """

    benchmark: str
    step: int
    value: float
    steps: int
    optimism: float | None
    warning: str


@dataclass(frozen=True)
class RunCurve:
    """A metric against the training step, by benchmark, with what a reader must know of it."""

    run: str
    method: str
    k: int
    points: list[RunCurvePoint]
    best: list[BestStepView]
    notes: list[str]


def view_runs(session: Session, rows: Sequence[Run]) -> list[RunView]:
    """The runs in the order given."""
    counts = checkpoints.count_by_run(session, [run.id for run in rows])
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
        for run in rows
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


def curve(session: Session, memo: Memo, name: str, benchmark: str | None, k: int) -> RunCurve:
    """pass@k of a run's checkpoints by step. Raises NotFound."""
    run = runs.get(session, name)
    rows = evaluations.matching(session, EvaluationFilter(run=name, benchmark=benchmark))
    shown: dict[str, list[tuple[Evaluation, RunCurvePoint]]] = {}
    for row in sorted(rows, key=lambda row: (row.benchmark, row.checkpoint.step, row.created_at)):
        found = metrics_of(session, memo, row, [k])
        if found:
            shown.setdefault(row.benchmark, []).append((row, _point(row, found[0])))
    best = [
        _best(session, memo, own, k)
        for own in (_most_problems(points) for points in shown.values())
        if len({point.step for _, point in own}) > 1
    ]
    points = [point for own in shown.values() for _, point in own]
    notes = [f"{found.benchmark}: {found.warning}" for found in best]
    notes += [*_identities([row for own in shown.values() for row, _ in own]), *_mixed(points)]
    return RunCurve(run.name, run.method, k, points, best, notes)


def _most_problems(
    own: Sequence[tuple[Evaluation, RunCurvePoint]],
) -> list[tuple[Evaluation, RunCurvePoint]]:
    """The points over the most problems: a subset's figure does not rank a step."""
    most = max(point.problems for _, point in own)
    return [pair for pair in own if pair[1].problems == most]


def _best(
    session: Session, memo: Memo, own: Sequence[tuple[Evaluation, RunCurvePoint]], k: int
) -> BestStepView:
    """The best point, with its optimism where all steps have the same problems with k samples."""
    from evalsvc.statistics import StepCounts, best_step  # noqa: PLC0415 - a second to import

    newest = {point.step: (row, point) for row, point in own}
    counts = {step: counts_of(session, memo, row) for step, (row, _) in newest.items()}
    first = next(iter(counts.values()))
    alike = len({row.revision_id for row, _ in newest.values()}) == 1 and all(
        np.array_equal(c.problems, first.problems) and c.n.min() >= k for c in counts.values()
    )
    benchmark = own[0][0].benchmark
    if not alike:
        top = max((point for _, point in newest.values()), key=lambda point: point.value)
        warning = (
            f"step {top.step} is the best of {len(newest)} on the test set itself; its value is "
            "biased upwards by having been chosen there. Choose the step on other data."
        )
        return BestStepView(benchmark, top.step, top.value, len(newest), None, warning)
    traits = traits_of(session, memo, own[0][0].revision_id)
    labels = cluster_labels(first.problems.tolist(), traits)
    found = memo.get(
        ("best step", k, tuple((row.id, row.version) for row, _ in newest.values())),
        lambda: best_step([StepCounts(s, c.n, c.c) for s, c in counts.items()], k, clusters=labels),
    )
    return BestStepView(
        benchmark, found.step, found.value, found.steps, found.optimism, found.warning
    )


def _point(row: Evaluation, metric: Metric) -> RunCurvePoint:
    wanted = row.samples_wanted * row.problems_wanted
    return RunCurvePoint(
        benchmark=row.benchmark,
        step=row.checkpoint.step,
        checkpoint_id=row.checkpoint_id,
        evaluation=row.id,
        protocol=str(row.protocol.get("name", "custom")),
        protocol_hash=row.protocol_hash,
        complete=row.state == "done",
        coverage=min(row.samples_seen / wanted, 1.0) if wanted else 0.0,
        problems=row.problems_wanted,
        problems_total=row.revision.problem_count,
        remarks=remarks_of(row),
        value=metric.value,
        k=metric.k,
        interval_fixed=metric.interval_fixed,
        interval_population=metric.interval_population,
    )


def _identities(rows: Sequence[Evaluation]) -> list[str]:
    """Notes on steps that share weights, and on steps with several sets of weights."""
    steps: dict[str, set[int]] = {}
    weights: dict[int, set[str]] = {}
    for row in rows:
        fingerprint = row.checkpoint.fingerprint
        if not fingerprint.startswith(IMPORTED):
            steps.setdefault(fingerprint, set()).add(row.checkpoint.step)
            weights.setdefault(row.checkpoint.step, set()).add(fingerprint)
    same = [sorted(found) for found in steps.values() if len(found) > 1]
    return [
        *(f"The steps {', '.join(map(str, found))} hold the same weights." for found in same),
        *(
            f"Step {step} was written {len(found)} times with other weights: a second training "
            "into this run? Each has its own point."
            for step, found in sorted(weights.items())
            if len(found) > 1
        ),
    ]


def _mixed(points: Sequence[RunCurvePoint]) -> list[str]:
    hashes: dict[str, set[str]] = {}
    problems: dict[str, set[int]] = {}
    for point in points:
        hashes.setdefault(point.benchmark, set()).add(point.protocol_hash)
        problems.setdefault(point.benchmark, set()).add(point.problems)
    return [
        *(
            f"{benchmark}: the points were sampled under different protocols."
            for benchmark, found in hashes.items()
            if len(found) > 1
        ),
        *(
            f"{benchmark}: the points are over different problems "
            f"({', '.join(map(str, sorted(numbers)))}), which are not comparable."
            for benchmark, numbers in problems.items()
            if len(numbers) > 1
        ),
    ]
