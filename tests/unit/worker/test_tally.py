"""Tallies: which bit means what, and what is never confused."""

from pathlib import Path

import pytest

from evalsvc.catalogue import Catalogue
from evalsvc.specs import FAILED_VERDICTS, verdict_flags
from evalsvc.verification import Verdict, VerdictKind
from evalsvc.worker.engines.base import Completion, FinishReason, SampleRequest
from evalsvc.worker.tally import ProblemBook, VerifiedSample
from tests.worker_process import smoke_shard


def verified(index: int, verdict: VerdictKind, finish: FinishReason = "stop") -> VerifiedSample:
    return VerifiedSample(
        SampleRequest(0, "p", index, [], temperature=1, top_p=1, max_tokens=9, seed=index),
        Completion("text", finish, output_tokens=10, prompt_tokens=5),
        Verdict(verdict, verdict is VerdictKind.CORRECT, "4", (0, 1), "rule", "1", 0.1),
        "4",
    )


@pytest.fixture
def book(tmp_path: Path) -> ProblemBook:
    spec = smoke_shard("s", tmp_path, sample_start=4, sample_stop=8)
    return ProblemBook(spec, Catalogue().load("smoke", tmp_path).problems[0])


def test_bits_count_from_the_first_sample_of_the_shard(book: ProblemBook) -> None:
    book.add(verified(7, VerdictKind.CORRECT))
    book.add(verified(4, VerdictKind.WRONG, "length"))
    book.add(verified(5, VerdictKind.NO_ANSWER))
    assert not book.complete
    book.add(verified(6, VerdictKind.TIMEOUT))
    assert book.complete
    tally = book.tally()
    assert (tally.n, tally.sampled, tally.correct) == (4, "f", "8")
    assert (tally.truncated, tally.no_answer, tally.failed) == ("1", "2", "4")
    assert (tally.tokens, tally.tokens_correct) == (40, 10)


@pytest.mark.parametrize(
    "verdict", [VerdictKind.TIMEOUT, VerdictKind.CRASHED, VerdictKind.TOO_LONG]
)
def test_a_verifier_that_failed_is_neither_right_nor_missing(
    book: ProblemBook, verdict: VerdictKind
) -> None:
    book.add(verified(4, verdict))
    tally = book.tally()
    assert (tally.sampled, tally.failed, tally.correct) == ("1", "1", "0")


def test_a_refused_problem_has_no_samples_and_a_reason(book: ProblemBook) -> None:
    book.refuse("too long")
    book.refuse("something else")
    assert book.complete
    assert (book.tally().n, book.tally().sampled, book.tally().error) == (0, "0", "too long")


def test_what_was_sampled_before_a_refusal_still_counts(book: ProblemBook) -> None:
    book.add(verified(4, VerdictKind.CORRECT))
    book.refuse("the rest was refused")
    assert (book.tally().n, book.tally().correct) == (1, "1")
    assert len(book.rows) == 1


def test_each_kind_of_verdict_has_its_flag_and_wrong_has_none() -> None:
    flags = {
        kind: {name for name, holds in verdict_flags(kind).items() if holds} for kind in VerdictKind
    }
    assert flags == {
        VerdictKind.CORRECT: {"correct"},
        VerdictKind.WRONG: set(),
        VerdictKind.NO_ANSWER: {"no_answer"},
        VerdictKind.TIMEOUT: {"failed"},
        VerdictKind.CRASHED: {"failed"},
        VerdictKind.TOO_LONG: {"failed"},
    }
    assert {kind.value for kind in VerdictKind} > FAILED_VERDICTS
