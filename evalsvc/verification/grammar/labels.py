"""Words that only name the quantity that follows: `Area = 5`, `\\text{The answer is } 5`.

A label may be dropped only if every word of it is known to name something. An unknown word may
deny or change the value: `\\text{anything but} = 5`, `\\text{twice the answer} = 5`.
"""

import re

from evalsvc.verification.grammar.words import GLUE, QUANTITIES, SHAPES

_NAME = re.compile(r"[A-Z]{1,4}|[A-Z][A-Za-z]*'s")
_WORDS = re.compile(r"[A-Za-z']+")
_TEXT = r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|operatorname)\s*\{"
_IN_TEXT = re.compile(
    _TEXT + r"\s*([A-Za-z' ]+?)\s*(:|=|,)?\s*\}\s*(:|=|\\colon(?![A-Za-z]))?\s*(?=\S)"
)
_BARE = re.compile(r"([A-Za-z][A-Za-z' ]*[A-Za-z])\s*(:|=)?\s*(?![A-Za-z])(?=\S)")
_LINKED = re.compile(r"\b(?:is|are|equals|be)\s*$")
_CONCLUDING = re.compile(
    r"\\text\s*\{\s*(?:So|Thus|Hence|Therefore|Then|Finally)\s*,?\s*(?:we (?:get|have)\s*)?\}"
    r"\s*(?=\S)",
    re.IGNORECASE,
)
_MARK = re.compile(
    r"[A-Za-z]{3}.*?(?:[:=]|\b(?:is|are|equals|be)\b)|\\text|[^\x00-\x7f]", re.DOTALL
)
_CHINESE = re.compile(
    r"\s*(?:故|所以|因此|综上|则)?\s*(?:最终|正确)?(?:的)?\s*"
    r"(?:(?:答案|选项|结果|面积|周长|体积|总数|概率)\s*(?:应)?(?:是|为|选)?|答|选|应选|为)\s*[:：]?\s*(?=\S)"
)


def names_a_quantity(words: str) -> bool:
    """Whether all words of a label are known, and one of them is a quantity."""
    found = _WORDS.findall(words)
    lowered = [word.lower() for word in found]
    if not found or not any(word in QUANTITIES for word in lowered):
        return False
    return all(
        word in QUANTITIES or word in GLUE or _known_name(found, lowered, place)
        for place, word in enumerate(lowered)
    )


def _known_name(found: list[str], lowered: list[str], place: int) -> bool:
    """A shape or the letters of a figure, where they say of what: `area of triangle ABC`."""
    of_something = "of" in lowered[:place] or "shaded" in lowered[:place]
    if found[place].endswith("'s"):
        return _NAME.fullmatch(found[place]) is not None
    return of_something and (
        lowered[place] in SHAPES
        or (_NAME.fullmatch(found[place]) is not None and lowered[place] not in ("not", "no"))
    )


def may_have_label(text: str) -> bool:
    """Whether there may be a label: a word, and something that links it to a value."""
    return _MARK.search(text) is not None


def strip_label(text: str) -> str | None:
    """The text after a leading label of words in a cleaned answer; None without a label."""
    concluding = _CONCLUDING.match(text)
    if concluding and concluding.end() < len(text):
        rest = text[concluding.end() :]
        return strip_label(rest) or rest
    chinese = _CHINESE.match(text) if not text.isascii() else None
    if chinese and chinese.end() < len(text):
        return text[chinese.end() :]
    match = _IN_TEXT.match(text)
    if match is not None:
        words, mark = match[1], match[2] or match[3]
    else:
        match = _BARE.match(text)
        if match is None:
            return None
        words, mark = match[1], match[2]
    if mark == "," or not (mark or _LINKED.search(words)) or not names_a_quantity(words):
        return None
    return text[match.end() :]
