"""Whether two scalars have the same value: exactly where they are rational, else by a proof.

Sixty digits at fixed points are the filter: a difference disproves equality at once. Agreement
proves nothing (`\\pi + 10^{-45}`), so it is followed by a proof (`proof.py`), and where that does
not apply by the symbolic comparison, in a child process only.
"""

import random
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

from evalsvc.verification.equality import proof
from evalsvc.verification.equality.exact import exact_value
from evalsvc.verification.equality.numeric import (
    Evaluator,
    NotComputed,
    Undefined,
    integer_names,
    longest_literal,
    mentions,
    symbols,
)
from evalsvc.verification.grammar.tree import Constant, Operation, Scalar, count_nodes
from evalsvc.verification.limits import (
    IN_SANDBOX,
    PRECISION_DIGITS,
    PRECISION_DIGITS_MAX,
    PROOF_NODES_IN_CALLER,
    NeedsChild,
)
from evalsvc.verification.verdict import Confidence

_GUARD_DIGITS = 20
NEAR_POINTS = 6
#: Points far out follow for scalars that have no value near zero: `\\sqrt{x-3}`.
_FAR = 25
_PROOFS = 3


@dataclass(frozen=True, slots=True)
class Outcome:
    """`equal` is None where nothing could be decided."""

    equal: bool | None
    rule: str
    confidence: Confidence = Confidence.PROVEN

    def weakened(self, other: Confidence) -> "Outcome":
        """The same with the weaker of two confidences."""
        weaker = max(self.confidence, other, key=lambda item: item.rank)
        return self if weaker is self.confidence else replace(self, confidence=weaker)


def scalars_equal(gold: Scalar, answer: Scalar) -> Outcome:
    """Compare two scalars by value. Raises LimitExceeded or NeedsChild."""
    outcome = _without_points(gold, answer)
    if outcome is not None:
        return outcome
    names = sorted(symbols(gold) | symbols(answer))
    integers = integer_names(gold) | integer_names(answer)
    try:
        agreed = _agree(gold, answer, names, integers)
        if agreed is False:
            return Outcome(False, "numeric disproof")
        proved = _prove(gold, answer, names, integers) if agreed else None
    except NotComputed:
        proved = None
    if proved is not None:
        return proved
    return _symbolically(gold, answer)


def _agree(gold: Scalar, answer: Scalar, names: list[str], integers: set[str]) -> bool | None:
    """Whether both agree at fixed points; None where they cannot be compared at enough of them."""
    digits = max(
        PRECISION_DIGITS,
        min(max(longest_literal(gold), longest_literal(answer)) + 30, PRECISION_DIGITS_MAX),
    )
    complex_allowed = mentions(gold, "i") or mentions(answer, "i")
    agreed, needed = 0, 2 if names else 1
    for index, point in enumerate(points_for(names, integers)):
        if index >= NEAR_POINTS and agreed >= needed:
            break
        same = _same_at(point, gold, answer, digits, complex_allowed)
        if same is False:
            return False
        agreed += same is True
    return True if agreed >= needed else None


def _prove(gold: Scalar, answer: Scalar, names: list[str], integers: set[str]) -> Outcome | None:
    if not IN_SANDBOX.get() and count_nodes(gold) + count_nodes(answer) > PROOF_NODES_IN_CALLER:
        raise NeedsChild
    if not names:
        equal = proof.proved_equal(gold, answer, {})
        if equal is None:
            return None
        return Outcome(equal, "proved equal" if equal else "proved different")
    proved = 0
    for point in proof.points(gold, answer, names, integers):
        try:
            equal = proof.proved_equal(gold, answer, point)
        except Undefined:
            continue
        if equal is None:
            return None
        if equal is False:
            return Outcome(False, "proved different")
        proved += 1
        if proved == _PROOFS:
            return Outcome(True, "identity", Confidence.COMPUTED)
    return Outcome(True, "identity", Confidence.COMPUTED) if proved >= 2 else None


def _symbolically(gold: Scalar, answer: Scalar) -> Outcome:
    if not IN_SANDBOX.get():
        raise NeedsChild
    from evalsvc.verification.equality.symbolic import symbolically_equal  # noqa: PLC0415 - sympy

    return symbolically_equal(gold, answer)


def _without_points(gold: Scalar, answer: Scalar) -> Outcome | None:
    """Decide by what is written and by exact values, or None."""
    if gold == answer:
        return Outcome(True, "same expression")
    infinite = infinity_sign(gold), infinity_sign(answer)
    if infinite != (0, 0):
        return Outcome(infinite[0] == infinite[1], "infinity")
    left, right = exact_value(gold), exact_value(answer)
    if left is not None and right is not None:
        return Outcome(left == right, "exact value")
    # `0x` has the value 0 but nobody means it; the same for `0i`
    stray = symbols(answer) - symbols(gold)
    if stray or (left == 0 and _zero_times(answer)):
        return Outcome(False, "a factor that the gold has not")
    return None


def _zero_times(node: Scalar) -> bool:
    """Whether a product has a zero factor and one that is no number: `0i`, `0\\pi`."""
    if isinstance(node, Operation) and node.op == "neg":
        return _zero_times(node.args[0])
    if not isinstance(node, Operation) or node.op != "*":
        return False
    values = [exact_value(argument) for argument in node.args]
    return 0 in values and None in values


def infinity_sign(node: Scalar) -> int:
    """1 or -1 for plus or minus infinity standing alone, 0 for anything else."""
    sign = 1
    while isinstance(node, Operation) and node.op == "neg":
        sign, node = -sign, node.args[0]
    return sign if isinstance(node, Constant) and node.name == "infinity" else 0


def points_for(
    names: list[str], integers: set[str] | frozenset[str] = frozenset()
) -> list[dict[str, Fraction]]:
    """Fixed points: half of them positive, the others of mixed sign, none of them special.

    `integers`: names that get natural numbers as values.
    """
    if not names:
        return [{}]
    generator = random.Random(",".join(names))  # noqa: S311 - points, not secrets
    points = []
    for index in range(NEAR_POINTS):
        point = {}
        for name in names:
            if name in integers:
                point[name] = Fraction(generator.randrange(1, 25) + index)
                continue
            value = Fraction(generator.randrange(10**5, 4 * 10**6), 1_000_003)
            negative = index >= NEAR_POINTS // 2 and generator.random() < 0.6
            point[name] = -value if negative else value
        points.append(point)
    points[-1] = {
        name: value if name in integers else -abs(value) for name, value in points[-1].items()
    }
    far = [
        {name: value if name in integers else _FAR * value for name, value in point.items()}
        for point in points
    ]
    return points + far


def _same_at(
    point: dict[str, Fraction], gold: Scalar, answer: Scalar, digits: int, complex_allowed: bool
) -> bool | None:
    """Whether both agree at a point; None where the gold has no (real) value there."""
    for precision in (digits, min(10 * digits, PRECISION_DIGITS_MAX)):
        evaluator = Evaluator(point, precision)
        try:
            left = evaluator.value(gold)
        except Undefined:
            return None
        if point and not complex_allowed and _imaginary(evaluator.context, left):
            return None
        try:
            right = evaluator.value(answer)
        except Undefined:
            return False if not point else None
        decided = _compare(evaluator, left, right, precision)
        if decided is not None:
            return decided
    context = evaluator.context
    return (
        bool(context.mag(left - right) < evaluator.magnitude - 3 * (precision - 40))
        if left != right
        else True
    )


def _compare(evaluator: Evaluator, left: Any, right: Any, precision: int) -> bool | None:
    """Decide at one precision, or None where digits were lost to cancellation."""
    context = evaluator.context
    size = max((context.mag(value) for value in (left, right) if value), default=None)
    if size is None:
        return True
    if size > 3.32 * (precision - 2 * _GUARD_DIGITS):
        return None  # so large that a difference of one would not be visible
    lost = evaluator.magnitude - size
    if lost > 3.32 * 15:
        difference = left - right
        if difference and context.mag(difference) > evaluator.magnitude - 3.32 * (
            precision - _GUARD_DIGITS
        ):
            return False
        return None
    difference = left - right
    if not difference:
        return True
    return bool(context.mag(difference) < size - 3.32 * (precision - _GUARD_DIGITS))


def _imaginary(context: Any, value: Any) -> bool:
    return isinstance(value, context.mpc) and bool(value.imag)
