"""The tree of a parsed answer: scalar nodes, and the structures that hold them.

Scalars and structures are separate types, so that a pair can never compare equal to a number.
"""

from dataclasses import dataclass, field
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Number:
    """An exact rational. Of a decimal literal `digits` is its length, `places` its decimals."""

    value: Fraction
    digits: int = 0
    places: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Symbol:
    """A variable, with its subscript and primes: `x`, `x_{1}`, `f'`."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """`pi`, `e`, `i` or `infinity`."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation:
    """`op`: + * / neg ^ root fact abs floor ceil binom pm deg sum prod opaque, or a function.

    "/" has one operand and means its reciprocal; "root" has radicand and degree; "opaque" is an
    unknown function of its operands, its name in `label`.
    """

    op: str
    args: tuple["Scalar", ...]
    label: str = ""


Scalar = Number | Symbol | Constant | Operation


@dataclass(frozen=True, slots=True)
class Quantity:
    """A scalar with a unit (see `units.py` for the canonical form)."""

    value: Scalar
    unit: str


@dataclass(frozen=True, slots=True)
class Bracket:
    """`(a, b)`, `[a, b)`, `<a, b>`: ordered items between brackets: a tuple, point or interval."""

    opening: str
    closing: str
    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Braces:
    """A set by its elements."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Listing:
    """Bare items with separators. `alternative` when one of the separators is "or"."""

    items: tuple["Node", ...]
    alternative: bool = False


@dataclass(frozen=True, slots=True)
class Joined:
    """Sets joined by cup, cap or setminus, from left to right."""

    operators: tuple[str, ...]
    parts: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Relation:
    """`a = b`, `a < b <= c`: the first part is None for a relation without a left side."""

    operators: tuple[str, ...]
    parts: tuple["Node | None", ...]


@dataclass(frozen=True, slots=True)
class Matrix:
    """Rows of entries."""

    rows: tuple[tuple["Node", ...], ...]


@dataclass(frozen=True, slots=True)
class Based:
    """A numeral with its base: sign, digits without leading zeros, base."""

    negative: bool
    digits: str
    base: int


@dataclass(frozen=True, slots=True)
class Ratio:
    """`a : b : c`."""

    items: tuple["Node", ...]


@dataclass(frozen=True, slots=True)
class Words:
    """Text inside mathematics, in lower case, and as it was `written`."""

    text: str
    written: str = field(default="", compare=False)


Structure = (
    Quantity | Bracket | Braces | Listing | Joined | Relation | Matrix | Based | Ratio | Words
)
Node = Scalar | Structure
SCALARS = (Number, Symbol, Constant, Operation)


def substitute(node: Scalar, target: Symbol | Constant, replacement: Scalar) -> Scalar:
    """`node` with every `target` replaced."""
    if node == target:
        return replacement
    if isinstance(node, Operation):
        return Operation(
            node.op,
            tuple(substitute(argument, target, replacement) for argument in node.args),
            node.label,
        )
    return node


def count_nodes(node: Node | None) -> int:
    """How many nodes a tree has; a sum counts as a thousand."""
    total, stack = 0, [node]
    while stack:
        current = stack.pop()
        total += 1
        if isinstance(current, Operation):
            stack.extend(current.args)
            total += 1_000 if current.op in ("sum", "prod") else 0
        elif isinstance(current, Quantity):
            stack.append(current.value)
        elif isinstance(current, Bracket | Braces | Listing | Ratio):
            stack.extend(current.items)
        elif isinstance(current, Joined | Relation):
            stack.extend(current.parts)
        elif isinstance(current, Matrix):
            for row in current.rows:
                stack.extend(row)
    return total
