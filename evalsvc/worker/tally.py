"""From judged samples to the tally of one problem: pure.

Bit i of a mask is sample `sample_start + i`. `sampled` holds every sample that the engine answered;
`correct`, `truncated`, `no_answer` and `failed` are subsets of it, so that a failed verification
is never mistaken for a wrong answer nor for a missing sample.
"""

from dataclasses import dataclass, field

from evalsvc.artifacts import TranscriptRow
from evalsvc.catalogue import Problem
from evalsvc.specs import ProblemTally, ShardSpec
from evalsvc.verification import Verdict, VerdictKind
from evalsvc.worker.engines.base import Sample, SampleRequest

FAILURES = {VerdictKind.TIMEOUT, VerdictKind.CRASHED, VerdictKind.TOO_LONG}


@dataclass(frozen=True)
class Judged:
    """One sample with its verdict. Equal `answer_key`s are the same answer, for majority votes."""

    request: SampleRequest
    answer: Sample
    verdict: Verdict
    answer_key: str | None


@dataclass
class ProblemBook:
    """What a shard knows of one problem so far; `complete` once each sample is judged."""

    spec: ShardSpec
    problem: Problem
    error: str | None = None
    rows: list[TranscriptRow] = field(default_factory=list)
    _open: set[int] = field(init=False)
    _bits: dict[str, int] = field(init=False)
    _tokens: int = 0
    _tokens_correct: int = 0

    def __post_init__(self) -> None:
        self._open = set(range(self.spec.sample_start, self.spec.sample_stop))
        self._bits = dict.fromkeys(("sampled", "correct", "truncated", "no_answer", "failed"), 0)

    @property
    def complete(self) -> bool:
        return not self._open

    def refuse(self, reason: str) -> None:
        """The problem cannot be asked: no further sample of it is expected."""
        self.error = self.error or reason
        self._open.clear()

    def add(self, judged: Judged) -> None:
        """Count one judged sample and keep its row."""
        self._open.discard(judged.request.sample)
        bit = 1 << (judged.request.sample - self.spec.sample_start)
        verdict, tokens = judged.verdict, judged.answer.output_tokens
        marks = {
            "sampled": True,
            "correct": verdict.correct,
            "truncated": judged.answer.finish_reason == "length",
            "no_answer": verdict.verdict == VerdictKind.NO_ANSWER,
            "failed": verdict.verdict in FAILURES,
        }
        for name, holds in marks.items():
            self._bits[name] |= bit if holds else 0
        self._tokens += tokens
        self._tokens_correct += tokens if verdict.correct else 0
        self.rows.append(self._row(judged))

    def tally(self) -> ProblemTally:
        """The counts, for the server."""
        return ProblemTally(
            problem=self.problem.index,
            problem_id=self.problem.id,
            n=self._bits["sampled"].bit_count(),
            tokens=self._tokens,
            tokens_correct=self._tokens_correct,
            error=self.error,
            **{name: format(bits, "x") for name, bits in self._bits.items()},
        )

    def _row(self, judged: Judged) -> TranscriptRow:
        answer, verdict = judged.answer, judged.verdict
        start, end = verdict.span or (None, None)
        return TranscriptRow(
            evaluation_id=self.spec.evaluation_id,
            problem=self.problem.index,
            problem_id=self.problem.id,
            sample=judged.request.sample,
            prompt=judged.request.messages,
            response=answer.text,
            finish_reason=answer.finish_reason,
            output_tokens=answer.output_tokens,
            prompt_tokens=answer.prompt_tokens,
            extracted=verdict.extracted,
            span_start=start,
            span_end=end,
            verdict=verdict.verdict,
            correct=verdict.correct,
            rule=verdict.rule,
            verifier=verdict.verifier,
            verify_ms=verdict.ms,
            answer_key=judged.answer_key,
            seed=judged.request.seed,
        )
