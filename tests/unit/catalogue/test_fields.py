"""Paths, transforms, and the one parser that golds of MATH hang on."""

import pytest

from evalsvc.catalogue import CatalogueError
from evalsvc.catalogue.fields import check_paths, last_box, listed_choices, plain_number, take


@pytest.mark.parametrize(
    ("solution", "gold"),
    [
        (r"so $\boxed{2}$ it is", "2"),
        (r"\boxed{1} and then \boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{a \} b}", r"a \} b"),
        (r"\fbox{7}", "7"),
        (r"$\boxed 7$ rest", "7"),
        (r"\boxed {x}", "x"),
        (r"\boxed{\boxed{3}}", "3"),
        (r"\boxed{\mbox{Saturday}}", r"\mbox{Saturday}"),
    ],
)
def test_last_box(solution: str, gold: str) -> None:
    assert last_box(solution) == gold


@pytest.mark.parametrize("solution", ["no answer", r"\boxed{open", r"\boxedness{1}", ""])
def test_a_solution_without_a_whole_box_is_an_error(solution: str) -> None:
    with pytest.raises(CatalogueError, match="boxed"):
        last_box(solution)


def test_listed_choices_end_at_the_first_other_line() -> None:
    assert listed_choices("q\nChoices:\nA:26°\nB:74°\n102") == ["26°", "74°"]
    assert listed_choices("q\nChoice:\nA. True\nB. False") == ["True", "False"]
    assert listed_choices("q without any") is None
    assert listed_choices("q\nChoices:\nB:1\nA:2") is None
    letters = "\n".join(f"{chr(65 + i)}:{i}" for i in range(26)) + "\nA:again"
    assert len(listed_choices(f"q\nChoices:\n{letters}") or ()) == 26


@pytest.mark.parametrize(
    ("value", "text"),
    [(27.0, "27"), ("-1.0", "-1"), ("1.50", "1.50"), ("336^\\circ", "336^\\circ")],
)
def test_plain_number(value: object, text: str) -> None:
    assert plain_number(value) == text


def test_take_walks_and_falls_back() -> None:
    record = {"prompt": [{"content": "deep"}], "empty": None, "solution": "\\boxed{4}"}
    assert take(record, ("empty", "prompt.0.content")) == "deep"
    assert take(record, ("prompt.1.content", "missing.x")) is None
    assert take(record, ("solution | last_box",)) == "4"


def test_unknown_transforms_are_named() -> None:
    assert check_paths(("a | last_box | shout", "b")) == ["shout"]
