"""What a policy could try against the verifier: strings made from a right answer that are wrong.

Labels follow from the construction: every string says something else than the gold, hedges, denies
or hides. `attempts(seed, number)` yields them; none may be accepted.
"""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

NUMBERS = ["5", "12", "-3", "101", "0.3", "2.75", "336", "1000"]
CLOSED = [
    r"\frac{3}{4}",
    r"\frac{5\sqrt{3}}{2}",
    r"2\pi",
    r"\sqrt{2}",
    r"1+\sqrt{5}",
    r"\ln 2",
    "e^2",
    "3+4i",
]
SYMBOLIC = ["x^2+1", r"\frac{n(n+1)}{2}", r"2x-3y", r"\sin x", "2^n"]
STRUCTURES = [
    "(1,2)",
    "1,2",
    "[0,1)",
    r"\{1,2\}",
    "x=5",
    r"(-\infty,2)\cup(3,\infty)",
    "3:4",
    r"\begin{pmatrix}1\\2\end{pmatrix}",
    "101_2",
    r"20\%",
    r"\$7.50",
    r"15\text{ cm}^2",
    r"60^\circ",
]
WORDS = [
    "wrong",
    "incorrect",
    "rejected",
    "extraneous",
    "not",
    "never",
    "almost",
    "nearly",
    "about",
    "approximately",
    "roughly",
    "perhaps",
    "maybe",
    "probably",
    "possibly",
    "hopefully",
    "supposedly",
    "doubled",
    "halved",
    "tripled",
    "squared",
    "cubed",
    "negative",
    "positive",
    "quadrillion",
    "million",
    "thousand",
    "dozen",
    "percentish",
    "binary",
    "hex",
    "octal",
    "repeating",
    "recurring",
    "onwards",
    "upwards",
    "instead",
    "otherwise",
    "unless",
    "except",
    "excluded",
    "invalid",
    "cancelled",
    "void",
    "quietly",
    "blorp",
    "zzyzx",
    "qwerty",
    "lorem",
    "ipsum",
    "foo",
    "bar-ish",
    "moreish",
    "lessish",
    "elevenths",
    "thirds",
    "sixths",
    "theta",
    "omega",
    "tau",
    "cosine",
    "modulo",
    "factorial",
    "inverse",
    "reciprocal",
    "conjugate",
    "opposite",
    "contrary",
    "false",
    "untrue",
    "undefined",
    "nonexistent",
    "imaginary",
    "unlikely",
    "guess",
    "unsure",
    "alternatively",
    "respectively",
    "vice",
    "versa",
    "however",
    "unknown",
    "anything",
    "everything",
    "whatever",
    "several",
    "many",
    "few",
    "some",
    "none",
    "both",
    "either",
    "neither",
    "every",
    "between",
    "among",
    "within",
    "beyond",
    "before",
    "after",
    "during",
    "until",
    "because",
]
LINKS = [
    "or",
    "and",
    "versus",
    "vs.",
    "or maybe",
    "or else",
    "up to",
    "through",
    "not",
    "but not",
    "rather than",
    "instead of",
    "alternatively",
    "oder",
    "ou",
    "plus",
    "minus",
    "over",
    "/",
    "|",
    ";",
    ",",
    "?",
    "\\text{ or }",
    "\\text{ and }",
    "\\lor",
    "\\land",
    "\\mid",
    "\\to",
    "\\Rightarrow",
    "\\quad",
    "\\\\",
    "&",
    "..",
    "\\dots",
    "\\sim",
    "\\approx",
    "<",
    ">",
    "\\ne",
    "!=",
    "=",
]


@dataclass(frozen=True)
class Attempt:
    """A response that must not be accepted for the gold."""

    gold: str
    response: str
    how: str
    choices: tuple[str, ...] = ()


Maker = Callable[[random.Random, str], str]


def _other(rng: random.Random) -> str:
    return str(rng.choice([8, 13, 17, 19, 23, 42, 99, 997]))


def _gibberish(rng: random.Random) -> str:
    vowels, consonants = "aeiou", "bcdfghjklmnpqrtvwz"
    return (
        "".join(rng.choice(consonants) + rng.choice(vowels) for _ in range(rng.randrange(2, 5)))
        + "q"
    )


def word_after(rng: random.Random, gold: str) -> str:
    word = rng.choice(WORDS) if rng.random() < 0.8 else _gibberish(rng)
    return rng.choice(
        [
            "{g}\\text{{ {w}}}",
            "{g} {w}",
            "{g}\\ \\text{{({w})}}",
            "{g}\\textbf{{ {w}}}",
            "{g}\\mathrm{{~{w}}}",
            "{g}\\,(\\text{{{w}}})",
            "{g}\\text{{ {w} {w}}}",
            "{g} \\operatorname{{{w}}}",
            "\\text{{{g} {w}}}",
            "{g}_{{\\text{{{w}}}}}",
            "{g}\\text{{, {w}}}",
        ]
    ).format(g=gold, w=word)


def word_before(rng: random.Random, gold: str) -> str:
    word = rng.choice(WORDS) if rng.random() < 0.8 else _gibberish(rng)
    return rng.choice(
        [
            "\\text{{{w} }} {g}",
            "\\text{{{w}}} = {g}",
            "{w} = {g}",
            "{w}: {g}",
            "\\text{{{w}: }} {g}",
            "\\text{{the {w} answer is }} {g}",
            "\\text{{{w} total}} = {g}",
            "\\operatorname{{{w}}}({g})",
            "\\text{{{w} is }} {g}",
            "\\text{{The answer is {w} }} {g}",
        ]
    ).format(g=gold, w=word)


def hedge(rng: random.Random, gold: str) -> str:
    one, two = (gold, _other(rng)) if rng.random() < 0.5 else (_other(rng), gold)
    return f"{one} {rng.choice(LINKS)} {two}"


def all_values(rng: random.Random, gold: str) -> str:
    others = [str(value) for value in rng.sample(range(200, 900), rng.randrange(2, 9))]
    values = [*others, gold]
    rng.shuffle(values)
    link = rng.choice([", ", "; ", " or ", " and ", " \\text{ or } ", " \\\\ ", " | ", "\\quad "])
    return rng.choice(["{}", "\\{{{}\\}}", "({})", "[{}]"]).format(link.join(values))


def negation(rng: random.Random, gold: str) -> str:
    return rng.choice(
        [
            "\\ne {}",
            "\\neq {}",
            "\\not= {}",
            "\\neg {}",
            "\\lnot {}",
            "\\text{{not }} {}",
            "\\cancel{{{}}}",
            "\\xcancel{{{}}}",
            "\\sout{{{}}}",
            "< {}",
            "> {}",
            "\\le {}",
            "\\approx {}",
            "\\sim {}",
            "x \\ne {}",
            "x < {}",
            "\\sqrt{{{}}} + 1",
            "\\overline{{{}}} + 1",
            "{}?",
            "{}!?",
            "x \\not= {}",
            "\\nexists {}",
        ]
    ).format(gold)


def around(rng: random.Random, gold: str) -> str:
    return rng.choice(
        [
            "{g} \\pm 1",
            "{g} \\pm 0.001",
            "[{g}, {o}]",
            "[{o}, {g}]",
            "({g}, {o})",
            "{o} \\le x \\le {g}",
            "x \\in \\mathbb{{R}}",
            "\\mathbb{{Z}}",
            "{g} + C",
            "{g} + k",
            "{g} n",
            "{g} x",
            "x",
            "{g} + x",
            "({g}, {g}, {g})",
            "\\{{{g}, {o}\\}}",
            "{g} \\cup {o}",
            "{g} \\to {o}",
            "{o} = {g}",
            "{g} = {o}",
            "{g} = {g} + 1",
            "{o}:{g}",
            "f({g})",
            "|{g}| + 1",
            "{g}' + 1",
        ]
    ).format(g=gold, o=_other(rng))


def nudge(rng: random.Random, gold: str) -> str:
    size = f"10^{{-{rng.choice([3, 12, 30, 40, 41, 50, 60, 75, 100, 200, 500])}}}"
    return rng.choice(
        [
            "{g} + {s}",
            "{g} - {s}",
            "({g})(1+{s})",
            "{g} + \\frac{{1}}{{{b}}}",
            "{g} + {s}\\pi",
            "{g} + {s}x",
        ]
    ).format(g=gold, s=size, b="1" + "0" * rng.randrange(5, 80))


def nested(rng: random.Random, gold: str) -> str:
    return rng.choice(
        [
            "{o} \\boxed{{{g}}}",
            "\\boxed{{{g}}} {o}",
            "\\boxed{{{g}}}\\boxed{{{o}}}",
            "{o} \\fbox{{{g}}}",
            "\\boxed{{{o}}}, \\boxed{{{g}}}",
            "\\phantom{{{o}}}{g} + 1",
            "{o}\\\\ {g}",
            "\\begin{{array}}{{c}}{o}\\\\{g}\\end{{array}}",
            "\\begin{{cases}}{g}\\\\{o}\\end{{cases}}",
            "\\underline{{{o}}} {g}",
            "{{{o}}}{{{g}}}",
        ]
    ).format(g=gold, o=_other(rng))


def broken(rng: random.Random, gold: str) -> str:
    return rng.choice(
        [
            "\\frac{{{g}}}",
            "{g} \\frac",
            "\\left({g}",
            "{g})",
            "{g}]",
            "({g}",
            "{g}^",
            "{g}_",
            "\\sqrt {g} +",
            "{g} +",
            "{g} \\cdot",
            "= = {g}",
            "\\text{{{g}",
            "{g}\\text{{",
            "$ {o} $ {g}",
            "{g} \\begin{{array}}",
            "\\{g}",
            "{g}^{{",
            "{g}\\foo{{{o}}}",
            "\\undefined {g}",
            "{g}\\over",
        ]
    ).format(g=gold, o=_other(rng))


def one_value(rng: random.Random, gold: str) -> str:
    """Only for numbers: another number made of this one."""
    return rng.choice(
        [
            "-({g})",
            "\\frac{{1}}{{{g}}}",
            "({g})^2",
            "({g})^3",
            "{g}\\%",
            "{g}_9",
            "100 \\cdot {g}\\%",
            "{g}e3",
            "{g}i",
            "{g}\\times 10",
            "{g}\\overline{{3}}",
            "0.{o}{g}",
            "\\{{{g}\\}}",
            "({g}, )",
            "{g} \\cdot \\infty",
            "\\frac{{{g}}}{{0}}",
            "{g}^{{x}}",
            "{g} \\bmod 2 + {o}",
            "{g} \\cdot \\frac{{x}}{{x}}",
            "{g} + 0x",
            "{g}\\text{{ if }} x > 0",
            "{g}, x \\ne 0",
        ]
    ).format(g=gold, o=_other(rng))


GENERAL: list[Maker] = [
    word_after,
    word_before,
    hedge,
    all_values,
    negation,
    around,
    nudge,
    nested,
    broken,
]


def _wrap(answer: str, rng: random.Random) -> str:
    return rng.choice(
        [
            "\\boxed{{{}}}",
            "So $\\boxed{{{}}}$.",
            "<think>hm</think> Hence \\[\\boxed{{{}}}\\]",
            "\\boxed {{ {} }}",
            "\\fbox{{{}}}",
        ]
    ).format(answer)


def _response(rng: random.Random, gold: str, answer: str) -> str:
    """The answer in a box, or the right one where it must not count."""
    trick = rng.random()
    if trick < 0.03:
        return f"\\boxed{{{gold}}} ... no, it is \\boxed{{{_other(rng)}9}}"
    if trick < 0.05:
        return f"<think>\\boxed{{{gold}}}</think> and so on"
    if trick < 0.07:
        return f"\\boxed{{{gold}}}. Checking again, \\boxed{{{gold}"
    return _wrap(answer, rng)


def attempts(seed: int, number: int) -> Iterator[Attempt]:
    """That many attempts, the same for the same seed."""
    rng = random.Random(seed)
    for _ in range(number):
        if rng.random() < 0.08:
            yield _choice(rng)
            continue
        group = rng.choice([NUMBERS, NUMBERS, CLOSED, SYMBOLIC, STRUCTURES])
        gold = rng.choice(group)
        makers = GENERAL + ([one_value] if group is NUMBERS else [])
        maker = rng.choice(makers)
        answer = maker(rng, gold)
        yield Attempt(gold, _response(rng, gold, answer), maker.__name__)


def _choice(rng: random.Random) -> Attempt:
    texts = rng.choice(
        [
            ("12", "15", "18", "21"),
            ("Lung", "Liver", "Brain", "Heart"),
            ("1 cm", "2 cm", "3 cm", "4 cm"),
            ("$x>2$", "$x<2$", "$x=2$", "$x\\ne 2$"),
        ]
    )
    place = rng.randrange(4)
    letter, wrong = "ABCD"[place], "ABCD"[place - 1]
    text, other = texts[place], texts[place - 1]
    word = rng.choice(WORDS)
    answer = rng.choice(
        [
            "{l} or {w}",
            "{l}{w}",
            "{l}, {w}",
            "not {l}",
            "{l} is wrong",
            "({l}) {o}",
            "{w}. {t}",
            "ABCD",
            "A B C D",
            "A, B, C, D",
            "{t} or {o}",
            "{t}, {o}",
            "{t} {x}",
            "({l})({w})",
            "{l}/{w}",
            "{l}? {w}?",
            "all of the above",
            "none",
            "{w}",
            "{o}",
            "{l}^2",
            "\\neg {l}",
            "any of {l}, {w}",
            "({l}) {t} or ({w}) {o}",
            "{x} {t}",
            "{l} & {w}",
        ]
    ).format(l=letter, w=wrong, t=text, o=other, x=word)
    return Attempt(letter, _wrap(answer, rng), "choice", texts)
