"""The box-only reading of verdicts."""

import pytest

from evalsvc.verification import ExtractionPolicy, box_only, verify

COLOURS = ("red", "green", "blue")


def strict(response: str, gold: str = "B", choices: tuple[str, ...] | None = COLOURS) -> bool:
    policy = ExtractionPolicy(answer_tag=True)
    kind = "choice" if choices else None
    verdict = verify(response, gold, kind=kind, choices=choices, policy=policy)
    assert verdict.correct, verdict
    return box_only(verdict.correct, verdict.rule, verdict.extracted)


@pytest.mark.parametrize("answer", ["B", "(B)", r"\text{B}", " b "])
def test_a_bare_letter_in_a_box_counts(answer: str) -> None:
    assert strict(rf"So \boxed{{{answer}}}.")


@pytest.mark.parametrize(
    "response",
    [r"\boxed{green}", r"\boxed{B. green}", r"\boxed{Option B}", "<answer>B</answer>"],
)
def test_more_than_the_letter_or_other_marks_do_not(response: str) -> None:
    assert not strict(response)


@pytest.mark.parametrize("answer", ["30", r"30^\circ", "60/2"])
def test_values_in_a_box_are_compared_as_usual(answer: str) -> None:
    assert strict(rf"\boxed{{{answer}}}", "30", None)


def test_what_is_wrong_stays_wrong() -> None:
    assert not box_only(correct=False, rule="choice: letter", extracted="A")
    assert not box_only(correct=True, rule="choice: letter", extracted=None)
