"""The smoke set's own problems: small sums that a tiny character-level model can partly learn.

`generate` is pure: the same count and seed give the same problems on every machine. The bundled
file is `bundled()`; code that trains on this distribution passes its questions as `exclude`.
"""

import random
from collections.abc import Callable, Collection
from fractions import Fraction

from evalsvc.catalogue.errors import CatalogueError

BUNDLED_COUNT = 200
BUNDLED_SEED = 20_260_205
Example = tuple[str, str, str]  # question, gold, subject
_MAX_REPEATS = 10_000


def _add(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(1, 20), rng.randint(1, 20)
    return f"{a} + {b} = ?", str(a + b)


def _subtract(rng: random.Random) -> tuple[str, str]:
    a, b = sorted((rng.randint(1, 20), rng.randint(1, 20)), reverse=True)
    return f"{a} - {b} = ?", str(a - b)


def _multiply(rng: random.Random) -> tuple[str, str]:
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return f"{a} * {b} = ?", str(a * b)


def _algebra(rng: random.Random) -> tuple[str, str]:
    x, a = rng.randint(1, 12), rng.randint(1, 12)
    return f"x + {a} = {x + a}, x = ?", str(x)


def _fractions(rng: random.Random) -> tuple[str, str]:
    denominator, other = rng.choice([(2, 2), (2, 4), (3, 3), (4, 4), (5, 5), (3, 6), (2, 6)])
    a, b = rng.randint(1, denominator), rng.randint(1, other)
    total = Fraction(a, denominator) + Fraction(b, other)
    return f"{a}/{denominator} + {b}/{other} = ?", str(total)


_SUBJECTS: dict[str, tuple[int, Callable[[random.Random], tuple[str, str]]]] = {
    "addition": (50, _add),
    "subtraction": (20, _subtract),
    "algebra": (15, _algebra),
    "multiplication": (8, _multiply),
    "fractions": (7, _fractions),
}


def generate(count: int, seed: int, *, exclude: Collection[str] = ()) -> list[Example]:
    r"""`count` examples (question, gold, subject); questions of at most 40 characters may repeat.

    A gold is a plain integer or a reduced fraction: `12`, `3/4`. `boxed` writes it as an answer.
    Questions in `exclude` are never generated.
    """
    rng = random.Random(seed)  # noqa: S311 - arithmetic problems, not secrets
    excluded = frozenset(exclude)
    names = list(_SUBJECTS)
    weights = [weight for weight, _ in _SUBJECTS.values()]
    examples: list[Example] = []
    rejected = 0
    while len(examples) < count:
        subject = rng.choices(names, weights)[0]
        question, gold = _SUBJECTS[subject][1](rng)
        if question in excluded:
            rejected += 1
            if rejected > _MAX_REPEATS + 100 * count:
                raise CatalogueError("Nearly all problems of this kind are excluded.")
            continue
        examples.append((question, gold, subject))
    return examples


def bundled() -> list[Example]:
    """The 200 problems of the smoke benchmark: the first distinct ones of a fixed stream."""
    distinct = {example[0]: example for example in generate(20 * BUNDLED_COUNT, BUNDLED_SEED)}
    return list(distinct.values())[:BUNDLED_COUNT]


def boxed(gold: str) -> str:
    r"""The expected answer of a model: `\boxed{12}`."""
    return f"\\boxed{{{gold}}}"
