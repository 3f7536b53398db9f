"""Whether two trees are the same answer: the type and the structure first, then the leaves.

Every refusal names the rule that refused. Nothing here drops a bracket, a relation or an item.
"""

from collections.abc import Sequence
from fractions import Fraction
from string import ascii_lowercase

import mpmath

from evalsvc.verification.equality.numeric import (
    Evaluator,
    NotComputed,
    Undefined,
    mentions,
    symbols,
)
from evalsvc.verification.equality.plus_minus import has_two_values, items_of
from evalsvc.verification.equality.relations import is_label, names_one_value, same_relation
from evalsvc.verification.equality.scalar_equality import Outcome, infinity_sign, scalars_equal
from evalsvc.verification.equality.sets import same_region
from evalsvc.verification.grammar.tree import (
    SCALARS,
    Based,
    Braces,
    Bracket,
    Joined,
    Listing,
    Matrix,
    Node,
    Number,
    Operation,
    Quantity,
    Ratio,
    Relation,
    Scalar,
    Symbol,
    Words,
)
from evalsvc.verification.grammar.units import compatible
from evalsvc.verification.limits import PRECISION_DIGITS
from evalsvc.verification.verdict import Confidence


def same(gold: Node, answer: Node) -> Outcome:  # noqa: PLR0911 - a dispatch over types
    """Compare two trees. Raises LimitExceeded."""
    if gold == answer:
        return Outcome(True, "same expression")
    if isinstance(gold, Relation) or isinstance(answer, Relation):
        return _relations(gold, answer)
    if isinstance(gold, Joined) or isinstance(answer, Joined):
        return same_region(gold, _united(answer))
    if isinstance(gold, Listing) or has_two_values(gold):
        return _listing(gold, answer)
    if isinstance(gold, Braces):
        return _set(gold, answer)
    if isinstance(gold, Bracket):
        return _bracket(gold, answer)
    if isinstance(gold, Matrix):
        return _matrix(gold, answer)
    if isinstance(gold, Ratio):
        return _ratio(gold, answer)
    if isinstance(gold, Based):
        return Outcome(False, "another numeral" if isinstance(answer, Based) else "base missing")
    if isinstance(gold, Words) or isinstance(answer, Words):
        return Outcome(False, "text")
    return _quantities(gold, answer)


def _united(answer: Node) -> Node:
    """`(-1,0) or (2,3)` is the union of two intervals."""
    if not isinstance(answer, Listing) or not answer.alternative:
        return answer
    if len(answer.items) < 2 or not all(isinstance(item, Bracket) for item in answer.items):
        return answer
    return Joined(("cup",) * (len(answer.items) - 1), answer.items)


def _relations(gold: Node, answer: Node) -> Outcome:  # noqa: PLR0911 - one reason each
    if isinstance(gold, Relation) and isinstance(answer, Relation):
        return same_relation(gold, answer, same)
    if isinstance(gold, Relation):
        value = _solved_value(gold)
        if value is None:
            return Outcome(False, "a relation is expected")
        return same(value, answer).weakened(Confidence.CONVENTION)
    assert isinstance(answer, Relation)
    given = unlabelled(answer)
    if given is None:
        return Outcome(False, "a relation is not a value")
    if "in" in answer.operators and not isinstance(gold, Bracket | Braces | Joined | Listing):
        return Outcome(False, "membership is not a value")
    outcome = Outcome(False, "nothing after the label")
    for item in given:
        outcome = same(gold, item).weakened(Confidence.CONVENTION)
        if outcome.equal is not True:
            return outcome
    return outcome


def unlabelled(relation: Relation) -> list[Node] | None:
    """The values of `x = v`, `v = x`, `= v`, `x = u = v`, `x in S`; None for another relation."""
    if set(relation.operators) == {"in"} and len(relation.operators) == 1:
        label, region = relation.parts
        if label is not None and is_label(label) and region is not None:
            return [region]
        return None
    parts = list(relation.parts)
    if relation.operators[-1] == "~" and len(parts) > 1:
        exact, rounding = parts[-2], parts.pop()
        if exact is None or rounding is None or not is_rounding_of(exact, rounding):
            return None
        if len(parts) == 1:
            return [exact]
        relation = Relation(relation.operators[:-1], tuple(parts))
    if set(relation.operators) != {"="}:
        return None
    if parts[0] is None or is_label(parts[0]):
        parts = parts[1:]
    elif parts[-1] is not None and is_label(parts[-1]) and len(parts) == 2:
        parts = parts[:-1]
    values = [part for part in parts if part is not None]
    return values if len(values) == len(parts) else None


def is_rounding_of(exact: Node, rounding: Node) -> bool:
    """Whether the second is a decimal that agrees with the first to all its digits."""
    value = exact.value if isinstance(exact, Quantity) else exact
    decimal = rounding.value if isinstance(rounding, Quantity) else rounding
    units = {side.unit for side in (exact, rounding) if isinstance(side, Quantity)}
    if len(units) > 1:
        return False
    if not isinstance(value, SCALARS) or not isinstance(decimal, SCALARS) or symbols(value):
        return False
    sign = -1 if isinstance(decimal, Operation) and decimal.op == "neg" else 1
    number = decimal.args[0] if isinstance(decimal, Operation) and sign < 0 else decimal
    if not isinstance(number, Number):
        return False
    written = sign * number.value
    try:
        found = Evaluator({}, PRECISION_DIGITS).value(value)
    except (Undefined, NotComputed):
        return False
    if isinstance(found, mpmath.mpc) or hasattr(found, "_mpc_"):
        return False
    last = mpmath.mpf(10) ** -number.places
    off = abs(found) - abs(mpmath.mpf(written.numerator) / written.denominator)
    return bool(found * sign > 0 and (abs(off) <= last / 2 or 0 <= off < last))


def _solved_value(gold: Relation) -> Node | None:
    """What a solved gold says of its one name: 5 of `x = 5`. An equation in several has none."""
    values = unlabelled(gold)
    if values is None or len(values) != 1:
        return None
    sides = [part for part in gold.parts if part is not None]
    solved = len(sides) == 1 or any(names_one_value(side) for side in sides)
    return values[0] if solved else None


def _listing(gold: Node, answer: Node) -> Outcome:
    if not isinstance(answer, Listing | Braces) and not has_two_values(answer):
        return Outcome(False, "a list is expected")
    values = _consistent_labels(items_of(answer))
    if values is None and _consistent_labels(items_of(gold)) is None:
        return _matched(items_of(gold), items_of(answer))  # `x=2, y=3`, in any order
    if values is None:
        return Outcome(False, "items with different labels")
    labelled = any(isinstance(item, Relation) for item in items_of(answer))
    if isinstance(answer, Listing) and answer.alternative and not labelled:
        return Outcome(False, "alternatives are not an answer")
    expected = items_of(gold)
    if isinstance(answer, Braces) and len(values) <= 4 * len(expected) + 16:
        expected, values = _distinct(expected), _distinct(values)
    return _matched(expected, values)


def _consistent_labels(items: list[Node]) -> list[Node] | None:
    """`x = 1, x = 2`, `x_1 = 1, x_2 = 2`, `x = 1, 2` without labels; None when two differ."""
    labels, values = set(), []
    for item in items:
        if isinstance(item, Relation) and item.operators == ("=",):
            label, value = item.parts
            if label is not None and is_label(label) and value is not None:
                labels.add(_unnumbered(label))
                values.append(value)
                continue
        values.append(item)
    return values if len(labels) <= 1 else None


def _unnumbered(label: Node) -> Node:
    """`x` for `x_1`."""
    return Symbol(label.name.partition("_")[0]) if isinstance(label, Symbol) else label


def _matched(expected: Sequence[Node], values: Sequence[Node]) -> Outcome:
    """Whether there is a pairing of equal items; equality is transitive, so greedy is enough."""
    if len(expected) != len(values):
        return Outcome(False, "too many or too few items")
    left = list(values)
    whole = Outcome(True, "same items")
    for item in expected:
        for index, value in enumerate(left):
            outcome = same(item, value)
            if outcome.equal:
                del left[index]
                whole = whole.weakened(outcome.confidence)
                break
        else:
            return Outcome(False, "an item is missing")
    return whole


def _distinct(items: list[Node]) -> list[Node]:
    distinct: list[Node] = []
    for item in items:
        if not any(same(other, item).equal for other in distinct):
            distinct.append(item)
    return distinct


def _set(gold: Braces, answer: Node) -> Outcome:
    if isinstance(answer, Listing):
        if answer.alternative:
            return Outcome(False, "alternatives are not an answer")
        values = _consistent_labels(items_of(answer))
        if values is None:
            return Outcome(False, "items with different labels")
    elif isinstance(answer, Braces):
        values = items_of(answer)
    else:
        return Outcome(False, "a set is expected")
    expected = _distinct(items_of(gold))
    if len(values) > 4 * len(expected) + 16:
        return Outcome(False, "too many or too few items")
    return _matched(expected, _distinct(values))


def _bracket(gold: Bracket, answer: Node) -> Outcome:
    if isinstance(answer, Listing):
        return _named_coordinates(gold, answer)
    if not isinstance(answer, Bracket):
        return Outcome(False, "brackets are expected")
    if (gold.opening, gold.closing) != (answer.opening, answer.closing):
        return Outcome(False, "another kind of brackets")
    return _in_order(gold.items, answer.items)


def _named_coordinates(gold: Bracket, answer: Listing) -> Outcome:
    """`x=1, y=2` for `(1,2)`: each name once, their values in the order of the names."""
    named: dict[str, Node] = {}
    for item in answer.items:
        if not isinstance(item, Relation) or item.operators != ("=",):
            return Outcome(False, "brackets are expected")
        name, value = item.parts
        if not isinstance(name, Symbol) or value is None or name.name in named:
            return Outcome(False, "brackets are expected")
        named[name.name] = value
    if gold.opening + gold.closing != "()" or not _successive(sorted(named)):
        return Outcome(False, "names without an order")
    values = [named[name] for name in sorted(named)]
    return _in_order(gold.items, values).weakened(Confidence.CONVENTION)


def _successive(names: list[str]) -> bool:
    """Whether names follow each other: `x, y, z`, `x_1, x_2`."""
    letters = "".join(names)
    numbered = [f"{letters[:1]}_{place}" for place in range(1, len(names) + 1)]
    return names == numbered or (len(letters) == len(names) and letters in ascii_lowercase)


def _in_order(expected: Sequence[Node], values: Sequence[Node]) -> Outcome:
    if len(expected) != len(values):
        return Outcome(False, "too many or too few items")
    whole = Outcome(True, "same items in order")
    for item, value in zip(expected, values, strict=True):
        outcome = same(item, value)
        if not outcome.equal:
            return Outcome(outcome.equal, "an item differs")
        whole = whole.weakened(outcome.confidence)
    return whole


def _matrix(gold: Matrix, answer: Node) -> Outcome:
    if not isinstance(answer, Matrix):
        return Outcome(False, "a matrix is expected")
    if len(gold.rows) != len(answer.rows) or len(gold.rows[0]) != len(answer.rows[0]):
        return Outcome(False, "another shape")
    return _in_order(
        [entry for row in gold.rows for entry in row],
        [entry for row in answer.rows for entry in row],
    )


def _ratio(gold: Ratio, answer: Node) -> Outcome:  # noqa: PLR0911 - one reason each
    if isinstance(answer, Ratio) and len(answer.items) == len(gold.items):
        first, other = _scalar(gold.items[0]), _scalar(answer.items[0])
        if first is None or other is None:
            return Outcome(False, "ratio")
        for left, right in zip(gold.items[1:], answer.items[1:], strict=True):
            one, two = _scalar(left), _scalar(right)
            if one is None or two is None:
                return Outcome(False, "ratio")
            outcome = scalars_equal(Operation("*", (first, two)), Operation("*", (one, other)))
            if not outcome.equal:
                return Outcome(outcome.equal, "another ratio")
        return Outcome(True, "same ratio")
    value = _scalar(answer)
    if value is None or len(gold.items) != 2:
        return Outcome(False, "a ratio is expected")
    top, bottom = _scalar(gold.items[0]), _scalar(gold.items[1])
    if top is None or bottom is None:
        return Outcome(False, "ratio")
    quotient = Operation("*", (top, Operation("/", (bottom,))))
    return scalars_equal(quotient, value).weakened(Confidence.CONVENTION)


def _scalar(node: Node) -> Scalar | None:
    return node if isinstance(node, SCALARS) and not has_two_values(node) else None


def _quantities(gold: Node, answer: Node) -> Outcome:
    """Scalars with their units."""
    gold_value, gold_unit = (gold.value, gold.unit) if isinstance(gold, Quantity) else (gold, "")
    value, unit = (answer.value, answer.unit) if isinstance(answer, Quantity) else (answer, "")
    if (
        not isinstance(gold_value, SCALARS)
        or not isinstance(value, SCALARS)
        or has_two_values(value)
    ):
        return Outcome(False, "another type")
    if not compatible(gold_unit, unit, radians=mentions(gold_value, "pi")):
        return Outcome(False, "another unit")
    if not unit and (factor := _unit_in_letters(gold_unit)) is not None:
        written_out = scalars_equal(Operation("*", (gold_value, factor)), value)
        if written_out.equal:
            return Outcome(True, "same value and unit")
    if unit == "degree" and not gold_unit and not isinstance(gold_value, Number):
        outcome = scalars_equal(gold_value, value)
        return (
            outcome
            if not outcome.equal or _free_of_angles(gold_value)
            else Outcome(False, "another unit")
        )
    outcome = scalars_equal(gold_value, value)
    return outcome if gold_unit == unit else outcome.weakened(Confidence.CONVENTION)


def _unit_in_letters(unit: str) -> Scalar | None:
    """`m s^-1` as the product of letters that it is outside `\\text{}`.

    Only for units of single letters; the lexer knows the longer ones.
    """
    factors: list[Scalar] = []
    for piece in unit.split():
        name, _, power = piece.partition("^")
        if len(name) > 1:
            return None
        factors.append(Operation("^", (Symbol(name), Number(Fraction(power or 1)))))
    return Operation("*", tuple(factors)) if factors else None


def _free_of_angles(node: Scalar) -> bool:
    """No pi in it: `\\frac{\\pi}{3}` is radians, so `\\frac{\\pi}{3}^\\circ` is something else."""
    return not mentions(node, "pi") and infinity_sign(node) == 0
