"""The smoke set: bundled as generated, right, short, and kept apart from what trainers generate."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from evalsvc.catalogue import CatalogueError, load
from evalsvc.catalogue.smoke import BUNDLED_SEED, boxed, bundled, generate


def solve(question: str) -> Fraction:
    """An independent reading of a smoke problem."""
    if match := re.fullmatch(r"x \+ (\d+) = (\d+), x = \?", question):
        return Fraction(int(match[2]) - int(match[1]))
    left, operator, right, *_ = question.split()
    a, b = Fraction(left), Fraction(right)
    return {"+": a + b, "-": a - b, "*": a * b}[operator]


def test_the_bundled_file_is_what_the_generator_gives(tmp_path: Path) -> None:
    problems = load("smoke", tmp_path).problems
    assert [(p.question, p.gold, p.subject) for p in problems] == bundled()
    assert len({p.question for p in problems}) == 200


def test_every_gold_is_right_reduced_and_short() -> None:
    for question, gold, _ in generate(3000, seed=1):
        assert Fraction(gold) == solve(question)
        assert gold == str(Fraction(gold))
        assert len(question) <= 40


def test_the_generator_is_pure_and_its_seed_matters() -> None:
    assert generate(50, seed=3) == generate(50, seed=3)
    assert generate(50, seed=3) != generate(50, seed=4)


def test_excluded_questions_never_come_out() -> None:
    held_out = {question for question, _, _ in bundled()}
    made = generate(5000, BUNDLED_SEED, exclude=held_out)
    assert len(made) == 5000
    assert not held_out & {question for question, _, _ in made}


def test_excluding_everything_ends_with_a_word() -> None:
    everything = {question for question, _, _ in generate(60_000, seed=0)}
    with pytest.raises(CatalogueError, match="excluded"):
        generate(10, seed=1, exclude=everything)


def test_boxed() -> None:
    assert boxed("3/4") == "\\boxed{3/4}"
