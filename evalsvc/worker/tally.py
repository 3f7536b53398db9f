"""Aggregate verified samples into the tally of one problem. Pure.

Bit i of a mask is sample `sample_start + i`. `sampled` holds every sample that has a completion.
`correct`, `truncated`, `no_answer` and `failed` are subsets of it, so a failed verification is
never mistaken for a wrong answer or for a missing sample.
"""

from dataclasses import dataclass, field

from evalsvc.artifacts import TranscriptRow
from evalsvc.catalogue import Problem
from evalsvc.specs import ProblemTally, ShardSpec, verdict_flags
from evalsvc.verification import Verdict
from evalsvc.worker.engines.base import Completion, SampleRequest


@dataclass(frozen=True)
class VerifiedSample:
    """One sample with its verdict. Samples with equal `answer_key` have the same answer."""

    request: SampleRequest
    completion: Completion
    verdict: Verdict
    answer_key: str | None


@dataclass
class ProblemBook:
    """The results of one problem so far. `complete` once every sample is verified."""

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
        """Record that the problem cannot be sampled. No more samples of it are expected."""
        self.error = self.error or reason
        self._open.clear()

    def add(self, verified: VerifiedSample) -> None:
        """Count one verified sample and keep its transcript row."""
        self._open.discard(verified.request.sample_index)
        bit = 1 << (verified.request.sample_index - self.spec.sample_start)
        verdict, tokens = verified.verdict, verified.completion.output_tokens
        marks = {
            "sampled": True,
            "truncated": verified.completion.finish_reason == "length",
            **verdict_flags(verdict.verdict),
        }
        for name, holds in marks.items():
            self._bits[name] |= bit if holds else 0
        self._tokens += tokens
        self._tokens_correct += tokens if verdict.correct else 0
        self.rows.append(self._row(verified))

    def tally(self) -> ProblemTally:
        """The counts and masks, for the server."""
        return ProblemTally(
            problem=self.problem.index,
            problem_id=self.problem.id,
            n=self._bits["sampled"].bit_count(),
            tokens=self._tokens,
            tokens_correct=self._tokens_correct,
            error=self.error,
            **{name: format(bits, "x") for name, bits in self._bits.items()},
        )

    def _row(self, verified: VerifiedSample) -> TranscriptRow:
        completion, verdict = verified.completion, verified.verdict
        start, end = verdict.span or (None, None)
        return TranscriptRow(
            evaluation_id=self.spec.evaluation_id,
            problem=self.problem.index,
            problem_id=self.problem.id,
            sample=verified.request.sample_index,
            prompt=verified.request.messages,
            response=completion.text,
            finish_reason=completion.finish_reason,
            output_tokens=completion.output_tokens,
            prompt_tokens=completion.prompt_tokens,
            extracted=verdict.extracted,
            span_start=start,
            span_end=end,
            verdict=verdict.verdict,
            correct=verdict.correct,
            rule=verdict.rule,
            verifier=verdict.verifier,
            verify_ms=verdict.ms,
            confidence=verdict.confidence,
            answer_key=verified.answer_key,
            seed=verified.request.seed,
        )
