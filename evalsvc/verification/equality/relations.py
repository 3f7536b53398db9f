"""Equations and inequalities: equal when one is a multiple of the other.

A gold that is solved (`x = 5`, `y < 2`) needs a solved answer in the same variable.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any

from evalsvc.verification.equality.numeric import Evaluator, Undefined, symbols
from evalsvc.verification.equality.scalar_equality import NEAR_POINTS, Outcome, points_for
from evalsvc.verification.grammar.tree import (
    SCALARS,
    Bracket,
    Constant,
    Node,
    Operation,
    Quantity,
    Ratio,
    Relation,
    Scalar,
    Symbol,
    Words,
)

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
#: What an answer may be the value of: `|AB| = 5`, `\\cos A = 0.6`. Not so `x^2 = 5`, `\\ln x = 5`.
_NAMING = frozenset(("+", "abs", "sin", "cos", "tan", "cot", "sec", "csc"))
Same = Callable[[Node, Node], Outcome]
_DIGITS = 60


def is_name(node: Node) -> bool:
    """Whether a side is one name: `x`, `f(3)`, `AB`, `(x, y)`, words."""
    if isinstance(node, Bracket):
        return all(isinstance(item, Symbol) for item in node.items)
    if isinstance(node, Operation):
        return node.op == "opaque" or (node.op == "*" and _all_names(node))
    return isinstance(node, Words | Symbol)


def is_label(node: Node) -> bool:
    """Whether a left side only names what follows: a name, `a + b`, `\\sin A`, `a : b`."""
    if isinstance(node, Ratio):
        return all(map(is_name, node.items))
    return is_name(node) or (
        isinstance(node, Operation) and node.op in _NAMING and _all_names(node)
    )


def _all_names(node: Operation) -> bool:
    return bool(symbols(node) or _has_mark(node)) and all(_names(item) for item in node.args)


def _names(node: Scalar) -> bool:
    if isinstance(node, Operation):
        return node.op in ("opaque",) or (
            node.op in ("+", "*", "/", "neg", "abs") and all(_names(item) for item in node.args)
        )
    return isinstance(node, Symbol | Constant)


def _has_mark(node: Operation) -> bool:
    return any(isinstance(item, Operation) and item.op == "opaque" for item in node.args)


def same_relation(gold: Relation, answer: Relation, same: Same) -> Outcome:
    """Compare two relations; `same` compares their parts."""
    if len(gold.operators) != len(answer.operators):
        return Outcome(False, "another relation")
    if len(gold.operators) == 1:
        outcome = _single(gold, answer, same)
        if outcome is not None:
            return outcome
    parts = _part_by_part(gold, answer, same)
    if parts.equal is not False:
        return parts
    return _part_by_part(gold, _reversed(answer), same)


def _single(gold: Relation, answer: Relation, same: Same) -> Outcome | None:
    left, right = gold.parts
    if left is None:
        left, right = right, None
    sides = [_scalar(side) for side in (*gold.parts, *answer.parts)]
    if any(side is None for side in sides):
        return None
    top, bottom, other_top, other_bottom = (side for side in sides if side is not None)
    operator, other = gold.operators[0], answer.operators[0]
    if operator not in _FLIPPED or other not in _FLIPPED:
        return Outcome(gold == answer, "relation")
    if _solved(top, bottom):
        return None
    difference = _difference(top, bottom)
    other_difference = _difference(other_top, other_bottom)
    factor = _factor(difference, other_difference)
    if factor is None:
        return Outcome(False, "no multiple of the relation")
    expected = other if factor > 0 else _FLIPPED[other]
    return Outcome(
        operator == expected,
        "multiple of the relation" if operator == expected else "another relation",
    )


def _solved(left: Scalar, right: Scalar) -> bool:
    """One side a variable, the other a constant."""
    return (isinstance(left, Symbol) and not symbols(right)) or (
        isinstance(right, Symbol) and not symbols(left)
    )


def _part_by_part(gold: Relation, answer: Relation, same: Same) -> Outcome:
    if gold.operators != answer.operators:
        return Outcome(False, "another relation")
    for left, right in zip(gold.parts, answer.parts, strict=True):
        if left is None or right is None:
            if left is not right:
                return Outcome(False, "another relation")
            continue
        outcome = same(left, right)
        if not outcome.equal:
            return Outcome(outcome.equal, "a side differs")
    return Outcome(True, "same sides")


def _reversed(relation: Relation) -> Relation:
    operators = tuple(_FLIPPED.get(operator, "?") for operator in reversed(relation.operators))
    return Relation(operators, tuple(reversed(relation.parts)))


def _scalar(node: Node | None) -> Scalar | None:
    if isinstance(node, Quantity):
        return node.value
    return node if isinstance(node, SCALARS) else None


def _difference(left: Scalar, right: Scalar) -> Scalar:
    return Operation("+", (left, Operation("neg", (right,))))


def _factor(gold: Scalar, answer: Scalar) -> Any:
    """The real constant that `gold` is of `answer` wherever both have values, or None."""
    names = sorted(symbols(gold) | symbols(answer))
    if not names:
        return None
    factors: list[Any] = []
    for point in points_for(names):
        if len(factors) == NEAR_POINTS:
            break
        evaluator = Evaluator(point, _DIGITS)
        try:
            left, right = evaluator.value(gold), evaluator.value(answer)
        except Undefined:
            continue
        if (
            not left
            or not right
            or evaluator.context.mag(right) < -100
            or evaluator.context.mag(left) < -100
        ):
            return None
        ratio = left / right
        if isinstance(ratio, evaluator.context.mpc):
            if ratio.imag:
                continue
            ratio = ratio.real
        factors.append(ratio)
    if len(factors) < 2:
        return None
    first = factors[0]
    for factor in factors[1:]:
        if abs(factor - first) > abs(first) * Fraction(1, 10**35).numerator / 10**35:
            return None
    return first
