"""Answers that are read before the mathematics: numerals in a base, and times of day."""

import math
import re

from evalsvc.verification.grammar.normalise import plain_text
from evalsvc.verification.grammar.tree import Based

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
_LABEL = re.compile(r"[A-Za-z]\s*=\s*")
_NUMERAL = r"(?P<minus>-?)\s*(?P<digits>[0-9A-Za-z]+(?:\.[0-9A-Za-z]*)?)"
_DIGITS = re.compile(_NUMERAL)
_BASE = re.compile(r"(?:base\s*)?(?P<base>\d{1,2}|[a-z]+)")
_BASE_IN_WORDS = re.compile(
    _NUMERAL + r"\s*\(?\s*(?:in\s+)?base\s*[-_{]*(?P<base>\d{1,2}|[a-z]+)\}*\s*\)?"
)
_CLOCK = re.compile(r"(\d{1,2})\s*:\s*(\d{2})")
_HALF = re.compile(r"[ap]\.?\s*m\.?$")
_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?:\s*[:.]\s*(?P<minute>\d{2}))?\s*(?:o'?clock)?\s*(?:(?P<half>[ap])\.?\s*m\.?)?"
)


def read_based(text: str) -> Based | None:
    """A numeral with its base: `1101_4`, `(3032)_5`, `x = 1101_{\\text{four}}`, `11 base 4`."""
    label = _LABEL.match(text)
    text = text[label.end() :] if label else text
    digits, mark, base = text.rpartition("_")
    numeral, radix = _DIGITS.fullmatch(_inside(digits)), _BASE.fullmatch(_inside(base).lower())
    if mark and numeral and radix:
        return numeral_in_base(numeral["minus"], numeral["digits"], radix["base"])
    words = _BASE_IN_WORDS.fullmatch(plain_text(text)) if "base" in text else None
    return numeral_in_base(words["minus"], words["digits"], words["base"]) if words else None


def numeral_in_base(sign: str, digits: str, base: str) -> Based | None:
    """The numeral without idle zeros; None unless it is one: `x_2`, `19_8`, `11_{one}` are not."""
    radix = int(base) if base.isdigit() else _WORDS.get(base, 0)
    digits = digits.upper()
    if not 2 <= radix <= 36 or not any(character.isdigit() for character in digits):
        return None
    if any(character != "." and int(character, 36) >= radix for character in digits):
        return None
    whole, _, decimals = digits.partition(".")
    decimals = decimals.rstrip("0")
    whole = whole.lstrip("0") or "0"
    return Based(bool(sign), f"{whole}.{decimals}" if decimals else whole, radix)


def _inside(text: str) -> str:
    """One side of the subscript mark, out of its braces, `\\text{}` and parentheses."""
    text = plain_text(text)
    return plain_text(text[1:-1]) if text.startswith("(") and text.endswith(")") else text


def _clock_text(text: str) -> str:
    return plain_text(text).replace("{", "").replace("}", "").replace("：", ":").replace("~", " ")


def is_clock(text: str) -> bool:
    """Whether a text has the form of a time, `2:30`: two digits of minutes below sixty."""
    match = _CLOCK.fullmatch(_clock_text(text))
    return match is not None and int(match[1]) <= 24 and int(match[2]) <= 59


def certainly_a_time(text: str) -> bool:
    """Whether a clock's figures cannot be a usual ratio: they are not in lowest terms."""
    hour, minute = _clock_text(text).split(":")
    return minute.strip().startswith("0") or math.gcd(int(hour), int(minute)) > 1


def same_time(gold: str, answer: str) -> bool:
    """Whether two times are equal; the half of the day may be added where the gold has none."""
    left, right = read_time(gold), read_time(answer)
    if left is None or right is None:
        return False
    added = not left[1] and _HALF.search(plain_text(answer)) is not None
    return left == right or (added and left[0] % 720 == right[0] % 720)


def read_time(text: str) -> tuple[int, str] | None:
    """Minutes after midnight or noon and the half of the day ("a", "p" or ""); None if no time."""
    match = _TIME.fullmatch(_clock_text(text))
    if match is None or (match["minute"] is None and match["half"] is None):
        return None
    hour, minute, half = int(match["hour"]), int(match["minute"] or 0), match["half"] or ""
    if minute > 59 or hour > (12 if half else 24):
        return None
    if hour > 12 and not half:
        return (hour - 12) * 60 + minute, "p"
    return (hour % 12 if half else hour) * 60 + minute, half
