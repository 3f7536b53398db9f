"""Whether an algebraic number is zero, decided for certain by a separation bound.

A number built from rationals by arithmetic, roots and roots of unity is a quotient U/L of algebraic
integers. If it is not zero, its size is at least 2^-B, where B follows from bounds on the
conjugates of U and L and from the degree of the field (Burnikel, Fleischer, Mehlhorn, Schirra: A
separation bound for real algebraic expressions, 2001). So B bits decide, and there is no tolerance.
"""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from evalsvc.verification.equality.exact import exact_value
from evalsvc.verification.equality.numeric import Evaluator
from evalsvc.verification.grammar.tree import Constant, Number, Operation, Scalar
from evalsvc.verification.limits import (
    IN_SANDBOX,
    PROOF_BITS,
    PROOF_BITS_IN_CALLER,
    PROOF_DEGREE,
    NeedsChild,
)

_GUARD_BITS = 64
Bounds = tuple[float, float]


class Unprovable(ArithmeticError):
    """The number is of another kind than this module decides, or takes too much work."""


class ProofEvaluator(Evaluator):
    """Also knows `zeta`: e^(i pi r) for a rational r."""

    def _operation(self, node: Operation) -> Any:
        if node.op == "zeta":
            ratio = exact_value(node.args[0])
            if ratio is None:
                raise Unprovable("zeta")
            return self.context.expjpi(self._fraction(ratio))
        return super()._operation(node)


def is_zero(node: Scalar) -> bool:
    """Whether an algebraic number is zero. Raises Unprovable, Undefined or LimitExceeded."""
    exact = exact_value(node)
    if exact is not None:
        return exact == 0
    bounds = _SeparationBound()
    top, bottom = bounds.of(node)
    bits = (bounds.degree() - 1) * max(top, 0.0) + max(bottom, 0.0)
    if bits > PROOF_BITS:
        raise Unprovable("too many bits")
    if bits > PROOF_BITS_IN_CALLER and not IN_SANDBOX.get():
        raise NeedsChild
    first = ProofEvaluator({}, 30)
    first.value(node)
    precision = int(bits) + _GUARD_BITS + max(first.magnitude, 0)
    evaluator = ProofEvaluator({}, int(precision * 0.30103) + 10)
    value = evaluator.value(node)
    return not value or bool(evaluator.context.mag(value) < -bits - 1)


class _SeparationBound:
    """Bounds on the conjugates (as binary logarithms) and the degree of the field."""

    def __init__(self) -> None:
        self.radicals: dict[tuple[Scalar, int], None] = {}
        self.unity = 1
        self.known: dict[Scalar, Bounds] = {}

    def degree(self) -> int:
        total = _totient(self.unity)
        for _, index in self.radicals:
            total *= index
            if total > PROOF_DEGREE:
                raise Unprovable("degree")
        return total

    def of(self, node: Scalar) -> Bounds:
        """Logarithms of the bounds on numerator and denominator."""
        if node not in self.known:
            self.known[node] = self._of(node)
        return self.known[node]

    def _of(self, node: Scalar) -> Bounds:
        if isinstance(node, Number):
            return _log(node.value.numerator), _log(node.value.denominator)
        if isinstance(node, Constant) and node.name == "i":
            self.unity = math.lcm(self.unity, 4)
            return 0.0, 0.0
        if not isinstance(node, Operation):
            raise Unprovable("not algebraic")
        if node.op == "zeta":
            ratio = exact_value(node.args[0])
            assert ratio is not None
            self.unity = math.lcm(self.unity, (ratio / 2).denominator)
            return 0.0, 0.0
        if node.op == "^":
            return self._power(node)
        if node.op == "root":
            index = exact_value(node.args[1])
            if index is None or index.denominator != 1 or index < 1:
                raise Unprovable("root")
            return self._root(node.args[0], int(index))
        return self._arithmetic(node.op, [self.of(argument) for argument in node.args])

    def _arithmetic(self, op: str, parts: list[Bounds]) -> Bounds:
        top, bottom = parts[0]
        if op == "neg":
            return top, bottom
        if op == "/":
            return bottom, top
        if op not in ("+", "*"):
            raise Unprovable(op)
        for other_top, other_bottom in parts[1:]:
            if op == "*":
                top += other_top
            else:
                one, two = top + other_bottom, other_top + bottom
                top = max(one, two) + math.log2(1 + 2.0 ** -abs(one - two))
            bottom += other_bottom
        return top, bottom

    def _power(self, node: Operation) -> Bounds:
        exponent = exact_value(node.args[1])
        if exponent is None:
            raise Unprovable("power")
        top, bottom = (
            self.of(node.args[0])
            if exponent.denominator == 1
            else self._root(node.args[0], exponent.denominator)
        )
        times = abs(exponent.numerator)
        if times * max(top, bottom) > PROOF_BITS:
            raise Unprovable("power")
        return (top * times, bottom * times) if exponent > 0 else (bottom * times, top * times)

    def _root(self, radicand: Scalar, index: int) -> Bounds:
        top, bottom = self.of(radicand)
        self.radicals[radicand, index] = None
        if top >= bottom:
            return (top + (index - 1) * bottom) / index, bottom
        return top, ((index - 1) * top + bottom) / index


def _log(value: int) -> float:
    return math.log2(abs(value)) if value else 0.0


def _totient(number: int) -> int:
    if number > PROOF_DEGREE:
        raise Unprovable("order of a root of unity")
    return sum(math.gcd(number, k) == 1 for k in range(1, number + 1))


def value_of(node: Scalar, digits: int = 60) -> Any:
    """The approximate value of an algebraic tree."""
    return ProofEvaluator({}, digits).value(node)


def number(value: Fraction | int) -> Number:
    """A rational as a tree."""
    return Number(Fraction(value))


def substituted(node: Scalar, point: Mapping[str, Fraction]) -> Scalar:
    """Variables replaced by rationals; the bound ones of sums and integrals stay."""
    if isinstance(node, Operation):
        inner = point
        if node.op in ("sum", "prod", "int", "lim") and node.label.rstrip("+-") in point:
            bound = node.label.rstrip("+-")
            inner = {name: value for name, value in point.items() if name != bound}
        return Operation(
            node.op, tuple(substituted(argument, inner) for argument in node.args), node.label
        )
    if isinstance(node, (Number, Constant)):
        return node
    return Number(point[node.name]) if node.name in point else node
