"""Multiple choice: the letter, the text of exactly one option, or both if they agree."""

import re
from collections.abc import Callable
from functools import partial

from evalsvc.verification.golds import LETTERS, TypedGold, type_gold
from evalsvc.verification.kinds import Kind
from evalsvc.verification.mathematics import judge_mathematics
from evalsvc.verification.normalise import Unreadable, clean, loose_text, unwrap
from evalsvc.verification.scalar_equality import Outcome

_FONT = re.compile(
    r"\\(?:text|textbf|textit|textrm|textsf|mbox|mathrm|mathbf|mathit|mathsf|boldsymbol|bm|emph)\s*\{([^{}]*)\}"
)
_LEAD = re.compile(
    r"(?:the\s+)?(?:(?:final|correct)\s+)?(?:answer|option|choice)(?:\s+is)?\s*:?\s*(?:option\s+|choice\s+)?",
    re.IGNORECASE,
)
_ALONE = re.compile(r"[(\[{]?\s*([A-Za-z])\s*[)\]}]?\s*[.:,;]?")
_LABELLED = re.compile(
    r"(?:[(\[]\s*([A-Za-z])\s*[)\]]\s*(?:[.:]|(?!,))|([A-Za-z])\s*[).:])\s*(\S.*)", re.DOTALL
)
_DASHED = re.compile(r"([A-Z])\s+[-–—]\s+(\S.*)", re.DOTALL)
#: Marks too weak to tell a letter from a word; they count where letter and text agree.
_BLANK_BETWEEN = re.compile(
    r"([A-Z])\s*\(\s*(\S.*)\)|[(\[]?([A-Z])[)\]]?[,;\s]\s*(\S.*)", re.DOTALL
)
_LETTER_LAST = re.compile(r"(\S.*?)\s*[(\[]([A-Z])[)\]]", re.DOTALL)
_PIECES = re.compile(r"\s*(?:,|;|\n|\band\b|&)\s*(?:\band\b\s*)?|\s+", re.IGNORECASE)
_RUN = re.compile(r"[A-J]{2,}")
_HEDGE = re.compile(r"\b(?:or|and|either|maybe|not)\b|[(\[][A-J][)\]]|\b[B-HJ]\b", re.IGNORECASE)


def judge_choice(gold: TypedGold, answer: str, *, in_child: bool) -> Outcome:
    """Compare an answer with the letters of a choice gold.

    An answer may repeat an option as another spelling of its value, so that this raises what
    `judge_mathematics` raises.
    """
    by_option = partial(_by_text, gold, in_child=in_child)
    text = _bare(answer)
    if len(gold.letters) > 1:
        return _several(gold, text)
    if not text:
        return Outcome(False, "choice: nothing")
    (letter,) = gold.letters
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
        return Outcome(by_text == letter, "choice: option text")
    agreed = any(by_option(rest) == letter for rest in _beside(letter, text))
    otherwise = "choice: no option" if gold.choices else "choice: no letter"
    return Outcome(agreed, "choice: letter and text" if agreed else otherwise)


def _beside(letter: str, text: str) -> list[str]:
    """What stands beside the letter in `E (Friday)`, `E Friday` and `Friday (E)`."""
    found = []
    if match := _BLANK_BETWEEN.fullmatch(text):
        chosen, rest = (group for group in match.groups() if group)
        found += [rest] if chosen == letter else []
    if match := _LETTER_LAST.fullmatch(text):
        found += [match.group(1)] if match.group(2) == letter else []
    return found


def _bare(answer: str) -> str:
    """The answer without fonts, mathematics marks and a leading "Option"."""
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
    return text.strip()


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
    """Whether words behind a letter name another one, or take it back."""
    return _HEDGE.search(re.sub(rf"[(\[]?\b{chosen}\b[)\]]?", "", rest)) is not None


def _by_text(gold: TypedGold, text: str, *, in_child: bool) -> str | None:
    """The letter of the one option that `text` repeats; None for none or several."""
    wanted = _words(text)
    exact = [i for i, option in enumerate(gold.choices) if wanted and _words(option) == wanted]
    if len(exact) == 1:
        return LETTERS[exact[0]]
    if exact:
        return None
    equal = [i for i, option in enumerate(gold.choices) if _same_value(option, text, in_child)]
    return LETTERS[equal[0]] if len(equal) == 1 else None


def _words(text: str) -> str:
    """The words of an option or an answer, in one spelling of their signs."""
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
    return judge_mathematics(typed, text, in_child=in_child).equal is True
