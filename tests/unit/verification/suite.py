"""The labelled suite: cases whose labels follow from how they were made, never from a grader.

Each generator takes an answer of known value and writes it again (correct) or changes it (wrong), by
the rules of judgement 1-10 of docs/verification.md. The seed is fixed.
"""

# ruff: noqa: E501 - tables of cases are read by row

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction

from tests.unit.verification import suite_classes


@dataclass(frozen=True)
class Labelled:
    """`answer` is the content of the box; `how` names the change that made the label."""

    benchmark: str
    kind: str
    gold: str
    answer: str
    correct: bool
    how: str
    choices: tuple[str, ...] | None = None
    given_kind: str | None = None

    @property
    def response(self) -> str:
        return f"We reason about 17 and (B) first.\n\nThe answer is $\\boxed{{{self.answer}}}$."


Made = Iterator[Labelled]


def grouped(number: int, separator: str) -> str:
    return f"{number:,}".replace(",", separator)


def wrappings(text: str) -> list[tuple[str, str]]:
    """Spellings that change no value, whatever the answer is."""
    return [
        (f" {text} ", "blanks"),
        (f"\n{text}\n", "newlines"),
        (f"{text}.", "full stop"),
        (f"${text}$", "dollars"),
        (f"\\({text}\\)", "parentheses of inline mathematics"),
        (f"\\displaystyle {text}", "display style"),
        (f"\\boxed{{{text}}}", "box in the box"),
        (f"{{{text}}}", "group"),
        (f"\\,{text}\\,", "thin spaces"),
        (f"\\!{text}\\;", "negative space"),
        (f"\\color{{red}}{{{text}}}", "colour"),
        (f"\u200b{text}", "zero-width space"),
    ]


def integers(rng: random.Random) -> Made:
    for _ in range(22):
        n = rng.choice([rng.randint(2, 99), rng.randint(100, 999), rng.randint(1000, 9_999_999)])
        m = n + rng.randint(1, 9)
        right = [
            *wrappings(str(n)),
            (f"{n}.0", "decimal zero"), (f"{n}.", "decimal point"), (f"0{n}", "leading zero"), (f"+{n}", "plus"),
            (f"\\text{{{n}}}", "text"), (f"\\mathbf{{{n}}}", "bold"), (f"\\textbf{{{n}}}", "bold text"),
            (f"\\frac{{{3 * n}}}{{3}}", "fraction"), (f"{2 * n}/2", "slash"), (f"x = {n}", "label"),
            (f"f(3) = {n}", "label"), (f"\\text{{Area}} = {n}", "label in words"), (f"({n})", "parentheses"),
            (f"{n - 1} + 1", "sum"), (f"\\textbf{{(A) }} {n}", "option label"), (f"(C)\\ {n}", "option label"),
            (f"{n}\\text{{ apples}}", "count noun"), (f"\\${n}", "currency"), (f"--{n}", "two signs"),
            (f"\\left({n}\\right)", "sized parentheses"), (f"\\sqrt{{{n * n}}}", "root of a square"),
        ]  # fmt: skip
        if n >= 1000:
            for separator, how in (
                (",", "comma"),
                ("{,}", "braced comma"),
                ("\\,", "thin space"),
                (",\\!", "tight comma"),
                ("\\ ", "control space"),
                ("\u202f", "narrow space"),
            ):
                right.append((grouped(n, separator), f"thousands by {how}"))
        wrong = [
            (str(m), "another number"), (f"-{n}", "sign"), (f"{n}0", "times ten"), (f"{n}00", "times a hundred"),
            (f"{n}\\%", "percent"), (str(Fraction(n, 100)), "hundredth"), (f"{n}.0001", "nearly"), (f"{n}.5", "half more"),
            (f"{n} \\text{{ or }} {m}", "alternatives"), (f"{n}, {m}", "two candidates"), (f"{m}, {n}", "two candidates"),
            (f"{n} \\text{{ and }} {m}", "two candidates"), (f"\\pm {n}", "both signs"), (f"\\neq {n}", "not equal"),
            (f"x \\neq {n}", "not equal"), (f"< {n}", "less"), (f"x \\le {n}", "at most"), (f"\\geq {n}", "at least"),
            (f"x > {n}", "greater"), (f"[{n - 1}, {n + 1}]", "interval around"), (f"{n - 1} < x < {n + 1}", "inequality around"),
            (f"{n} \\pm 1", "plus or minus"), (f"{n}x", "trailing letter"), (f"{n}t", "trailing letter"), (f"{n}i", "trailing i"),
            (f"{n}c", "trailing c"), (f"{n} m", "trailing letter"), (f"{n}_{{{37}}}", "base"), (f"{n}_8", "base"),
            (f"{n}^2", "squared"), (f"\\sqrt{{{n}}}", "root"), (f"{n}\\text{{ million}}", "multiplier"), (f"{n}\\text{{ dozen}}", "multiplier"),
            (f"\\{{{n}, {m}\\}}", "set"), (f"({n}, {m})", "pair"), (f"\\text{{about }} {n}", "about"), (f"\\text{{not }} {n}", "not"),
            (f"\\frac{{{n}}}{{{m}}}", "fraction"), (f"{n} = {m}", "false equation"), (f"2x = {n}", "unsolved"), (f"x = {n} \\text{{ or }} x = {m}", "alternatives"),
            (f"{n} {m}", "side by side"), (f"\\text{{at least }} {n}", "hedge"), (f"{n} \\to {m}", "arrow"), (f"{n}\\pi", "times pi"),
            (f"{n} \\text{{ or more}}", "hedge"), (f"{n}\\cdot 10^{{2}}", "times a hundred"), (f"\\overline{{{n}}}", "overlined"), ("", "nothing"),
        ]  # fmt: skip
        benchmark = rng.choice(["math", "aime2025", "amc23", "mathvision", "geo3k"])
        yield from both(benchmark, "number", str(n), right, wrong)


def both(
    benchmark: str,
    kind: str,
    gold: str,
    right: list[tuple[str, str]],
    wrong: list[tuple[str, str]],
    **rest: object,
) -> Made:
    for answer, how in right:
        yield Labelled(benchmark, kind, gold, answer, True, how, **rest)  # type: ignore[arg-type]
    for answer, how in wrong:
        yield Labelled(benchmark, kind, gold, answer, False, how, **rest)  # type: ignore[arg-type]


def fractions(rng: random.Random) -> Made:
    for _ in range(10):
        top, bottom = rng.choice(
            [(3, 4), (7, 8), (5, 16), (9, 20), (13, 25), (11, 40), (21, 2), (7, 5)]
        )
        decimal = f"{top / bottom:g}"
        gold = rng.choice(
            [f"\\frac{{{top}}}{{{bottom}}}", f"\\dfrac{{{top}}}{{{bottom}}}", decimal]
        )
        right = [
            (f"\\frac{{{top}}}{{{bottom}}}", "frac"), (f"\\dfrac{{{top}}}{{{bottom}}}", "dfrac"), (f"\\tfrac{{{top}}}{{{bottom}}}", "tfrac"),
            (f"{top}/{bottom}", "slash"), (decimal, "decimal"), (f"{decimal}0", "trailing zero"), (f"\\frac{{{2 * top}}}{{{2 * bottom}}}", "not reduced"),
            (f"\\frac {{{top}}} {{{bottom}}}", "blanks"), (f"\\text{{{decimal}}}", "text"), (f"y = \\frac{{{top}}}{{{bottom}}}", "label"),
            (f"-\\frac{{-{top}}}{{{bottom}}}", "two signs"), (f"\\frac{{{top}.0}}{{{bottom}}}", "decimal top"), (f"{top} \\div {bottom}", "division"),
            (f"\\left(\\frac{{{top}}}{{{bottom}}}\\right)", "parentheses"), (f"{bottom}^{{-1}}\\cdot {top}", "power"),
        ]  # fmt: skip
        if top < 10 and bottom < 10:
            right.append((f"\\frac{top}{bottom}", "without braces"))
        if top > bottom:
            whole, part = divmod(top, bottom)
            right.append((f"{whole}\\frac{{{part}}}{{{bottom}}}", "mixed number"))
            right.append((f"{whole} {part}/{bottom}", "mixed number in a line"))
        wrong = [
            (f"\\frac{{{bottom}}}{{{top}}}", "upside down"), (f"-\\frac{{{top}}}{{{bottom}}}", "sign"), (f"\\frac{{{top}}}{{{bottom + 1}}}", "bottom"),
            (f"{top}:{bottom}", "ratio"), (f"{decimal}\\%", "percent"), (f"{100 * top / bottom:g}", "hundredfold"), (f"{100 * top / bottom:g}\\%", "as a percentage"),
            (f"{decimal}1", "more digits"), (f"{top}, {bottom}", "list"), (f"({top}, {bottom})", "pair"), (f"\\frac{{{top}}}{{{bottom}}}x", "trailing letter"),
            (f"\\approx {decimal}", "about"), (f"\\neq \\frac{{{top}}}{{{bottom}}}", "not equal"), (f"\\binom{{{top}}}{{{bottom}}}", "binomial"),
            (f"{top}{bottom}", "bar lost"), (f"\\frac{{{top}}}{{{bottom}}}, \\frac{{{bottom}}}{{{top}}}", "one too many"),
        ]  # fmt: skip
        yield from both(rng.choice(["math", "mathvision"]), "number", gold, right, wrong)
    for gold, rights, wrongs in (
        ("\\frac{1}{3}", ["1/3", "0.\\overline{3}", "0.\\bar{3}", "\\frac13", "3^{-1}"], ["0.333", "0.3333333333333333333333", "0.33\\overline{4}", "33\\%"]),
        ("3\\frac18", ["\\frac{25}{8}", "3.125", "25/8", "3 \\frac{1}{8}", "3 1/8"], ["\\frac{3}{8}", "3.18", "\\frac{31}{8}", "3, \\frac18"]),
        ("0.8333", ["0.8333", ".8333", "\\frac{8333}{10000}"], ["\\frac56", "0.83333", "0.833"]),
        ("1.5", ["1.50", "3/2", "\\frac{3}{2}", "1\\frac12"], ["1.51", "15", "1,5", "150\\%"]),
        ("-\\frac32", ["-1.5", "\\frac{-3}{2}", "-3/2", "\\frac{3}{-2}"], ["1.5", "\\frac{-3}{-2}", "-\\frac23"]),
    ):  # fmt: skip
        yield from both(
            "math",
            "number",
            gold,
            [(text, "spelling") for text in rights],
            [(text, "changed") for text in wrongs],
        )


def expressions(_rng: random.Random) -> Made:
    table = [
        ("2\\sqrt{3}", ["2\\sqrt3", "\\sqrt{12}", "2 \\cdot \\sqrt{3}", "\\sqrt{3}\\cdot 2", "2\\times\\sqrt{3}", "2√3", "\\frac{6}{\\sqrt{3}}", "2 \\cdot 3^{1/2}", "2\\sqrt{3}\\text{ cm}", "\\sqrt 3 + \\sqrt 3"], ["2\\sqrt{2}", "3.4641016151377544", "3.46", "\\sqrt{6}", "2\\sqrt{3}x", "12", "\\sqrt[3]{12}", "2\\sqrt{3}, -2\\sqrt{3}", "\\pm 2\\sqrt{3}", "\\approx 3.46", "2+\\sqrt3", "\\sqrt{2}3"]),
        ("\\pi", ["π", "\\pi ", "1\\pi", "\\frac{2\\pi}{2}", "pi", "\\pi\\text{ cm}"], ["3.14", "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899", "\\frac{22}{7}", "2\\pi", "\\pi^2", "180", "180^\\circ", "p", "\\pi r^2", "\\approx 3.14159"]),
        ("8-2\\pi", ["-2\\pi+8", "8 - 2π", "2(4-\\pi)", "8-\\pi\\cdot 2"], ["8+2\\pi", "2\\pi-8", "6\\pi", "1.7168", "1.717"]),
        ("\\frac{\\sqrt{2}}{2}", ["\\frac{1}{\\sqrt{2}}", "\\sqrt{\\frac12}", "\\sqrt{0.5}", "2^{-1/2}", "\\dfrac{\\sqrt2}{2}", "\\frac{\\sqrt 2}2", "\\sin 45^\\circ", "\\cos\\frac{\\pi}{4}", "\\sqrt{2}/2"], ["\\frac{\\sqrt{3}}{2}", "0.7071067811865475", "\\frac{2}{\\sqrt{2}}", "-\\frac{\\sqrt2}{2}", "\\sin 45", "\\frac{\\sqrt{2}}{2}i"]),
        ("x^2-5", ["-5+x^2", "x^{2} - 5", "(x-\\sqrt5)(x+\\sqrt5)", "y = x^2-5", "x\\cdot x-5", "x^2 + (-5)", "f(x) = x^2 - 5"], ["x^2+5", "x^2-6", "y^2-5", "x-5", "x^2 - 5 = 0", "x^{2-5}", "x^3-5", "X^2-5", "2x^2-10", "x^2"]),
        ("(a+5)(b+2)", ["(b+2)(a+5)", "ab+2a+5b+10", "(5+a)(2+b)", "a(b+2)+5(b+2)"], ["(a+2)(b+5)", "a+5b+2", "(a+5),(b+2)", "ab+10", "(A+5)(B+2)"]),
        ("\\frac{1}{2 - x}", ["\\frac{-1}{x-2}", "-\\frac{1}{x-2}", "(2-x)^{-1}", "1/(2-x)", "\\frac1{2-x}"], ["\\frac{1}{x-2}", "\\frac{1}{2+x}", "2-x", "1/2-x"]),
        ("6+9i", ["9i+6", "6 + 9 i", "3(2+3i)", "6+9\\mathrm{i}", "z = 6+9i", "6 + i9"], ["6-9i", "6+9", "9+6i", "6+9c", "6", "15", "6, 9i", "(6,9)", "6+9x"]),
        ("9c+6", ["6+9c", "3(3c+2)", "6 + 9 c"], ["9c", "9+6", "9c+6d", "9t+6", "9C+6"]),
        ("4t", ["4 t", "4\\cdot t", "t4", "2t+2t"], ["4", "4x", "4T", "t", "4t^2", "4\\text{ tons}"]),
        ("2^{2005}", ["2\\cdot 2^{2004}", "2^{2005}", "4^{1002}\\cdot 2"], ["2^{2004}", "2005^2", "2^{2005}+1", "2^{2006}", "4010"]),
        ("\\frac{1}{2004!}", ["\\frac{1}{2004\\cdot 2003!}", "1/2004!"], ["\\frac{1}{2003!}", "0", "2004!"]),
        ("\\log_2 3", ["\\frac{\\ln 3}{\\ln 2}", "\\log_{2}(3)", "\\frac{\\log 3}{\\log 2}"], ["\\log_3 2", "1.585", "\\log 3", "\\ln 3"]),
        ("e^{2}", ["e^2", "\\exp(2)", "e\\cdot e", "\\mathrm{e}^2"], ["2e", "7.389", "e", "x^2"]),
        ("\\cot x", ["\\frac{\\cos x}{\\sin x}", "\\frac{1}{\\tan x}", "\\cot(x)", "\\tan(\\frac{\\pi}{2}-x)"], ["\\tan x", "\\cot y", "\\csc x", "\\cot", "\\cot 2x"]),
        ("-\\sqrt{x-2}+2", ["2-\\sqrt{x-2}", "2-(x-2)^{1/2}"], ["\\sqrt{x-2}+2", "2-\\sqrt{x+2}", "2-\\sqrt{x}-2"]),
        ("f(x)", ["f(x)", "f( x )"], ["g(x)", "f(y)", "fx^2"]),
        ("3 - 2f(x)", ["-2f(x)+3", "3-2 \\cdot f(x)"], ["3-2x", "3+2f(x)", "3-2f(y)"]),
        ("|x-3|", ["|3-x|", "\\left|x-3\\right|", "\\lvert x-3 \\rvert", "\\sqrt{(x-3)^2}"], ["x-3", "3-x", "|x+3|"]),
        ("\\sqrt[3]{2}", ["2^{1/3}", "2^{\\frac13}", "\\sqrt[3]{2}", "\\sqrt[6]{4}"], ["\\sqrt{2}", "1.26", "\\sqrt[4]{2}", "3\\sqrt{2}"]),
        ("4^5", ["2^{10}", "1024", "32^2", "1{,}024"], ["5^4", "20", "4.5", "45"]),
        ("\\binom{10}{3}", ["120", "\\frac{10!}{3!7!}", "\\binom{10}{7}"], ["\\binom{10}{4}", "720", "\\frac{10}{3}"]),
        ("\\frac{3\\sqrt{3}}{4}", ["\\frac{3}{4}\\sqrt{3}", "0.75\\sqrt3", "\\frac{9}{4\\sqrt{3}}"], ["\\frac{3\\sqrt{3}}{2}", "1.299", "\\frac{\\sqrt{3}}{4}"]),
        ("\\frac{1+\\sqrt{5}}{4}", ["\\frac{\\sqrt5+1}{4}", "\\cos 36^\\circ", "\\frac14+\\frac{\\sqrt5}{4}"], ["\\frac{1-\\sqrt5}{4}", "0.809", "1+\\frac{\\sqrt5}{4}"]),
    ]  # fmt: skip
    for gold, right, wrong in table:
        both_kinds = [(a, "same value") for a in right] + [
            w for w in wrappings(gold) if not w[0].startswith("\\displaystyle")
        ]
        yield from both(
            "math", "expression", gold, both_kinds, [(a, "another value") for a in wrong]
        )


def structures(_rng: random.Random) -> Made:
    table = [
        ("tuple", "(3,-4)", ["(3, -4)", "\\left(3,-4\\right)", "\\left( 3 , -4 \\right)", "(3.0,-4)", "(x,y)=(3,-4)", "(\\frac{6}{2}, -4)", "\\big(3,-4\\big)", "(3,-4).", "P = (3,-4)"], ["(-4,3)", "(3,4)", "3,-4", "[3,-4]", "\\{3,-4\\}", "(3,-4,0)", "3-4", "(3,-4) \\text{ or } (-4,3)", "(3,-4),(1,2)", "(3,-4]", "-1", "3", "(3;-4;1)"]),
        ("tuple", "(1,2,3)", ["(1, 2, 3)", "\\left(1,2,3\\right)", "(x,y,z) = (1,2,3)"], ["(3,2,1)", "(1,3,2)", "1,2,3", "[1,2,3]", "\\{1,2,3\\}", "(1,2)", "123", "(1,2,3,4)", "(1,2),3"]),
        ("tuple", "\\left( \\frac{3}{2}, -13 \\right)", ["(1.5,-13)", "(3/2, -13)", "\\left(\\tfrac32,-13\\right)"], ["(\\frac{2}{3},-13)", "(-13, \\frac32)", "\\frac32, -13", "(1.5, 13)"]),
        ("tuple", "\\left( 3, \\frac{\\pi}{2} \\right)", ["(3, \\pi/2)", "(3,0.5\\pi)"], ["(3, 1.5708)", "(3, 90^\\circ)", "(\\frac{\\pi}{2}, 3)", "(-3, \\frac{\\pi}{2})"]),
        ("list", "1,-2", ["-2, 1", "1, -2", "1 \\text{ and } -2", "x=1, x=-2", "x = 1, -2", "x=1 \\text{ or } x=-2", "-2 \\text{ and } 1", "1; -2", "1.0, -2", "x = 1 \\text{ and } x = -2"], ["1", "-2", "1,2", "1,-2,3", "(1,-2)", "1-2", "1,1,-2", "x=1,y=-2", "-1,2", "1,-2,-2", "-1", "12"]),
        ("list", "3, 5, 7", ["7,5,3", "5, 3, 7", "3, 5, \\text{ and } 7", "3, 5 and 7", "7, 3 and 5"], ["3,5", "3,5,8", "3,5,7,9", "(3,5,7)", "357", "3+5+7", "3,5,7,7", "3, 5, \\text{ or } 7"]),
        ("list", "1 \\pm \\sqrt{19}", ["1+\\sqrt{19}, 1-\\sqrt{19}", "1-\\sqrt{19}, 1+\\sqrt{19}", "x = 1 \\pm \\sqrt{19}", "1 ± √19", "\\sqrt{19}+1,\\ 1-\\sqrt{19}"], ["1+\\sqrt{19}", "1-\\sqrt{19}", "1 \\pm \\sqrt{17}", "-1 \\pm \\sqrt{19}", "\\pm\\sqrt{19}", "5.36, -3.36"]),
        ("list", "3i,-3i", ["-3i, 3i", "\\pm 3i", "3i \\text{ and } -3i"], ["3i", "3,-3", "\\pm 3", "3i,3i", "9i"]),
        ("list", "\\frac{1}{2}, -\\frac{1}{12}", ["-1/12, 1/2", "0.5, -\\frac1{12}"], ["\\frac12", "\\frac12, \\frac{1}{12}", "0.5, -0.0833", "-\\frac{1}{24}"]),
        ("list", "B, C", ["C, B", "B,C", "\\text{B, C}", "\\text{B and C}", "C and B", "\\text{(B), (C)}"], ["B", "C", "B, D", "A, B, C", "B or C", "B, C, D"]),
        ("set", "\\{1,2,3\\}", ["\\{3,1,2\\}", "\\left\\{1,2,3\\right\\}", "\\{1, 2, 3\\}", "S = \\{1,2,3\\}", "\\{1,2,2,3\\}", "\\{ 3, 2, 1 \\}"], ["\\{1,2\\}", "\\{1,2,3,4\\}", "(1,2,3)", "[1,2,3]", "6", "\\{1,2,4\\}", "123", "\\{\\{1,2,3\\}\\}", "\\{-1,2,3\\}"]),
        ("set", "\\emptyset", ["\\varnothing", "\\{\\}", "∅", "\\emptyset"], ["0", "\\{0\\}", "\\{\\emptyset\\}", "\\mathbb{R}"]),
        ("interval", "[0,1)", ["[0, 1)", "\\left[0,1\\right)", "x \\in [0,1)", "[0.0,1)", "\\left[ 0, 1 \\right)"], ["[0,1]", "(0,1)", "(0,1]", "[1,0)", "0,1", "\\{0,1\\}", "[0,2)", "[0,1", "0 < x < 1", "[0,1) \\cup [2,3)", "[-1,1)"]),
        ("interval", "(2,\\infty)", ["(2, \\infty)", "(2,+\\infty)", "\\left(2,\\infty\\right)", "(2, ∞)", "x \\in (2,\\infty)", "(2, infinity)"], ["[2,\\infty)", "(-\\infty,2)", "(2,\\infty]", "(2,-\\infty)", "2", "\\infty", "(3,\\infty)", "(2,100)"]),
        ("interval", "(-\\infty,-7) \\cup (1,2)", ["(1,2) \\cup (-\\infty,-7)", "(-\\infty, -7)∪(1, 2)", "x \\in (-\\infty,-7)\\cup(1,2)", "\\left(-\\infty,-7\\right)\\cup\\left(1,2\\right)"], ["(-\\infty,-7] \\cup (1,2)", "(-\\infty,-7)", "(1,2)", "(-\\infty,-7) \\cap (1,2)", "(-\\infty,-7),(1,2)", "(-\\infty,7)\\cup(1,2)", "(-\\infty,-7) \\cup [1,2]"]),
        ("interval", "(-\\infty,3)\\cup(3,\\infty)", ["(3,\\infty)\\cup(-\\infty,3)", "\\mathbb{R}\\setminus\\{3\\}", "ℝ∖\\{3\\}"], ["\\mathbb{R}", "(-\\infty,\\infty)", "(-\\infty,3]\\cup[3,\\infty)", "\\mathbb{R}\\setminus\\{-3\\}", "\\{3\\}"]),
        ("interval", "\\{-1\\} \\cup [0,7)", ["[0,7)\\cup\\{-1\\}"], ["[-1,7)", "[0,7)", "(-1)\\cup[0,7)", "\\{1\\}\\cup[0,7)", "\\{-1\\} \\cup [0,7]"]),
        ("matrix", "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", ["\\begin{bmatrix}1&2\\\\3&4\\end{bmatrix}", "\\begin{pmatrix}1&2\\\\3&4\\\\\\end{pmatrix}", "A = \\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\left(\\begin{array}{cc}1&2\\\\3&4\\end{array}\\right)", "\\begin{pmatrix}1.0&2\\\\3&\\frac82\\end{pmatrix}", "\\begin{pmatrix} 1 & 2 \\\\[4pt] 3 & 4 \\end{pmatrix}"], ["\\begin{pmatrix}1&3\\\\2&4\\end{pmatrix}", "\\begin{pmatrix}1&2\\\\4&3\\end{pmatrix}", "\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}", "(1,2,3,4)", "\\begin{pmatrix}1&2&3&4\\end{pmatrix}", "\\begin{pmatrix}1\\\\2\\\\3\\\\4\\end{pmatrix}", "-2", "2\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}", "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}^2"]),
        ("matrix", "\\begin{pmatrix} -5/13 \\\\ 12/13 \\end{pmatrix}", ["\\begin{pmatrix} -\\frac{5}{13} \\\\ \\frac{12}{13} \\end{pmatrix}", "\\begin{bmatrix}-5/13\\\\12/13\\end{bmatrix}"], ["\\begin{pmatrix} 12/13 \\\\ -5/13 \\end{pmatrix}", "\\begin{pmatrix} -5/13 & 12/13 \\end{pmatrix}", "\\begin{pmatrix} 5/13 \\\\ 12/13 \\end{pmatrix}", "-5/13, 12/13"]),
        ("equation", "y = 2x + 3", ["y=2x+3", "y = 3 + 2x", "2x - y + 3 = 0", "y - 2x = 3", "2y = 4x+6", "y-3=2x"], ["y = 2x - 3", "y = 3x + 2", "x = 2y + 3", "y \\neq 2x+3", "y < 2x+3", "y \\ge 2x+3", "z = 2x+3", "y = 2x", "y=2x+3, y=3", "y = 2x + 3 \\text{ or } y = 2x"]),
        ("equation", "x=5", ["x = 5", "5", "5 = x", "x = 5.0", "x=\\frac{10}{2}"], ["y = 5", "x = 6", "x \\neq 5", "x < 5", "x \\le 5", "x > 5", "x = 5, 6", "x=\\pm 5", "x \\approx 5", "2x=10"]),
        ("equation", "x^2 + y^2 = 13", ["y^2+x^2=13", "x^2+y^2-13=0", "13 = x^2+y^2", "2x^2+2y^2=26"], ["x^2+y^2=14", "x^2-y^2=13", "x^2+y^2<13", "13", "x+y=13", "x^2+z^2=13"]),
        ("equation", "\\frac{x^2}{16} - \\frac{y^2}{9} = 1", ["9x^2-16y^2=144", "\\frac{x^2}{4^2}-\\frac{y^2}{3^2}=1"], ["\\frac{x^2}{16}+\\frac{y^2}{9}=1", "\\frac{x^2}{9}-\\frac{y^2}{16}=1", "1"]),
        ("inequality", "y > -3x", ["-3x < y", "y > -3 x", "3x + y > 0", "y>-3x."], ["y \\ge -3x", "y < -3x", "y = -3x", "y > 3x", "x > -3y", "-3x"]),
        ("inequality", "x \\le 5", ["x \\leq 5", "5 \\ge x", "x ≤ 5", "x \\leqslant 5", "x <= 5"], ["x < 5", "x \\ge 5", "x = 5", "5", "y \\le 5", "x \\le 6"]),
        ("inequality", "f(2) < f(1) < f(4)", ["f(4) > f(1) > f(2)", "f(2)<f(1)<f(4)"], ["f(2) < f(4) < f(1)", "f(1) < f(2) < f(4)", "f(2) \\le f(1) \\le f(4)", "f(3) < f(1) < f(4)", "f(2) < f(4)"]),
        ("ratio", "3:1", ["3 : 1", "3:1.", "3\\colon 1"], ["1:3", "3:2", "3,1", "31", "3:1:1"]),
    ]  # fmt: skip
    for kind, gold, right, wrong in table:
        for benchmark in ("math", "mathverse"):
            yield from both(
                benchmark,
                kind,
                gold,
                [(a, "same structure") for a in right],
                [(a, "another structure") for a in wrong],
            )


def numerals(rng: random.Random) -> Made:
    names = {2: "two", 3: "three", 4: "four", 5: "five", 8: "eight", 9: "nine"}
    for _ in range(10):
        base = rng.choice(sorted(names))
        digits = str(rng.randint(1, base - 1)) + "".join(
            str(rng.randrange(base)) for _ in range(rng.randint(2, 4))
        )
        changed = digits[:-1] + str((int(digits[-1]) + 1) % base)
        gold = rng.choice([f"{digits}_{base}", f"{digits}_{{{base}}}"])
        other = base + 1
        right = [
            (f"{digits}_{base}", "subscript"), (f"{digits}_{{{base}}}", "braces"), (f"({digits})_{base}", "parentheses"), (f"({digits})_{{{base}}}", "parentheses"),
            (f"{digits}_{{\\text{{{names[base]}}}}}", "base in words"), (f"\\text{{{digits}}}_{{{base}}}", "text"), (f"{digits}_{{{base}}}.", "full stop"), (f"x = {digits}_{base}", "label"),
            (f"{digits} \\text{{ (base {base})}}", "base in words"), (f"{digits}_{{10}}" if base == 10 else f"{digits} _{base}", "blank"),
        ]  # fmt: skip
        wrong = [
            (digits, "base missing"), (f"{digits}_{other}", "another base"), (f"{changed}_{base}", "a digit"), (str(int(digits, base)), "in ten"),
            (f"{int(digits, base)}_{{10}}", "in ten"), (f"-{digits}_{base}", "sign"), (f"{digits[::-1]}_{base}" if digits[::-1] != digits else f"{digits}0_{base}", "digits turned"),
            (f"{digits}^{base}", "power"), (f"{digits}, {base}", "list"), (f"{digits}0_{base}", "a digit more"),
        ]  # fmt: skip
        yield from both("math", "base-n", gold, right, wrong)


def units(_rng: random.Random) -> Made:
    table = [
        ("25 \\text{ ft}", ["25", "25\\text{ feet}", "25 ft", "25\\ \\mathrm{ft}", "25.0\\text{ ft}", "25\\,\\text{ft}"], ["25\\text{ m}", "25\\text{ in}", "26\\text{ ft}", "25\\text{ ft}^2", "25f", "25\\text{ yards}", "25\\%"]),
        ("15\\mbox{ cm}^2", ["15", "15\\text{ cm}^2", "15\\,\\mathrm{cm}^{2}", "15\\text{ square centimeters}", "15 cm^2", "15\\text{ sq cm}"], ["15\\text{ cm}", "15\\text{ cm}^3", "15\\text{ m}^2", "15\\text{ in}^2", "14\\text{ cm}^2", "15^2"]),
        ("\\$15,\\!000", ["15000", "15,000", "\\$15,000", "\\$15000", "\\$15000.00", "15000\\text{ dollars}", "15{,}000", "\\$15\\,000"], ["\\$15", "15,001", "15\\text{ thousand}", "15000\\text{ cents}", "\\$150,000", "15,000\\%", "€15000"]),
        ("-\\$0.50", ["-\\$0.5", "-0.5", "-\\$.50", "-0.50\\text{ dollars}"], ["\\$0.50", "-50\\text{ cents}", "0.5", "-5"]),
        ("60^\\circ", ["60", "60^{\\circ}", "60°", "60\\text{ degrees}", "60 \\text{ deg}", "x = 60^\\circ", "60^\\circ.", "60\\degree"], ["\\frac{\\pi}{3}", "61^\\circ", "60\\text{ radians}", "60\\%", "-60^\\circ", "60\\text{ cm}", "120^\\circ"]),
        ("336^\\circ", ["336", "336^\\circ", "336^{\\circ}", "336.0"], ["33.6", "24", "336\\pi"]),
        ("45\\text{ mph}", ["45", "45\\text{ miles per hour}", "45\\text{ mi/h}", "45 mph"], ["45\\text{ km/h}", "45\\text{ miles}", "54\\text{ mph}"]),
        ("18\\text{ ways.}", ["18", "18\\text{ ways}", "18\\text{ way}"], ["18\\text{ people}", "81", "18\\%"]),
        ("5.4 \\text{ cents}", ["5.4", "5.4\\text{ cents}", "5.4\\text{ cent}"], ["\\$5.4", "0.054", "5.4\\text{ dollars}", "54"]),
        ("28\\%", ["28\\%", "28", "28\\text{ percent}", "28.0\\%", "28 \\%", "28%"], ["0.28", "\\frac{7}{25}", "2800\\%", "2.8", "29\\%", "28\\text{ cm}", "28\\text{ dollars}"]),
        ("7.2\\%", ["7.2", "7.2\\%", "7.20\\%"], ["0.072", "72\\%", "7\\%"]),
        ("99\\pi \\text{ square inches}", ["99\\pi", "99\\pi\\text{ in}^2", "99 π"], ["99", "311", "99\\pi\\text{ inches}", "99\\pi\\text{ cm}^2"]),
        ("12\\text{ degrees}", ["12^\\circ", "12", "12\\text{ degrees}"], ["12\\text{ radians}", "12\\%", "21"]),
        ("45^\\circ, 135^\\circ", ["135^\\circ, 45^\\circ", "45, 135", "45^\\circ \\text{ and } 135^\\circ"], ["45^\\circ", "45^\\circ, 136^\\circ", "45^\\circ, 135^\\circ, 225^\\circ", "(45,135)"]),
    ]  # fmt: skip
    for gold, right, wrong in table:
        kind = "percentage" if gold.endswith("\\%") else "number"
        for benchmark in ("math", "geo3k"):
            yield from both(
                benchmark,
                kind,
                gold,
                [(a, "unit") for a in right],
                [(a, "another unit or value") for a in wrong],
            )


def words(_rng: random.Random) -> Made:
    table = [
        ("\\text{east}", ["east", "East", "\\text{East}", "\\mathrm{east}", "\\textbf{east}", "\\mbox{east}", "east.", "\\text{ east }", "EAST"], ["west", "\\text{north east}", "east or west", "eas", "\\text{not east}", "easter", "e"]),
        ("\\mbox{Saturday}", ["\\text{Saturday}", "Saturday", "saturday", "\\mbox{Saturday}", "\\mathrm{Saturday}"], ["Sunday", "", "\\text{Saturday or Sunday}", "Satur", "\\mbox{}", "S"]),
        ("\\text{June 20}", ["June 20", "june 20", "\\text{june 20}", "\\mathrm{June\\ 20}"], ["June 21", "June", "20", "July 20", "June 2"]),
        ("even", ["even", "\\text{even}", "Even", "\\text{Even}."], ["odd", "neither", "even and odd", "not even", "uneven"]),
        ("\\text{ellipse}", ["ellipse", "\\text{Ellipse}", "\\text{an ellipse}"], ["circle", "parabola", "hyperbola", "ellipsoid"]),
        ("\\text{Navin}", ["Navin", "navin", "\\textbf{Navin}"], ["Evelyn", "N", "Navi", "\\text{Navin, Dana}"]),
    ]  # fmt: skip
    for gold, right, wrong in table:
        for benchmark in ("math", "mathverse"):
            yield from both(
                benchmark,
                "text",
                gold,
                [(text, "spelling") for text in right],
                [(a, "another word") for a in wrong],
            )
    times = [
        ("\\text{4:30 p.m.}", ["4:30 PM", "\\text{4:30 pm}", "4:30\\text{ p.m.}", "4:30 p.m.", "4{:}30\\text{ PM}", "16:30"], ["4:30 a.m.", "4:31 p.m.", "3:30 p.m.", "4.5", "4:30 am"]),
        ("9\\text{ a.m.}", ["9 AM", "9:00 a.m.", "\\text{9 a.m.}", "9\\text{ am}", "9:00\\text{ AM}"], ["9 PM", "10 a.m.", "9:30 a.m.", "21:00"]),
        ("\\text{1:03 PM}", ["1:03 p.m.", "1:03\\text{ pm}", "1:03 PM"], ["1:30 PM", "1:03 AM", "103"]),
    ]  # fmt: skip
    for gold, right, wrong in times:
        yield from both(
            "math",
            "time",
            gold,
            [(text, "spelling") for text in right],
            [(a, "another time") for a in wrong],
        )


def choices(rng: random.Random) -> Made:
    sets: list[tuple[str, tuple[str, ...]]] = [
        ("medical", ("Hemorrhage", "Acute infarct", "Abscess formation", "Chronic infarct")),
        ("medical", ("Yes", "No")),
        ("mathvision", ("12", "15", "18", "21", "27")),
        (
            "mathvision",
            ("$\\frac{1}{2}$", "$\\frac{1}{3}$", "$\\frac{2}{3}$", "$\\frac{3}{4}$", "$1$"),
        ),
        ("mathverse", ("40°", "60°", "120°", "140°")),
        ("geo3k", ("2 \\sqrt { 221 }", "4 \\sqrt{3}", "30", "45")),
        ("mathvision", ("A", "B", "C", "D", "E")),
        ("mathverse", ("y > 3", "y < 3", "y = 3", "no solution")),
    ]
    for benchmark, options in sets:
        for place, text in enumerate(options):
            letter = "ABCDE"[place]
            other = "ABCDE"[(place + 1) % len(options)]
            lettered = options[0] == "A"
            right = [
                (letter, "letter"), (f"({letter})", "parentheses"), (f"{letter}.", "full stop"), (f"{letter})", "half parentheses"), (f"\\text{{{letter}}}", "text"),
                (f"\\textbf{{({letter})}}", "bold"), (f"\\mathrm{{{letter}}}", "roman"), (f"Option {letter}", "option"), (f"\\text{{Option {letter}}}", "option"), (letter.lower(), "small letter"),
                (f" {letter} ", "blanks"), (f"\\text{{({letter})}}", "text"), (f"\\textbf{{{letter}}}", "bold"), (f"[{letter}]", "square brackets"), (f"${letter}$", "dollars"),
            ]  # fmt: skip
            wrong = [
                (other, "another letter"), (f"({other})", "another letter"), (f"{letter} or {other}", "two letters"), (f"{letter}, {other}", "two letters"), (f"{letter}{other}", "two letters"),
                ("F", "no such option"), (f"\\text{{not }} {letter}", "not"), (f"{letter} and {other}", "two letters"), ("", "nothing"), ("none", "none"), ("G", "no such option"),
            ]  # fmt: skip
            if not lettered:
                rival = options[(place + 1) % len(options)]
                right += [
                    (text, "option text"),
                    (f"({letter}) {text}", "both"),
                    (f"{letter}. {text}", "both"),
                    (f"\\textbf{{({letter}) }} {text}", "both"),
                    (f"{letter}: {text}", "both"),
                ]
                wrong += [
                    (rival, "text of another"),
                    (f"({letter}) {rival}", "conflict"),
                    (f"({other}) {text}", "conflict"),
                    (f"{text}, {rival}", "two texts"),
                    (f"{text} or {rival}", "two texts"),
                ]
            rng.shuffle(right)
            yield from both(benchmark, "choice", letter, right, wrong, choices=options)
    for gold in ("\\text{(E)}", "\\text{B}", "(\\text{E})"):
        letter = "B" if "B" in gold else "E"
        yield from both(
            "math",
            "choice",
            gold,
            [
                (a, "letter")
                for a in (
                    letter,
                    f"({letter})",
                    f"\\text{{{letter}}}",
                    f"\\textbf{{({letter})}}",
                    f"{letter}.",
                )
            ],
            [(a, "another letter") for a in ("A", "(C)", "\\text{D}", f"{letter}, A", "5")],
        )
    yield from both(
        "mathverse",
        "choice",
        "C\nD",
        [(a, "any order") for a in ("C, D", "D, C", "C and D", "\\text{C, D}", "(C), (D)", "C\nD")],
        [(a, "letters") for a in ("C", "D", "A, C", "C, D, A", "C or B")],
        choices=("1", "2", "3", "4"),
    )
    yield from both(
        "math",
        "list",
        "70,110",
        [(a, "two values") for a in ("110, 70", "70, 110", "70 \\text{ and } 110")],
        [(a, "one number") for a in ("70110", "70{,}110", "70", "180")],
        given_kind="list",
    )
    yield from both(
        "math",
        "number",
        "15,600",
        [(a, "one number") for a in ("15600", "15{,}600", "15,600", "15\\,600")],
        [(a, "two values") for a in ("15, 600", "600,15", "15", "15.600")],
    )
    yield from both(
        "math",
        "number",
        "111, \\! 111, \\! 111",
        [(a, "one number") for a in ("111111111", "111,111,111", "111{,}111{,}111")],
        [(a, "list") for a in ("111, 111, 111", "111111", "111")],
    )


def after_a_comma(_rng: random.Random) -> Made:
    """Three digits after a comma inside brackets are an item of their own, not a group of one number."""
    table = [
        ("[-36,104]", ["[-36, 104]", "[-36.0,104]", "\\left[-36,104\\right]"], ["[-36104]", "-36104", "[-36,105]", "[36,104]", "(-36,104)"]),
        ("(12,102)", ["(12, 102)", "\\left(12,102\\right)", "(12,102.0)"], ["(12102)", "12102", "(102,12)", "12,102"]),
        ("(2,12) \\cup (12,102)", ["(2, 12) \\cup (12, 102)", "(12,102)\\cup(2,12)"], ["(2,12)\\cup(12102)", "(2,12)", "(2,12)\\cup[12,102)"]),
        ("\\{1,200\\}", ["\\{200, 1\\}", "\\{1, 200\\}"], ["\\{1200\\}", "1200", "\\{1,201\\}"]),
    ]  # fmt: skip
    for gold, right, wrong in table:
        spelled = [(answer, "blanks or order") for answer in right]
        yield from both(
            "math", "interval", gold, spelled, [(answer, "digits joined") for answer in wrong]
        )


def classes(_rng: random.Random) -> Made:
    for group, gold, answer, correct in suite_classes.labelled():
        yield Labelled(group.benchmark, group.kind, gold, answer, correct, group.how, group.choices)


GENERATORS: tuple[Callable[[random.Random], Made], ...] = (
    integers, fractions, expressions, structures, numerals, units, words, choices, after_a_comma,
    classes,
)  # fmt: skip


def cases(seed: int = 20260205) -> list[Labelled]:
    """All cases, distinct, in a fixed order."""
    rng = random.Random(seed)
    return list(dict.fromkeys(case for generator in GENERATORS for case in generator(rng)))
