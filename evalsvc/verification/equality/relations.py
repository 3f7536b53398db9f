"""Equations and inequalities: equal when one is a multiple of the other.

A gold that is solved (`x = 5`, `y < 2`) needs a solved answer in the same variable.
"""

import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

from evalsvc.verification.equality.algebraic import substituted
from evalsvc.verification.equality.numeric import Evaluator, NotComputed, Undefined, symbols
from evalsvc.verification.equality.scalar_equality import (
    NEAR_POINTS,
    Outcome,
    points_for,
    scalars_equal,
)
from evalsvc.verification.grammar.labels import names_a_quantity
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
from evalsvc.verification.grammar.units import singular
from evalsvc.verification.grammar.words import COUNTED, GLUE, QUANTITIES, SHAPES

_FLIPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "=": "=", "!=": "!="}
#: What an answer may be the value of: `|AB| = 5`, `\\cos A = 0.6`. Not so `x^2 = 5`, `\\ln x = 5`.
_NAMING = frozenset(("+", "abs", "gcd", "lcm", "sin", "cos", "tan", "cot", "sec", "csc"))
#: Products of more letters than these are words.
_LONGEST_NAME = 5
_ALPHABET = "abcdefghijklmnopqrstuvwxyz"
_WORD_LETTERS = "oie"
_UNKNOWNS = frozenset("xytnuw")
_DENIALS = frozenset(
    (
        "no",
        "not",
        "non",
        "nor",
        "none",
        "never",
        "wrong",
        "false",
        "bad",
        "anti",
        "un",
        "nay",
        "less",
        "more",
        "over",
    )
)
Same = Callable[[Node, Node], Outcome]
_DIGITS = 60


def is_name(node: Node) -> bool:
    """Whether a side is one name: `x`, `f(3)`, `AB`, `(x, y)`, words."""
    if isinstance(node, Bracket):
        if node.opening + node.closing == "[]" and len(node.items) == 1:
            return is_name(node.items[0])  # the area of a figure
        return all(isinstance(item, Symbol) for item in node.items)
    if isinstance(node, Operation):
        return (node.op == "opaque" and not _denies(node.label)) or (
            node.op == "*" and _all_names(node) and _reads_as_names(node)
        )
    if isinstance(node, Words):
        return names_a_quantity(node.written)
    return isinstance(node, Symbol) and _subscript_names(node.name)


def _subscript_names(name: str) -> bool:
    """Whether the words below a name, if any, are known: `A_{total}`, but not `x_{wrong}`."""
    below = re.sub(r"^(?:triangle|angle|odot)", "", name.partition("_")[2])
    words = re.findall(r"[A-Za-z]{3,}", below)
    return all(
        word.isupper() or word.lower() in QUANTITIES | GLUE | SHAPES or singular(word) in COUNTED
        for word in words
    ) and not _denies(name.partition("_")[2])


def is_label(node: Node) -> bool:
    """Whether a left side only names what follows: a name, `a + b`, `\\sin A`, `a : b`."""
    if isinstance(node, Ratio):
        return all(map(is_name, node.items))
    if isinstance(node, Operation) and node.op == "abs" and _is_variable(node.args[0]):
        return False  # `|x| = 5` has two solutions
    if not isinstance(node, Operation) or node.op not in _NAMING:
        return is_name(node)
    return _all_names(node) and all(_is_part(item) for item in node.args)


def _is_part(node: Scalar) -> bool:
    """Whether a term or an argument in a label is a name, or made of names."""
    if isinstance(node, Operation) and node.op in ("neg", "+", "/"):
        return all(map(_is_part, node.args))
    if isinstance(node, Operation) and node.op == "*":
        return all(map(_is_part, node.args)) and _reads_as_names(node)
    return isinstance(node, Constant) or is_name(node)


def names_one_value(node: Node) -> bool:
    """Whether a side of a gold is what its other side is the value of: `x`, `|AB|`, `S_1 : S_2`."""
    if isinstance(node, Operation) and node.op == "abs":
        return is_label(node)
    return is_name(node) or (isinstance(node, Ratio) and is_label(node))


def _is_variable(node: Scalar) -> bool:
    return isinstance(node, Symbol) and node.name in _UNKNOWNS


def _all_names(node: Operation) -> bool:
    return bool(symbols(node) or _has_mark(node)) and all(_names(item) for item in node.args)


def _reads_as_names(node: Operation) -> bool:
    """Whether a product of letters is a name (`AB`, `xy`, `abc`) rather than a word (`not`)."""
    letters = "".join(
        item.name
        for item in node.args
        if isinstance(item, Symbol | Constant) and len(item.name) == 1
    )
    if len(letters) < len(node.args) or len(letters) < 2:
        return not any(isinstance(item, Constant) for item in node.args)
    if letters.isupper():
        return len(letters) <= _LONGEST_NAME and not _denies(letters)
    if any(mark in letters for mark in _WORD_LETTERS):
        return False
    return len(letters) == 2 or letters in _ALPHABET


def _denies(name: str) -> bool:
    """Whether the letters of a name spell a word that denies."""
    return any(part.lower() in _DENIALS for part in re.findall(r"[A-Za-z]+", name))


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
    proved = _proportional(difference, other_difference)
    if not proved.equal:
        return Outcome(False, "no multiple of the relation")
    expected = other if factor > 0 else _FLIPPED[other]
    return Outcome(
        operator == expected,
        "multiple of the relation" if operator == expected else "another relation",
        proved.confidence,
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


def _proportional(gold: Scalar, answer: Scalar) -> Outcome:
    """Whether the quotient of both is the same everywhere as at one point."""
    for point in points_for(sorted(symbols(gold) | symbols(answer))):
        evaluator = Evaluator(point, _DIGITS)
        try:
            if not evaluator.value(gold) or not evaluator.value(answer):
                continue
        except (Undefined, NotComputed):
            continue
        one = Operation("*", (gold, substituted(answer, point)))
        two = Operation("*", (answer, substituted(gold, point)))
        return scalars_equal(one, two)
    return Outcome(False, "no point to compare at")


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
        except (Undefined, NotComputed):
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
