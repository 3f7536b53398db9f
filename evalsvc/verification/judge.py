"""Decide a verdict: does this answer equal the gold, and by which rule.

There are three ways, by the kind of the gold: multiple choice (the letter, the text of exactly one
option, or both if they agree), text and times of day, and mathematics (exact rationals, the
grammar, numbers, and last the symbolic comparison). Pure functions from an answer and a typed gold
to an outcome with its rule. Work that is too large for the caller's thread raises NeedsChild; an
answer over a cap raises LimitExceeded.
"""

import re
from collections.abc import Callable
from functools import partial

from evalsvc.verification.equality.exact import plain_rational
from evalsvc.verification.equality.scalar_equality import Outcome
from evalsvc.verification.equality.structures import same
from evalsvc.verification.golds import LETTERS, TypedGold, read, type_gold
from evalsvc.verification.grammar.labels import may_have_label, strip_label
from evalsvc.verification.grammar.literals import is_clock, same_time
from evalsvc.verification.grammar.normalise import (
    Unreadable,
    clean,
    loose_text,
    plain_text,
    squeeze,
    unwrap,
)
from evalsvc.verification.grammar.tree import SCALARS, Quantity, Relation, count_nodes
from evalsvc.verification.kinds import Kind
from evalsvc.verification.limits import (
    CHARACTERS_IN_CALLER,
    IN_SANDBOX,
    NESTING,
    NESTING_IN_CALLER,
    NODES_IN_CALLER,
    NeedsChild,
)
from evalsvc.verification.verdict import Confidence

_NAMED_ANSWER = re.compile(r"^(?:the )?(?:final )?answer(?: is |\s*:\s*)")
_ARTICLE = re.compile(r"^(?:an?|the)\s+")
_OPTION_BEFORE_VALUE = re.compile(
    r"^(?:\\(?:text|textbf|mathrm|mathbf|textrm)\s*\{\s*)?\(([A-J])\)\s*(?:\\?[ ~])?\s*\}?"
    r"\s*(?P<value>\S.*)$",
    re.DOTALL,
)
_FONT = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|mbox|mathrm|mathbf|mathit|mathsf|boldsymbol|bm|emph)\s*\{([^{}]*)\}"
)
_LEAD = re.compile(
    r"(?:the\s+)?(?:(?:final|correct)\s+)?(?:answer|option|choice)(?:\s+is)?\s*:?\s*(?:option\s+|choice\s+)?"
    r"|(?:故|所以|因此)?(?:最终|正确)?(?:答案|选项|选择|应选|选)(?:应)?(?:是|为|选)?\s*:?\s*(?:选项|选)?\s*",
    re.IGNORECASE,
)
_TRAIL = re.compile(r"(?<=[A-Z)])\s*(?:选项|项)$")
_ALONE = re.compile(r"[(\[{]?\s*([A-Za-z])\s*[)\]}]?\s*[.:,;]?")
_LABELLED = re.compile(
    r"(?:[(\[]\s*([A-Za-z])\s*[)\]]\s*(?:[.:]|(?!,))|([A-Za-z])\s*[).:])\s*(\S.*)", re.DOTALL
)
_DASHED = re.compile(r"([A-Z])\s+[-–—]\s+(\S.*)", re.DOTALL)
#: Marks too weak to distinguish a letter from a word; they count if letter and text agree.
_BLANK_BETWEEN = re.compile(
    r"([A-Z])\s*\(\s*(\S.*)\)|[(\[]?([A-Z])[)\]]?[,;\s]\s*(\S.*)", re.DOTALL
)
_LETTER_LAST = re.compile(r"(\S.*?)\s*[(\[]([A-Z])[)\]]", re.DOTALL)
_PIECES = re.compile(r"\s*(?:,|;|\n|\band\b|&)\s*(?:\band\b\s*)?|\s+", re.IGNORECASE)
_RUN = re.compile(r"[A-J]{2,}")
_HEDGE = re.compile(
    r"\b(?:or|and|either|maybe|not|no|nor|never|none|wrong|incorrect|false|reject\w*|except|but"
    r"|cannot|can't|isn't|unless|eliminated|excluded|invalid|perhaps|possibly|probably|unsure|guess"
    r"|instead|impossible|unlikely|untrue|opposite|anything|other|than|rather|versus|vs)\b|[(\[][A-J][)\]]|\b[B-HJ]\b",
    re.IGNORECASE,
)


def judge(gold: TypedGold, answer: str, *, in_child: bool = False) -> Outcome:
    """Decide whether `answer` is the gold. Raises NeedsChild or LimitExceeded.

    `in_child`: nothing is too large any more; undecided scalars go to the symbolic comparison.
    """
    allowed = IN_SANDBOX.set(in_child)
    try:
        return _judge(gold, answer, in_child=in_child)
    finally:
        IN_SANDBOX.reset(allowed)


def _judge(gold: TypedGold, answer: str, *, in_child: bool) -> Outcome:
    if gold.kind is Kind.CHOICE:
        return _judge_choice(gold, answer, in_child=in_child)
    if answer.strip() == gold.text.strip():
        return Outcome(True, "same text")
    if gold.kind is Kind.TEXT:
        return _judge_text(gold, answer)
    if gold.kind is Kind.TIME:
        return _times(gold.text, answer, "time of day")
    if gold.clock and is_clock(answer):
        return _times(gold.text, answer, "time of day, or a ratio as written")
    return _judge_mathematics(gold, answer, in_child=in_child)


def _times(gold: str, answer: str, rule: str) -> Outcome:
    literal = plain_text(gold) == plain_text(answer)
    confidence = Confidence.PROVEN if literal else Confidence.CONVENTION
    return Outcome(same_time(gold, answer), rule, confidence)


def _judge_text(gold: TypedGold, answer: str) -> Outcome:
    wanted, given = (_ARTICLE.sub("", loose_text(text)) for text in (gold.text, answer))
    if wanted != given:
        given = _ARTICLE.sub("", _NAMED_ANSWER.sub("", given))
    literal = plain_text(gold.text) == plain_text(answer)
    confidence = Confidence.PROVEN if literal else Confidence.CONVENTION
    return Outcome(bool(wanted) and wanted == given, "text", confidence)


# -- mathematics


def _judge_mathematics(gold: TypedGold, answer: str, *, in_child: bool = False) -> Outcome:
    """Decide by value and structure. Raises NeedsChild or LimitExceeded.

    `in_child`: nothing is too large any more; undecided scalars go to the symbolic comparison.
    """
    fast = _fast(gold, answer)
    if fast is not None:
        return fast
    if not in_child and max(len(answer), len(gold.text)) > CHARACTERS_IN_CALLER:
        raise NeedsChild
    try:
        bare = _without_label(answer)
        node, cleaned = read(
            answer if bare is None else bare,
            commas=gold.is_single,
            max_depth=NESTING if in_child else NESTING_IN_CALLER,
            own_words=gold.own_words,
        )
    except Unreadable as error:
        return _unread(gold, answer, f"not understood: {error}")
    trust = Confidence.PROVEN if bare is None else Confidence.CONVENTION
    if squeeze(cleaned) == gold.squeezed:
        return Outcome(True, "same text", trust)
    assert gold.node is not None
    if not in_child and count_nodes(node) > NODES_IN_CALLER:
        raise NeedsChild
    outcome = same(gold.node, node)
    if outcome.equal is False and isinstance(gold.node, (*SCALARS, Quantity)):
        outcome = _with_option_label(gold, cleaned, outcome)
    return outcome.weakened(trust) if outcome.equal else outcome


def _without_label(answer: str) -> str | None:
    """The answer without words that only name it: `\\text{Area: } 5`, `The answer is 5`."""
    return strip_label(clean(unwrap(answer))) if may_have_label(answer) else None


def _fast(gold: TypedGold, answer: str) -> Outcome | None:
    """Integers, decimals and fractions of integers, without the parser."""
    if gold.exact is None or gold.unit == "percent":
        return None
    value = plain_rational(answer.strip())
    trust = Confidence.CONVENTION if gold.unit else Confidence.PROVEN
    return None if value is None else Outcome(value == gold.exact, "exact value", trust)


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
    if isinstance(node, Relation):
        return otherwise
    return same(gold.node, node).weakened(Confidence.CONVENTION)


def _unread(gold: TypedGold, answer: str, rule: str) -> Outcome:
    """Judge an answer outside the grammar: a labelled option, or wrong."""
    if isinstance(gold.node, (*SCALARS, Quantity)):
        labelled = _with_option_label(gold, answer.strip(), Outcome(False, rule))
        if labelled.equal:
            return labelled
    return Outcome(False, rule, Confidence.CONVENTION)


# -- multiple choice


def _judge_choice(gold: TypedGold, answer: str, *, in_child: bool) -> Outcome:
    """Compare an answer with the letters of a choice gold.

    An answer may give an option in another spelling of its value, so this raises the same errors
    as `_judge_mathematics`.
    """
    by_option = partial(_by_text, gold, in_child=in_child)
    text = _bare(answer)
    if len(gold.letters) > 1:
        return _several(gold, text)
    if not text:
        return Outcome(False, "choice: nothing")
    (letter,) = gold.letters
    by_value = Confidence.CONVENTION
    alone = _ALONE.fullmatch(text)
    if alone:
        chosen = alone.group(1)
        by_text = (
            by_option(text) if chosen.upper() not in LETTERS[: len(gold.choices) or 26] else None
        )
        return Outcome((by_text or chosen.upper()) == letter, "choice: letter")
    labelled = _LABELLED.fullmatch(text) or _DASHED.fullmatch(text)
    if labelled:
        found = labelled.groups()
        chosen, rest = next(group for group in found[:-1] if group).upper(), found[-1]
        outcome = _label_and_text(gold, chosen, rest, by_option)
        if outcome is not None:
            return outcome
    by_text = by_option(text)
    if by_text is not None:
        return Outcome(by_text == letter, "choice: option text", by_value)
    agreed = any(by_option(rest) == letter for rest in _beside(letter, text))
    otherwise = "choice: no option" if gold.choices else "choice: no letter"
    return Outcome(agreed, "choice: letter and text" if agreed else otherwise, by_value)


def _beside(letter: str, text: str) -> list[str]:
    """The text next to the letter in `E (Friday)`, `E Friday` and `Friday (E)`."""
    found = []
    if match := _BLANK_BETWEEN.fullmatch(text):
        chosen, rest = (group for group in match.groups() if group)
        found += [rest] if chosen == letter else []
    if match := _LETTER_LAST.fullmatch(text):
        found += [match.group(1)] if match.group(2) == letter else []
    return found


def _bare(answer: str) -> str:
    """The answer without fonts, math delimiters and a leading "Option"."""
    try:
        text = clean(unwrap(answer))
    except Unreadable:
        return ""
    for _ in range(4):
        text, count = _FONT.subn(lambda m: m.group(1), text)
        if not count:
            break
    text = unwrap(text).replace("**", "").strip()
    lead = _LEAD.match(text)
    if lead and lead.end() < len(text):
        text = text[lead.end() :]
    return _TRAIL.sub("", text.strip()).strip()


def _several(gold: TypedGold, text: str) -> Outcome:
    pieces = list(text) if _RUN.fullmatch(text) else _PIECES.split(text)
    found = []
    for piece in filter(None, pieces):
        match = _ALONE.fullmatch(piece)
        if match is None:
            return Outcome(False, "choice: not a list of letters")
        found.append(match.group(1).upper())
    return Outcome(
        set(found) == gold.letters and len(found) == len(gold.letters),
        "choice: letters in any order",
    )


def _label_and_text(
    gold: TypedGold, chosen: str, rest: str, by_option: Callable[[str], str | None]
) -> Outcome | None:
    (letter,) = gold.letters
    if not gold.choices:
        return Outcome(chosen == letter and not _hedged(rest, chosen), "choice: letter with text")
    if chosen not in LETTERS[: len(gold.choices)]:
        return None
    meant = by_option(rest)
    if meant is None:
        option = gold.choices[LETTERS.index(chosen)]
        if not option.strip() or option.strip().upper() == chosen:  # the options are in the picture
            right = chosen == letter and not _hedged(rest, chosen)
            return Outcome(right, "choice: letter with text")
        return Outcome(False, "choice: letter and text in conflict")
    if meant != chosen:
        return Outcome(False, "choice: letter and text in conflict")
    return Outcome(chosen == letter, "choice: letter and text")


def _hedged(rest: str, chosen: str) -> bool:
    """Whether the words after a letter name another one, or retract it."""
    return _HEDGE.search(re.sub(rf"[(\[]?\b{chosen}\b[)\]]?", "", rest)) is not None


def _by_text(gold: TypedGold, text: str, *, in_child: bool) -> str | None:
    """The letter of the only option whose text is `text`; None for none or several."""
    wanted = _words(text)
    exact = [i for i, option in enumerate(gold.choices) if wanted and _words(option) == wanted]
    if exact:
        # two options with the same text: the text means the right one
        right = [LETTERS[i] for i in exact if LETTERS[i] in gold.letters]
        return right[0] if right else LETTERS[exact[0]]
    equal = [i for i, option in enumerate(gold.choices) if _same_value(option, text, in_child)]
    return LETTERS[equal[0]] if len(equal) == 1 else None


def _words(text: str) -> str:
    """The words of an option or an answer, with their signs in one spelling."""
    try:
        text = clean(unwrap(text))
    except Unreadable:
        return ""
    return loose_text(text).replace("\\%", "%").replace("\\$", "").replace("$", "")


def _same_value(option: str, text: str, in_child: bool) -> bool:
    if not option.strip():
        return False
    typed = type_gold(option, kind=Kind.EXPRESSION)
    if typed.kind is Kind.TEXT:
        return False
    if typed.kind is Kind.TIME or (typed.clock and is_clock(text)):
        return same_time(option, text)
    return _judge_mathematics(typed, text, in_child=in_child).equal is True
