"""Rewards are the verdicts, in the signatures of TRL and verl."""

import doctest

import pytest

from evalsvc.verification import VerificationError, reward
from evalsvc.verification.reward import compute_score, trl_reward


def test_the_examples() -> None:
    results = doctest.testmod(reward)
    assert results.attempted >= 4
    assert results.failed == 0


def test_texts_and_conversations() -> None:
    completions = [
        r"so \boxed{5}",
        [{"role": "assistant", "content": r"so \boxed{6}"}],
        [],
        r"5, without a box",
    ]
    assert trl_reward(completions, answer=["5", "6", "5", "5"], prompts=["?"] * 4) == [1, 1, 0, 0]


def test_choices_and_kinds_are_columns() -> None:
    options = [["12", "15"], None]
    found = trl_reward(
        [r"\boxed{15}", r"\boxed{2, 1}"], answer=["B", "1,2"], choices=options, kind=[None, "tuple"]
    )
    assert found == [1.0, 0.0]


def test_columns_of_different_length_are_refused() -> None:
    with pytest.raises(ValueError, match="shorter"):
        trl_reward([r"\boxed{5}", r"\boxed{5}"], answer=["5"])


def test_verl_golds_may_be_mappings() -> None:
    assert compute_score("aime", r"\boxed{70}", {"question": "?", "answer": "70"}) == 1.0
    assert compute_score("medical", r"<answer>B</answer>", "B", {"choices": ["a", "b"]}) == 1.0
    assert compute_score("math", r"\boxed{5\text{ incorrect}}", "5") == 0.0
    with pytest.raises(VerificationError):
        compute_score("math", r"\boxed{5}", {})
