"""`/runs/{name}`: the curve over training steps with other runs, and gaps with their reasons."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from evalsvc.dashboard.limits import MAX_RUNS
from evalsvc.dashboard.pages.leaderboard import KS, ordered
from evalsvc.dashboard.plots.training import Gap, Point, Series, training_figure
from evalsvc.dashboard.rendering.environment import path
from evalsvc.dashboard.rendering.labels import plural
from evalsvc.dashboard.rendering.page import Page, PageTable
from evalsvc.dashboard.web.page_request import PageRequest
from evalsvc.methods import method_order
from evalsvc.services.compare.method_curves import MethodCurve, method_curves
from evalsvc.services.evaluations.runs import (
    CheckpointView,
    RunCurve,
    RunCurvePoint,
    RunView,
    curve,
    view_checkpoint,
    view_runs,
)
from evalsvc.store.models import Run
from evalsvc.store.repositories import checkpoints, runs
from evalsvc.store.states import CheckpointState

LINES = (("runs", "runs"), ("methods", "methods"))


@dataclass(frozen=True)
class RunModel:
    """A run with its checkpoints, and the curves of it, of other runs and of methods."""

    run: RunView
    benchmark: str | None
    k: int
    curves: list[RunCurve]
    methods: list[MethodCurve]  # with `lines=methods`: all runs of this base model
    checkpoints: list[CheckpointView]
    notes: list[str]


def build(request: PageRequest) -> Page:
    """Build the page. Raises NotFound."""
    run = runs.get(request.session, request.part("name"))
    k = request.number("k", 1, 1, 16_384)
    kind = request.choice("interval", ("fixed", "population"), "population")
    own = curve(request.session, request.state.memo, run.name, None, k)
    benchmarks = ordered({point.benchmark for point in own.points})
    benchmark = request.choice("benchmark", benchmarks, benchmarks[0] if benchmarks else "")
    written = _checkpoints(request, run)
    others = _others(request, run)
    beside = request.several("with", dict(others))[: MAX_RUNS - 1]
    curves = [
        own,
        *(curve(request.session, request.state.memo, name, benchmark, k) for name in beside),
    ]
    lines = request.choice("lines", dict(LINES), "runs")
    methods: list[MethodCurve] = []
    if lines == "methods":
        methods = method_curves(request.session, request.state.memo, benchmark, run.base_model, k)
        drawn = [_method_series(one) for one in methods[:MAX_RUNS]]
    else:
        drawn = [_series(one, benchmark, kind) for one in curves]
        drawn[0] = _with_gaps(drawn[0], written)
    model = RunModel(
        run=view_runs(request.session, [run])[0],
        benchmark=benchmark or None,
        k=k,
        curves=curves,
        methods=methods,
        checkpoints=written,
        notes=[
            f"{one.run}: {note.removeprefix(f'{benchmark}: ')}"
            for one in curves
            for note in one.notes
            if note.startswith(f"{benchmark}: ")
        ],
    )
    return Page(
        template="run.html",
        title=run.name,
        model=model,
        table=_table(curves),
        extras={
            "benchmarks": [(name, name) for name in benchmarks],
            "ks": [(str(value), f"pass@{value}") for value in sorted({*KS, k})],
            "others": others,
            "beside": set(beside),
            "kind": kind,
            "lines": lines,
            "line_choices": LINES,
            "by_checkpoint": _by_checkpoint(own.points),
        },
        figures={"curve": training_figure(drawn, f"pass@{k}, %")} if own.points else {},
        live=any(c.state == CheckpointState.WAITING for c in written),
    )


def _checkpoints(request: PageRequest, run: Run) -> list[CheckpointView]:
    return [view_checkpoint(row) for row in checkpoints.of_run(request.session, run.id)]


def _others(request: PageRequest, run: Run) -> list[tuple[str, str]]:
    """(name, method) of the other runs, known methods first."""
    return sorted(runs.others(request.session, run), key=lambda r: (method_order(r[1]), r))


def _series(one: RunCurve, benchmark: str, kind: str) -> Series:
    points = []
    for point in one.points:
        if point.benchmark != benchmark:
            continue
        bounds = point.interval_fixed if kind == "fixed" else point.interval_population
        low, high = bounds or (None, None)
        link = path("evaluations", point.evaluation)
        points.append(Point(point.step, point.value, low, high, link))
    return Series(f"{one.method}: {one.run}", points)


def _method_series(one: MethodCurve) -> Series:
    return Series(
        one.method,
        [
            Point(p.step, p.value, p.low, p.high, said=f", {plural(p.runs, 'run')}")
            for p in one.points
        ],
    )


def _with_gaps(series: Series, written: Sequence[CheckpointView]) -> Series:
    """The steps of this run without a result, each with its reason."""
    evaluated = {point.step for point in series.points}
    gaps = [
        Gap(c.step, f"step {c.step}: {c.state}" + (f", {c.reason}" if c.reason else ""))
        for c in written
        if c.step not in evaluated and c.state != CheckpointState.COMPLETE
    ]
    return Series(series.name, series.points, gaps)


def _by_checkpoint(points: Sequence[RunCurvePoint]) -> dict[int, list[RunCurvePoint]]:
    found: dict[int, list[RunCurvePoint]] = {}
    for point in points:
        found.setdefault(point.checkpoint_id, []).append(point)
    return found


def _table(curves: Sequence[RunCurve]) -> PageTable:
    columns: tuple[str, ...] = (
        "run",
        "method",
        "benchmark",
        "step",
        "k",
        "value",
        "low",
        "high",
        "coverage",
    )
    columns = (*columns, "problems", "problems_total", "remarks")
    rows: list[tuple[Any, ...]] = [
        (
            one.run,
            one.method,
            p.benchmark,
            p.step,
            p.k,
            p.value,
            *p.interval_population,
            p.coverage,
            p.problems,
            p.problems_total,
            "; ".join(p.remarks) or None,
        )
        for one in curves
        for p in one.points
    ]
    return PageTable(columns, rows)
