"""Equality is proved; sympy is the independent oracle for zero and not zero."""

# ruff: noqa: E501 - tables of cases are read by row

from collections.abc import Iterator
from fractions import Fraction

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.verification.equality.algebraic import Unprovable, is_zero
from evalsvc.verification.equality.proof import proved_equal
from evalsvc.verification.golds import read
from evalsvc.verification.grammar.tree import SCALARS, Scalar
from evalsvc.verification.limits import IN_SANDBOX


@pytest.fixture(autouse=True, scope="module")
def _as_in_a_child() -> Iterator[None]:
    token = IN_SANDBOX.set(True)
    yield
    IN_SANDBOX.reset(token)


def scalar(text: str) -> Scalar:
    node, _ = read(text)
    assert isinstance(node, SCALARS)
    return node


@pytest.mark.parametrize(
    ("one", "two"),
    [
        (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}"), (r"\frac{1}{\sqrt{2}+\sqrt{3}}", r"\sqrt3-\sqrt2"),
        (r"\sqrt[3]{2+\sqrt5}+\sqrt[3]{2-\sqrt5}", "1"), (r"\cos\frac{\pi}{5}", r"\frac{1+\sqrt5}{4}"),
        (r"\cos\frac{2\pi}{7}+\cos\frac{4\pi}{7}+\cos\frac{6\pi}{7}", r"-\frac12"), (r"\ln 8", r"3\ln 2"), (r"\log_2 9", r"\frac{2\ln 3}{\ln 2}"),
        (r"\ln(2+\sqrt3)", r"-\ln(2-\sqrt3)"), (r"\arctan 1", r"\frac{\pi}{4}"), (r"e^{i\pi/3}", r"\frac{1+i\sqrt3}{2}"), (r"\sqrt{2}^{\sqrt2}", r"2^{\sqrt2/2}"),
        (r"\pi(\pi+1)", r"\pi^2+\pi"), (r"\frac{e^2-1}{e-1}", "e+1"), (r"|3+4i|", "5"), (r"\lfloor 3\pi\rfloor", "9"), (r"\sin 1 \cos 1", r"\frac{\sin 2}{2}"),
    ],
)  # fmt: skip
def test_equal_constants_are_proved(one: str, two: str) -> None:
    assert proved_equal(scalar(one), scalar(two), {}) is True
    assert proved_equal(scalar(one), scalar(f"{two}+10^{{-70}}"), {}) is not True


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(-4, 4), st.integers(2, 12)), min_size=1, max_size=3),
    st.integers(-9, 9),
)
def test_sums_of_roots_against_sympy(terms: list[tuple[int, int]], whole: int) -> None:
    written = "+".join(f"({factor})\\sqrt{{{radicand}}}" for factor, radicand in terms)
    exact = sum((factor * sympy.sqrt(radicand) for factor, radicand in terms), sympy.Integer(whole))
    assert is_zero(scalar(f"({written})+({whole})")) == (sympy.simplify(exact) == 0)


def test_identities_hold_at_points_that_nobody_chose() -> None:
    point = {"x": Fraction(7, 3), "y": Fraction(-2, 5)}
    assert proved_equal(scalar(r"\sin(x+y)"), scalar(r"\sin x\cos y+\cos x\sin y"), point)
    assert proved_equal(scalar(r"e^{2x}"), scalar(r"(e^x)^2"), point)
    assert proved_equal(scalar(r"\ln(x^2)"), scalar(r"2\ln x"), point)
    assert not proved_equal(scalar(r"e^{2x}"), scalar(r"e^x"), point)


def test_what_cannot_be_decided_is_not_decided() -> None:
    with pytest.raises(Unprovable):
        is_zero(scalar("x"))
    assert proved_equal(scalar(r"4\arctan\frac12+4\arctan\frac13"), scalar(r"\pi"), {}) is not True
