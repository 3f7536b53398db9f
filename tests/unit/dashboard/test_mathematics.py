"""Mathematics: rendered where it can be, source where it cannot, never markup from outside."""

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.dashboard.limits import MAX_FORMULA_CHARACTERS
from evalsvc.dashboard.rendering.mathematics import render, to_mathml

ALLOWED = re.compile(r'<(/?)(m[a-z]+|none|mark|code|span)( [a-z]+="[^"<>]*")*>')


def test_a_fraction_is_mathml() -> None:
    shown = render(r"Half: $\frac{1}{2}$.")
    assert shown.startswith('Half: <math display="inline">')
    assert "<mfrac>" in shown


@pytest.mark.parametrize(
    ("text", "formulas"),
    [
        ("costs $5 and $6", 0),
        ("$x$ and $5", 1),
        (r"\(a\) \[b\] $$c$$", 3),
        (r"an escaped \$x$", 0),
        (r"so \begin{align*}x&=1\\y&=2\end{align*} and $z$", 2),
        (r"\begin{align}x", 0),
        (r"\begin{verbatim}x\end{verbatim}", 0),
        ("$a\n\nb$", 0),
        ("$ a $", 0),
        (r"\[ never closed", 0),
    ],
)
def test_what_is_a_formula(text: str, formulas: int) -> None:
    assert render(text).count("<math") == formulas


def test_aligned_equations_stand_in_columns() -> None:
    shown = render(r"\[\begin{aligned}x&=1\\y&=2\end{aligned}\]")
    assert shown.count("<mtr>") == 2
    assert "&amp;" not in shown


@pytest.mark.parametrize(
    "latex",
    [
        r"\text{<script>alert(1)</script>}",
        r"\href{javascript:alert(1)}{x}",
        r"\style{background:url(//e.example)}{x}",
        r"\class{banner}{x}",
        r"\text{&lt;img src=x onerror=alert(1)&gt;}",
        r"\mathrm{</mtext><svg onload=alert(1)>}",
    ],
)
def test_hostile_latex_is_harmless(latex: str) -> None:
    shown = render(f"${latex}$")
    assert not ALLOWED.sub("", shown).count("<")
    for name in ("href", "style=", "class=", "onload="):
        assert f" {name}" not in re.sub(r">[^<]*<", "><", shown)


@settings(max_examples=80, deadline=None)
@given(st.text(alphabet="\\{}$^_&<>\"'abfrcsqtexhl 12", max_size=60))
def test_only_known_elements_come_out(latex: str) -> None:
    shown = to_mathml(latex)
    if shown is not None:
        assert "<" not in ALLOWED.sub("", shown)


@pytest.mark.parametrize(
    "bomb",
    ["{" * 1000 + "}" * 1000, "x^" * 700 + "x", r"\sqrt{" * 200 + "x" + "}" * 200, r"\frac" * 300],
)
def test_bombs_stay_source(bomb: str) -> None:
    assert to_mathml(bomb) is None
    assert '<code class="tex"' in render(f"${bomb}$")
    assert to_mathml("x" * (MAX_FORMULA_CHARACTERS + 1)) is None


@pytest.mark.parametrize(
    "unit", ["$a", r"\begin{align}", r"\[", r"\(", "$$a", "$x$ ", r"\$", "$x_{1}$"]
)
def test_the_time_grows_with_the_length_only(unit: str) -> None:
    begin = time.perf_counter()
    render(unit * 10_000)
    assert time.perf_counter() - begin < 10


def test_the_formula_that_holds_the_answer_is_marked() -> None:
    text = r"so $\boxed{42}$."
    start = text.index("42")
    assert re.search(r"<mark><math.*42.*</math></mark>\.$", render(text, (start, start + 2)))
