"""What a client can ask of a server, as flows: which requests, and how the answers are read.

`Client` and `AsyncClient` run these flows; see `evalsvc.client.transport`.
"""

import difflib
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import wraps
from os import PathLike
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from evalsvc.client.progress import OnProgress
from evalsvc.client.rows import (
    Claim,
    ComparisonRow,
    ComparisonTable,
    ConfidenceName,
    CurveCrossing,
    CurveVerdict,
    EvaluationResult,
    Job,
    MethodDifference,
    MetricRow,
    MetricValue,
    PowerPlan,
    ProblemCount,
    RecordT,
    ResultFigure,
    SampleRow,
    Table,
)
from evalsvc.client.transport import Exchange, Flow, Found, Wait
from evalsvc.errors import NotFound, ServerError, UsageError
from evalsvc.specs import BenchmarkRequest, JobRequest

PAGE_ROWS = 500  # rows asked for at a time
SAMPLES_PAGE_ROWS = 256
HELP = "docs/client.md lists the settings of a job."

Checkpoint = str | PathLike[str]
Benchmarks = str | Sequence[str | BenchmarkRequest | Mapping[str, Any]]
Side = str | Job
P = ParamSpec("P")
T = TypeVar("T")


def job_request(
    checkpoint: Checkpoint,
    *,
    run: str,
    benchmarks: Benchmarks,
    method: str | None = None,
    step: int = 0,
    protocol: Any = "quick",
    help_text: str = HELP,
    **settings: Any,
) -> JobRequest:
    """The request for a job, checked before it is sent.

    Raises:
        UsageError: names the setting that is unknown or out of range, or settings that
            contradict each other; `help_text` is its remedy.
    """
    fields = {
        "checkpoint": absolute_if_here(checkpoint),
        "run": run,
        "method": method,
        "step": step,
        "benchmarks": _benchmark_list(benchmarks),
        "protocol": protocol,
        **settings,
    }
    options = fields.get("engine_options")
    if isinstance(options, Mapping) and isinstance(options.get("answers"), str | PathLike):
        fields["engine_options"] = {**options, "answers": absolute_if_here(options["answers"])}
    _check_names(settings, help_text)
    try:
        request = JobRequest.model_validate({k: v for k, v in fields.items() if v is not None})
        request.resolved_protocol()
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"]) or "the request"
        reason = str(first["msg"]).removeprefix("Value error, ")
        raise UsageError(f"{where}: {reason}.", help_text) from error
    except ValueError as error:
        raise UsageError(f"{error}.", help_text) from error
    return request


def absolute_if_here(path: Checkpoint) -> str:
    """A path that exists here as an absolute one; anything else is left to the server."""
    local = Path(path).expanduser()
    return str(local.absolute()) if local.exists() else str(path)


def part(text: str) -> str:
    """What a user called something, as one part of an address. Raises UsageError if empty."""
    if not text.strip():
        raise UsageError("An empty text names nothing.", "Give the id; --help says of what.")
    return quote(text, safe="")


def job_id(job: Job | str) -> str:
    """The id of a job as one part of an address."""
    return part(job.id if isinstance(job, Job) else job)


class UnreadableResponse(Exception):
    """An answer without what this version of the client expects in it."""


def readable(
    operation: Callable[Concatenate["Operations", P], Flow[T]],
) -> Callable[Concatenate["Operations", P], Flow[T]]:
    """Turn UnreadableResponse into a ServerError that names the versions of both sides."""

    @wraps(operation)
    def flow(self: "Operations", /, *args: P.args, **kwargs: P.kwargs) -> Flow[T]:
        try:
            return (yield from operation(self, *args, **kwargs))
        except UnreadableResponse as error:
            raise (yield from self.unexpected(str(error))) from error

    return flow


class Operations(Exchange):
    """The requests that have a meaning of their own. The docstrings are those of `Client`."""

    @readable
    def submit(self, request: JobRequest, idempotency_key: str | None = None) -> Flow[Job]:
        body = request.model_dump(mode="json", exclude_none=True)
        answer = yield from self.post("/v1/jobs", body, idempotency_key)
        return read_record(Job, answer)

    @readable
    def job(self, job: Job | str) -> Flow[Job]:
        return read_record(Job, (yield from self.get(f"/v1/jobs/{job_id(job)}")))

    @readable
    def cancel(self, job: Job | str) -> Flow[Job]:
        return read_record(Job, (yield from self.post(f"/v1/jobs/{job_id(job)}/cancel")))

    def wait(
        self,
        job: Job | str,
        on_progress: OnProgress | None,
        timeout_seconds: float | None,
        poll_seconds: float,
    ) -> Flow[Job]:
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        seen: Job | None = None
        while True:
            now = yield from self.job(job)
            if on_progress is not None and now != seen:
                on_progress(now)
            seen = now
            if now.ended:
                return now
            if deadline is not None and time.monotonic() >= deadline:
                raise ServerError(
                    f"The job {now.id} has not ended after {timeout_seconds:g} s; "
                    f"it is {now.state}.",
                    f"It continues on the server: see `evalsvc jobs {now.id}`, or wait longer.",
                )
            yield Wait(poll_seconds)

    @readable
    def evaluation(self, evaluation: str, checkpoint: int | None = None) -> Flow[EvaluationResult]:
        asked = {"checkpoint": checkpoint}
        answer = yield from self.get(f"/v1/evaluations/{part(evaluation)}", asked)
        return read_record(EvaluationResult, answer)

    @readable
    def evaluations(
        self, limit: int | None, filters: Mapping[str, Any]
    ) -> Flow[Table[EvaluationResult]]:
        found: list[EvaluationResult] = []
        for summary in (yield from self._items("/v1/evaluations", limit, filters)):
            held_by = summary.get("checkpoint_id")
            found += [(yield from self.evaluation(str(summary["id"]), held_by))]
        return Table(EvaluationResult, found, notes_of(found))

    def results(
        self, limit: int | None, filters: Mapping[str, Any], metric: Sequence[str]
    ) -> Flow[Table[ResultFigure]]:
        evaluations = yield from self.evaluations(limit, filters)
        rows: list[ResultFigure] = []
        notes = list(evaluations.notes)
        for evaluation in evaluations:
            if not metric:
                rows += figures(evaluation)
                continue
            found = yield from self.metrics(evaluation.id, metric, ())
            rows += metric_figures(evaluation, found)
            notes += found.notes
        return Table(ResultFigure, rows, notes)

    @readable
    def metrics(
        self, evaluation: str, metric: Sequence[str], k: Sequence[int]
    ) -> Flow[Table[MetricRow]]:
        params = {"metric": list(metric) or None, "k": list(k) or None}
        answer = yield from self.get(f"/v1/evaluations/{part(evaluation)}/metrics", params)
        notes = [
            f"{evaluation}: {item['metric']} is left out: {item['reason']}"
            for item in list_in(answer, "left_out")
        ]
        return Table(MetricRow, read_records(MetricRow, answer, "figures"), notes)

    @readable
    def compare(
        self,
        baseline: Side,
        candidate: Side | Sequence[Side],
        *,
        benchmark: str | None,
        k: int | Sequence[int] | None,
        allow_differences: bool,
        margin: float | None,
        metric: str | None,
    ) -> Flow[ComparisonTable]:
        candidates = [candidate] if isinstance(candidate, str | Job) else list(candidate)
        params = {
            "baseline": side(baseline),
            "candidate": [side(one) for one in candidates],
            "benchmark": benchmark,
            "k": [k] if isinstance(k, int) else (list(k) if k else None),
            "allow_differences": allow_differences,
            "margin": margin,
            "metric": metric,
        }
        answer = yield from self.get("/v1/compare", params)
        return ComparisonTable(
            read_records(ComparisonRow, answer, "items"),
            [str(note) for note in list_in(answer, "notes")],
            read_records(CurveCrossing, answer, "crossovers"),
            read_records(CurveVerdict, answer, "curve") if "curve" in answer else [],
            read_records(MethodDifference, answer, "methods"),
        )

    @readable
    def claim(
        self,
        baseline: Side | None,
        candidate: Side | None,
        baseline_method: str | None,
        candidate_method: str | None,
        *,
        benchmarks: str | Sequence[str] | None,
        weights: Mapping[str, float] | None,
        settings: Mapping[str, Any],
    ) -> Flow[Claim]:
        names = benchmarks if isinstance(benchmarks, str | None) else ",".join(benchmarks)
        params = {
            "baseline": None if baseline is None else side(baseline),
            "candidate": None if candidate is None else side(candidate),
            "baseline_method": baseline_method,
            "candidate_method": candidate_method,
            "benchmarks": names,
            "weights": ",".join(f"{name}={value}" for name, value in (weights or {}).items()),
            **settings,
        }
        return read_record(Claim, (yield from self.get("/v1/claims", params)))

    @readable
    def power(self, params: Mapping[str, Any]) -> Flow[PowerPlan]:
        return read_record(PowerPlan, (yield from self.get("/v1/power", params)))

    @readable
    def sample_pages(
        self,
        evaluation: str,
        problem: int | str | None,
        confidence: ConfidenceName | None = None,
    ) -> Flow[None]:
        """Yields Found tables: the samples of one problem, or of all problems in their order."""
        path = f"/v1/evaluations/{part(evaluation)}/problems"
        found = False
        cursor: str | None = None
        while True:
            page = yield from self.get(path, {"limit": PAGE_ROWS, "cursor": cursor})
            for row in read_records(ProblemCount, page, "items"):
                if problem is None or problem in (row.problem, row.problem_id):
                    found = True
                    yield from self._samples_of(evaluation, row, confidence)
            cursor = page.get("next_cursor")
            if cursor is None:
                break
        if problem is not None and not found:
            raise NotFound(
                f"The evaluation {evaluation} has no result for the problem {problem!r}.",
                "Give a row index (a number) or a problem's id (a text).",
            )

    def _samples_of(
        self, evaluation: str, row: ProblemCount, confidence: ConfidenceName | None
    ) -> Flow[None]:
        path = f"/v1/evaluations/{part(evaluation)}/rows/{row.problem}/samples"
        about = {"evaluation": evaluation, "problem": row.problem, "problem_id": row.problem_id}
        cursor: str | None = None
        while row.n:
            asked = {"limit": SAMPLES_PAGE_ROWS, "cursor": cursor, "confidence": confidence}
            page = yield from self.get(path, asked)
            items = list_in(page, "items")
            if page.get("problem") != row.problem:  # never show one problem's samples as another's
                raise UnreadableResponse(f"these are not the samples of row {row.problem}")
            rows = [read_record(SampleRow, {**item, **about}) for item in items]
            yield Found(Table(SampleRow, rows))
            cursor = page.get("next_cursor")
            if cursor is None:
                return

    def _items(self, path: str, limit: int | None, filters: Mapping[str, Any]) -> Flow[list[Any]]:
        """The items of a list, page by page, at most `limit` of them."""
        items: list[Any] = []
        cursor: str | None = None
        while limit is None or len(items) < limit:
            ask = PAGE_ROWS if limit is None else min(limit - len(items), PAGE_ROWS)
            page = yield from self.get(path, {**filters, "limit": ask, "cursor": cursor})
            items += list_in(page, "items")
            cursor = page.get("next_cursor")
            if cursor is None:
                break
        return items


def read_record(kind: type[RecordT], answer: Any) -> RecordT:
    """An answer as a record. Raises UnreadableResponse."""
    if not isinstance(answer, dict):
        raise UnreadableResponse("it is not the expected JSON object")
    try:
        return kind.model_validate(answer)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(step) for step in first["loc"])
        raise UnreadableResponse(f"{where}: {first['msg']}") from error


def read_records(kind: type[RecordT], answer: Any, field: str) -> list[RecordT]:
    """The records in a list of an answer. Raises UnreadableResponse."""
    return [read_record(kind, item) for item in list_in(answer, field)]


def list_in(answer: Any, field: str) -> list[Any]:
    """The list `field` of an answer. Raises UnreadableResponse."""
    found = answer.get(field) if isinstance(answer, dict) else None
    if not isinstance(found, list):
        raise UnreadableResponse(f"it holds no list {field!r}")
    return found


def figures(evaluation: EvaluationResult) -> list[ResultFigure]:
    """One row for each pass@k of an evaluation."""
    return [
        _result(evaluation, name, **_shared(metric)) for name, metric in evaluation.metrics.items()
    ]


def metric_figures(evaluation: EvaluationResult, rows: Iterable[MetricRow]) -> list[ResultFigure]:
    """One row for each figure of its registered metrics."""
    return [_result(evaluation, row.name, unit=row.unit, **_shared(row)) for row in rows]


def _shared(figure: MetricValue | MetricRow) -> dict[str, Any]:
    names = ("k", "value", "interval_fixed", "interval_population", "problems", "samples")
    return {name: getattr(figure, name) for name in names}


def _result(evaluation: EvaluationResult, name: str, **figure: Any) -> ResultFigure:
    return ResultFigure(
        evaluation=evaluation.id,
        run=evaluation.run,
        step=evaluation.step,
        method=evaluation.method,
        benchmark=evaluation.benchmark,
        metric=name,
        state=evaluation.state,
        complete=evaluation.complete,
        coverage=evaluation.coverage,
        protocol=str(evaluation.protocol.get("name", "")),
        verifier=evaluation.verifier,
        problems_total=evaluation.problems_total,
        remarks="; ".join(evaluation.remarks),
        **figure,
    )


def side(value: Side) -> str:
    """RUN@STEP of a job; a text as it is."""
    return f"{value.run}@{value.step}" if isinstance(value, Job) else value


def notes_of(evaluations: Sequence[EvaluationResult]) -> list[str]:
    """The notes of several evaluations, each once."""
    return list(dict.fromkeys(note for found in evaluations for note in found.notes))


def _benchmark_list(benchmarks: Benchmarks) -> tuple[Any, ...]:
    """The benchmarks; a text names several, separated by commas."""
    if isinstance(benchmarks, str):
        benchmarks = [name.strip() for name in benchmarks.split(",") if name.strip()]
    if not benchmarks:
        raise UsageError("No benchmark is named.", "`evalsvc benchmarks list` lists them.")
    return tuple(benchmarks)


def _check_names(settings: Mapping[str, Any], help_text: str) -> None:
    for name in settings:
        if name not in JobRequest.model_fields:
            near = difflib.get_close_matches(name, JobRequest.model_fields, n=1)
            meant = f"Did you mean {near[0]!r}? " if near else ""
            raise UsageError(f"A job has no setting {name!r}.", f"{meant}{help_text}")
