"""Each verdict says how it was reached."""

import pytest

from evalsvc.verification import Confidence, ExtractionPolicy, verify

PROVEN, COMPUTED, CONVENTION = Confidence


@pytest.mark.parametrize(
    ("gold", "answer", "confidence"),
    [
        ("5", "5", PROVEN),
        ("0.5", r"\frac12", PROVEN),
        ("6", "7", PROVEN),
        ("1,2", "2,1", PROVEN),
        (r"\sqrt{8}", r"2\sqrt{2}", PROVEN),
        (r"(x+1)^2", "x^2+2x+1", COMPUTED),
        ("5", r"5\text{ cm}", CONVENTION),
        (r"5\text{ cm}", "5", CONVENTION),
        ("5", "x = 5", CONVENTION),
        ("5", r"\text{Area: } 5", CONVENTION),
        ("5", r"5\text{ incorrect}", CONVENTION),
        ("(1,2)", "x=1, y=2", CONVENTION),
        (r"\sqrt{2}", r"\sqrt{2} \approx 1.414", CONVENTION),
        ("1,2", r"1\text{ cm}, 2\text{ cm}", CONVENTION),
    ],
)
def test_confidence_of_a_rule(gold: str, answer: str, confidence: Confidence) -> None:
    verdict = verify(f"\\boxed{{{answer}}}", gold)
    assert verdict.confidence is confidence, verdict


def test_where_nothing_was_decided_there_is_none() -> None:
    assert verify("no box", "5").confidence is None
    assert verify("\\boxed{" + "9" * 5_000 + "}", "5").confidence is None


def test_what_is_read_out_of_prose_is_by_convention() -> None:
    verdict = verify("the answer is 5.", "5", policy=ExtractionPolicy(phrase=True))
    assert (verdict.correct, verdict.confidence) == (True, CONVENTION)
    joined = verify(r"so $\boxed{2}$ and $\boxed{3}$", "2,3")
    assert (joined.correct, joined.confidence) == (True, CONVENTION)
    alone = ExtractionPolicy(join_boxes=False)
    assert not verify(r"so $\boxed{2}$ and $\boxed{3}$", "2,3", policy=alone).correct
