"""Text from outside: nothing hides, nothing runs, long texts keep both ends."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.dashboard.rendering.text import excerpt, plain, shifted, visible, with_code


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("\u202e", "RLO"),
        ("\u200b", "ZWSP"),
        ("\x07", "␇"),
        ("\x00", "␀"),
        ("\U000e0041", "U+E0041"),
    ],
)
def test_unseen_characters_become_labelled_boxes(text: str, label: str) -> None:
    assert f">{label}</span>" in visible(f"a{text}b")
    assert text not in visible(f"a{text}b")
    assert plain(f"a{text}b") == f"a⟨{label}⟩b"


def test_long_runs_of_combining_marks_are_counted_instead_of_painted() -> None:
    assert "40 marks" in visible("e" + "\u0301" * 40)
    assert visible("e\u0301") == "e\u0301"


@settings(max_examples=60)
@given(st.text(max_size=200))
def test_no_markup_survives(text: str) -> None:
    shown = visible(text)
    assert "<" not in shown.replace('<span class="unseen"', "").replace("</span>", "")


def test_the_mark_holds_just_the_span() -> None:
    assert visible("a<b>c", (1, 4)) == "a<mark>&lt;b&gt;</mark>c"
    assert visible("abc", (-5, 1)) == "<mark>a</mark>bc"
    assert visible("abc", (3, 9)) == "abc"
    assert shifted((5, 8), 3) == (2, 5)
    assert shifted(None, 3) is None


def test_a_long_text_keeps_head_and_tail() -> None:
    found = excerpt("a" * 50 + "b" * 50, head=10, tail=20)
    assert (found.head, found.tail, found.left_out) == ("a" * 10, "b" * 20, 70)
    assert excerpt("short").left_out == 0


def test_a_megabyte_is_quick() -> None:
    begin = time.process_time()
    visible("x\u202e" * 250_000)
    assert time.process_time() - begin < 15


def test_backticks_are_code_where_they_pair() -> None:
    assert with_code("run `a <b>` now") == "run <code>a &lt;b&gt;</code> now"
    assert with_code("one ` alone") == "one ` alone"
