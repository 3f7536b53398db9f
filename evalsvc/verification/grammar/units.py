"""Units of measure, currency and count nouns, in one canonical form.

A unit's canonical form is a sorted product such as `cm^2` or `h^-1 mi`. A word that changes a value
(dozen, million, negative, or, about) is never a unit.
"""

import re

_GROUPS = {
    "mm": "mm millimeter millimetre millimeters millimetres",
    "cm": "cm cms centimeter centimetre centimeters centimetres",
    "dm": "dm decimeter decimetre decimeters decimetres",
    "m": "m meter metre meters metres",
    "km": "km kms kilometer kilometre kilometers kilometres",
    "in": "in inch inches ins",
    "ft": "ft foot feet",
    "yd": "yd yds yard yards",
    "mi": "mi mile miles",
    "mg": "mg milligram milligrams",
    "g": "g gm gms gram grams",
    "kg": "kg kgs kilogram kilograms",
    "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces",
    "ton": "ton tons tonne tonnes",
    "s": "s sec secs second seconds",
    "min": "min mins minute minutes",
    "h": "h hr hrs hour hours",
    "day": "day days",
    "week": "week weeks wk wks",
    "month": "month months",
    "year": "year years yr yrs",
    "ml": "ml mL milliliter millilitre milliliters millilitres",
    "l": "l L liter litre liters litres",
    "gal": "gal gallon gallons",
    "degree": "degree degrees deg",
    "radian": "radian radians rad rads",
    "dollar": "dollar dollars usd USD buck bucks",
    "cent": "cent cents",
    "euro": "euro euros",
    "percent": "percent",
    "unit": "unit units",
    "N": "N newton newtons", "J": "J joule joules", "W": "W watt watts", "V": "V volt volts",
    "Hz": "Hz hertz", "Pa": "Pa pascal pascals", "K": "K kelvin",
    "acre": "acre acres", "hectare": "hectare hectares ha",
    "person": "person people persons",
}  # fmt: skip
_CANONICAL = {word: unit for unit, words in _GROUPS.items() for word in words.split()}
#: Letters that name a unit only inside `\text{}` and its like; `54x` and `4t` are products.
ONE_LETTER = frozenset("mgshlLNJWVK")
_COMPOUND = {
    "mph": "h^-1 mi",
    "kmh": "h^-1 km",
    "kph": "h^-1 km",
    "kmph": "h^-1 km",
    "mps": "m s^-1",
}
#: Two letters and more that stand for a unit even outside `\text{}`, after a number.
BARE = {word for word in _CANONICAL if len(word) > 1} - {"in", "ha", "min", "sec"} | set(_COMPOUND)
_NEVER = frozenset((
    "or", "and", "to", "not", "no", "nor", "between", "about", "approximately", "approx",
    "roughly", "nearly", "around", "least", "most", "than", "more", "less", "fewer", "over",
    "under", "above", "below", "minus", "plus", "times", "divided", "half", "halves", "third",
    "thirds", "quarter", "quarters", "dozen", "dozens", "score", "gross", "pair", "pairs",
    "hundred", "hundreds", "thousand", "thousands", "million", "millions", "billion", "billions",
    "trillion", "trillions", "negative", "positive", "squared", "cubed", "point", "base", "mod",
    "modulo", "if", "when", "for", "either", "maybe", "possibly", "except", "unless", "but",
    "through", "until", "up", "down", "is", "are", "was", "equals", "equal", "wrong", "correct",
    "true", "false", "none", "undefined", "infinity", "infinite", "impossible", "approx.", "k",
    "bn", "mn", "each", "other", "only", "by", "with", "without", "exactly", "almost", "off",
    "percentage", "pi", "radical", "root", "x", "factorial", "fourths", "fifths", "sixths",
    "sevenths", "eighths", "ninths", "tenths", "hundredths", "thousandths", "doubled", "tripled",
    "twice", "ish", "inverse", "reciprocal", "lakh", "crore", "mil", "choose", "because", "since",
    "however",
))  # fmt: skip
_PIECE = re.compile(r"([A-Za-z][A-Za-z.'\-]*)\s*(?:\^?\s*\{?\s*(-?\d)\s*\}?)?")
_RAISED = {"squared": 2, "cubed": 3}
_ADJECTIVES = {"square": 2, "sq": 2, "sq.": 2, "cubic": 3, "cu": 3, "cu.": 3}


def canonical_unit(text: str) -> str | None:
    """The canonical form of a unit written in words or symbols; None when it is not a unit.

    `text` holds words, `/`, "per" and powers: "square inches", "cm^2", "m/s", "miles per hour".
    """
    text = text.replace("\\cdot", " ").replace("-", " ").replace("per cent", "percent")
    text = text.strip(" .,;()")
    if not text or len(text) > 60:
        return None
    powers: dict[str, int] = {}
    last = ""
    sign, adjective, position = 1, 0, 0
    while position < len(text):
        if text[position] in " .,":
            position += 1
            continue
        if text[position] == "/":
            sign, position = -1, position + 1
            continue
        match = _PIECE.match(text, position)
        if match is None:
            return None
        position = match.end()
        word, power = match.group(1).rstrip("."), int(match.group(2) or 1)
        if word.lower() in ("per", "a") and powers:
            sign = -1
        elif word.lower() in _ADJECTIVES and not adjective:
            adjective = _ADJECTIVES[word.lower()]
        elif word.lower() in _RAISED and last and powers[last] in (1, -1):
            powers[last] *= _RAISED[word.lower()]
        elif word.lower() == "of" and powers:
            break
        elif not _add(powers, word, sign * power * (adjective or 1)):
            return None
        else:
            adjective, sign = 0, 1
            last = next(reversed(powers))
    if adjective:
        return None
    return " ".join(
        f"{unit}^{power}" if power != 1 else unit for unit, power in sorted(powers.items())
    )


def _add(powers: dict[str, int], word: str, power: int) -> bool:
    lowered = word.lower()
    if lowered in _NEVER:
        return False
    if lowered in _COMPOUND and power == 1:
        for piece in _COMPOUND[lowered].split():
            name, _, exponent = piece.partition("^")
            powers[name] = powers.get(name, 0) + int(exponent or 1)
        return True
    unit = _CANONICAL.get(word) or (_CANONICAL.get(lowered, "") if len(word) > 1 else "")
    if not unit:
        if len(word) < 3 or len(powers) >= 3:
            return False
        unit = lowered.replace("'", "")
        unit = unit[:-1] if unit.endswith("s") and not unit.endswith("ss") else unit
    elif len(word) == 1 and word not in ONE_LETTER:
        return False
    powers[unit] = powers.get(unit, 0) + power
    return True


def compatible(gold: str, answer: str) -> bool:
    """Whether an answer's unit may stand for the gold's; "" means that there is none.

    A unit may be left out. A sign that changes the value of a bare number (percent) may not be
    added; another unit is another answer.
    """
    if not answer or gold == answer:
        return True
    if not gold:
        return answer not in ("percent", "radian")
    return False
