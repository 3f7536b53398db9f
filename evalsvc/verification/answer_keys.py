"""Keys that group equal answers of one problem, for majority votes."""

from evalsvc.verification.equality.exact import exact_value, plain_rational
from evalsvc.verification.golds import read
from evalsvc.verification.grammar.normalise import Unreadable, plain_text, squeeze
from evalsvc.verification.grammar.tree import SCALARS, Node, Quantity, Relation
from evalsvc.verification.limits import NESTING_IN_CALLER, LimitExceeded, NeedsChild


def answer_key(extracted: str | None, kind: str | None = None) -> str:
    """A cheap canonical form that answers of equal value mostly share (grouping for maj@k)."""
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
