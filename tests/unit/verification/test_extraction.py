"""Where the answer stands: the last complete box after the thinking, and nothing else."""

# ruff: noqa: E501 - tables of cases are read by row

import random
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.verification import ExtractionPolicy, extract

TAG = ExtractionPolicy(answer_tag=True)
PHRASE = ExtractionPolicy(phrase=True)


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        (r"\boxed{5}", "5"),
        (r"First \boxed{4}, then \boxed{5}.", "5"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        ("\\boxed {\n5\n}", "\n5\n"),
        (r"\fbox{5}", "5"),
        (r"$\boxed 5$", "5"),
        (r"\boxed 27.", "27"),
        (r"\boxed\frac12 is it", r"\frac12"),
        (r"\boxed{\{1,2\}}", r"\{1,2\}"),
        (r"\boxed{\boxed{5}}", r"\boxed{5}"),
        (r"\\boxed{5}", "5"),
        (r"\boxed{5 and then \boxed{6}", "6"),
        (r"\boxed{5} and $\sqrt{6$", "5"),
        (r"<think>\boxed{4}</think> so \boxed{5}", "5"),
        (r"I guess \boxed{4}</think>\boxed{5}", "5"),
        (r"<think>a</think><think>b</think>\boxed{5}", "5"),
        (r"stray } brace \boxed{5} and { another", "5"),
        (r"\boxedfoo{7} \boxed{5}", "5"),
    ],
)
def test_found(response: str, answer: str) -> None:
    found = extract(response)
    assert found.text == answer
    assert found.span is not None
    assert response[slice(*found.span)] == answer


@pytest.mark.parametrize(
    ("response", "rule"),
    [
        ("", "no box"),
        ("the answer is 5", "no box"),
        ("B", "no box"),
        (r"\boxed{5", "truncated: the box was not closed"),
        (r"\boxed{\frac{1}{2}", "truncated: the box was not closed"),
        (r"<think>so it is \boxed{5}", "truncated: the thinking was not closed"),
        (r"<think>\boxed{5}</think> and that is all", "no box"),
        (r"\boxed{}", "empty box"),
        (r"\boxed{  }", "empty box"),
        ("<answer>B</answer>", "no box"),
        (r"\boxed", "no box"),
        (r"\boxed{5} and then \boxed{6", "truncated: the last box was not closed"),
        (r"First \boxed{5}. Recheck, so it is \boxed{", "truncated: the last box was not closed"),
        (r"First \boxed{5}. Recheck, so it is \boxed", "truncated: the last box was not closed"),
    ],
)
def test_not_found(response: str, rule: str) -> None:
    found = extract(response)
    assert (found.text, found.rule) == (None, rule)


@pytest.mark.parametrize(
    ("response", "answer"),
    [
        ("<think>A</think><answer>B</answer>", "B"),
        (r"\boxed{A} <answer>B</answer>", "B"),
        (r"<answer>B</answer> \boxed{A}", "A"),
        (r"<answer>\boxed{A}</answer>", r"\boxed{A}"),
        ("<ANSWER> C </ANSWER>", " C "),
        ("<answer>A</answer> <answer>B", "A"),
        (r"\boxed{<answer>A</answer>}", "A"),
    ],
)
def test_answer_tag(response: str, answer: str) -> None:
    assert extract(response, TAG).text == answer


def test_phrase_only_when_asked_and_said_apart() -> None:
    response = "So the final answer is $12$."
    assert extract(response).text is None
    found = extract(response, PHRASE)
    assert (found.text, found.rule) == ("$12$", "phrase")
    assert extract(r"the answer is 3. \boxed{4}", PHRASE).text == "4"


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([r"\boxed", r"\fbox", "{", "}", r"\{", r"\}", "\\", "5", " ", "<think>", "</think>", "<answer>", "</answer>", "$", "\x00", "\ud800"]), max_size=60))  # fmt: skip
def test_any_text_gives_a_span_that_holds_the_answer(pieces: list[str]) -> None:
    response = "".join(pieces)
    for policy in (ExtractionPolicy(), TAG, PHRASE):
        found = extract(response, policy)
        if found.text is not None:
            assert found.span is not None
            assert response[slice(*found.span)] == found.text


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=80).filter(lambda text: "{" not in text and "}" not in text and "\\" not in text and "<" not in text and text.strip()), st.text(max_size=200))  # fmt: skip
def test_the_last_box_wins_whatever_stands_before(answer: str, before: str) -> None:
    assert (
        extract(before.replace("<", "") + "\n\\boxed{" + answer + "}").text in (answer, None)
        or "{" in before
    )
    assert extract("\\boxed{" + answer + "}").text == answer


@pytest.mark.parametrize(
    "piece",
    [r"\boxed{", "{", "}", r"\boxed ", "<think>", "<answer>", "\\", "the answer is ", r"\boxed{5}", r"\boxed5", r"\boxed(", r"\boxed.5", "\\ "],
)  # fmt: skip
@pytest.mark.parametrize("before", ["", r"\boxed{5} "])
def test_a_megabyte_takes_linear_time(before: str, piece: str) -> None:
    text = before + piece * (1_000_000 // len(piece))
    started = time.perf_counter()
    extract(text, ExtractionPolicy(answer_tag=True, phrase=True))
    assert time.perf_counter() - started < 5


def test_fuzz_of_random_bytes() -> None:
    rng = random.Random(7)
    for _ in range(300):
        text = bytes(rng.randrange(256) for _ in range(rng.randrange(200))).decode("latin-1")
        extract(text + "\\boxed{" + text, TAG)
