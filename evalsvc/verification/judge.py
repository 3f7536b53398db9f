"""The decision about one answer, by the kind of its gold, and the key that groups equal answers."""

import re

from evalsvc.verification.choices import judge_choice
from evalsvc.verification.exact import exact_value, plain_rational
from evalsvc.verification.golds import TypedGold, read
from evalsvc.verification.kinds import Kind
from evalsvc.verification.limits import NESTING_IN_CALLER, LimitExceeded, NeedsChild
from evalsvc.verification.mathematics import judge_mathematics
from evalsvc.verification.normalise import Unreadable, loose_text, plain_text, squeeze
from evalsvc.verification.scalar_equality import Outcome
from evalsvc.verification.special import read_time
from evalsvc.verification.tree import SCALARS, Node, Quantity, Relation

_ARTICLE = re.compile(r"^(?:an?|the)\s+")


def judge(gold: TypedGold, answer: str, *, in_child: bool = False) -> Outcome:
    """Decide whether `answer` is the gold. Raises NeedsChild or LimitExceeded.

    `in_child`: nothing is too large any more; undecided scalars go to the symbolic comparison.
    """
    if gold.kind is Kind.CHOICE:
        return judge_choice(gold, answer, in_child=in_child)
    if answer.strip() == gold.text.strip():
        return Outcome(True, "same text")
    if gold.kind is Kind.TEXT:
        return _judge_text(gold, answer)
    if gold.kind is Kind.TIME:
        return Outcome(read_time(gold.text) == read_time(answer), "time of day")
    return judge_mathematics(gold, answer, in_child=in_child)


def _judge_text(gold: TypedGold, answer: str) -> Outcome:
    wanted, given = (_ARTICLE.sub("", loose_text(text)) for text in (gold.text, answer))
    return Outcome(bool(wanted) and wanted == given, "text")


def answer_key(extracted: str | None, kind: str | None = None) -> str:
    """A cheap canonical form: answers of equal value mostly share it (grouping for maj@k)."""
    if extracted is None:
        return ""
    return _key(extracted, commas=kind not in ("list", "tuple", "set", "interval", "matrix"))


def _key(text: str, *, commas: bool) -> str:
    value = plain_rational(text.strip())
    if value is not None:
        return str(value)
    try:
        node, cleaned = read(text, commas=commas, max_depth=NESTING_IN_CALLER)
        exact = _exact_of(node)
    except (Unreadable, NeedsChild, LimitExceeded):
        return plain_text(text)
    return (
        str(exact)
        if exact is not None
        else squeeze(cleaned).replace("\\dfrac", "\\frac").replace("\\tfrac", "\\frac")
    )


def _exact_of(node: Node) -> object:
    if isinstance(node, Relation) and node.operators == ("=",) and node.parts[1] is not None:
        node = node.parts[1]
    if isinstance(node, Quantity):
        value = exact_value(node.value)
        return None if value is None else f"{value} %" if node.unit == "percent" else value
    return exact_value(node) if isinstance(node, SCALARS) else None
