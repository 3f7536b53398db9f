"""Units of measure, currency and counted nouns, in one canonical form.

A unit's canonical form is a sorted product such as `cm^2` or `h^-1 mi`; of counted nouns the last
one, in the singular (`pair` for "positive ordered pairs"). A word counts as a unit only if it
is in a list here, or if the gold itself uses it: an unknown word may change the value.
"""

import re
from collections.abc import Container

from evalsvc.verification.grammar.words import COUNTED, DESCRIBING, UNCOUNTED, VALUE_WORDS

_GROUPS = {
    "mm": "mm mms", "cm": "cm cms", "dm": "dm", "m": "m", "km": "km kms",
    "in": "in inch inches ins", "ft": "ft foot feet", "yd": "yd yds yard yards",
    "mi": "mi mile miles", "nmi": "nmi", "ly": "lightyear lightyears",
    "mg": "mg", "g": "g gm gms gr", "kg": "kg kgs", "lb": "lb lbs pound pounds",
    "oz": "oz ounce ounces", "ton": "ton tons tonne tonnes", "stone": "stone stones",
    "s": "s sec secs", "ms": "ms", "min": "min mins minute minutes", "h": "h hr hrs hour hours",
    "day": "day days", "week": "week weeks wk wks", "month": "month months",
    "year": "year years yr yrs", "decade": "decade decades", "century": "century centuries",
    "fortnight": "fortnight fortnights",
    "ml": "ml mL", "l": "l L", "cl": "cl cL", "dl": "dl dL", "kl": "kl kL", "cc": "cc",
    "gal": "gal gals gallon gallons", "qt": "qt quart quarts", "pt": "pt pint pints",
    "cup": "cup cups", "tbsp": "tbsp tablespoon tablespoons", "tsp": "tsp teaspoon teaspoons",
    "bushel": "bushel bushels", "barrel": "barrel barrels",
    "degree": "degree degrees deg degs", "radian": "radian radians rad rads",
    "arcminute": "arcminute arcminutes", "arcsecond": "arcsecond arcseconds",
    "dollar": "dollar dollars usd USD buck bucks", "cent": "cent cents", "euro": "euro euros EUR",
    "pence": "pence penny pennies", "shilling": "shilling shillings",
    "farthing": "farthing farthings", "gbp": "GBP", "yuan": "yuan RMB CNY", "yen": "yen JPY",
    "rupee": "rupee rupees INR Rs", "peso": "peso pesos", "franc": "franc francs",
    "rand": "rand rands", "lira": "lira lire", "kuna": "kuna kunas", "pula": "pula",
    "taler": "taler talers", "crown": "crown crowns", "nickel": "nickel nickels",
    "dime": "dime dimes",
    "percent": "percent pct",
    "unit": "unit units",
    "furlong": "furlong furlongs", "acre": "acre acres", "hectare": "hectare hectares ha",
    "knot": "knot knots", "rpm": "rpm", "hp": "hp horsepower", "psi": "psi", "mol": "mol mols",
    "N": "N", "J": "J", "W": "W", "V": "V", "Hz": "Hz", "Pa": "Pa", "K": "K", "ohm": "ohm ohms",
    "A": "ampere amperes amp amps", "kelvin": "kelvin kelvins", "cal": "cal", "kcal": "kcal",
    "eV": "eV", "kWh": "kWh", "kW": "kW", "MW": "MW", "kN": "kN", "kJ": "kJ", "MJ": "MJ",
    "kPa": "kPa", "kHz": "kHz", "MHz": "MHz", "GHz": "GHz", "nm": "nm", "dB": "dB decibel decibels",
    "bit": "bit bits", "byte": "byte bytes", "kB": "KB kB", "MB": "MB", "GB": "GB", "TB": "TB",
    "atm": "atm", "bar": "bars", "celsius": "celsius", "fahrenheit": "fahrenheit",
    "person": "person people persons",
}  # fmt: skip
#: Nouns that take the prefixes of the metric system, with the symbol of each.
_METRIC = {
    "meter": "m", "metre": "m", "gram": "g", "gramme": "g", "liter": "l", "litre": "l",
    "second": "s", "watt": "W", "volt": "V", "joule": "J", "newton": "N", "pascal": "Pa",
    "hertz": "Hz", "byte": "byte", "calorie": "cal", "mole": "mol",
}  # fmt: skip
_PREFIXES = {
    "": "", "kilo": "k", "centi": "c", "milli": "m", "deci": "d", "micro": "u", "nano": "n",
    "mega": "M", "giga": "G", "tera": "T", "hecto": "h",
}  # fmt: skip


def _table() -> dict[str, str]:
    words = {word: unit for unit, listed in _GROUPS.items() for word in listed.split()}
    for noun, symbol in _METRIC.items():
        for prefix, letter in _PREFIXES.items():
            unit = words.get(letter + symbol, letter + symbol)
            words[prefix + noun] = words[prefix + noun + "s"] = unit
    return words


_CANONICAL = _table()
#: Letters that name a unit only inside `\text{}` and its like; `54x` and `4t` are products.
ONE_LETTER = frozenset("mgshlLNJWVK")
_COMPOUND = {
    "mph": "h^-1 mi",
    "kmh": "h^-1 km",
    "kph": "h^-1 km",
    "kmph": "h^-1 km",
    "mps": "m s^-1",
    "fps": "ft s^-1",
    "mpg": "gal^-1 mi",
}
_ENGLISH = frozenset((
    "in", "ha", "min", "sec", "bar", "bars", "bit", "bits", "can", "stone", "cal", "gr", "Rs", "pt",
    "ms", "nm", "cc", "hp", "ly", "atm", "mol", "psi", "Pa", "rand", "deg", "gal", "ton", "knot",
    "ins", "rad", "eV", "kN", "kJ", "MJ", "kW", "MW", "dl", "cl", "kl", "cL", "dL", "kL",
))  # fmt: skip
#: Two letters and more that are a unit even outside `\text{}`, after a number.
BARE = {word for word in _CANONICAL if len(word) > 1} - _ENGLISH | set(_COMPOUND) | {"sq", "cu"}
_WORD = re.compile(r"[A-Za-z][A-Za-z.']*")
_POWER = re.compile(r"\s*\^\s*\{?\s*(-?\d)\s*\}?|(?<=[A-Za-z])([2-4])(?![\d.,])")
#: `two-digit`, `4-sided`: the number belongs to the noun, not to the answer.
_DIGITED = re.compile(
    r"\b(?:\d|two|three|four|five|six|seven|eight|nine|ten)-(digit|letter|sided|element)\b"
)
#: After a unit, without effect on the value: `12 ways in total`, `5 cm long`.
_IN_ALL = re.compile(
    r"(?<=[A-Za-z.)])\s+(?:in total|altogether|in all|long|tall|wide|high|deep|old)\.?\s*$"
)
_UNIT_SHAPE = re.compile(r"^\s*unit\s+(?=cubes|squares|circles|tiles|vectors|balls|segments)")
_HYPHEN = re.compile(r"(?<=[A-Za-z])-(?=[A-Za-z])")
_RAISED = {"squared": 2, "cubed": 3}
_ADJECTIVES = {"square": 2, "sq": 2, "cubic": 3, "cu": 3}
_LONGEST = 80


class AnyWord:
    """Every word that does not change a value: how the unit of a gold is read."""

    def __contains__(self, word: object) -> bool:
        return isinstance(word, str) and len(word) >= 3 and word not in VALUE_WORDS


def canonical_unit(text: str, own: Container[str] = ()) -> str | None:
    """The canonical form of a unit written in words or symbols; None when it is not a unit.

    `text` holds words, `/`, "per" and powers: "square inches", "cm^2", "m/s", "miles per hour".
    `own`: words that count as nouns besides the listed ones, in lower case.
    """
    text = _IN_ALL.sub("", text.replace("\\cdot", " ").replace("per cent", "percent"))
    text = _UNIT_SHAPE.sub("", text)
    text = _HYPHEN.sub(" ", _DIGITED.sub(r"\1", text)).strip(" .,;()")
    if not text or len(text) > _LONGEST:
        return None
    return _Reader(text, own).read()


class _Reader:
    """Reads one unit from left to right."""

    def __init__(self, text: str, own: Container[str]) -> None:
        self.text, self.own = text, own
        self.powers: dict[str, int] = {}
        self.noun = ""
        self.last = ""
        self.sign, self.adjective = 1, 0
        self.open = False  # a word is still expected

    def read(self) -> str | None:
        position = 0
        while position < len(self.text):
            if self.text[position] in " .,":
                position += 1
                continue
            if self.text[position] == "/" and self.powers:
                self.sign, self.open, position = -1, True, position + 1
                continue
            match = _WORD.match(self.text, position)
            if match is None:
                return None
            word, position = match.group().rstrip("."), match.end()
            raised = _POWER.match(self.text, position)
            if raised:
                position = raised.end()
            power = int(raised[1] or raised[2]) if raised else 0
            if (raised and not power) or not self._word(word, power):
                return None
        if self.open or self.adjective:
            return None
        if self.noun and not self.powers:
            return self.noun
        if self.noun:
            self.powers[self.noun] = self.powers.get(self.noun, 0) + 1
        return " ".join(
            f"{unit}^{power}" if power != 1 else unit for unit, power in sorted(self.powers.items())
        )

    def _word(self, word: str, power: int) -> bool:
        """Take one word with its power (0: none); False when it is no part of a unit."""
        lowered = word.lower()
        if lowered in ("per", "a", "an") and (self.powers or self.noun) and not self.open:
            if self.noun:
                self.powers[self.noun] = self.powers.get(self.noun, 0) + 1
                self.noun = ""
            self.sign, self.open = -1, True
            return not power
        if lowered == "of" and (self.powers or self.noun) and not self.open:
            return self._material()
        if lowered in _ADJECTIVES and not self.adjective and not power:
            self.adjective = _ADJECTIVES[lowered]
            return True
        if lowered in _RAISED and self.last and self.powers[self.last] in (1, -1) and not power:
            self.powers[self.last] *= _RAISED[lowered]
            return True
        return self._measure(word, power) or self._count(lowered, power)

    def _measure(self, word: str, power: int) -> bool:
        lowered = word.lower()
        if lowered in _COMPOUND and not power and not self.noun:
            for piece in _COMPOUND[lowered].split():
                name, _, exponent = piece.partition("^")
                self.powers[name] = self.powers.get(name, 0) + int(exponent or 1)
            return True
        unit = _CANONICAL.get(word) or (_CANONICAL.get(lowered, "") if len(word) > 2 else "")
        if not unit or self.noun or (len(word) == 1 and word not in ONE_LETTER):
            return False
        if self.open and self.sign > 0:
            return False  # `negative dollars`: only what is counted is described
        raised = self.sign * (power or 1) * (self.adjective or 1)
        self.powers[unit] = self.powers.get(unit, 0) + raised
        self.last, self.sign, self.adjective, self.open = unit, 1, 0, False
        return True

    def _count(self, word: str, power: int) -> bool:
        """A counted noun, or a word that describes one."""
        if power or (self.powers and not self.open and not self.noun):
            return False
        if self.adjective:  # "square", of tiles and not of inches
            self.adjective = 0
        noun = singular(word)
        listed = (noun in COUNTED or word in COUNTED) and word not in UNCOUNTED
        counted = listed or word in self.own
        if counted and self.sign < 0:
            self.powers[noun] = self.powers.get(noun, 0) - 1
            self.sign, self.open = 1, False
            return True
        if counted:
            self.noun, self.open = noun, False
            return True
        self.open = True
        return word in DESCRIBING

    def _material(self) -> bool:
        """What follows "of": known nouns only, and it is not part of the unit."""
        _, _, rest = self.text.partition(" of ")
        inner = canonical_unit(re.sub(r"^(?:the|a|an)\s+", "", rest), self.own)
        material = inner is not None or singular(rest.strip().lower()) in _MATERIALS
        self.text = self.text.partition(" of ")[0] if material else self.text
        return material


_MATERIALS = frozenset(
    ("water", "milk", "flour", "sugar", "juice", "paint", "wood", "gold", "sand", "rice", "tea",
     "coffee", "salt", "butter", "gas", "oil", "work", "data", "money")
)  # fmt: skip


def singular(word: str) -> str:
    """A noun without its plural ending; irregular plurals are in the lists themselves."""
    if len(word) <= 3 or not word.endswith("s") or word.endswith("ss"):
        return word
    if word.endswith("ies"):
        return word[:-3] + ("y" if len(word) > 4 else "ie")
    if word.endswith(("xes", "ches", "shes", "sses", "buses")):
        return word[:-2]
    return word[:-1]


def unit_words(text: str) -> frozenset[str]:
    """The words of a gold's own unit, which count as nouns in answers to it."""
    words = {word.lower().rstrip(".") for word in _WORD.findall(text)}
    return frozenset(word for word in words if word in AnyWord())


#: Change a bare number: percent, and `K`, which is kelvin or a thousand.
_NOT_ADDED = frozenset(("percent", "K"))


def compatible(gold: str, answer: str, *, radians: bool = False) -> bool:
    """Whether an answer's unit agrees with the gold's; "" means no unit.

    A unit may be left out. A sign that changes the value of a bare number (percent) may not be
    added, radians only to a gold that has pi in it (`radians`); another unit is another answer.
    """
    if not answer or gold == answer or {gold, answer} == {"K", "kelvin"}:
        return True
    if not gold:
        return answer not in _NOT_ADDED and (radians or answer != "radian")
    return False
