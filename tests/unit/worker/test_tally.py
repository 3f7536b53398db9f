"""Tallies: which bit means what, and what is never confused."""

from pathlib import Path

import pytest

from evalsvc.catalogue import Catalogue
from evalsvc.verification import Verdict, VerdictKind
from evalsvc.worker.engines.base import FinishReason, Sample, SampleRequest
from evalsvc.worker.tally import Judged, ProblemBook
from tests.worker_process import smoke_shard


def judged(sample: int, verdict: VerdictKind, finish: FinishReason = "stop") -> Judged:
    return Judged(
        SampleRequest(0, "p", sample, [], temperature=1, top_p=1, max_tokens=9, seed=sample),
        Sample("text", finish, output_tokens=10, prompt_tokens=5),
        Verdict(verdict, verdict is VerdictKind.CORRECT, "4", (0, 1), "rule", "1", 0.1),
        "4",
    )


@pytest.fixture
def book(tmp_path: Path) -> ProblemBook:
    spec = smoke_shard("s", tmp_path, sample_start=4, sample_stop=8)
    return ProblemBook(spec, Catalogue().load("smoke", tmp_path).problems[0])


def test_bits_count_from_the_first_sample_of_the_shard(book: ProblemBook) -> None:
    book.add(judged(7, VerdictKind.CORRECT))
    book.add(judged(4, VerdictKind.WRONG, "length"))
    book.add(judged(5, VerdictKind.NO_ANSWER))
    assert not book.complete
    book.add(judged(6, VerdictKind.TIMEOUT))
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
    book.add(judged(4, verdict))
    tally = book.tally()
    assert (tally.sampled, tally.failed, tally.correct) == ("1", "1", "0")


def test_a_refused_problem_has_no_samples_and_a_reason(book: ProblemBook) -> None:
    book.refuse("too long")
    book.refuse("something else")
    assert book.complete
    assert (book.tally().n, book.tally().sampled, book.tally().error) == (0, "0", "too long")


def test_what_was_sampled_before_a_refusal_still_counts(book: ProblemBook) -> None:
    book.add(judged(4, VerdictKind.CORRECT))
    book.refuse("the rest was refused")
    assert (book.tally().n, book.tally().correct) == (1, "1")
    assert len(book.rows) == 1
