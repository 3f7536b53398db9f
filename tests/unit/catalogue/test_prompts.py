"""What reaches the model."""

from pathlib import Path

import pytest

from evalsvc.catalogue import (
    Benchmark,
    Catalogue,
    CatalogueError,
    ImageError,
    ImagePart,
    ImageRef,
    Problem,
    Prompt,
    TextPart,
    UnknownName,
    render,
)
from evalsvc.catalogue.prompts import format_choices


@pytest.fixture
def toy_benchmark(catalogue: Catalogue) -> Benchmark:
    return catalogue.get("toy")


def problem(question: str, *, images: int = 0, choices: tuple[str, ...] | None = None) -> Problem:
    refs = tuple(ImageRef("1", f"{i}.png") for i in range(images))
    return Problem(0, "1", question, "g", choices=choices, images=refs)


def asked(benchmark: Benchmark, asked_problem: Problem) -> str:
    return render(benchmark, asked_problem)[-1].text


def test_empty_lines_of_placeholders_go(toy_benchmark: Benchmark) -> None:
    assert asked(toy_benchmark, problem("Why?")) == "Why?\nAnswer in \\boxed{}."
    assert asked(toy_benchmark, problem("Why?", choices=("x", "y"))) == (
        "Why?\n(A) x\n(B) y\nAnswer in \\boxed{}."
    )


def test_a_question_is_never_a_template(toy_benchmark: Benchmark) -> None:
    question = "{{choices}} {letter} {text} {{question}} %s {0}"
    text = asked(toy_benchmark, problem(question, choices=("{text}", "{{question}}")))
    assert text.startswith(f"{question}\n(A) {{text}}\n(B) {{{{question}}}}\n")


def test_options_that_are_letters_are_in_the_picture() -> None:
    prompt = Prompt(user="{{question}}")
    assert format_choices(prompt, ("A", "B", "C")) == ""
    assert format_choices(prompt, ("A", "B", "C or D")) == "(A) A\n(B) B\n(C) C or D"
    listing = prompt.model_copy(update={"list_letter_choices": True, "choice": "{letter}: {text}"})
    assert format_choices(listing, ("A", "B")) == "A: A\nB: B"


def test_a_single_placeholder_gives_way_to_the_picture(toy_benchmark: Benchmark) -> None:
    message = render(toy_benchmark, problem("Look:\n<image1>\nWhy?", images=1))[-1]
    assert isinstance(message.content[0], ImagePart)
    assert message.text == "Look:\nWhy?\nAnswer in \\boxed{}."


def test_several_placeholders_of_one_composite_picture_stay(toy_benchmark: Benchmark) -> None:
    message = render(toy_benchmark, problem("Is <image1> like <image2>?", images=1))[-1]
    assert [type(part) for part in message.content] == [ImagePart, TextPart]
    assert message.text.startswith("Is <image1> like <image2>?")


def test_pictures_stand_where_the_text_names_them(toy_benchmark: Benchmark) -> None:
    message = render(toy_benchmark, problem("Is <image1> like <image2> or <image1>?", images=2))[-1]
    shown = [p.text if isinstance(p, TextPart) else p.image.name for p in message.content]
    assert shown[:4] == ["Is ", "0.png", " like ", "1.png"]
    assert shown[4].startswith(" or <image1>?")


def test_several_pictures_that_are_fewer_than_named_fail_that_problem(
    toy_benchmark: Benchmark,
) -> None:
    with pytest.raises(ImageError, match=r"Problem 1: .* speaks of 3 pictures, .* have 2"):
        render(toy_benchmark, problem("<image1> <image2> <image3>", images=2))


def test_placeholders_without_any_picture_fail_that_problem(toy_benchmark: Benchmark) -> None:
    with pytest.raises(ImageError, match="Problem 1: the text speaks of 2 pictures"):
        render(toy_benchmark, problem("<image1> <image2>"))


def test_an_unknown_prompt_names_the_known_ones(toy_benchmark: Benchmark) -> None:
    with pytest.raises(UnknownName, match="It has: plain"):
        render(toy_benchmark, problem("q"), "fancy")


def test_a_text_that_a_problem_lacks_is_named() -> None:
    verse = Catalogue().get("mathverse")
    with pytest.raises(CatalogueError, match="no text 'query_wo'"):
        render(verse, problem("q"), "official")


def test_the_hash_follows_what_is_asked(toy_benchmark: Benchmark) -> None:
    prompt = toy_benchmark.prompt()
    for change in ({"user": "x"}, {"system": "s"}, {"choice": "{text}"}, {"user_choice": "u"}):
        assert prompt.model_copy(update=change).hash != prompt.hash
    assert prompt.model_copy(update={"source": "elsewhere"}).hash == prompt.hash


def test_the_paper_s_text_prompt() -> None:
    """System and user turn as the published eval.py builds them."""
    math = Catalogue().get("math")
    system, user = render(math, problem("1+1?"), "paper")
    assert (system.role, system.text) == ("system", "You are a helpful assistant.")
    assert user.text == (
        "1+1?\nPlease reason step by step, and put your final answer within \\boxed{}."
    )


def test_a_protocol_may_choose_the_prompt(tmp_path: Path) -> None:
    medical = Catalogue().get("medical")
    assert medical.prompt_name("default", "paper") == "paper"
    assert medical.prompt("official").extraction == "answer_tag"
