"""The decision by value and structure: exact rational, our grammar, numbers, symbols.

Pure: an answer and a typed gold in, an outcome with its rule out. Work that is too large for a
caller's thread raises NeedsChild; what is over a cap raises LimitExceeded.
"""

import re

from evalsvc.verification.exact import plain_rational
from evalsvc.verification.golds import TypedGold, read
from evalsvc.verification.limits import (
    CHARACTERS_IN_CALLER,
    NESTING,
    NESTING_IN_CALLER,
    NODES_IN_CALLER,
    SYMBOLIC_CHARACTERS,
    LimitExceeded,
    NeedsChild,
)
from evalsvc.verification.normalise import Unreadable, squeeze
from evalsvc.verification.scalar_equality import Outcome
from evalsvc.verification.structures import same
from evalsvc.verification.tree import SCALARS, Quantity, Relation, count_nodes

_OPTION_BEFORE_VALUE = re.compile(
    r"^(?:\\(?:text|textbf|mathrm|mathbf|textrm)\s*\{\s*)?\(([A-J])\)\s*(?:\\?[ ~])?\s*\}?"
    r"\s*(?P<value>\S.*)$",
    re.DOTALL,
)
#: Constructs that our grammar leaves to the symbolic fallback.
_SYMBOLIC = re.compile(
    r"\\(?:sum|prod|int|lim|gcd|lcm|max|min|bmod|pmod|mod|det|Re|Im|log|ln|exp)(?![a-zA-Z])"
)


def judge_mathematics(gold: TypedGold, answer: str, *, in_child: bool = False) -> Outcome:
    """Decide by value and structure. Raises NeedsChild or LimitExceeded.

    `in_child`: nothing is too large any more; undecided scalars go to the symbolic comparison.
    """
    fast = _fast(gold, answer)
    if fast is not None:
        return fast
    if not in_child and max(len(answer), len(gold.text)) > CHARACTERS_IN_CALLER:
        raise NeedsChild
    try:
        node, cleaned = read(
            answer, commas=gold.is_single, max_depth=NESTING if in_child else NESTING_IN_CALLER
        )
    except Unreadable as error:
        return _unread(gold, answer, f"not understood: {error}", in_child=in_child)
    if squeeze(cleaned) == gold.squeezed:
        return Outcome(True, "same text")
    assert gold.node is not None
    if not in_child and count_nodes(node) > NODES_IN_CALLER:
        raise NeedsChild
    outcome = same(gold.node, node)
    if outcome.equal is False and isinstance(gold.node, (*SCALARS, Quantity)):
        outcome = _with_option_label(gold, cleaned, outcome)
    if outcome.equal is None:
        return _undecided(gold, answer, outcome.rule, in_child=in_child)
    return outcome


def _fast(gold: TypedGold, answer: str) -> Outcome | None:
    """Integers, decimals and fractions of integers, without the parser."""
    if gold.exact is None or gold.unit == "percent":
        return None
    value = plain_rational(answer.strip())
    return None if value is None else Outcome(value == gold.exact, "exact value")


def _with_option_label(gold: TypedGold, cleaned: str, otherwise: Outcome) -> Outcome:
    """`\\textbf{(A) } 27` where the gold is the value: the value counts, its label does not."""
    match = _OPTION_BEFORE_VALUE.match(cleaned)
    if match is None or re.search(r"(?<![a-z\\])[A-J](?![a-z])", gold.text):
        return otherwise
    try:
        node, _ = read(match["value"], commas=True, max_depth=NESTING_IN_CALLER)
    except Unreadable:
        return otherwise
    assert gold.node is not None
    return same(gold.node, node) if not isinstance(node, Relation) else otherwise


def _unread(gold: TypedGold, answer: str, rule: str, *, in_child: bool) -> Outcome:
    """An answer outside the grammar: a labelled option, the symbolic fallback, or wrong."""
    if isinstance(gold.node, (*SCALARS, Quantity)):
        labelled = _with_option_label(gold, answer.strip(), Outcome(False, rule))
        if labelled.equal:
            return labelled
        if _SYMBOLIC.search(answer):
            return _undecided(gold, answer, rule, in_child=in_child)
    return Outcome(False, rule)


def _undecided(gold: TypedGold, answer: str, rule: str, *, in_child: bool) -> Outcome:
    if len(answer) > SYMBOLIC_CHARACTERS:
        raise LimitExceeded("length of what only the symbolic comparison reads")
    if not in_child:
        raise NeedsChild
    from evalsvc.verification.symbolic import symbolically_equal  # noqa: PLC0415 - imports sympy

    if symbolically_equal(gold.text, answer):
        return Outcome(True, "symbolic equality, confirmed by numbers")
    return Outcome(False, rule)
