"""Drawn figures with questions: count them, name a colour, choose a shape.

Problems of our own for a model that sees, as `evalsvc.catalogue.smoke` has them for one that
reads. `generate` is deterministic; another seed gives other pictures.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE = 112  # pixels: 4 x 4 places of a picture's tokens
CELL = 28  # a figure stays within one cell of a 4 x 4 grid
MOST = 5
COLOURS = {"red": "#d22", "green": "#2a2", "blue": "#24d", "yellow": "#dc0", "black": "#111"}
SHAPES = ("circle", "square", "triangle")
KINDS = ("count", "colour", "choose")


@dataclass(frozen=True)
class Figure:
    """One problem: its picture, question and gold; `choices` where one of them is asked for."""

    kind: str
    picture: "Image"
    question: str
    gold: str
    choices: tuple[str, ...] | None = None

    @property
    def text(self) -> str:
        """The question as it is asked."""
        return self.question + "".join(
            f"\n({letter}) {choice}" for letter, choice in zip("ABC", self.choices or (), strict=False)
        )


def generate(count: int, seed: int) -> Iterator[Figure]:
    """`count` problems, the kinds in turn."""
    source = random.Random(f"figures {seed}")  # noqa: S311 - not for secrets
    for number in range(count):
        yield _figure(KINDS[number % len(KINDS)], source)


def _figure(kind: str, source: random.Random) -> Figure:
    shape, colour = source.choice(SHAPES), source.choice(list(COLOURS))
    number = source.randint(1, MOST) if kind == "count" else 1
    picture = draw(shape, colour, source.sample(range(16), number), source)
    if kind == "count":
        return Figure(kind, picture, "How many figures are there?", str(number))
    if kind == "colour":
        return Figure(kind, picture, "Which colour is the figure?", colour)
    choices = tuple(source.sample(SHAPES, len(SHAPES)))
    letter = "ABC"[choices.index(shape)]
    return Figure(kind, picture, "Which shape is it?", letter, choices)


def draw(shape: str, colour: str, cells: list[int], source: random.Random) -> "Image":
    """Equal figures in some of the 16 cells, each a little moved and of its own size."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (SIDE, SIDE), "white")
    pen = ImageDraw.Draw(image)
    for cell in cells:
        size = source.randint(16, 22)
        x = cell % 4 * CELL + source.randint(1, CELL - size - 1)
        y = cell // 4 * CELL + source.randint(1, CELL - size - 1)
        box, fill = (x, y, x + size, y + size), COLOURS[colour]
        if shape == "circle":
            pen.ellipse(box, fill=fill)
        elif shape == "square":
            pen.rectangle(box, fill=fill)
        else:
            pen.polygon([(x, y + size), (x + size, y + size), (x + size // 2, y)], fill=fill)
    return image
