"""Proofs that two closed forms are equal, at a point: forty equal digits are no proof.

What is transcendental (pi, e, logarithms of primes, values of sines and unknown functions) is
replaced by rational numbers close to it, drawn from the answer's own digest; what is left is
algebraic and decided for certain. An identity that holds for those numbers holds for the values
that they replace. Relations between them that everybody uses (exp(2x) = exp(x)^2, ln 8 = 3 ln 2,
sin^2 + cos^2 = 1, arctan 1 = pi/4) are built in; if none is known the answer is refused or goes
to the symbolic comparison.
"""

import hashlib
import math
import random
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import mpmath

from evalsvc.verification.equality.algebraic import (
    Unprovable,
    is_zero,
    number,
    substituted,
    value_of,
)
from evalsvc.verification.equality.exact import exact_value, series_terms
from evalsvc.verification.equality.numeric import Undefined
from evalsvc.verification.grammar.tree import Constant, Operation, Scalar
from evalsvc.verification.limits import LimitExceeded

#: Exponentials are powers of half their argument, so that half angles fit.
_PARTS = 2
_TRIED_PRIMES = 65_536
_DENOMINATOR = 360
_PI = Constant("pi")
_I = Constant("i")
_TRIGONOMETRIC = ("sin", "cos", "tan", "cot", "sec", "csc")
_HYPERBOLIC = ("sinh", "cosh", "tanh", "coth")
_INVERSE = {"arctan": "tan", "arcsin": "sin", "arccos": "cos", "arccot": "cot"}


def proved_equal(gold: Scalar, answer: Scalar, point: Mapping[str, Fraction]) -> bool | None:
    """Whether both have the same value at a point; None where neither can be shown.

    Raises Undefined where one has no value there.
    """
    difference = Operation("+", (gold, Operation("neg", (answer,))))
    replacer = _Replacer(_digest(gold, answer))
    try:
        if is_zero(replacer.algebraic(substituted(difference, point))):
            return True
        # with stand-ins in it, it may be zero by a relation that is not known here
        return None if replacer.standing else False
    except Undefined:
        raise
    except (ArithmeticError, LimitExceeded, RecursionError, TypeError, ValueError):
        return None  # Unprovable, NotComputed, or numbers too large to compare


def _digest(gold: Scalar, answer: Scalar) -> random.Random:
    """A random generator whose numbers no answer can be chosen for."""
    text = repr((gold, answer)).encode("utf-8", "surrogatepass")
    return random.Random(hashlib.sha256(text).digest())  # noqa: S311 - seeded on purpose


def points(
    gold: Scalar, answer: Scalar, names: list[str], integers: set[str]
) -> list[dict[str, Fraction]]:
    """Points of either sign for an identity, from the digest of both sides."""
    generator = _digest(gold, answer)
    found = []
    for index in range(8):
        point = {}
        for name in names:
            if name in integers:
                point[name] = Fraction(generator.randrange(1, 60))
                continue
            value = Fraction(generator.randrange(1_000, 5_000_000), 997)
            value = value / 5_000 + Fraction(1, 7) if index % 2 == 0 else value / 200
            negative = (index // 2) % 2 == 1 and (len(names) == 1 or generator.random() < 0.7)
            point[name] = -value if negative else value
        found.append(point)
    return found


class _Replacer:
    """Rewrites a scalar without variables as an algebraic tree over rational stand-ins."""

    def __init__(self, generator: random.Random) -> None:
        self.generator = generator
        self.standing: dict[object, Scalar] = {}
        self.exponentials: list[tuple[Scalar, Scalar]] = []
        self.circular: list[tuple[Scalar, Scalar]] = []
        self.opaque: list[tuple[str, tuple[Scalar, ...], Scalar]] = []
        self.known: dict[Scalar, Scalar] = {}

    def algebraic(self, node: Scalar) -> Scalar:
        if node not in self.known:
            exact = exact_value(node)
            self.known[node] = number(exact) if exact is not None else self._rewritten(node)
        return self.known[node]

    def _rewritten(self, node: Scalar) -> Scalar:  # noqa: PLR0911 - a dispatch
        if isinstance(node, Constant):
            return self._constant(node)
        if not isinstance(node, Operation):
            raise Unprovable("a variable")
        op, arguments = node.op, node.args
        if op in ("+", "*", "/", "neg"):
            parts = tuple(self.algebraic(argument) for argument in arguments)
            if op == "/" and is_zero(parts[0]):
                raise Undefined("division by zero")
            return Operation(op, parts)
        if op in ("sum", "prod"):
            terms = series_terms(node)
            if terms is None:
                raise Unprovable(op)
            return Operation("+" if op == "sum" else "*", tuple(map(self.algebraic, terms)))
        if op == "root":
            return self._checked_root(self.algebraic(arguments[0]), self.algebraic(arguments[1]))
        if op == "^":
            return self._power(*arguments)
        if op == "deg":
            return Operation(
                "*", (self.algebraic(arguments[0]), number(Fraction(1, 180)), self._constant(_PI))
            )
        return self._function(op, arguments, node.label)

    def _checked_root(self, radicand: Scalar, index: Scalar) -> Scalar:
        return number(0) if is_zero(radicand) else Operation("root", (radicand, index))

    def _constant(self, node: Constant) -> Scalar:
        if node.name == "i":
            return node
        if node.name == "e":
            return self._exponential(number(1))
        if node.name != "pi":
            raise Undefined(node.name)
        return self._stand_in("pi", math.pi)

    def _stand_in(self, key: object, value: float) -> Scalar:
        """A random rational near a value, the same for the same key."""
        if key not in self.standing:
            below = self.generator.randrange(2_000, 60_000)
            above = round(value * below) + self.generator.choice((1, 2, 3))
            self.standing[key] = number(Fraction(above, below))
        return self.standing[key]

    def _power(self, base: Scalar, exponent: Scalar) -> Scalar:
        if base == Constant("e"):
            return self._exponential(self.algebraic(exponent), exponent)
        power = exact_value(exponent)
        if power is None:
            return self._exponential(
                Operation("*", (self._logarithm(base), self.algebraic(exponent))),
                Operation("*", (Operation("ln", (base,)), exponent)),
            )
        root = self.algebraic(base)
        if is_zero(root):
            if power <= 0:
                raise Undefined("power of zero")
            return number(0)
        return Operation("^", (root, number(power)))

    def _function(  # noqa: PLR0911 - a dispatch
        self, op: str, arguments: tuple[Scalar, ...], label: str
    ) -> Scalar:
        if op in ("ln", "log", "lg"):
            base = arguments[1] if len(arguments) > 1 else number(10)
            logarithm = self._logarithm(arguments[0])
            if op == "ln":
                return logarithm
            return Operation("*", (logarithm, Operation("/", (self._logarithm(base),))))
        if op == "exp":
            return self._exponential(self.algebraic(arguments[0]), arguments[0])
        if op in _TRIGONOMETRIC:
            return self._trigonometric(op, self._circle(arguments[0]))
        if op in _HYPERBOLIC:
            return self._hyperbolic(
                op, self._exponential(self.algebraic(arguments[0]), arguments[0])
            )
        parts = tuple(self.algebraic(argument) for argument in arguments)
        if op in _INVERSE:
            return self._inverse(op, parts[0])
        if op == "opaque":
            return self._unknown(label, parts)
        if op == "abs":
            return self._absolute(parts[0])
        return self._stepwise(op, parts)

    # -- logarithms and exponentials

    def _logarithm(self, node: Scalar) -> Scalar:  # noqa: PLR0911 - one rule each
        if node == Constant("e"):
            return number(1)
        if isinstance(node, Operation):
            if node.op in ("exp",) and _is_real(self.algebraic(node.args[0])):
                return self.algebraic(node.args[0])
            if node.op in ("^", "root") and _is_positive(self.algebraic(node.args[0])):
                power = node.args[1] if node.op == "^" else Operation("/", (node.args[1],))
                exponent = self.algebraic(power)
                if _is_real(exponent):
                    return Operation("*", (exponent, self._logarithm(node.args[0])))
            if node.op == "*" and all(_is_positive(self.algebraic(arg)) for arg in node.args):
                return Operation("+", tuple(self._logarithm(arg) for arg in node.args))
            if node.op == "/" and _is_positive(self.algebraic(node.args[0])):
                return Operation("neg", (self._logarithm(node.args[0]),))
        value = self.algebraic(node)
        exact = exact_value(value)
        if exact is not None and exact_value(node) is not None:
            if exact <= 0:
                raise Unprovable("logarithm")
            return self._of_rational(exact)
        if not _is_positive(value):
            raise Unprovable("logarithm")
        return self._named("ln", value, float(value_of(value)), math.log)

    def _of_rational(self, value: Fraction) -> Scalar:
        terms: list[Scalar] = []
        for part, sign in ((value.numerator, 1), (value.denominator, -1)):
            for prime, count in _factors(part).items():
                log = self._stand_in(("ln", prime), math.log(prime))
                terms.append(Operation("*", (number(sign * count), log)))
        return Operation("+", tuple(terms)) if terms else number(0)

    def _named(self, op: str, value: Scalar, approximate: float, function: Any) -> Scalar:
        """A stand-in for a function's value, found again for an equal or reciprocal argument."""
        for name, (known,), stand_in in self.opaque:
            if name == op and _zero(_minus(known, value)):
                return stand_in
            if name == op == "ln" and _zero(_minus(Operation("*", (known, value)), number(1))):
                return Operation("neg", (stand_in,))
        stand_in = self._stand_in((op, value), function(approximate))
        self.opaque.append((op, (value,), stand_in))
        return stand_in

    def _exponential(  # noqa: PLR0911 - one rule each
        self, argument: Scalar, written: Scalar | None = None
    ) -> Scalar:
        """e^argument, with e^(r ln b) = b^r, e^(r i pi) a root of unity, and sums as products."""
        if isinstance(written, Operation) and written.op == "+":
            return Operation(
                "*", tuple(self._exponential(self.algebraic(a), a) for a in written.args)
            )
        if isinstance(written, Operation) and written.op == "neg":
            return Operation(
                "/", (self._exponential(self.algebraic(written.args[0]), written.args[0]),)
            )
        if isinstance(written, Operation) and written.op == "*":
            logs = [a for a in written.args if isinstance(a, Operation) and a.op == "ln"]
            if len(logs) == 1:
                rest = [exact_value(a) for a in written.args if a is not logs[0]]
                if all(value is not None for value in rest):
                    power = math.prod((v for v in rest if v is not None), start=Fraction(1))
                    return Operation("^", (self.algebraic(logs[0].args[0]), number(power)))
        if isinstance(written, Operation) and written.op == "ln":
            return self.algebraic(written.args[0])
        if written is not None and not _is_real(argument):
            turned = Operation("*", (written, Operation("neg", (_I,))))
            return self._circle(turned)
        if _zero(argument):
            return number(1)
        return self._power_of_generator(self.exponentials, argument, self._real_generator)

    def _real_generator(self, argument: Scalar) -> Scalar:
        size = float(value_of(argument)) / _PARTS
        if abs(size) > 300:
            raise Unprovable("size of an exponential")
        return self._stand_in(("exp", argument), math.exp(size))

    def _circle(self, angle: Scalar) -> Scalar:
        """e^(i angle) for a real angle."""
        if isinstance(angle, Operation) and angle.op == "+":
            return Operation("*", tuple(map(self._circle, angle.args)))
        if isinstance(angle, Operation) and angle.op == "neg":
            return Operation("/", (self._circle(angle.args[0]),))
        argument = self.algebraic(angle)
        if not _is_real(argument):
            raise Unprovable("a complex angle")
        if _zero(argument):
            return number(1)
        half_turns = self._ratio(argument, self._constant(_PI))
        if half_turns is not None:
            return Operation("zeta", (number(half_turns),))
        return self._power_of_generator(self.circular, argument, self._unit_generator)

    def _unit_generator(self, argument: Scalar) -> Scalar:
        """A point with rational coordinates on the unit circle."""
        half = math.tan(float(value_of(argument)) / _PARTS / 2)
        tangent = exact_value(self._stand_in(("circle", argument), half))
        assert tangent is not None
        below = 1 + tangent**2
        return Operation(
            "+",
            (number((1 - tangent**2) / below), Operation("*", (number(2 * tangent / below), _I))),
        )

    def _power_of_generator(
        self, generators: list[tuple[Scalar, Scalar]], argument: Scalar, make: Any
    ) -> Scalar:
        for known, generator in generators:
            ratio = self._ratio(argument, known)
            if ratio is not None and (ratio * _PARTS).denominator == 1:
                return Operation("^", (generator, number(ratio * _PARTS)))
        generator = make(argument)
        generators.append((argument, generator))
        return Operation("^", (generator, number(_PARTS)))

    def _ratio(self, one: Scalar, two: Scalar) -> Fraction | None:
        """The simple rational that one is of two, if it is one."""
        quotient = value_of(one) / value_of(two)
        found = Fraction(str(quotient.real if hasattr(quotient, "real") else quotient))
        found = found.limit_denominator(_DENOMINATOR)
        return found if _zero(_minus(one, Operation("*", (number(found), two)))) else None

    # -- the other functions

    def _trigonometric(self, op: str, turned: Scalar) -> Scalar:
        back = Operation("/", (turned,))
        cosine = Operation("*", (Operation("+", (turned, back)), number(Fraction(1, 2))))
        sine = Operation(
            "*",
            (_minus(turned, back), Operation("/", (Operation("*", (number(2), _I)),))),
        )
        return _quotient(op, sine, cosine, ("sin", "cos", "tan", "cot", "sec", "csc"))

    def _hyperbolic(self, op: str, power: Scalar) -> Scalar:
        back = Operation("/", (power,))
        half = number(Fraction(1, 2))
        cosine = Operation("*", (Operation("+", (power, back)), half))
        sine = Operation("*", (_minus(power, back), half))
        return _quotient(op, sine, cosine, ("sinh", "cosh", "tanh", "coth", "", ""))

    def _inverse(self, op: str, value: Scalar) -> Scalar:
        approximate = value_of(Operation(op, (value,)))
        if not _is_real(value) or (hasattr(approximate, "imag") and approximate.imag):
            raise Unprovable(op)
        turns = Fraction(str(approximate / math.pi)).limit_denominator(_DENOMINATOR)
        if abs(float(approximate) - float(turns) * math.pi) < 1e-12:
            turned = Operation("zeta", (number(turns),))
            if _zero(_minus(self._trigonometric(_INVERSE[op], turned), value)):
                return Operation("*", (number(turns), self._constant(_PI)))
        return self._named(op, value, float(approximate), float)

    def _unknown(self, label: str, parts: tuple[Scalar, ...]) -> Scalar:
        for name, known, stand_in in self.opaque:
            same = name == "f " + label and len(known) == len(parts)
            if same and all(_zero(_minus(a, b)) for a, b in zip(known, parts, strict=True)):
                return stand_in
        stand_in = self._stand_in(("f", label, parts), 1.5)
        self.opaque.append(("f " + label, parts, stand_in))
        return stand_in

    def _absolute(self, value: Scalar) -> Scalar:
        if _zero(value):
            return number(0)
        if not _is_real(value):
            product = Operation("*", (value, _conjugate(value)))
            return Operation("root", (product, number(2)))
        return value if value_of(value).real > 0 else Operation("neg", (value,))

    def _stepwise(self, op: str, parts: tuple[Scalar, ...]) -> Scalar:
        """Floors, maxima and remainders: decided by value, exactly where two cases meet."""
        if not all(map(_is_real, parts)):
            raise Unprovable(op)
        if op in ("floor", "ceil"):
            return number(_floor(parts[0]) if op == "floor" else -_floor(Operation("neg", parts)))
        if op in ("max", "min"):
            chosen = parts[0]
            for part in parts[1:]:
                ahead = value_of(_minus(part, chosen)).real > 0
                chosen = part if ahead == (op == "max") else chosen
            return chosen
        if op == "mod":
            quotient = Operation("*", (parts[0], Operation("/", (parts[1],))))
            return _minus(parts[0], Operation("*", (parts[1], number(_floor(quotient)))))
        raise Unprovable(op)


def _quotient(op: str, sine: Scalar, cosine: Scalar, names: tuple[str, ...]) -> Scalar:
    place = names.index(op)
    if (place in (2, 4) and _zero(cosine)) or (place in (3, 5) and _zero(sine)):
        raise Undefined(op)
    one_over = {
        2: Operation("*", (sine, Operation("/", (cosine,)))),
        3: Operation("*", (cosine, Operation("/", (sine,)))),
        4: Operation("/", (cosine,)),
        5: Operation("/", (sine,)),
    }
    return (sine, cosine)[place] if place < 2 else one_over[place]


def _minus(one: Scalar, two: Scalar) -> Scalar:
    return Operation("+", (one, Operation("neg", (two,))))


def _zero(node: Scalar) -> bool:
    return is_zero(node)


def _is_real(node: Scalar) -> bool:
    """Whether an algebraic value is real: by value, and proved where the imaginary part is tiny."""
    value = value_of(node)
    if not hasattr(value, "imag") or not value.imag:
        return True
    if abs(value.imag) > abs(value) * 1e-30:
        return False
    return is_zero(_minus(node, _conjugate(node)))


def _is_positive(node: Scalar) -> bool:
    return _is_real(node) and not _zero(node) and bool(value_of(node).real > 0)


def _conjugate(node: Scalar) -> Scalar:
    """The complex conjugate of an algebraic tree, whose roots are principal ones."""
    if node == _I:
        return Operation("neg", (_I,))
    if not isinstance(node, Operation):
        return node
    if node.op == "zeta":
        return Operation("/", (node,))
    if node.op in ("^", "root") and not _is_real(node.args[0]):
        power = exact_value(node.args[1])
        if power is None or (node.op == "root" and power != 1) or power.denominator != 1:
            raise Unprovable("conjugate of a root")
    elif node.op in ("^", "root") and not _is_real(node):
        raise Unprovable("conjugate of a root")
    return Operation(node.op, tuple(map(_conjugate, node.args)), node.label)


def _floor(node: Scalar) -> int:
    nearest = round(float(value_of(node).real))
    if is_zero(_minus(node, number(nearest))):
        return nearest
    return int(mpmath.floor(value_of(node).real))


def _factors(value: int) -> dict[int, int]:
    """Prime factors up to a limit; what is left counts as one."""
    found: dict[int, int] = {}
    divisor = 2
    while divisor * divisor <= value and divisor < _TRIED_PRIMES:
        while value % divisor == 0:
            found[divisor] = found.get(divisor, 0) + 1
            value //= divisor
        divisor += 1 if divisor == 2 else 2
    if value > 1:
        found[value] = found.get(value, 0) + 1
    return found
