"""Labelled cases of the kinds that other graders' tests and bug reports hold, made by rule.

Each function is one kind and makes at least forty cases; labels follow from how a case is made.
"""

# ruff: noqa: E501 - tables of cases are read by row

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product

VALUES = ["5", "12", "-3", "101", "0.3", r"\frac{3}{4}", r"\sqrt{2}", r"2\pi"]
DENYING = [
    "quadrillion",
    "elevenths",
    "incorrect",
    "rejected",
    "extraneous",
    "binary",
    "octal",
    "hex",
    "ternary",
    "repeating",
    "recurring",
    "invalid",
    "excluded",
    "cancelled",
    "disqualified",
    "probably",
    "possibly",
    "maybe",
    "perhaps",
    "estimated",
    "approximate",
    "approximately",
    "doubled",
    "quadrupled",
    "halved",
    "twice",
    "ish",
    "theta",
    "tau",
    "pi",
    "cosine",
    "log",
    "six",
    "seven",
    "thousand",
    "million",
    "mio",
    "kilo",
    "mega",
    "bn",
    "k",
    "onwards",
    "however",
    "although",
    "instead",
    "squared",
    "cubed",
    "inverse",
    "reciprocal",
    "negative",
    "positive",
    "half",
    "thirds",
    "dozen",
    "gross",
    "score",
    "percentage",
    "wrong",
    "false",
    "untrue",
    "unlikely",
    "impossible",
    "undefined",
    "infinite",
    "imaginary",
    "complex",
    "short",
    "less",
    "more",
    "upward",
    "removed",
    "deleted",
    "omitted",
    "ignored",
    "exclusive",
    "inclusive",
    "modulo",
    "factorial",
    "choose",
    "over",
    "under",
    "minus",
    "plus",
    "times-six",
    "versus",
    "oder",
    "ou",
    "nor",
    "except",
    "alternatively",
    "opposite",
    "conjugate",
    "complement",
    "negated",
    "inverted",
    "eliminated",
    "discarded",
    "void",
    "null",
    "nonexistent",
    "hypothetical",
    "tentative",
]
UNITS = [
    "cm",
    "mm",
    "km",
    "m",
    "kg",
    "g",
    "mg",
    "lb",
    "oz",
    "s",
    "min",
    "h",
    "hours",
    "minutes",
    "seconds",
    "days",
    "weeks",
    "years",
    "inches",
    "feet",
    "yards",
    "miles",
    "meters",
    "metres",
    "centimeters",
    "kilometers",
    "liters",
    "litres",
    "gallons",
    "ml",
    "dollars",
    "cents",
    "euros",
    "pounds",
    "degrees",
    "units",
    "mph",
    "ft",
    "in",
    "yd",
    "mi",
    "tons",
    "acres",
    "joules",
    "newtons",
    "watts",
    "volts",
    "hertz",
    "pascals",
    "kelvin",
]
NOUNS = [
    "ways",
    "solutions",
    "digits",
    "pairs",
    "times",
    "students",
    "apples",
    "points",
    "people",
    "marbles",
    "balls",
    "cards",
    "boxes",
    "triangles",
    "squares",
    "integers",
    "numbers",
    "factors",
    "divisors",
    "zeros",
    "roots",
    "terms",
    "elements",
    "subsets",
    "permutations",
    "games",
    "matches",
    "books",
    "pages",
    "coins",
    "dogs",
    "cats",
    "houses",
    "tickets",
    "chairs",
    "cookies",
    "cars",
    "trees",
    "flowers",
    "steps",
    "paths",
    "edges",
    "vertices",
    "faces",
    "handshakes",
    "outcomes",
    "values",
]
DESCRIBED = [
    f"{adjective} {noun}"
    for adjective in (
        "positive",
        "distinct",
        "real",
        "ordered",
        "different",
        "possible",
        "red",
        "prime",
    )
    for noun in ("integers", "solutions", "pairs", "ways", "numbers", "balls")
]
QUANTITIES = [
    "Area",
    "Perimeter",
    "Volume",
    "Total",
    "Answer",
    "Sum",
    "Length",
    "Width",
    "Height",
    "Radius",
    "Diameter",
    "Distance",
    "Speed",
    "Time",
    "Probability",
    "Average",
    "Mean",
    "Median",
    "Cost",
    "Price",
    "Result",
    "Value",
    "Slope",
    "Circumference",
    "Difference",
    "Product",
    "Remainder",
    "Quotient",
    "Number",
    "Maximum",
    "Minimum",
]
NEGATING = [
    "not", "anything but", "twice the answer", "half the answer", "Incorrect answer", "wrong answer", "never",
    "opposite of the answer", "negative of the answer", "answer plus one", "one more than the answer", "not the answer",
    "less than the answer", "reciprocal of the answer", "square of the answer", "rejected answer", "the answer is not",
    "answer without units doubled", "double the area", "minus the sum", "previous answer", "false", "anti",
]  # fmt: skip


@dataclass(frozen=True)
class PeerCase:
    """One case: the answer goes into a box."""

    kind: str
    gold: str
    answer: str
    correct: bool
    choices: tuple[str, ...] = ()
    response: str = ""

    @property
    def text(self) -> str:
        return self.response or f"Some reasoning. So it is $\\boxed{{{self.answer}}}$."


Pairs = Iterator[tuple[str, str, bool]]


def value_changing_words() -> Pairs:
    for value, word in product(VALUES[:3], DENYING):
        yield value, f"{value}\\text{{ {word}}}", False
    for word in DENYING:
        yield "5", f"5 {word}", False
        yield "x=5", f"x=5\\text{{ {word}}}", False
        yield "5\\text{ cm}", f"5\\text{{ {word}}}", False
        yield "\\$5", f"\\$5\\text{{ {word}}}", False
        yield "(1,2)", f"(1,2)\\text{{ {word}}}", False
        yield "1,2", f"1\\text{{ {word}}}, 2", False
        yield "5", f"5\\textbf{{ {word}}}", False
        yield "5", f"5\\mathrm{{~{word}}}", False
        yield "5", f"5\\ (\\text{{{word}}})", False
    for words in (
        "negative dollars",
        "copies of }x\\text{",
        "half dollars",
        "dozen eggs",
        "times itself",
        "minutes to }6\\text{",
        "factors of }2\\text{",
        "degrees below zero",
        "days ago",
    ):
        yield "5", f"5\\text{{ {words}}}", False
    for written in ("{6}5", "6{5}", "\\text{6}5", "6\\mathrm{5}", "\\mathbf{6}5"):
        yield "30", written, False  # it reads 65
    for written in ("~~5~~", "5\\text{ K}", "x_{\\text{wrong}} = 5", "12 \\bmod 2 + 5"):
        yield "5", written, False


def units_added() -> Pairs:
    for unit in UNITS:
        yield "15", f"15\\text{{ {unit}}}", True
        yield "15", f"15\\,\\mathrm{{{unit}}}", True
        yield "15", f"15\\text{{ ({unit})}}", True
        yield "15", f"15\\textbf{{ {unit}}}", True
        yield "16", f"15\\text{{ {unit}}}", False
        yield f"15\\text{{ {unit}}}", "15", True
        yield "15", f"15\\ (\\text{{{unit}}})", True
    for unit in ("cm", "m", "km", "ft", "in", "yd"):
        for power in ("^2", "^{2}", "^3"):
            yield "15", f"15\\text{{ {unit}}}{power}", True
            yield "15", f"15\\ (\\mathrm{{{unit}}}{power})", True
            yield f"15\\text{{ {unit}}}{power}", f"15\\mathrm{{{unit}}}{power}", True
        yield f"15\\text{{ {unit}}}^2", f"15\\text{{ square {unit}}}", True
        yield f"15\\text{{ {unit}}}^2", f"15\\text{{ {unit}}}^3", False
        yield f"15\\text{{ {unit}}}", f"15\\text{{ {unit}}}^2", False


def counted_nouns() -> Pairs:
    for noun in NOUNS + DESCRIBED:
        yield "12", f"12\\text{{ {noun}}}", True
        yield "12", f"12 \\text{{{noun}}}", True
        yield "12", f"13\\text{{ {noun}}}", False
        yield f"12\\text{{ {noun}}}", "12", True
    for noun in ("wands", "yaps", "ballops", "blinkets"):
        yield f"12\\text{{ {noun}}}", "12", True
        yield f"12\\text{{ {noun}}}", f"12 \\text{{{noun}}}", True
        yield f"12\\text{{ {noun}}}", "12\\text{ somethings}", False


def hedges() -> Pairs:
    for value, other in (("5", "6"), ("12", "13"), ("70", "71"), ("0.3", "0.4")):
        for word in (
            "or",
            "or maybe",
            "versus",
            "vs",
            "and",
            "to",
            "oder",
            "ou",
            "plus",
            "minus",
            "over",
            "alternatively",
            "possibly",
            "up to",
            "through",
            "not",
        ):
            yield value, f"{value}\\text{{ {word} }}{other}", False
            yield value, f"{value}\\text{{ {word} {other}}}", False
            yield value, f"{value} {word} {other}", False
            yield value, f"\\text{{{value} {word} {other}}}", False
        for template in (
            "{v}, {o}",
            "{v} \\pm 1",
            "[{v}, {o}]",
            "({v}, {o})",
            "\\{{{v}, {o}\\}}",
            "{v} \\le x \\le {o}",
            "{v} / {o}",
            "{v}; {o}",
            "{v}|{o}",
            "{v} \\lor {o}",
            "{v} \\mid {o}",
            "{v} = {o}",
            "{o} = {v}",
            "\\approx {v}",
            "< {v}",
            "> {v}",
            "\\ne {v}",
            "!= {v}",
            "\\sim {v}",
            "{v}?",
            "{v}..{o}",
            "{v}\\dots{o}",
            "{v}-{o}",
            "{v}{o}",
            "{v} {o}",
            "{v}\\ {o}",
            "{v} \\\\ {o}",
            "{v}^{{1}}x",
            "\\text{{not }} {v}",
            "\\neg {v}",
            "\\cancel{{{v}}}",
            "\\sout{{{v}}}",
            "\\xcancel{{{v}}}",
        ):
            yield value, template.format(v=value, o=other), False


def clocks() -> Pairs:
    for hour, minute in ((12, 0), (2, 30), (8, 40), (10, 15), (4, 20), (6, 45), (9, 30), (3, 5)):
        gold = f"{hour}:{minute:02d}"
        for spelled in (
            gold,
            gold.replace(":", "\\!:\\!"),
            gold.replace(":", "{:}"),
            f"\\text{{{gold}}}",
        ):
            yield gold, spelled, True
        for factor in (2, 3):
            if minute % factor == 0 and hour % factor == 0:
                yield gold, f"{hour // factor}:{minute // factor:02d}", False
        if 2 * minute < 60:
            yield gold, f"{2 * hour}:{2 * minute:02d}", minute == 0 and False
        yield gold, f"{hour}:{(minute + 1) % 60:02d}", False
        yield gold, f"\\frac{{{hour}}}{{{minute or 1}}}", False
        yield gold, str(hour), False
        yield f"\\text{{{gold} p.m.}}", f"{gold}\\text{{ p.m.}}", True
        yield f"\\text{{{gold} p.m.}}", f"{gold}\\text{{ a.m.}}", False
    yield "1:2", "2:4", True
    yield "3:4", "\\frac{3}{4}", True
    yield "3:4", "4:3", False


def labels_with_words() -> Pairs:
    for name in QUANTITIES:
        yield "5", f"\\text{{{name}}} = 5", True
        yield "5", f"\\text{{{name}: }} 5", True
        yield "5", f"{name}: 5", True
        yield "5", f"\\text{{{name}}}: 5\\text{{ cm}}", True
        yield "5", f"\\text{{{name} is }} 5", True
        yield "5", f"\\text{{{name}}} = 6", False
        yield "5", f"\\text{{{name}: }} 5\\text{{ or }} 6", False
        yield "5", f"\\text{{{name} is not }} 5", False
        yield "5", f"\\text{{not {name}}} = 5", False
    for lead in (
        "The answer is",
        "The final answer is",
        "Therefore the answer is",
        "Answer:",
        "Final answer:",
        "So the sum is",
    ):
        yield "5", f"\\text{{{lead} }} 5", True
        yield r"\frac{1}{2}", f"\\text{{{lead} }} \\frac12", True
        yield "(1,2)", f"\\text{{{lead} }} (1,2)", True
        yield "5", f"\\text{{{lead} }} 6", False
        yield "5", f"\\text{{{lead} 5}}", True
    yield "5", "\\text{Area of triangle ABC} = 5", True
    yield "5", "\\text{Number of ways} = 5", True


def labels_that_deny() -> Pairs:
    for words in NEGATING:
        yield "5", f"\\text{{{words}}} = 5", False
        yield "5", f"\\text{{{words}: }} 5", False
        yield "x=5", f"\\text{{{words}}} = 5", False
        yield "1,2", f"\\text{{{words}}} = 1, 2", False
    for word in ("not", "wrong", "never", "false", "no", "non", "less"):
        yield "5", f"{word} = 5", False
        yield "5", f"{word}: 5", False
        yield "5", f"{word.upper()} = 5", False
        yield "5", f"\\mathit{{{word}}} = 5", False
        yield "5", f"\\operatorname{{{word}}} = 5", False


def not_quite_equal() -> Pairs:
    for gold in (
        r"\pi",
        r"\sqrt{2}",
        r"\frac{5\sqrt{3}}{2}",
        "e",
        r"\ln 2",
        r"\sin 1",
        "x",
        "x^2+1",
        r"\frac{1}{x+1}",
        r"e^{\pi}",
        r"2^{\sqrt 2}",
        r"\arctan 2",
    ):
        for exponent in (40, 45, 60, 90, 150, 300):
            yield gold, f"{gold}+10^{{-{exponent}}}", False
            yield gold, f"{gold}\\left(1+10^{{-{exponent}}}\\right)", False
        yield gold, f"{gold} + 0", True
    yield "x+y=1", "x+y=1+10^{-45}", False
    yield "(1,\\pi)", "(1,\\pi+10^{-45})", False
    yield "[0,\\pi]", "[0,\\pi+10^{-60}]", False
    yield "1,\\pi", "\\pi+10^{-60},1", False
    yield (
        r"\begin{pmatrix}\pi\\1\end{pmatrix}",
        r"\begin{pmatrix}\pi-10^{-50}\\1\end{pmatrix}",
        False,
    )


ROUNDED = [
    (r"\frac{\sqrt3}{3}", "0.577", "0.578"), (r"10\pi", "31.4", "31.5"), (r"\frac{7}{9}", "0.78", "0.80"), (r"\sqrt{2}", "1.414", "1.42"),
    (r"\frac{5\sqrt{3}}{2}", "4.33", "4.43"), (r"e^2", "7.389", "7.5"), (r"\ln 2", "0.693", "0.8"), (r"\frac{1}{3}", "0.333", "0.34"),
    (r"\pi", "3", "3.2"), (r"-\frac{2}{3}", "-0.667", "0.667"), (r"2\sqrt{5}", "4.47", "4.40"),
]  # fmt: skip


def exact_then_rounded() -> Pairs:
    for exact, rounded, off in ROUNDED:
        for template in (
            "{e} \\approx {r}",
            "{e} ≈ {r}",
            "{e}\\ (\\approx {r})",
            "{e}\\text{{ cm}} \\approx {r}\\text{{ cm}}",
            "x = {e} \\approx {r}",
        ):
            yield exact, template.format(e=exact, r=rounded), True
            yield exact, template.format(e=exact, r=off), False
        yield exact, rounded, False
        yield exact, f"\\approx {rounded}", False
        yield exact, f"x \\approx {rounded}", False
        yield rounded, f"{exact} \\approx {rounded}", False
        yield "17", f"{exact} \\approx {rounded}", False


def series_and_integrals() -> Pairs:
    known = [
        ("2", r"\sum_{n=0}^{\infty} \frac{1}{2^n}"), (r"\frac{\pi^2}{6}", r"\sum_{n=1}^{\infty} \frac{1}{n^2}"), (r"\frac{\sqrt{\pi}}{2}", r"\int_0^\infty e^{-x^2}\,dx"),
        ("1", r"\int_0^1 2x\,dx"), (r"\frac{1}{3}", r"\int_{0}^{1} x^2 \, dx"), ("2", r"\int_0^{\pi} \sin x\,dx"), (r"\ln 2", r"\int_1^2 \frac{1}{x}\,dx"), ("e", r"\lim_{n\to\infty} (1+\frac1n)^n"),
        ("1", r"\lim_{x\to 0} \frac{\sin x}{x}"), ("5050", r"\sum_{k=1}^{100} k"), (r"\frac{3}{2}", r"\sum_{k=0}^{\infty} \left(\frac13\right)^k"), ("120", r"\prod_{k=1}^{5} k"),
        (r"\frac{n(n+1)}{2}", r"\sum_{k=1}^{n} k"), (r"(-1)^n", r"\cos(\pi n)"), (r"2^n", r"\sum_{k=0}^{n} \binom{n}{k}"), (r"\frac{\pi}{4}", r"\int_0^1 \frac{1}{1+x^2}\,dx"),
    ]  # fmt: skip
    for gold, answer in known:
        yield gold, answer, True
        yield answer, gold, True
        yield gold, f"{answer} + 1", False
        if "n" not in gold.replace("\\sin", "").replace("\\ln", "") and "n)" not in answer:
            yield gold, f"2 \\cdot {answer}", False
            yield f"3 \\cdot {gold}", answer, False


def chinese() -> Pairs:
    for unit in [
        "厘米",
        "米",
        "千米",
        "度",
        "个",
        "元",
        "秒",
        "小时",
        "平方厘米",
        "立方米",
        "千克",
        "人",
        "种",
        "次",
        "分钟",
        "岁",
        "天",
        "升",
        "吨",
        "公里",
    ]:
        yield "15", f"15{unit}", True
        yield (
            "15",
            f"15\\text{{{unit}}}",
            unit not in ("个", "人", "种", "次"),
        )  # counting words stand beside digits
        yield "16", f"15{unit}", False
    for word in [
        "万",
        "亿",
        "千",
        "百",
        "倍的答案",
        "折",
        "成",
        "多",
        "左右",
        "以上",
        "以下",
        "不对",
    ]:
        yield "15", f"15{word}", False
    for lead in ("答案：", "答案是", "答：", "结果为", "面积为"):
        yield "15", f"{lead}15", True
        yield "15", f"{lead}16", False
    yield "15", "答案不是15", False
    yield "15", "约15", False
    yield "2,3", "2和3", True
    yield "2", "2或3", False
    for wide, plain in (
        ("１５", "15"),
        ("－５", "-5"),
        ("１２．５", "12.5"),
        ("３／４", "3/4"),
        ("（１，２）", "(1,2)"),
        ("ｘ＋１", "x+1"),
        ("２０％", "20\\%"),
    ):
        yield plain, wide, True
    yield "5", "－５", False


def named_golds() -> Pairs:
    for gold, bare, other in (
        ("|AB|=1", "1", "2"),
        ("S_1:S_2=7:32", "7:32", "7:31"),
        ("x=5", "5", "6"),
        ("AB=3", "3", "4"),
        ("f(3)=7", "7", "3"),
        ("\\angle ABC = 40^\\circ", "40^\\circ", "50^\\circ"),
        ("P(A)=\\frac12", "\\frac12", "\\frac13"),
        ("a:b=2:3", "2:3", "3:2"),
        ("|z|=5", "5", "-5"),
    ):
        yield gold, bare, True
        yield gold, gold, True
        yield gold, other, False
        yield gold, f"{bare}+1", False
    yield "|x|=1", "1", False
    yield "x+y=5", "5", False
    yield "x^2=5", "5", False
    yield "5", "|x|=5", False
    for names in (("x", "y"), ("a", "b"), ("m", "n"), ("x_1", "x_2")):
        one, two = names
        yield "(1,2)", f"{one}=1, {two}=2", True
        yield "(2,1)", f"{one}=1, {two}=2", False
        yield "(1,2)", f"{one}=1, {one}=2", False


def spellings() -> Pairs:
    pairs = [
        ("x \\neq 3", "x != 3"), ("x \\neq 3", "x \\ne 3"), ("1,2,\\ldots,10", "1,2,\\dots,10"), ("\\{1,2,\\ldots\\}", "\\{1,2,\\cdots\\}"), ("2", "\\begin{array}{c}2\\end{array}"), ("5", "\\begin{aligned} 5 \\end{aligned}"),
        ("x=5", "\\begin{aligned} x &= 5 \\end{aligned}"), ("5", "\\begin{gathered} 5 \\end{gathered}"), ("\\frac{2}{3}", ".\\overline{6}"), ("\\frac{2}{3}", "0.\\overline{6}"), ("-5", "{-}5"), ("6", "\\gcd(12,18)"), ("36", "\\operatorname{lcm}(12,18)"),
        ("18", "\\max(12,18)"), ("12", "\\min\\{12,18\\}"), ("2", "17 \\bmod 5"), ("120", "C(10,3)"), ("120", "\\binom{10}{3}"), ("120", "{10 \\choose 3}"), ("120", "\\tbinom{10}{3}"), ("(-\\infty,1)\\cup(2,3)", "(-\\infty,1)\\bigcup(2,3)"),
        ("xy=6", "yx=6"), ("2xy=6", "6=2yx"), ("ab+cd=1", "dc+ba=1"), ("y=2x+1", "y=1+x\\cdot 2"), ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{bmatrix}1&2\\cr3&4\\end{bmatrix}"),
        ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\frac12\\begin{pmatrix}2&4\\\\6&8\\end{pmatrix}"), ("\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{pmatrix}1&1\\\\1&1\\end{pmatrix}+\\begin{pmatrix}0&1\\\\2&3\\end{pmatrix}"),
        ("\\begin{pmatrix}7\\\\15\\end{pmatrix}", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}\\begin{pmatrix}1\\\\3\\end{pmatrix}"), ("\\begin{pmatrix}1\\\\2\\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix}^T"), ("20\\%", "20\\text{ pct}"), ("6,8", "6\\text{ cm and }8\\text{ cm}"),
        ("6,8", "6\\text{ cm}, 8\\text{ cm}"), ("-2", "\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}"), ("\\frac{\\pi}{3}", "\\frac{\\pi}{3}\\text{ radians}"), ("\\frac{1}{2}", "\\dfrac{1}{2}"), ("0.5", "\\tfrac12"), ("1000", "1\\,000"), ("x^2", "x**2"), ("120", "C_{10}^{3}"), ("120", "{}_{10}C_3"), ("120", "10C3"), ("5", "\\therefore 5"), ("5", "\\text{So } x = 5"), ("7", "S_{\\triangle ABC}=7"), ("7", "[ABC]=7"),
        ("(-\\infty,1)\\cup(2,3)", "(-\\infty,1)U(2,3)"), ("(-\\infty,1)\\cup(2,3)", "(-\\infty,1)\\text{ or }(2,3)"), ("\\mathbb{R}", "\\text{all real numbers}"), ("12", "12\\text{ values of }n"), ("12", "12\\text{ ways in total}"),
    ]  # fmt: skip
    for gold, answer in pairs:
        yield gold, answer, True
        yield "17", answer, False
    for zero in ("\\sin\\pi", "e^{i\\pi}+1", "\\ln 1", "+0", "0.0"):
        yield "0", zero, True
    for stray in ("0x", "0i", "0\\pi", "0!", "0^0", "\\emptyset", "10^{-100}"):
        yield "0", stray, False
    yield "x=2, y=3", "y=3, x=2", True
    yield "x=2, y=3", "x=3, y=2", False
    yield "60", "60\\text{ rad}", False
    yield "6", "17 \\bmod 5", False
    yield "7", "x \\equiv 7 \\pmod 9", False


def duplicated_options() -> Iterator[PeerCase]:
    for letter, other in product("ABCD", "ABCD"):
        if letter != other:
            texts = {place: f"option {place}" for place in "ABCD"}
            texts[letter] = texts[other] = "CT"
            choices = tuple(texts[place] for place in "ABCD")
            yield PeerCase("duplicated options", letter, "CT", True, choices)
            third = next(place for place in "ABCD" if place not in (letter, other))
            yield PeerCase("duplicated options", third, "CT", False, choices)
            yield PeerCase("duplicated options", letter, f"option {third}", False, choices)
            yield PeerCase("duplicated options", letter, other, False, choices)


def choice_forms() -> Iterator[PeerCase]:
    numbers = ("12", "15", "18", "21")
    for gold, place in (("B", 1), ("C", 2)):
        value = numbers[place]
        for form in (
            "选项{g}",
            "答案：{g}",
            "选{g}",
            "{g}选项",
            "故选{g}",
            "({g})",
            "{g}.",
            "Option {g}",
            "\\text{{({g})}}",
            "{g}: {v}",
            "({g}) {v}",
            "{v}",
            "{v}\\text{{ cm}}",
            "\\textbf{{{g}}}",
            "Ｂ" if gold == "B" else "Ｃ",
            "The answer is {g}",
            "\\boxed{{{g}}}",
        ):
            yield PeerCase("choice forms", gold, form.format(g=gold, v=value), True, numbers)
        for form in (
            "{v}\\text{{ incorrect}}",
            "{g} or A",
            "not {g}",
            "{g} is wrong",
            "A{g}",
            "{g}{g}A",
            "A, {g}",
            "{g}?A",
            "({g}) 99",
            "all but {g}",
            "{g}^c",
            "\\neg {g}",
            "anything except {g}",
            "A. 12 B. 15 C. 18 D. 21",
            "{v} or 12",
            "{v}, 12",
            "12 and {v}",
            "\\text{{{v} rejected}}",
        ):
            yield PeerCase("choice forms", gold, form.format(g=gold, v=value), False, numbers)
        for form in (
            "({g}) is wrong",
            "{g}. incorrect",
            "{g}: rejected",
            "({g}) or (A)",
            "{g}) not this",
        ):
            yield PeerCase("choice without texts", gold, form.format(g=gold), False)
            yield PeerCase(
                "choice without texts", gold, form.format(g=gold), False, ("", "", "", "")
            )


def boxes() -> Iterator[PeerCase]:
    def case(gold: str, response: str, correct: bool) -> PeerCase:
        return PeerCase("boxes", gold, "", correct, response=response)

    for one, two in (("2", "3"), ("1", "5"), ("\\sqrt2", "-\\sqrt2"), ("0.5", "4")):
        gold = f"{one},{two}"
        for link in (" and ", ", ", "$ and $", " \\text{ and } ", "$, $", ", and "):
            yield case(gold, f"So $\\boxed{{{one}}}{link}\\boxed{{{two}}}$.", True)
            yield case(gold, f"So $\\boxed{{{one}}}{link}\\boxed{{{one}}}$.", False)
            yield case(two, f"So $\\boxed{{{one}}}{link}\\boxed{{{two}}}$.", True)
        yield case(
            gold,
            f"First $\\boxed{{{one}}}$. Then I find that the other one is $\\boxed{{{two}}}$.",
            False,
        )
        yield case(gold, f"So $\\boxed{{{one}}}$ or $\\boxed{{{two}}}$.", False)
        yield case(two, f"First \\boxed{{{two}}}. Recheck, so it is \\boxed{{", False)
        yield case(two, f"First \\boxed{{{two}}}. Recheck, so it is \\boxed{{{two}", False)
        yield case(two, f"First \\boxed{{{two}. No: \\boxed{{{two}}}", True)


KINDS: dict[str, Callable[[], Pairs]] = {
    function.__name__.replace("_", " "): function
    for function in (
        value_changing_words, units_added, counted_nouns, hedges, clocks, labels_with_words, labels_that_deny,
        not_quite_equal, exact_then_rounded, series_and_integrals, chinese, named_golds, spellings,
    )
}  # fmt: skip


def peer_cases() -> list[PeerCase]:
    """All kinds, at least forty cases each."""
    found = [
        PeerCase(kind, gold, answer, correct)
        for kind, function in KINDS.items()
        for gold, answer, correct in function()
    ]
    return [*found, *duplicated_options(), *choice_forms(), *boxes()]
