"""Typed golds: a gold answer, parsed once, with the kind that decides how answers are compared.

A kind given by hand settles what the text leaves open (`70,110` as a list). If it contradicts the
text it is ignored, because answers are compared with the gold's own structure.
"""

import re
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import lru_cache

from evalsvc.verification.equality.exact import exact_value
from evalsvc.verification.equality.plus_minus import has_two_values
from evalsvc.verification.equality.scalar_equality import infinity_sign
from evalsvc.verification.grammar.literals import certainly_a_time, is_clock, read_based, read_time
from evalsvc.verification.grammar.normalise import (
    Unreadable,
    clean,
    plain_text,
    squeeze,
    strip_full_stop,
    unwrap,
)
from evalsvc.verification.grammar.parser import parse
from evalsvc.verification.grammar.tree import (
    SCALARS,
    Based,
    Braces,
    Bracket,
    Joined,
    Listing,
    Matrix,
    Node,
    Quantity,
    Ratio,
    Relation,
    Words,
)
from evalsvc.verification.grammar.units import AnyWord, unit_words
from evalsvc.verification.kinds import Kind, read_kind
from evalsvc.verification.limits import (
    ANSWER_CHARACTERS,
    NESTING_IN_CALLER,
    LimitExceeded,
    NeedsChild,
)
from evalsvc.verification.verdict import VerificationError

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
Choices = Sequence[str] | Mapping[str, str] | str | None

_LETTER = re.compile(r"[(\[]?\s*([A-J])\s*[)\].:]*")
_SEVERAL_LETTERS = re.compile(
    r"[(\[]?[A-J][)\].]?(?:\s*(?:,|;|\n|\band\b|\s)\s*[(\[]?[A-J][)\].]?)+"
)
_OPTION_LABEL = re.compile(r"\s*[(\[]?([A-Z])\s*[)\].:、]\s*(.*)", re.DOTALL)
#: `\\text{June 20}`: only words, with or without digits.
_WORDED = re.compile(r"\\(?:text|mbox|mathrm|textrm)\s*\{\s*[A-Za-z]{3,}[^{}=<>\\,]*\}[.]?")
#: `Volume $=10.45$`: words that name the value, which a one-letter label would not.
_NAMED = re.compile(r"\s*(?:(?:[A-Za-z][a-z]{3,}|(?:[A-Z]\.){2,})(?: [A-Za-z.]+)*)?\s*\$?\s*=")
_BEARING = re.compile(r"[NS]\s*[\d.]+\s*(?:°|\^\\circ|\^\{\\circ\})\s*[EW]")
_METRES = re.compile(r"([\d.,]+) m")
_GLUED_UNIT = re.compile(
    r"\{\s*(degrees|square\s*inches|inches|feet|centimeters|units|meters)\s*\}$"
)


@dataclass(frozen=True, slots=True)
class TypedGold:
    """A parsed gold.

    Attributes:
        text: the gold as it was given.
        kind: derived from the text, or given by hand.
        node: its tree; None for text, time and choice golds.
        squeezed: its cleaned spelling without blanks, for string comparison.
        choices: the option texts in order (A, B, ...), without their labels.
        letters: the letters of a choice gold.
        exact: the rational value of a gold that is one number.
        unit: the unit of a gold that is one number ("" for none).
        clock: whether it may be a time of day as well as a ratio.
        own_words: the words of the gold, which answers may use as units.
    """

    text: str
    kind: Kind
    node: Node | None
    squeezed: str
    choices: tuple[str, ...] = ()
    letters: frozenset[str] = frozenset()
    exact: Fraction | None = None
    unit: str = ""
    own_words: frozenset[str] = frozenset()
    clock: bool = False

    @property
    def is_single(self) -> bool:
        """Whether one value is expected, so that `10,080` is one number."""
        return isinstance(self.node, (*SCALARS, Quantity)) or (
            isinstance(self.node, Relation) and self.kind is Kind.EQUATION
        )


def type_gold(gold: str, *, choices: Choices = None, kind: str | None = None) -> TypedGold:
    """Parse a gold; cached. Raises VerificationError: empty, far too long, unknown kind."""
    return _typed(str(gold), read_choices(choices), read_kind(kind) if kind else None)


def read_choices(choices: Choices) -> tuple[str, ...]:
    """Option texts in the order of their letters, labels removed.

    `choices` may be a sequence of texts, a mapping from letter to text, or one option a line.
    """
    if not choices:
        return ()
    if isinstance(choices, str):
        choices = [line for line in choices.splitlines() if line.strip()]
    if isinstance(choices, Mapping):
        choices = [choices[letter] for letter in sorted(choices)]
    texts = [str(choice).strip() for choice in choices]
    labelled = [_OPTION_LABEL.fullmatch(text) for text in texts]
    if all(match and match.group(1) == LETTERS[i % 26] for i, match in enumerate(labelled)):
        texts = [match.group(2).strip() for match in labelled if match]
    return tuple(texts)


@lru_cache(maxsize=200_000)
def _typed(gold: str, choices: tuple[str, ...], kind: Kind | None) -> TypedGold:
    if not gold.strip():
        raise VerificationError(
            "The gold is empty.", "Give each problem an answer to compare with."
        )
    if len(gold) > ANSWER_CHARACTERS:
        raise VerificationError(
            f"The gold has {len(gold)} characters.",
            f"No answer above {ANSWER_CHARACTERS} is read; give the answer alone.",
        )
    if kind in (None, Kind.CHOICE) or (choices and kind is not Kind.TEXT):
        letters = _choice_letters(gold, choices, forced=kind is Kind.CHOICE)
        if letters:
            return TypedGold(gold, Kind.CHOICE, None, plain_text(gold), choices, letters)
    if kind is Kind.TEXT:
        return _text(gold)
    clock = kind in (None, Kind.EXPRESSION) and is_clock(gold)
    if clock and certainly_a_time(gold):
        return TypedGold(gold, Kind.TIME, None, plain_text(gold))
    if kind in (None, Kind.TIME):
        time = read_time(gold)
        if (
            time
            and (time[1] or kind is Kind.TIME)
            and (kind or re.search(r"[apAP]\.?\s*[mM]", gold))
        ):
            return TypedGold(gold, Kind.TIME, None, plain_text(gold))
    return replace(_mathematics(gold, kind), clock=clock)


def _choice_letters(gold: str, choices: tuple[str, ...], *, forced: bool) -> frozenset[str]:
    """Letters of a gold that names options; empty when it does not."""
    text = (
        plain_text(gold).upper().replace("\\N", "\n") if "\n" not in gold else gold.strip().upper()
    )
    written = unwrap(gold)
    match = _LETTER.fullmatch(text)
    lowercase = len(written) == 1 and written.islower()
    known = match is not None and (not choices or match.group(1) in LETTERS[: len(choices)])
    if match and known and not (lowercase and not choices and not forced):
        return frozenset(match.group(1))
    if (choices or forced or "\n" in gold) and _SEVERAL_LETTERS.fullmatch(text):
        return frozenset(re.findall(r"\b[A-J]\b", text))
    if choices:
        matches = [
            LETTERS[i] for i, option in enumerate(choices) if plain_text(option) == plain_text(gold)
        ]
        if len(matches) == 1:
            return frozenset(matches)
    return frozenset()


def _text(gold: str) -> TypedGold:
    return TypedGold(gold, Kind.TEXT, Words(plain_text(gold)), plain_text(gold))


def _mathematics(gold: str, kind: Kind | None) -> TypedGold:
    if kind is None and (_WORDED.fullmatch(gold.strip()) or _BEARING.fullmatch(gold.strip())):
        return _text(gold)
    single = kind not in (Kind.LIST, Kind.TUPLE, Kind.SET)
    repaired = gold.replace("\x0crac", "\\frac")
    named = _NAMED.match(repaired)
    repaired = repaired[named.end() :] if named else repaired
    repaired = _GLUED_UNIT.sub(
        lambda m: "\\text{ " + m.group(1).replace("square", "square ") + "}", repaired
    )
    metres = _METRES.fullmatch(repaired.strip())
    if metres:
        repaired = metres.group(1) + "\\text{ m}"
    try:
        node, cleaned = read(
            repaired, commas=single, max_depth=NESTING_IN_CALLER, own_words=AnyWord()
        )
    except (Unreadable, NeedsChild, LimitExceeded, RecursionError):
        return _text(gold)
    node = _as_kind(node, kind)
    derived = _derive(node)
    if derived is Kind.TEXT or (kind is None and _is_prose(cleaned)):
        return _text(gold)
    value = node.value if isinstance(node, Quantity) else node
    exact = None
    if isinstance(value, SCALARS):
        try:
            exact = exact_value(value)
        except (LimitExceeded, RecursionError):
            exact = None
    if derived is Kind.EXPRESSION and exact is not None:
        derived = Kind.NUMBER
    unit = node.unit if isinstance(node, Quantity) else ""
    own = unit_words(cleaned)
    return TypedGold(gold, derived, node, squeeze(cleaned), exact=exact, unit=unit, own_words=own)


def read(
    text: str, *, commas: bool = False, max_depth: int = 200, own_words: Container[str] = ()
) -> tuple[Node, str]:
    """Clean and parse; also returns the cleaned text.

    Raises Unreadable, NeedsChild or LimitExceeded.
    """
    cleaned = strip_full_stop(unwrap(clean(unwrap(text), commas=commas)))
    if not cleaned:
        raise Unreadable("nothing")
    based = read_based(cleaned) if "_" in cleaned or "base" in cleaned else None
    return (based or parse(cleaned, max_depth=max_depth, own_words=own_words)), cleaned


def _as_kind(node: Node, kind: Kind | None) -> Node:
    """Apply a kind given by hand."""
    if kind is Kind.SET and isinstance(node, Listing):
        return Braces(node.items)
    if kind is Kind.TUPLE and isinstance(node, Listing):
        return Bracket("(", ")", node.items)
    if kind is Kind.LIST and isinstance(node, Bracket | Braces):
        return Listing(node.items)
    if kind is Kind.PERCENTAGE and isinstance(node, SCALARS):
        return Quantity(node, "percent")
    return node


def _derive(node: Node) -> Kind:
    if isinstance(node, Bracket):
        infinite = any(isinstance(item, SCALARS) and infinity_sign(item) for item in node.items)
        square = node.opening == "[" or node.closing == "]"
        return Kind.INTERVAL if len(node.items) == 2 and (infinite or square) else Kind.TUPLE
    if isinstance(node, Relation):
        return Kind.EQUATION if set(node.operators) <= {"=", "in"} else Kind.INEQUALITY
    if isinstance(node, Quantity):
        return Kind.PERCENTAGE if node.unit == "percent" else Kind.EXPRESSION
    if has_two_values(node):
        return Kind.LIST
    table = {
        Listing: Kind.LIST, Braces: Kind.SET, Joined: Kind.INTERVAL, Matrix: Kind.MATRIX,
        Based: Kind.BASE_N, Ratio: Kind.RATIO, Words: Kind.TEXT,
    }  # fmt: skip
    return table.get(type(node), Kind.EXPRESSION)


_LETTER_RUN = re.compile(r"(?<![\\A-Za-z{])[A-Za-z]{3,}")
_KNOWN_RUNS = re.compile(r"(sin|cos|tan|cot|sec|csc|log|ln|exp|sqrt|pi|and|or|infinity)")


#: `domain: [-4,4] and range: [0,2]`
_HEADING = re.compile(r"[A-Za-z]{4,}\s*:")


def _is_prose(cleaned: str) -> bool:
    """Whether the gold is words rather than letters that multiply: `Bugs Bunny`, `even`, `east`."""
    if _HEADING.search(cleaned):
        return True
    if re.search(r"[=<>^_\d]|\\(?!text|mbox|mathrm)", cleaned):
        return False
    words = [run for run in _LETTER_RUN.findall(cleaned) if not _KNOWN_RUNS.match(run.lower())]
    return bool(words)
