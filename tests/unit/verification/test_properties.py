"""A re-spelling of the same value is accepted, a changed value is refused; nothing escapes."""

# ruff: noqa: E501 - tables of cases are read by row

from fractions import Fraction

from hypothesis import example, given, settings
from hypothesis import strategies as st

from evalsvc.verification import VerdictKind, VerificationPool, answer_key, type_gold

POOL = VerificationPool(processes=1)
RATIONALS = st.fractions(min_value=-1000, max_value=1000, max_denominator=60)
INTEGERS = st.integers(min_value=-(10**9), max_value=10**9)


def spell(value: Fraction, style: int) -> str:
    """One of eight spellings of a rational number."""
    top, bottom = value.numerator, value.denominator
    sign, top = ("-", -top) if top < 0 else ("", top)
    return [
        f"{sign}\\frac{{{top}}}{{{bottom}}}",
        f"{sign}\\dfrac{{{3 * top}}}{{{3 * bottom}}}",
        f"{sign}{top}/{bottom}",
        f"{sign}\\left(\\frac{{{top}}}{{{bottom}}}\\right)",
        f"x = {sign}\\frac{{{top}}}{{{bottom}}}",
        f"{sign}{top} \\cdot {bottom}^{{-1}}",
        f"\\frac{{{sign}{top}}}{{{bottom}}}.",
        f"{sign}{top} \\div {bottom}",
    ][style]


def accepts(gold: str, answer: str) -> bool:
    return POOL.verify(f"\\boxed{{{answer}}}", gold).correct


@settings(max_examples=150, deadline=None)
@given(RATIONALS, st.integers(0, 7), st.integers(0, 7))
def test_rationals_in_any_spelling(value: Fraction, one: int, two: int) -> None:
    assert accepts(spell(value, one), spell(value, two))


@settings(max_examples=150, deadline=None)
@given(RATIONALS, RATIONALS, st.integers(0, 7), st.integers(0, 7))
def test_another_rational_is_refused(value: Fraction, other: Fraction, one: int, two: int) -> None:
    assert accepts(spell(value, one), spell(other, two)) == (value == other)


@settings(max_examples=100, deadline=None)
@given(INTEGERS, st.sampled_from([",", "{,}", "\\,", ",\\!"]))
def test_thousands(value: int, separator: str) -> None:
    assert accepts(str(value), f"{value:,}".replace(",", separator))


@settings(max_examples=100, deadline=None)
@given(INTEGERS, st.sampled_from(["\\neq {}", "< {}", "\\ge {}", "{}x", "{}t", "{}i", "{}\\%", "\\pm {}", "{}, {}", "[{}, {}]", "{} \\text{{ or }} 1"]))  # fmt: skip
@example(0, "{}\\%")
def test_structure_is_never_dropped(value: int, changed: str) -> None:
    assert not accepts(str(value), changed.format(value, value))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(-50, 50), min_size=2, max_size=5, unique=True),
    st.randoms(use_true_random=False),
)
def test_order_counts_in_tuples_and_not_in_lists(items: list[int], rng) -> None:  # type: ignore[no-untyped-def]
    shuffled = items.copy()
    rng.shuffle(shuffled)
    bare, other = ", ".join(map(str, items)), ", ".join(map(str, shuffled))
    assert accepts(bare, other)
    assert accepts(f"\\{{{bare}\\}}", f"\\{{{other}\\}}")
    assert accepts(f"({bare})", f"({other})") == (items == shuffled)
    assert not accepts(bare, f"{bare}, 51")
    assert not accepts(f"({bare})", f"({bare}]")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-9, 9), min_size=1, max_size=4), st.integers(-3, 3))
def test_polynomials_expanded_and_factored(roots: list[int], shift: int) -> None:
    coefficients = [Fraction(1)]
    for root in roots:
        coefficients = [
            a - root * b
            for a, b in zip([*coefficients, Fraction(0)], [Fraction(0), *coefficients], strict=True)
        ]
    degree = len(coefficients) - 1
    expanded = "+".join(f"({c})x^{{{degree - i}}}" for i, c in enumerate(coefficients))
    factored = "".join(f"(x-({root}))" for root in roots)
    assert accepts(factored, expanded)
    assert accepts(factored, f"{expanded}+{shift}" if shift >= 0 else f"{expanded}{shift}") == (
        shift == 0
    )


MARKS = st.sampled_from(
    ["\\frac", "{", "}", "(", ")", "[", "]", "\\{", "\\}", "^", "_", "\\sqrt", "1", "23", ".", ",", "x", "i", "\\pi", "-", "+", "\\pm",
     "\\text{", "\\text{ cm}", "\\%", "\\$", "$", "=", "<", "\\neq", "\\cup", "\\infty", "\\circ", "!", "|", "\\\\", "&", " ",
     "\\begin{pmatrix}", "\\end{pmatrix}", "\\sum", "\\sin", "\\left", "\\right", "\\overline", ":", "\\log", "or", "and", "\x00", "\u202e", "\ud800", "½", "²"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(MARKS, max_size=25), st.sampled_from(["5", "x+1", "(1,2)", "1,2", "[0,1)", "\\{1\\}", "x=5", "12_5", "\\text{east}", "\\begin{pmatrix}1\\\\2\\end{pmatrix}", "3:1", "50\\%"]))  # fmt: skip
def test_fuzzed_answers_always_get_a_verdict(pieces: list[str], gold: str) -> None:
    verdict = POOL.verify("\\fbox{" + "".join(pieces) + "}", gold)
    assert verdict.verdict in set(VerdictKind)
    assert verdict.verdict is not VerdictKind.CRASHED, verdict


@settings(max_examples=300, deadline=None)
@given(st.lists(MARKS, max_size=25))
def test_a_gold_accepts_itself_or_is_empty(pieces: list[str]) -> None:
    gold = "".join(pieces)
    if gold.strip() and gold.count("{") == gold.count("}") and "\\" not in gold[-1:]:
        verdict = POOL.verify("\\boxed{" + gold + "}", gold)
        assert verdict.correct or verdict.extracted != gold, (gold, verdict, type_gold(gold))


@settings(max_examples=100, deadline=None)
@given(RATIONALS, st.integers(0, 7), st.integers(0, 7))
def test_equal_numbers_share_a_key(value: Fraction, one: int, two: int) -> None:
    assert answer_key(spell(value, one)) == answer_key(spell(value, two))
