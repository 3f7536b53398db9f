"""Answers that are read before the mathematics: numerals in a base, and times of day."""

import re

from evalsvc.verification.normalise import plain_text
from evalsvc.verification.tree import Based

_WORDS = {
    word: value
    for value, word in enumerate(
        [
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
        ],
        2,
    )
}
_WORDS |= {"binary": 2, "octal": 8, "hexadecimal": 16}
_BASED = re.compile(
    r"(?P<minus>-?)\s*\(?\s*(?:\\(?:text|mathrm)\s*\{)?(?P<digits>[0-9A-Z]+(?:\.[0-9A-Z]*)?)\}?\s*\)?\s*_\s*"
    r"\{?\s*\(?\s*(?:\\(?:text|mathrm)\s*\{)?\s*(?:base\s*)?(?P<base>\d{1,2}|[a-z]+)\s*\}?\s*\)?\s*\}?"
)
_BASE_IN_WORDS = re.compile(
    r"(?P<minus>-?)(?P<digits>[0-9a-z]+(?:\.[0-9a-z]*)?)\s*\(?\s*(?:in\s+)?base\s*[-_{]*(?P<base>\d{1,2}|[a-z]+)\}*\s*\)?"
)
_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?:\s*[:.]\s*(?P<minute>\d{2}))?\s*(?:o'?clock)?\s*(?:(?P<half>[ap])\.?\s*m\.?)?"
)


def read_based(text: str) -> Based | None:
    """A numeral with its base: `1101_4`, `(3032)_5`, `1101_{\\text{four}}`, `11 base 4`."""
    match = _BASED.fullmatch(text)
    if match is None and "base" in text:
        match = _BASE_IN_WORDS.fullmatch(plain_text(text))
    if match is None or not any(character.isdigit() for character in match["digits"]):
        return None
    base = int(match["base"]) if match["base"].isdigit() else _WORDS.get(match["base"], 0)
    digits = match["digits"].upper()
    if not 2 <= base <= 36:
        return None
    if any(character != "." and int(character, 36) >= base for character in digits):
        return None
    whole, _, decimals = digits.partition(".")
    decimals = decimals.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return Based(bool(match["minus"]), f"{whole}.{decimals}" if decimals else whole, base)


def read_time(text: str) -> tuple[int, str] | None:
    """Minutes after midnight or noon and the half of the day ("a", "p" or ""); None if no time."""
    match = _TIME.fullmatch(plain_text(text).replace("~", " ").replace("{", "").replace("}", ""))
    if match is None or (match["minute"] is None and match["half"] is None):
        return None
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), match["half"] or ""
    if minute > 59 or hour > (12 if half else 24):
        return None
    if hour > 12 and not half:
        return (hour - 12) * 60 + minute, "p"
    return (hour % 12 if half else hour) * 60 + minute, half
