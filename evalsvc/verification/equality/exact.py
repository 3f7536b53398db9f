"""Exact rational value of a scalar, with caps checked before the work.

Returns None unless the value is certainly rational: nothing is rounded.
"""

import math
import re
from collections.abc import Callable
from fractions import Fraction

from evalsvc.verification.grammar.tree import Number, Operation, Scalar, Symbol, substitute
from evalsvc.verification.limits import EXACT_BITS, FACTORIAL, TERMS, LimitExceeded

_PLAIN = re.compile(r"([-+]?)(?:(\d+)(?:\.(\d*))?|\.(\d+))(?:[eE]([-+]?\d{1,4}))?")
_FRACTION = re.compile(r"([-+]?)\\[dtc]?frac\{(-?\d+)\}\{(\d+)\}|([-+]?\d+)/(\d+)")


def plain_rational(text: str) -> Fraction | None:
    """The value of a text that is an integer, a decimal, `1.5e-3` or a fraction of integers."""
    match = _PLAIN.fullmatch(text)
    if match:
        sign, whole, decimals, bare, exponent = match.groups()
        decimals = bare if whole is None else decimals or ""
        value = int((whole or "0") + decimals) * Fraction(10) ** (
            int(exponent or 0) - len(decimals)
        )
        return -value if sign == "-" else value
    match = _FRACTION.fullmatch(text)
    if match is None:
        return None
    sign, top, bottom, slash_top, slash_bottom = match.groups()
    if top is None:
        return Fraction(int(slash_top), int(slash_bottom)) if int(slash_bottom) else None
    if not int(bottom):
        return None
    value = Fraction(int(top), int(bottom))
    return -value if sign == "-" else value


def exact_value(node: Scalar) -> Fraction | None:
    """The rational value of a scalar. Raises LimitExceeded when it has too many bits."""
    if isinstance(node, Number):
        return node.value
    if not isinstance(node, Operation):
        return None
    if node.op in ("sum", "prod"):
        return _series(node)
    if node.op not in _RATIONAL:
        return None
    values: list[Fraction] = []
    for argument in node.args:
        value = exact_value(argument)
        if value is None:
            return None
        values.append(value)
    return _RATIONAL[node.op](values)


def _series(node: Operation) -> Fraction | None:
    terms = series_terms(node)
    if terms is None:
        return None
    values: list[Fraction] = []
    for term in terms:
        value = exact_value(term)
        if value is None:
            return None
        values.append(value)
    return _sum(values) if node.op == "sum" else _product(values)


def series_terms(node: Operation) -> list[Scalar] | None:
    """The terms of a finite sum or product; None when its bounds are not integers."""
    low, high = exact_value(node.args[0]), exact_value(node.args[1])
    if low is None or high is None or low.denominator != 1 or high.denominator != 1:
        return None
    if high - low >= TERMS:
        raise LimitExceeded("terms of a sum")
    return [
        substitute(node.args[2], Symbol(node.label), Number(Fraction(k)))
        for k in range(int(low), int(high) + 1)
    ]


def _bits(value: Fraction) -> int:
    return max(value.numerator.bit_length(), value.denominator.bit_length())


def _checked(value: Fraction) -> Fraction:
    if _bits(value) > EXACT_BITS:
        raise LimitExceeded("digits of a number")
    return value


def _sum(values: list[Fraction]) -> Fraction | None:
    total = Fraction(0)
    for value in values:
        total = _checked(total + value)
    return total


def _product(values: list[Fraction]) -> Fraction | None:
    total = Fraction(1)
    for value in values:
        total = _checked(total * value)
    return total


def _reciprocal(values: list[Fraction]) -> Fraction | None:
    return 1 / values[0] if values[0] else None


def _power(values: list[Fraction]) -> Fraction | None:
    base, exponent = values
    if exponent.denominator != 1:
        if base < 0:
            return None
        root = _perfect_root(base, exponent.denominator)
        return None if root is None else _power([root, Fraction(exponent.numerator)])
    if base in (0, 1, -1):
        if base == 0:
            return None if exponent <= 0 else base
        return base if exponent % 2 else abs(base)
    if abs(exponent) * _bits(base) > EXACT_BITS:
        raise LimitExceeded("size of a power")
    return base ** int(exponent)


def _perfect_root(value: Fraction, degree: int) -> Fraction | None:
    """The exact root of a value >= 0, if it is rational."""
    if degree > 64:
        return None
    roots = []
    for part in (value.numerator, value.denominator):
        root = math.isqrt(part) if degree == 2 else _integer_root(part, degree)
        if root**degree != part:
            return None
        roots.append(root)
    return Fraction(roots[0], roots[1])


def _integer_root(value: int, degree: int) -> int:
    """Largest r with r**degree <= value, by bisection."""
    low, high = 0, 1 << (value.bit_length() // degree + 1)
    while low < high:
        middle = (low + high + 1) // 2
        if middle**degree <= value:
            low = middle
        else:
            high = middle - 1
    return low


def _root(values: list[Fraction]) -> Fraction | None:
    radicand, degree = values
    if degree.denominator != 1 or degree < 1:
        return None
    if radicand < 0:
        if degree % 2 == 0:
            return None
        root = _perfect_root(-radicand, int(degree))
        return None if root is None else -root
    return _perfect_root(radicand, int(degree))


def _factorial(values: list[Fraction]) -> Fraction | None:
    value = values[0]
    if value.denominator != 1 or value < 0:
        return None
    if value > FACTORIAL:
        raise LimitExceeded("size of a factorial")
    return Fraction(math.factorial(int(value)))


def _binomial(values: list[Fraction]) -> Fraction | None:
    top, bottom = values
    if top.denominator != 1 or bottom.denominator != 1 or bottom < 0 or top < 0:
        return None
    if top > FACTORIAL:
        raise LimitExceeded("size of a binomial coefficient")
    return Fraction(math.comb(int(top), int(bottom)))


def _integers(function: Callable[..., int]) -> Callable[[list[Fraction]], Fraction | None]:
    """A function of integers; None for other values."""

    def apply(values: list[Fraction]) -> Fraction | None:
        if any(value.denominator != 1 for value in values):
            return None
        return Fraction(function(*(int(value) for value in values)))

    return apply


_RATIONAL: dict[str, Callable[[list[Fraction]], Fraction | None]] = {
    "+": _sum,
    "*": _product,
    "/": _reciprocal,
    "^": _power,
    "root": _root,
    "fact": _factorial,
    "binom": _binomial,
    "neg": lambda values: -values[0],
    "abs": lambda values: abs(values[0]),
    "floor": lambda values: Fraction(math.floor(values[0])),
    "gcd": _integers(math.gcd),
    "lcm": _integers(math.lcm),
    "max": max,
    "min": min,
    "mod": lambda values: values[0] % values[1] if values[1] else None,
    "ceil": lambda values: Fraction(math.ceil(values[0])),
}
