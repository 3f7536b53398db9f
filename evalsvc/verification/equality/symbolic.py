"""The last resort, in a child process only: math-verify, its True checked again by numbers.

math-verify drops relations, bases and units and rounds; so it is asked only about two scalars, and
what it says counts only where sympy's own values agree to forty digits.
"""

import logging
import re
from typing import Any

from evalsvc.verification.grammar.normalise import Unreadable, clean, unwrap

_STRUCTURAL = re.compile(
    r"[<>=,;%&]|\\(?:neq?|leq?|geq?|approx|cup|cap|in|text|mbox|pm|begin|%)(?![a-zA-Z])|_\{?\d"
)
_BOUNDS = re.compile(r"\\(sum|prod|int|lim)\s*_\s*(?:\{[^{}]*\}|.)")
_DIGITS = 50


def symbolically_equal(gold: str, answer: str) -> bool:
    """Whether two scalars are equal to math-verify and to sympy's own arithmetic."""
    try:
        left, right = clean(unwrap(gold), commas=True), clean(unwrap(answer), commas=True)
    except Unreadable:
        return False
    if any(_STRUCTURAL.search(_BOUNDS.sub(r"\\\1 ", side)) for side in (left, right)):
        return False
    try:
        one, two = _expression(left), _expression(right)
        return one is not None and two is not None and _same_numbers(one, two) and _agrees(one, two)
    except Exception:
        return False


def _expression(text: str) -> Any:
    from math_verify import LatexExtractionConfig, parse  # noqa: PLC0415 - heavy
    from sympy import Expr  # noqa: PLC0415

    logging.getLogger("math_verify").setLevel(logging.CRITICAL)
    found = parse(f"${text}$", extraction_config=[LatexExtractionConfig()], parsing_timeout=None)
    return next((item for item in found if isinstance(item, Expr)), None)


def _agrees(one: Any, two: Any) -> bool:
    from math_verify import verify  # noqa: PLC0415

    return bool(verify(one, two, timeout_seconds=None))


def _same_numbers(one: Any, two: Any) -> bool:
    """Both evaluated at fixed points, with fifty digits."""
    from sympy import Rational  # noqa: PLC0415

    names = sorted(one.free_symbols | two.free_symbols, key=str)
    for shift in (1, 2, 3):
        point = {name: Rational(1_000 * shift + 37 * i + 11, 1_013) for i, name in enumerate(names)}
        left, right = (side.subs(point).doit().evalf(_DIGITS) for side in (one, two))
        if not (left.is_number and right.is_number) or not abs(left - right) <= abs(left) * 10**-40:
            return False
        if not names:
            break
    return True
