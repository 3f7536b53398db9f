"""More labelled cases, by the class of what is written: what blind generators found in the verifier.

Each class says which rule of docs/verification.md makes its labels.
"""

# ruff: noqa: E501 - tables of cases are read by row

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Class:
    """Golds of one kind, each with its right and its wrong answers."""

    how: str
    kind: str
    benchmark: str
    rows: tuple[tuple[str, tuple[str, ...], tuple[str, ...]], ...]
    choices: tuple[str, ...] | None = None


CLASSES = (
    Class("base (rule 4): the numeral in braces, the base in words, a label", "base-n", "math", (
        ("1200_7", ("{1200}_{7}", "1200_{\\text{base }7}", "1200_\\text{seven}", "x = 1200_{(7)}", "\\text{1200}_7"), ("1200", "1200_{\\text{base }8}", "1200_x", "1200_{1}", "x = 1200", "\\neq 1200_7")),
        ("152A_{11}", ("x = 152A_{11}", "{152A}_{11}", "152a_{11}"), ("x = 152A", "1520_{11}", "152A_{12}", "152_{11}")),
        ("0.0011_{2}", ("x = 0.0011_2", "0.00110_{2}", "{0.0011}_2"), ("0.0011", "0.011_2", "0.0011_3", "11_2")),
    )),
    Class("an equation in several unknowns is none of its sides (rule 4)", "equation", "math", (
        ("4x-5y=-50", ("-50 = 4x-5y", "5y = 4x + 50"), ("4x-5y", "-50", "4x-5y = 50")),
        ("x - 3z = 0", ("x = 3z",), ("x-3z", "0", "x - 3y = 0")),
        ("\\frac{x^2}{81}+\\frac{y^2}{9}=1", ("x^2 + 9y^2 = 81",), ("\\frac{x^2}{81}+\\frac{y^2}{9}", "1")),
        ("y = 2x", ("2x", "y=2x", "2x = y"), ("x = 2y", "y = 3x", "2y")),
    )),
    Class("degrees in every spelling, and what is no degree (rule 5)", "number", "math", (
        ("-5^\\circ", ("-5", "-5\\textdegree", "-5\\text{°}", "-5^{\\circ}", "-5 \\text{ degrees}"), ("-5^\\circ C", "-5^\\circ\\text{ cm}", "5^\\circ", "-5\\text{ minutes}")),
        ("\\cos 58^\\circ", ("\\cos(58^\\circ)", "\\cos{58^\\circ}", "\\sin\\left(32^\\circ\\right)"), ("\\cos 58", "\\cos(58)", "\\sin(58^\\circ)")),
    )),
    Class("signs and units inside text (rule 5)", "number", "math", (
        ("20\\%", ("20\\text{\\%}", "\\text{20\\%}", "20\\mathrm{\\%}"), ("20\\text{ cm}", "0.2\\text{\\%}")),
        ("-\\$0.50", ("-\\text{\\$0.50}", "-\\text{\\$}0.50"), ("\\text{\\$0.50}", "-\\text{\\$0.05}")),
        ("15\\mbox{ cm}^2", ("\\text{15 cm}^2", "\\text{15 cm$^2$}", "15cm^2"), ("\\text{15 cm}", "\\text{15 cm}^3", "\\text{15 m}^2", "\\text{16 cm}^2")),
    )),
    Class("a unit of one letter, where the gold has that unit (rule 5)", "number", "mathverse", (
        ("144 \\mbox{ m}^3", ("144 m^3", "144\\,m³", "\\text{144 m}^3", "144"), ("144 m^2", "144 m", "144 n^3", "143 m^3", "144x")),
        ("$10km / h$", ("10 km/h", "10\\text{ km/h}", "10", "10\\,\\mathrm{km/h}"), ("10 m/h", "10\\text{ km}", "10\\text{ mph}", "11 km/h")),
        ("54", ("54",), ("54m", "54 m", "54 s", "54t")),
    )),
    Class("a name in words before the value (rules 4 and 5)", "number", "mathverse", (
        ("Volume $=10.45 \\mathrm{~cm}^{3}$", ("10.45", "V = 10.45", "\\text{Volume} = 10.45\\text{ cm}^3"), ("10.46", "V \\neq 10.45", "V < 10.45", "10.45\\text{ cm}^2")),
        ("slope =-4", ("-4", "m=-4", "\\text{slope} = -4"), ("4", "m = 4")),
        ("Center $=(20,10)$", ("(20,10)", "\\text{Center} = (20, 10)"), ("(10,20)", "20,10", "[20,10]")),
        ("S.A. $=1209.84$", ("1209.84", "S = 1209.84"), ("1209.85", "1209")),
        ("$r=24.4$", ("24.4", "r = 24.4"), ("d = 24.4", "24.5")),
    )),
    Class("bearings and headings are text, blanks beside signs say nothing (rule 8)", "text", "mathverse", (
        ("S 23.5 ^\\circ W", ("S 23.5^\\circ W", "S23.5°W", "\\text{S }23.5^{\\circ}\\text{ W}"), ("N 23.5^\\circ W", "S 23.5^\\circ E", "S 2 3.5^\\circ W", "23.5^\\circ")),
        ("315^\\circT", ("315^\\circ", "315°T", "315^\\circ T", "315"), ("316^\\circ T", "45^\\circ T")),
        ("domain: [-4,4] and range: [0,2]", ("\\text{domain: }[-4,4]\\text{ and range: }[0,2]", "\\text{Domain: } [-4, 4] \\text{ and range: } [0, 2]"), ("domain: [-44] and range: [0,2]", "domain: [0,2] and range: [-4,4]", "[-4,4]", "domain: (-4,4) and range: [0,2]")),
    )),
    Class("numbers: groups with blanks, TeX's own fractions, improper mixed numbers (rules 3 and 9)", "number", "math", (
        ("12,\\!000,\\!085", ("12 000 085", "12\\ 000\\ 085", "x = 12 000 085"), ("12 000 85", "12 000 086", "12 000")),
        ("-\\frac{24}{25}", ("-{24 \\over 25}", "{-24 \\over 25}"), ("{24 \\over 25}", "{25 \\over -24}")),
        ("\\frac{46}{3}", ("15\\frac{1}{3}", "46 \\over 3"), ("1\\frac{46}{3}", "46\\frac{1}{3}")),
        ("120", ("{10 \\choose 3}", "\\binom{10}{3}"), ("{10 \\over 3}", "{10 \\choose 4}")),
        ("3125", ("3 125", "3,125"), ("3", "125", "3, 125")),
    )),
    Class("one sign of either kind makes two values (rule 6)", "list", "math", (
        ("1 \\pm \\sqrt{19}", ("\\frac{2 \\pm \\sqrt{76}}{2}", "1 \\mp \\sqrt{19}"), ("\\frac{2 \\pm \\sqrt{76}}{4}", "\\frac{2 + \\sqrt{76}}{2}", "\\pm 1 \\pm \\sqrt{19}")),
        ("2", ("2",), ("\\frac{4 \\pm 0}{2}", "\\frac{3 \\pm 1}{2}", "\\pm 2")),
    )),
    Class("values that exist only far out, and digits beyond forty (rule 3)", "expression", "math", (
        ("-\\sqrt{x-3}+3", ("3-\\sqrt{x-3}", "-(\\sqrt{x-3}-3)"), ("3+\\sqrt{x-3}", "3-\\sqrt{x+3}")),
        ("10^{70}", ("10\\cdot 10^{69}",), ("10^{70}+i", "10^{70}+\\sqrt{2}", "10^{70}+1")),
    )),
    Class("ratios with a braced colon (rule 4)", "ratio", "mathverse", (
        ("1:64", ("1{:}64", "1\\!:\\!64"), ("64{:}1", "1{,}64")),
    )),
    Class("letter and text beside each other (rule 7)", "choice", "mathvision", (
        ("E", ("E (Friday)", "\\text{Friday (E)}", "\\textbf{E} Friday", "E, Friday", "\\textbf{(E)}\\ ", "E\\ "), ("E (Monday)", "Monday (E)", "A Friday", "A (Friday)", "E (A)", "E A", "Friday (A)")),
    ), ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday")),
    Class("letters alone: the options are in the picture (rule 7)", "choice", "mathvision", (
        ("B", ("\\textbf{(B)} \\text{(B)}", "B. the second one", "(B)"), ("\\textbf{(B)} \\text{(A)}", "B. or C", "B. not A")),
    ), ("(A)", "(B)", "(C)")),
    Class("numbers as programs write them (rule 3)", "number", "math", (
        (".0000672", ("6.72e-5", "6.72E-05", "6.72\\times 10^{-5}"), ("6.72e5", "6.72e-4", "6.72e - 5")),
        ("1000", ("1e3", "1.0e+3", "10**3"), ("1e4", "1e", "10*3")),
    )),
    Class("names that an answer is the value of (rule 4)", "number", "math", (
        ("\\frac{3}{5}", ("\\cos A = \\frac{3}{5}", "\\tan \\angle ABC = 0.6", "f^{-1}(2) = \\frac35", "\\frac{a}{b} = \\frac35"), ("\\cos A = \\frac{4}{5}", "x^2 = \\frac{3}{5}", "\\ln x = \\frac35", "\\cos A < \\frac35", "5x = \\frac35")),
    )),
    Class("solutions with numbered names, in a set, with an ampersand (rule 4)", "list", "math", (
        ("1,-2", ("x_1 = 1, x_2 = -2", "x \\in \\{1,-2\\}", "1 \\& -2"), ("x_1 = 1, y_1 = -2", "x_1 = 1, x_2 = 2", "x \\notin \\{1,-2\\}", "x \\in (-2,1)")),
    )),
    Class("units in words, and words that are none (rule 5)", "number", "math", (
        ("864 \\mbox{ inches}^2", ("864\\text{ inches squared}", "864\\text{ sq. in.}"), ("864\\text{ inches cubed}", "864\\text{ squared}", "864\\text{ inches}")),
        ("20\\%", ("20\\text{ per cent}",), ("20\\text{ cents}",)),
        ("\\$20", ("US\\$20", "\\textdollar 20", "20\\$"), ("US\\$2", "20\\text{ cents}")),
        ("27", ("27\\text{ marbles}",), ("27\\text{ factorial}", "27\\text{ tenths}", "27\\text{ doubled}", "27\\text{ squared}")),
        ("60^\\circ", ("60^o", "60^{o}", "60\\deg", "\\measuredangle ABC = 60^\\circ"), ("60^0", "60^x", "6^o")),
    )),
    Class("ratios in words and with a name (rule 4)", "ratio", "mathverse", (
        ("3:1", ("3\\text{ to }1", "x:y = 3:1"), ("1\\text{ to }3", "3\\text{ to }2", "x:y = 1:3", "3 \\to 1")),
    )),
    Class("zero times a letter (rule 5)", "number", "math", (
        ("0", ("0.0", "\\frac{0}{7}", "2-2", "-0"), ("0x", "0i", "\\frac{0}{x}", "0\\pi", "0\\%")),
        ("7", ("7",), ("7 + x - x", "7x^0", "7\\frac{x}{x}")),
    )),
    Class("signs inside an option's words (rule 7)", "choice", "mathverse", (
        ("A", ("The cost increases by $\\$ 0.90$ a minute", "\\text{(A) }The cost increases by $\\$0.90$ a minute", "\\textbf{(A)} The cost increases by \\$0.90 a minute"), ("The cost increases by $\\$ 0.40$ a minute", "(A) The cost increases by \\$0.40 a minute", "(B) The cost increases by \\$0.90 a minute")),
        ("C", ("$€ 100$", "\\textbf{(C)}~€ 100", "€100", "C. € 100"), ("€ 1000", "(A) € 100")),
        ("D", ("2√{15}米", "(D) 2√{15}米"), ("√{15}米", "(C) 2√{15}米")),
    ), ("The cost increases by $\\$ 0.90$ a minute", "The cost increases by $\\$ 0.40$ a minute", "$€ 100$", "2√{15}米")),
    Class("colour, boxes and full stops around and inside (rules 1 and 8)", "text", "math", (
        ("\\text{east}", ("\\color{blue}{\\text{east}}", "\\textcolor{red}{east}", "\\boxed{\\text{east}}"), ("\\color{blue}{\\text{west}}",)),
        ("\\frac{1}{10}", ("\\color{blue}{\\frac{1}{10}.}", "x=\\boxed{\\frac{1}{10}}"), ("\\boxed{1}\\boxed{10}", "\\color{blue}{\\frac{1}{11}.}")),
        ("\\text{(E)}", ("\\text{(E)}", "\\text{(E). }"), ("\\text{(E)}, 77", "(E), 5", "(E), (A)")),
    )),
    Class("letters run together where several are asked for (rule 4)", "choice", "mathverse", (
        ("C\nD", ("CD", "DC", "C, D"), ("C", "CDE", "CC", "AD")),
    )),
)  # fmt: skip


def labelled() -> Iterator[tuple[Class, str, str, bool]]:
    """Class, gold, answer and label."""
    for group in CLASSES:
        for gold, right, wrong in group.rows:
            yield from ((group, gold, answer, True) for answer in right)
            yield from ((group, gold, answer, False) for answer in wrong)
