"""Whether two scalars have the same value: exactly where they are rational, else by numbers.

Two values that agree to forty digits at every point are taken as equal. For answers of at most 4 KB
built from roots, powers, pi and elementary functions this is a stronger test than `simplify`
(docs/decisions/0101), and a difference disproves equality at once.
"""

import random
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from evalsvc.verification.equality.exact import exact_value
from evalsvc.verification.equality.numeric import (
    Evaluator,
    Undefined,
    longest_literal,
    mentions,
    symbols,
)
from evalsvc.verification.grammar.tree import Constant, Operation, Scalar
from evalsvc.verification.limits import PRECISION_DIGITS, PRECISION_DIGITS_MAX

_GUARD_DIGITS = 20
NEAR_POINTS = 6
#: Points far out follow for scalars that have no value near zero: `\\sqrt{x-3}`.
_FAR = 25


@dataclass(frozen=True, slots=True)
class Outcome:
    """`equal` is None where nothing could be decided."""

    equal: bool | None
    rule: str


def scalars_equal(gold: Scalar, answer: Scalar) -> Outcome:
    """Compare two scalars by value. Raises LimitExceeded."""
    outcome = _without_points(gold, answer)
    if outcome is not None:
        return outcome
    digits = max(
        PRECISION_DIGITS,
        min(max(longest_literal(gold), longest_literal(answer)) + 30, PRECISION_DIGITS_MAX),
    )
    names = sorted(symbols(gold) | symbols(answer))
    complex_allowed = mentions(gold, "i") or mentions(answer, "i")
    agreed, needed = 0, 2 if names else 1
    for index, point in enumerate(points_for(names)):
        if index >= NEAR_POINTS and agreed >= needed:
            break
        same = _same_at(point, gold, answer, digits, complex_allowed)
        if same is False:
            return Outcome(False, "numeric disproof")
        agreed += same is True
    if agreed >= needed:
        return Outcome(True, "numeric identity")
    return Outcome(None, "no point to compare at")


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
    stray = symbols(answer) if not symbols(gold) else set()
    if stray or (left == 0 and (mentions(answer, "i") or mentions(answer, "pi"))):
        return Outcome(False, "a factor that the gold has not")
    return None


def infinity_sign(node: Scalar) -> int:
    """1 or -1 for plus or minus infinity standing alone, 0 for anything else."""
    sign = 1
    while isinstance(node, Operation) and node.op == "neg":
        sign, node = -sign, node.args[0]
    return sign if isinstance(node, Constant) and node.name == "infinity" else 0


def points_for(names: list[str]) -> list[dict[str, Fraction]]:
    """Fixed points: half of them positive, the others of mixed sign, none of them special."""
    if not names:
        return [{}]
    generator = random.Random(",".join(names))  # noqa: S311 - points, not secrets
    points = []
    for index in range(NEAR_POINTS):
        point = {}
        for name in names:
            value = Fraction(generator.randrange(10**5, 4 * 10**6), 1_000_003)
            negative = index >= NEAR_POINTS // 2 and generator.random() < 0.6
            point[name] = -value if negative else value
        points.append(point)
    points[-1] = {name: -abs(value) for name, value in points[-1].items()}
    return points + [{name: _FAR * value for name, value in point.items()} for point in points]


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
        return None  # so large that a unit more or less would not show
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
