"""The kinds of golds, and the spellings that callers may use for them."""

from enum import StrEnum

from evalsvc.verification.verdict import VerificationError


class Kind(StrEnum):
    """The kind of a gold; it settles what the text alone does not."""

    NUMBER = "number"
    PERCENTAGE = "percentage"
    EXPRESSION = "expression"
    TUPLE = "tuple"
    LIST = "list"
    SET = "set"
    INTERVAL = "interval"
    MATRIX = "matrix"
    EQUATION = "equation"
    INEQUALITY = "inequality"
    BASE_N = "base-n"
    RATIO = "ratio"
    TEXT = "text"
    TIME = "time"
    CHOICE = "choice"


_ALIASES = {
    "integer": Kind.NUMBER, "int": Kind.NUMBER, "decimal": Kind.NUMBER, "float": Kind.NUMBER,
    "fraction": Kind.NUMBER, "rational": Kind.NUMBER, "numeric": Kind.NUMBER,
    "numerical": Kind.NUMBER,
    "percent": Kind.PERCENTAGE,
    "latex": Kind.EXPRESSION, "symbolic": Kind.EXPRESSION, "algebraic": Kind.EXPRESSION,
    "math": Kind.EXPRESSION, "formula": Kind.EXPRESSION, "polynomial": Kind.EXPRESSION,
    "ordered tuple": Kind.TUPLE, "ordered": Kind.TUPLE, "pair": Kind.TUPLE,
    "ordered pair": Kind.TUPLE,
    "point": Kind.TUPLE, "coordinates": Kind.TUPLE, "ordered list": Kind.TUPLE,
    "unordered list": Kind.LIST, "unordered": Kind.LIST, "roots": Kind.LIST, "solutions": Kind.LIST,
    "intervals": Kind.INTERVAL, "union": Kind.INTERVAL, "interval or union": Kind.INTERVAL,
    "interval union": Kind.INTERVAL, "union of intervals": Kind.INTERVAL,
    "vector": Kind.MATRIX,
    "relation": Kind.EQUATION,
    "base": Kind.BASE_N, "base n": Kind.BASE_N, "basen": Kind.BASE_N, "based": Kind.BASE_N,
    "string": Kind.TEXT, "word": Kind.TEXT, "words": Kind.TEXT,
    "time of day": Kind.TIME, "clock": Kind.TIME,
    "letter": Kind.CHOICE, "multiple choice": Kind.CHOICE, "multi choice": Kind.CHOICE,
    "mcq": Kind.CHOICE, "option": Kind.CHOICE, "choices": Kind.CHOICE, "mc": Kind.CHOICE,
}  # fmt: skip


def read_kind(name: str) -> Kind:
    """The kind with this name. Raises VerificationError for an unknown one."""
    folded = " ".join(name.casefold().replace("_", " ").replace("-", " ").replace("/", " ").split())
    if folded in _ALIASES:
        return _ALIASES[folded]
    try:
        return Kind(folded)
    except ValueError:
        known = ", ".join(kind.value for kind in Kind)
        raise VerificationError(f"There is no kind {name!r}.", f"The kinds are: {known}.") from None
