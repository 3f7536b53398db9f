"""From a problem to the messages sent to a model: pure, and identified by a hash.

Pictures come first, then the text, as the processors of vision-language models are trained.
Where a question has a placeholder (`<image1>`) for each of several pictures, each picture replaces
its placeholder instead. A single placeholder is dropped from the text; several that share one
composite picture stay, because the text refers to them by number.
"""

import re
from collections.abc import Mapping, Sequence

from evalsvc.catalogue.errors import CatalogueError, ImageError
from evalsvc.catalogue.model import (
    LETTERS,
    Benchmark,
    ImagePart,
    Message,
    Problem,
    Prompt,
    TextPart,
)

PLACEHOLDER = re.compile(r"\{\{\s*(\w+)\s*\}\}")
QUESTION, CHOICES = "question", "choices"
_IMAGE = re.compile(r"<image(\d*)>")
_IMAGE_LINE = re.compile(r"\s*<image\d*>")


def render(benchmark: Benchmark, problem: Problem, prompt_name: str = "default") -> list[Message]:
    """The chat for one problem.

    Raises UnknownName for a prompt that does not exist, CatalogueError for a text that a prompt
    needs and the problem lacks, ImageError when the question refers to missing pictures.
    """
    prompt = benchmark.prompt(prompt_name)
    template = prompt.user_choice if problem.choices and prompt.user_choice else prompt.user
    question, inline = _place_images(problem)
    values = {
        **problem.metadata,
        QUESTION: question,
        CHOICES: format_choices(prompt, problem.choices),
    }
    text = _fill(template, values, problem.id)
    content = _interleave(text, problem) if inline else _images_first(text, problem)
    user = Message("user", content)
    return [Message("system", (TextPart(prompt.system),)), user] if prompt.system else [user]


def format_choices(prompt: Prompt, choices: Sequence[str] | None) -> str:
    """The list of options, one a line; empty if they only name parts of the picture."""
    if not choices or (only_letters(choices) and not prompt.list_letter_choices):
        return ""
    return "\n".join(
        prompt.choice.replace("{letter}", letter).replace("{text}", text)
        for letter, text in zip(LETTERS, choices, strict=False)
    )


def only_letters(choices: Sequence[str]) -> bool:
    """Whether the options are just A, B, C ...: names of parts of the picture."""
    return [choice.strip() for choice in choices] == list(LETTERS[: len(choices)])


def _fill(template: str, values: Mapping[str, str], row: str) -> str:
    """The template with its placeholders replaced once: problem text is never a template."""
    if missing := [name for name in PLACEHOLDER.findall(template) if name not in values]:
        raise CatalogueError(
            f"Problem {row} has no text {missing[0]!r} for this prompt.", "Use another prompt."
        )
    lines = []
    for line in template.rstrip("\n").split("\n"):
        found = PLACEHOLDER.findall(line)
        filled = PLACEHOLDER.sub(lambda match: values[match[1]], line)
        if filled.strip() or not found:
            lines.append(filled)
    return "\n".join(lines)


def _place_images(problem: Problem) -> tuple[str, bool]:
    """The question to show, and whether pictures are placed inside its text."""
    texts = (problem.question, *(problem.choices or ()))
    wanted = {match for text in texts for match in _IMAGE.findall(text)}
    if wanted and not problem.images:
        raise ImageError(
            problem.id,
            f"the text speaks of {len(wanted)} pictures, but the data have none.",
            "Add the data again with their pictures.",
        )
    if 1 < len(problem.images) < len(wanted):  # a single picture is a composite of those named
        raise ImageError(
            problem.id,
            f"the text speaks of {len(wanted)} pictures, but the data have {len(problem.images)}.",
            "Add the data again with all of their pictures.",
        )
    if len(wanted) == 1 and len(problem.images) == 1:
        return _IMAGE_LINE.sub("", problem.question).strip(), False
    return problem.question, len(wanted) == len(problem.images) > 1


def _images_first(text: str, problem: Problem) -> tuple[TextPart | ImagePart, ...]:
    return (*(ImagePart(image) for image in problem.images), TextPart(text))


def _interleave(text: str, problem: Problem) -> tuple[TextPart | ImagePart, ...]:
    """Each picture at the first place that names it, pictures in the order of their numbers."""
    numbers = sorted(set(_IMAGE.findall(text)), key=lambda n: int(n or 0))
    order = dict(zip(numbers, problem.images, strict=False))
    parts: list[TextPart | ImagePart] = []
    position = 0
    for match in _IMAGE.finditer(text):
        if (image := order.pop(match[1], None)) is None:
            continue
        if before := text[position : match.start()]:
            parts.append(TextPart(before))
        parts.append(ImagePart(image))
        position = match.end()
    return (*parts, TextPart(text[position:])) if text[position:] else tuple(parts)
