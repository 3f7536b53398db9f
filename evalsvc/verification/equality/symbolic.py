"""The last resort, in a child process only: sympy, on trees that our own grammar has read.

Sums, integrals and limits are carried out; the difference of both sides must simplify to zero. A
sum or integral without closed form is computed to thirty digits, but only if it is the whole side:
no small term can then hide next to it.
"""

from typing import Any

from evalsvc.verification.equality.numeric import integer_names, symbols
from evalsvc.verification.equality.scalar_equality import Outcome
from evalsvc.verification.grammar.tree import Constant, Number, Operation, Scalar, Symbol
from evalsvc.verification.verdict import Confidence

_DIGITS = 30
_BIG = frozenset(("sum", "prod", "int", "lim"))
_NAMES = {"ln": "log", "arcsin": "asin", "arccos": "acos", "arctan": "atan", "arccot": "acot",
          "arcsec": "asec", "arccsc": "acsc", "fact": "factorial", "ceil": "ceiling",
          "abs": "Abs", "max": "Max", "min": "Min", "mod": "Mod"}  # fmt: skip


class _NotForSympy(ValueError):
    pass


def symbolically_equal(gold: Scalar, answer: Scalar) -> Outcome:
    """Whether sympy proves two scalars equal, or computes it where one is a single series."""
    integers = integer_names(gold) | integer_names(answer)
    try:
        one, two = (_expression(side, integers) for side in (gold, answer))
        one, two = one.doit(), two.doit()
        if _is_zero(one - two):
            return Outcome(True, "symbolic equality")
        if _computed(gold, answer, one, two):
            return Outcome(True, "equal to thirty digits", Confidence.COMPUTED)
    except (
        _NotForSympy,
        ArithmeticError,
        ValueError,
        TypeError,
        NotImplementedError,
        AttributeError,
    ):
        return Outcome(False, "not comparable by symbols", Confidence.COMPUTED)
    return Outcome(False, "equality not proved", Confidence.COMPUTED)


def _is_zero(difference: Any) -> bool:
    from sympy import simplify  # noqa: PLC0415 - heavy

    if difference == 0:
        return True
    return bool(simplify(difference) == 0)


def _computed(gold: Scalar, answer: Scalar, one: Any, two: Any) -> bool:
    """Compare a side that is one constant series or integral, to thirty digits."""
    if symbols(gold) | symbols(answer) or not (_alone(gold) or _alone(answer)):
        return False
    left, right = one.evalf(_DIGITS), two.evalf(_DIGITS)
    if not (left.is_number and right.is_number):
        return False
    return bool(abs(left - right) <= abs(left) * 10 ** -(_DIGITS - 5))


def _alone(node: Scalar) -> bool:
    return isinstance(node, Operation) and node.op in _BIG


def _expression(node: Scalar, integers: set[str]) -> Any:
    import sympy  # noqa: PLC0415 - heavy

    if isinstance(node, Number):
        return sympy.Rational(node.value.numerator, node.value.denominator)
    if isinstance(node, Symbol):
        return _symbol(node.name, integers)
    if isinstance(node, Constant):
        return {"pi": sympy.pi, "e": sympy.E, "i": sympy.I, "infinity": sympy.oo}[node.name]
    if node.op in _BIG:
        return _big(node, integers)
    parts = [_expression(argument, integers) for argument in node.args]
    return _operation(node, parts)


def _symbol(name: str, integers: set[str]) -> Any:
    import sympy  # noqa: PLC0415

    if name in integers:
        return sympy.Symbol(name, integer=True, positive=True)
    return sympy.Symbol(name, real=True)


def _operation(node: Operation, parts: list[Any]) -> Any:  # noqa: PLR0911 - a dispatch
    import sympy  # noqa: PLC0415

    op, first = node.op, parts[0] if parts else sympy.Integer(0)
    if op == "+":
        return sympy.Add(*parts)
    if op == "*":
        return sympy.Mul(*parts)
    if op == "/":
        return 1 / first
    if op == "neg":
        return -first
    if op == "^":
        return sympy.Pow(*parts)
    if op == "root":
        return sympy.real_root(*parts) if parts[1] % 2 else sympy.root(*parts)
    if op == "deg":
        return first * sympy.pi / 180
    if op in ("log", "lg"):
        return sympy.log(first, parts[1] if len(parts) > 1 else 10)
    if op == "opaque":
        return sympy.Function(node.label)(*parts) if parts else sympy.Symbol(node.label)
    if op == "binom":
        return sympy.binomial(*parts)
    function = getattr(sympy, _NAMES.get(op, op), None)
    if function is None:
        raise _NotForSympy(op)
    return function(*parts)


def _big(node: Operation, integers: set[str]) -> Any:
    import sympy  # noqa: PLC0415

    name = node.label.rstrip("+-")
    bound = {name} if node.op in ("sum", "prod") else set()
    variable = _symbol(name, integers | bound)
    *limits, body = [_expression(argument, integers | bound) for argument in node.args]
    if node.op == "lim":
        side = node.label[len(name) :] or "+-"
        if limits[0] in (sympy.oo, -sympy.oo):
            side = "-"
        return sympy.limit(body, variable, limits[0], side)
    if node.op == "int":
        return sympy.Integral(body, (variable, *limits) if limits else variable)
    builder = sympy.Sum if node.op == "sum" else sympy.Product
    return builder(body, (variable, *limits))
