"""What is a unit: by lists of what is one, never by lists of what is not."""

import pytest

from evalsvc.verification.grammar.labels import names_a_quantity, strip_label
from evalsvc.verification.grammar.units import AnyWord, canonical_unit, compatible
from evalsvc.verification.grammar.words import COUNTED, DESCRIBING, QUANTITIES, VALUE_WORDS


@pytest.mark.parametrize(
    ("text", "unit"),
    [
        ("cm^2", "cm^2"), ("square inches", "in^2"), ("cm2", "cm^2"), ("miles per hour", "h^-1 mi"),
        ("m/s", "m s^-1"), ("kilograms", "kg"), ("positive ordered pairs", "pair"),
        ("two-digit numbers", "number"), ("cups of flour", "cup"), ("ways in total", "way"),
    ],
)  # fmt: skip
def test_units(text: str, unit: str) -> None:
    assert canonical_unit(text) == unit


@pytest.mark.parametrize(
    "text",
    [
        "quadrillion", "incorrect", "versus 6", "cm 2", "positive", "dollars per", "units of ten",
        "feet 6 inches", "hex", "kilo", "prime", "square", "half", "m^0", "or so", "two pairs",
    ],
)  # fmt: skip
def test_what_is_no_unit(text: str) -> None:
    assert canonical_unit(text) is None


def test_a_gold_s_own_words_count() -> None:
    assert canonical_unit("wands") is None
    assert canonical_unit("wands", frozenset(("wands",))) == "wand"
    assert canonical_unit("quadrillion", AnyWord()) is None


def test_no_word_is_both_counted_and_a_change_of_the_value() -> None:
    # alone in the singular these are operations; their plurals are counted
    both = {word for word in COUNTED & VALUE_WORDS if canonical_unit(word) is not None}
    assert both == set()
    assert not {word for word in DESCRIBING if canonical_unit(word) and word not in COUNTED}


def test_labels() -> None:
    assert strip_label("\\text{Area: } 5") == "5"
    assert strip_label("The final answer is 5") == "5"
    assert strip_label("答案：5".replace("：", ":")) == "5"
    assert strip_label("not the answer = 5") is None
    assert strip_label("x = 5") is None
    assert names_a_quantity("Area of triangle ABC")
    assert not names_a_quantity("twice the area")
    assert not QUANTITIES & {"not", "twice", "half", "wrong", "opposite"}


def test_a_unit_may_be_left_out_or_added_but_not_changed() -> None:
    assert compatible("cm", "")
    assert compatible("", "cm")
    assert not compatible("cm", "m")
    assert not compatible("", "percent")
    assert not compatible("", "K")
