"""Judging imported responses with this service's verifier, and keeping them as a transcript."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from evalsvc.settings import Settings
from evalsvc.specs import ProblemTally, verdict_flags
from evalsvc.store.repositories.shards import RecordedTranscript

if TYPE_CHECKING:
    from evalsvc.artifacts import TranscriptRow
    from evalsvc.catalogue import Dataset, Problem
    from evalsvc.verification import ExtractionPolicy, Verdict


class ResponseLike(Protocol):
    """The part of an imported response that is needed here."""

    @property
    def response(self) -> str: ...
    @property
    def truncated(self) -> bool: ...
    @property
    def output_tokens(self) -> int: ...


@dataclass(frozen=True)
class Imported:
    """Judged responses: tallies per problem and transcript rows, not yet part of an evaluation."""

    tallies: Sequence[ProblemTally]
    rows: "Sequence[TranscriptRow]"
    verifier: str


def judge_responses(
    dataset: "Dataset",
    responses: Mapping[int, Sequence[ResponseLike]],
    settings: Settings,
    prompt: str,
) -> Imported:
    """Judge every response, by row index of its problem; hard cases in killable children.

    `prompt` names the benchmark's prompt that was used: it determines how answers are marked.
    """
    from evalsvc.verification import (  # noqa: PLC0415 - an extra
        VERIFIER_VERSION,
        VerificationPool,
        VerificationRequest,
    )

    policy = policy_of(dataset, prompt)
    problems = [dataset.problems[index] for index in sorted(responses)]
    cases = (
        VerificationRequest(item.response, problem.gold, problem.kind, problem.choices, policy)
        for problem in problems
        for item in responses[problem.index]
    )
    tallies: list[ProblemTally] = []
    rows: list[TranscriptRow] = []
    with VerificationPool(settings.verifier_processes or None) as pool:
        verdicts = pool.stream(cases)
        for problem in problems:
            own = responses[problem.index]
            judged = [(item, next(verdicts)) for item in own]
            tallies.append(_tally(problem, judged))
            rows += [_row(problem, i, *pair) for i, pair in enumerate(judged)]
    return Imported(tallies, rows, VERIFIER_VERSION)


def same_golds(
    dataset: "Dataset", settings: Settings, pairs: Sequence[tuple[int, str]]
) -> list[bool]:
    """For (row, gold of the source): whether the verifier finds it equal to the row's gold."""
    from evalsvc.verification import VerificationPool, VerificationRequest  # noqa: PLC0415

    same = [gold.strip() == dataset.problems[row].gold.strip() for row, gold in pairs]
    open_ = [i for i, equal in enumerate(same) if not equal]
    if not open_:
        return same
    cases = (
        VerificationRequest(boxed(pairs[i][1]), problem.gold, problem.kind, problem.choices, None)
        for i in open_
        for problem in (dataset.problems[pairs[i][0]],)
    )
    with VerificationPool(settings.verifier_processes or None) as pool:
        for i, verdict in zip(open_, pool.stream(cases), strict=True):
            same[i] = verdict.correct
    return same


def boxed(gold: str) -> str:
    """A gold as a response that gives it; a worked solution already marks its answer."""
    if "\\boxed" in gold:
        return gold
    return f"\\boxed{{{gold.rpartition('####')[2].strip()}}}"


def policy_of(dataset: "Dataset", prompt: str) -> "ExtractionPolicy":
    """How answers are marked under a prompt of the benchmark."""
    from evalsvc.verification import ExtractionPolicy  # noqa: PLC0415

    asked = dataset.benchmark.prompt(prompt)
    return ExtractionPolicy(answer_tag=asked.extraction == "answer_tag")


def store_transcript(
    settings: Settings, evaluation_id: str, imported: Imported
) -> RecordedTranscript:
    """Write the transcript under a new name: a replaced one stays intact until it is unused."""
    from dataclasses import replace  # noqa: PLC0415

    from evalsvc.artifacts import ArtifactStore  # noqa: PLC0415

    path = f"{evaluation_id}/import-{uuid.uuid4().hex[:12]}.parquet"
    rows = (replace(row, evaluation_id=evaluation_id) for row in imported.rows)
    written = ArtifactStore(settings.resolved_artifacts).write_transcript(path, rows)
    return RecordedTranscript(evaluation_id, path, written.bytes, written.sha256)


def _tally(problem: "Problem", judged: "Sequence[tuple[ResponseLike, Verdict]]") -> ProblemTally:
    masks = dict.fromkeys(("correct", "truncated", "no_answer", "failed"), 0)
    for i, (item, verdict) in enumerate(judged):
        marks = {
            "truncated": item.truncated,
            **verdict_flags(verdict.verdict),
        }
        for name, holds in marks.items():
            masks[name] |= int(holds) << i
    return ProblemTally(
        problem=problem.index,
        problem_id=problem.id,
        n=len(judged),
        sampled=format((1 << len(judged)) - 1, "x"),
        **{name: format(mask, "x") for name, mask in masks.items()},
        tokens=sum(item.output_tokens for item, _ in judged),
        tokens_correct=sum(item.output_tokens for item, verdict in judged if verdict.correct),
    )


def _row(
    problem: "Problem", sample: int, item: ResponseLike, verdict: "Verdict"
) -> "TranscriptRow":
    from evalsvc.artifacts import TranscriptRow  # noqa: PLC0415
    from evalsvc.verification import answer_key  # noqa: PLC0415

    start, end = verdict.span or (None, None)
    return TranscriptRow(
        evaluation_id="",
        problem=problem.index,
        problem_id=problem.id,
        sample=sample,
        prompt=[],
        response=item.response,
        finish_reason="length" if item.truncated else "stop",
        output_tokens=item.output_tokens,
        prompt_tokens=0,
        extracted=verdict.extracted,
        span_start=start,
        span_end=end,
        verdict=verdict.verdict,
        correct=verdict.correct,
        rule=verdict.rule,
        verifier=verdict.verifier,
        verify_ms=verdict.ms,
        confidence=verdict.confidence,
        answer_key=answer_key(verdict.extracted, problem.kind) or None,
        seed=None,
    )
