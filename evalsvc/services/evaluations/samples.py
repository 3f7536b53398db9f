"""The samples of a problem with their text, verdict and rule, read out of the transcripts.

A problem's samples are in several transcripts (one per shard); they are joined in the order of the
sample index. A manual override of a verdict is shown with the verifier's, and counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, Protocol

from evalsvc.errors import Conflict, NotFound, UsageError
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation, Problem, ProblemResult
from evalsvc.store.repositories import overrides, problems, results, shards
from evalsvc.store.repositories.pages import Key, Rows

if TYPE_CHECKING:
    from evalsvc.artifacts.reading import ReachedVerdict

ConfidenceName = Literal["proven", "computed", "convention"]
MAX_ROW = 10**9  # above every benchmark, and within the column's type


class Transcripts(Protocol):
    """The part of the artifact store that is needed here."""

    def read_samples(
        self, path: str, problem: int, offset: int = 0, limit: int | None = 50
    ) -> Any: ...

    def read_reached(self, path: str, problem: int | None = None) -> "Iterable[ReachedVerdict]": ...


@dataclass(frozen=True)
class ProblemView:
    """The result of one problem. `error`: why it could not be asked at all."""

    problem: int
    problem_id: str
    cluster: str
    level: str | None
    subject: str | None
    question_type: str | None
    part: str | None
    n: int
    c: int
    tokens: int
    error: str | None


@dataclass(frozen=True)
class OverrideView:
    """A person's verdict on a sample."""

    correct: bool
    who: str
    why: str


@dataclass(frozen=True)
class SampleView:
    """One response and what is said of it. `correct` already follows an `override`."""

    sample: int
    response: str
    finish_reason: str
    output_tokens: int
    extracted: str | None
    span: tuple[int, int] | None  # character offsets of the answer within the response
    verdict: str
    correct: bool
    rule: str
    verifier: str
    verify_ms: float
    seed: int | None
    override: OverrideView | None
    confidence: str | None  # how the rule decided: proven, computed or convention


@dataclass(frozen=True)
class SamplesView:
    """A page of a problem's samples with the prompt that they answer."""

    evaluation: str
    problem: int
    problem_id: str
    prompt: list[dict[str, Any]]
    samples: list[SampleView]
    total: int


def problems_page(
    session: Session, evaluation: Evaluation, after: Key | None, limit: int
) -> tuple[Rows[ProblemResult], list[ProblemView]]:
    """A page of an evaluation's problems in their order."""
    rows = results.page(session, evaluation.id, after, limit)
    indices = [row.problem for row in rows.rows]
    known = problems.of_rows(session, evaluation.revision_id, indices)
    return rows, [_problem(row, known.get(row.problem)) for row in rows.rows]


def _problem(row: ProblemResult, problem: Problem | None) -> ProblemView:
    return ProblemView(
        problem=row.problem,
        problem_id=problem.problem_id if problem else str(row.problem),
        cluster=problem.cluster if problem else str(row.problem),
        level=problem.level if problem else None,
        subject=problem.subject if problem else None,
        question_type=problem.question_type if problem else None,
        part=problem.part if problem else None,
        n=row.n,
        c=row.c,
        tokens=row.tokens,
        error=row.error,
    )


def problem_at(session: Session, evaluation: Evaluation, row: int) -> tuple[int, str]:
    """(row, id) of the problem in this row of the benchmark. Raises NotFound."""
    found = problems.get(session, evaluation.revision_id, row) if 0 <= row < MAX_ROW else None
    if found is None:
        raise NotFound(
            f"The benchmark {evaluation.benchmark!r} has no row {row}.",
            f"GET /v1/evaluations/{evaluation.id}/problems lists them; rows count from 0.",
        )
    return found.problem, found.problem_id


def find_problem(session: Session, evaluation: Evaluation, name: str) -> tuple[int, str]:
    """(row, id) of the one problem that `name` means, as an id or as a row.

    Raises NotFound where it means none, Conflict where it is the id of one and the row of another.
    """
    named = {
        found.problem: found for found in problems.by_id(session, evaluation.revision_id, name)
    }
    row = row_number(name)
    at = None if row is None else problems.get(session, evaluation.revision_id, row)
    if at is not None:
        named[at.problem] = at
    if not named:
        raise NotFound(
            f"The benchmark {evaluation.benchmark!r} has no problem {name[:100]!r}.",
            f"GET /v1/evaluations/{evaluation.id}/problems lists them with their rows.",
        )
    if len(named) > 1:
        meant = [f"row {found.problem} (id {found.problem_id[:100]!r})" for found in named.values()]
        raise Conflict(
            f"{name[:100]!r} means more than one problem of {evaluation.benchmark!r}: "
            f"{' and '.join(meant)}.",
            f"Use the address of the row: /evaluations/{evaluation.id}/rows/{min(named)} "
            f"or /evaluations/{evaluation.id}/rows/{max(named)}.",
        )
    found = next(iter(named.values()))
    return found.problem, found.problem_id


def row_number(text: str) -> int | None:
    """A row's number as written in URLs; None for any other text, "007" included."""
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(MAX_ROW)):
        return None
    return int(text) if str(int(text)) == text else None


def read_samples(
    session: Session,
    transcripts: Transcripts,
    evaluation: Evaluation,
    row: int,
    *,
    start: int,
    limit: int,
) -> SamplesView:
    """The samples from number `start` on. Raises NotFound (row, transcripts), StorageError."""
    problem, problem_id = problem_at(session, evaluation, row)
    written = [
        shard
        for shard in shards.transcripts_of(session, evaluation.id, start)
        if problem in shard[1]
    ]
    corrected = overrides.newest(session, evaluation.id, problem)
    samples: list[SampleView] = []
    prompt: list[dict[str, Any]] = []
    for artifact, _, first, _ in written:
        if len(samples) >= limit:
            break
        offset = max(start - first, 0)
        found = transcripts.read_samples(artifact, problem, offset, limit - len(samples))
        for read in found.samples:
            prompt = prompt or list(read["prompt"])
            samples.append(_sample(read, corrected.get(read["sample"])))
    result = results.get(session, evaluation.id, problem)
    total = result.n if result else 0
    return SamplesView(evaluation.id, problem, problem_id, prompt, samples, total)


def read_samples_of_kind(
    session: Session,
    transcripts: Transcripts,
    evaluation: Evaluation,
    row: int,
    confidence: ConfidenceName,
    *,
    start: int,
    limit: int,
) -> SamplesView:
    """As `read_samples`, of the verdicts that were reached so; `total` counts these only."""
    problem, _ = problem_at(session, evaluation, row)
    numbers = samples_of_kind(session, transcripts, evaluation, problem, confidence)
    wanted = [number for number in numbers if number >= start][:limit]
    found = read_samples(session, transcripts, evaluation, row, start=start, limit=0)
    for first, many in runs_of(wanted):
        read = read_samples(session, transcripts, evaluation, row, start=first, limit=many)
        found = replace(
            read, prompt=read.prompt or found.prompt, samples=[*found.samples, *read.samples]
        )
    return replace(found, total=len(numbers))


def samples_of_kind(
    session: Session,
    transcripts: Transcripts,
    evaluation: Evaluation,
    problem: int,
    confidence: ConfidenceName,
) -> list[int]:
    """The problem's samples whose verdicts were reached so, in order. No text is read."""
    written = shards.transcripts_of(session, evaluation.id)
    return sorted(
        read.sample
        for artifact, held, _, _ in written
        if problem in held
        for read in transcripts.read_reached(artifact, problem)
        if read.confidence == confidence
    )


def runs_of(numbers: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending numbers as (first, how many) of neighbours: each is one read of a transcript."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][0] + runs[-1][1] == number:
            runs[-1] = (runs[-1][0], runs[-1][1] + 1)
        else:
            runs.append((number, 1))
    return runs


def _sample(row: dict[str, Any], corrected: Any) -> SampleView:
    override = None
    if corrected is not None:
        override = OverrideView(corrected.correct, corrected.who, corrected.why)
    has_span = row["span_start"] is not None and row["span_end"] is not None
    return SampleView(
        sample=row["sample"],
        response=row["response"],
        finish_reason=row["finish_reason"],
        output_tokens=row["output_tokens"],
        extracted=row["extracted"],
        span=(row["span_start"], row["span_end"]) if has_span else None,
        verdict=row["verdict"],
        correct=override.correct if override else row["correct"],
        rule=row["rule"],
        verifier=row["verifier"],
        verify_ms=row["verify_ms"],
        seed=row["seed"],
        override=override,
        confidence=row["confidence"],
    )


def parse_start(cursor: str | None) -> int:
    """The number of the first sample of a page. Raises UsageError for an invalid cursor."""
    if cursor is None:
        return 0
    if not (cursor.isascii() and cursor.isdecimal()):
        raise UsageError(
            "The cursor is not one of this server's.",
            "Use `next_cursor` of the page before as it is, or leave `cursor` out.",
        )
    return min(int(cursor), 2**31 - 1)
