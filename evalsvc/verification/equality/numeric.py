"""Values of scalars at given points, with many digits and no symbolic algebra.

Every operation is bounded: magnitudes and arguments are checked before mpmath sees them. The
context is one per thread, because mpmath's global precision is not safe to share.
"""

import hashlib
import threading
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import mpmath

from evalsvc.verification.equality.exact import exact_value, series_terms
from evalsvc.verification.grammar.tree import Constant, Number, Operation, Scalar, Symbol
from evalsvc.verification.limits import (
    ARGUMENT_BITS,
    EXPONENT,
    FACTORIAL,
    MAGNITUDE_BITS,
    LimitExceeded,
)

_LOCAL = threading.local()
_TRIGONOMETRIC = frozenset(["sin", "cos", "tan", "cot", "sec", "csc"])
_HYPERBOLIC = frozenset(["sinh", "cosh", "tanh", "coth", "exp"])
_STEPWISE = frozenset(("floor", "ceil", "max", "min", "mod", "gcd", "lcm"))
_INVERSE = {
    "arcsin": "asin",
    "arccos": "acos",
    "arctan": "atan",
    "arccot": "acot",
    "arcsec": "asec",
    "arccsc": "acsc",
}


class Undefined(ArithmeticError):
    """The scalar has no value at this point (a division by zero, infinity, an unknown function)."""


class NotComputed(ArithmeticError):
    """The scalar may have a value here, but it takes symbolic work to find it."""


class Evaluator:
    """Evaluates scalars at one point and precision; `magnitude` is the largest one met, in bits."""

    def __init__(self, point: Mapping[str, Fraction], digits: int) -> None:
        self.context = _context()
        self.context.dps = digits
        self.point = point
        self.magnitude = -(10**9)

    def value(self, node: Scalar) -> Any:
        """An mpf or mpc. Raises Undefined or LimitExceeded."""
        try:
            return self._value(node)
        except (ZeroDivisionError, ValueError, OverflowError, TypeError) as error:
            raise Undefined(str(error)) from None

    def _value(self, node: Scalar) -> Any:
        if isinstance(node, Number):
            return self._note(self._fraction(node.value))
        if isinstance(node, Symbol):
            return self._note(self._fraction(self.point[node.name]))
        if isinstance(node, Constant):
            return self._constant(node.name)
        return self._note(self._operation(node))

    def _fraction(self, value: Fraction) -> Any:
        return self.context.mpf(value.numerator) / value.denominator

    def _constant(self, name: str) -> Any:
        if name == "infinity":
            raise Undefined("infinity")
        values = {"pi": +self.context.pi, "e": +self.context.e, "i": self.context.mpc(0, 1)}
        return self._note(values[name])

    def _note(self, value: Any) -> Any:
        context = self.context
        if not context.isfinite(value):
            raise Undefined("infinite")
        if value:
            bits = _bits(context, value)
            if abs(bits) > MAGNITUDE_BITS:
                raise LimitExceeded("size of a number")
            self.magnitude = max(self.magnitude, bits)
        return value

    def _operation(self, node: Operation) -> Any:  # noqa: PLR0911 - a dispatch
        op, context = node.op, self.context
        if op in ("int", "lim"):
            raise NotComputed(op)
        if op == "opaque":
            return self._opaque(node)
        if op in ("sum", "prod"):
            return self._series(node)
        values = [self._value(argument) for argument in node.args]
        first = values[0]
        if op == "+":
            return context.fsum(values)
        if op == "*":
            product = first
            for value in values[1:]:
                product = product * value
            return product
        if op == "/":
            return 1 / first
        if op == "neg":
            return -first
        if op == "^":
            return self._power(first, values[1], node.args[1])
        if op == "root":
            return self._root(first, values[1])
        if op == "deg":
            return first * context.pi / 180
        return self._function(op, values)

    def _function(self, op: str, values: list[Any]) -> Any:
        context, first = self.context, values[0]
        if op == "abs":
            return abs(first)
        if op in _STEPWISE:
            return self._stepwise(op, values)
        if op in ("fact", "binom"):
            if any(isinstance(value, context.mpc) or abs(value) > FACTORIAL for value in values):
                raise LimitExceeded("size of a factorial")
            return context.factorial(first) if op == "fact" else context.binomial(*values)
        if op in ("ln", "log", "lg"):
            base = values[1] if len(values) > 1 else context.mpf(10)
            return context.log(first) if op == "ln" else context.log(first) / context.log(base)
        if op in _TRIGONOMETRIC or op in _HYPERBOLIC:
            if first and _bits(context, first) > ARGUMENT_BITS:
                raise LimitExceeded("argument of a function")
            if op in _HYPERBOLIC and abs(first) > EXPONENT:
                raise LimitExceeded("argument of a function")
            return getattr(context, op)(first)
        if op in _INVERSE:
            return getattr(context, _INVERSE[op])(first)
        raise Undefined(op)

    def _stepwise(self, op: str, values: list[Any]) -> Any:
        context, first = self.context, values[0]
        if any(isinstance(value, context.mpc) for value in values):
            raise Undefined(op)
        if op in ("max", "min"):
            return max(values) if op == "max" else min(values)
        if op in ("gcd", "lcm"):
            raise NotComputed(op)
        quotient = first / values[1] if op == "mod" else first
        if quotient and _bits(context, quotient) > 200:
            raise Undefined(op)
        if op == "mod":
            return first - values[1] * context.floor(quotient)
        return context.floor(first) if op == "floor" else context.ceil(first)

    def _power(self, base: Any, exponent: Any, written: Scalar) -> Any:
        context = self.context
        if abs(exponent) > EXPONENT:
            raise LimitExceeded("size of an exponent")
        if not base:
            if isinstance(exponent, context.mpc) or exponent <= 0:
                raise Undefined("power of zero")
            return base
        if abs(_bits(context, base)) * abs(exponent) > MAGNITUDE_BITS:
            raise LimitExceeded("size of a power")
        if not isinstance(exponent, context.mpc) and context.isint(exponent):
            return base ** int(exponent)
        odd = _odd_denominator(written)
        if odd is not None and not isinstance(base, context.mpc) and base < 0:
            root = -((-base) ** (context.mpf(1) / odd.denominator))
            return root**odd.numerator
        return context.power(base, exponent)

    def _root(self, radicand: Any, degree: Any) -> Any:
        context = self.context
        if isinstance(degree, context.mpc) or not context.isint(degree) or not 1 <= degree <= 1000:
            raise Undefined("degree of a root")
        if degree == 2:
            return context.sqrt(radicand)
        if int(degree) % 2 and not isinstance(radicand, context.mpc) and radicand < 0:
            return -context.root(-radicand, int(degree))
        return context.root(radicand, int(degree))

    def _series(self, node: Operation) -> Any:
        terms = series_terms(node)
        if terms is None:
            raise NotComputed("bounds of a sum")
        values = [self._value(term) for term in terms]
        return self.context.fsum(values) if node.op == "sum" else self.context.fprod(values)

    def _opaque(self, node: Operation) -> Any:
        """A fixed smooth function for each name: equal only for equal names and arguments."""
        digest = hashlib.sha256(node.label.encode("utf-8", "replace")).digest()
        seed = Fraction(int.from_bytes(digest[:6], "big"), 2**48)
        total = self._fraction(seed + 1)
        for place, argument in enumerate(node.args, 2):
            value = self._value(argument)
            if value and _bits(self.context, value) > ARGUMENT_BITS:
                raise LimitExceeded("argument of a function")
            total += self.context.sin(value + self._fraction(seed)) / place
        return total


def _odd_denominator(node: Scalar) -> Fraction | None:
    value = exact_value(node)
    return value if value is not None and value.denominator % 2 and value.denominator > 1 else None


def _bits(context: Any, value: Any) -> int:
    """Binary magnitude of a value that is finite and not zero."""
    return int(context.mag(value))


def _context() -> Any:
    context = getattr(_LOCAL, "context", None)
    if context is None:
        context = _LOCAL.context = mpmath.MPContext()
    return context


def symbols(node: Scalar) -> set[str]:
    """Names of the variables in a scalar."""
    found: set[str] = set()
    stack: list[Scalar] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Symbol):
            found.add(current.name)
        elif isinstance(current, Operation):
            if current.op in ("sum", "prod", "int", "lim"):
                *outer, body = current.args
                bound = current.label.rstrip("+-")
                indefinite = current.op == "int" and not outer
                found |= symbols(body) - (set() if indefinite else {bound})
                stack.extend(outer)
            else:
                stack.extend(current.args)
    return found


_NATURAL = frozenset("nkmjNKM")


def integer_names(node: Scalar) -> set[str]:
    """Names that mean natural numbers: of a factorial, of a negative number's power, ...

    Only letters that usually do: `n`, `k`, `m`.
    """
    found: set[str] = set()
    stack: list[Scalar] = [node]
    while stack:
        current = stack.pop()
        if not isinstance(current, Operation):
            continue
        stack.extend(current.args)
        if current.op in ("fact", "binom", "gcd", "lcm"):
            found |= set().union(*map(symbols, current.args))
        elif current.op in ("sum", "prod"):
            found |= symbols(current.args[0]) | symbols(current.args[1])
        elif current.op == "^":
            base = exact_value(current.args[0])
            if base is not None and base < 0:
                found |= symbols(current.args[1])
    return found & _NATURAL


def mentions(node: Scalar, constant: str) -> bool:
    """Whether a constant occurs in a scalar."""
    stack: list[Scalar] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Constant) and current.name == constant:
            return True
        if isinstance(current, Operation):
            stack.extend(current.args)
    return False


def longest_literal(node: Scalar) -> int:
    """Digits of the longest decimal literal in a scalar."""
    longest = 0
    stack: list[Scalar] = [node]
    while stack:
        current = stack.pop()
        if isinstance(current, Number):
            longest = max(longest, current.digits)
        elif isinstance(current, Operation):
            stack.extend(current.args)
    return longest
