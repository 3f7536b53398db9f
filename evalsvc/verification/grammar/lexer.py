"""Tokens of a cleaned answer.

Words are classified here: functions, separators ("and", "or"), text, units, and letters that
multiply. Nothing is evaluated.
"""

import re
from dataclasses import dataclass

from evalsvc.verification.grammar.normalise import Unreadable, matching_brace
from evalsvc.verification.grammar.units import BARE, ONE_LETTER, canonical_unit

FUNCTIONS = frozenset((
    "sin", "cos", "tan", "cot", "sec", "csc", "arcsin", "arccos", "arctan", "arccot", "arcsec",
    "arccsc", "sinh", "cosh", "tanh", "coth", "ln", "log", "lg", "exp",
))  # fmt: skip
#: Names of functions of several values, where an opening bracket follows.
_LISTED = frozenset(("gcd", "lcm", "max", "min"))
_WORD_COMMANDS = FUNCTIONS | {"sqrt", "pi", "infty", "binom", "frac"}
_ALIASES = {
    "infinity": "infty",
    "asin": "arcsin",
    "acos": "arccos",
    "atan": "arctan",
    "cosec": "csc",
}
_TEXT_COMMANDS = frozenset((
    "text", "textrm", "textup", "textnormal", "textsc", "textmd",
    "textsf", "texttt", "textit", "textbf", "mbox",
    "hbox", "mathrm", "mathsf", "mathtt", "operatorname", "emph",
))  # fmt: skip
_FONTS = frozenset((
    "mathbf", "mathit", "mathcal", "mathnormal", "boldsymbol", "bm", "pmb", "displaystyle",
    "textstyle", "mathstrut", "ensuremath", "boxed", "fbox",
))  # fmt: skip
_MATHEMATICAL = re.compile(r"[\d\\^_+=/*()\[\],]")
#: Signs that follow a value or precede one.
_NO_VALUE = frozenset(("^", "%", "\\%", "dollar"))
#: `\\text{ cm and }8`: the last word of a text separates its neighbours.
_UNIT_AND = re.compile(r"(?P<unit>[^\d]*[A-Za-z.^2-4])\s+(?P<word>and|or)\s*")
_SEPARATOR = re.compile(r"^[\s,;]*(and|or)?[\s,;]*$", re.IGNORECASE)
_TOKEN = re.compile(
    r"(?P<number>\d+(?:\.\d*)?|\.\d+)|\\(?P<command>[A-Za-z]+)\*?|(?P<escaped>\\.)|(?P<word>[A-Za-z]+)"
    r"|(?P<blank>\s+)|(?P<sign>.)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Token:
    """`kind`: number, command, letter, text, separator, sign, end; `glued`: no blank before it."""

    kind: str
    text: str
    glued: bool = True

    @property
    def symbol(self) -> str:
        """The text of a token that is no words: `\\text{times}` is no sign."""
        return "" if self.kind == "text" else self.text


END = Token("end", "")


def tokenise(text: str, depth: int = 0) -> list[Token]:
    """Split a cleaned answer. Raises Unreadable for braces that do not match."""
    tokens: list[Token] = []
    position, blank = 0, False
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:  # pragma: no cover - the last alternative takes any character
            raise Unreadable("character")
        kind, value = match.lastgroup or "", match.group()
        position = match.end()
        if kind == "blank":
            blank = True
            continue
        glued, blank = not blank, False
        if kind == "number":
            tokens.append(Token("number", value, glued))
        elif kind == "command":
            position = _command(tokens, match.group("command"), text, position, glued, depth)
        elif kind == "word":
            _word(tokens, value, glued, text[position : position + 1], in_text=depth > 0)
        elif kind == "escaped":
            tokens.append(Token("command" if value == "\\\\" else "sign", value, glued))
        else:
            tokens.append(Token("sign", value, glued))
    return tokens


def _command(  # noqa: PLR0917 - a step of the loop above
    tokens: list[Token], name: str, text: str, position: int, glued: bool, depth: int
) -> int:
    """Append the meaning of a command; return the next position."""
    if name in _FONTS:
        return position
    if name in ("degree", "degrees", "textdegree", "deg"):
        tokens += [Token("sign", "^"), Token("command", "circ")]
        return position
    if name not in _TEXT_COMMANDS:
        tokens.append(Token("command", name, glued))
        return position
    opened = position
    while opened < len(text) and text[opened] == " ":
        opened += 1
    if text[opened : opened + 1] != "{":
        return position
    closed = matching_brace(text, opened)
    if closed < 0:
        raise Unreadable("braces")
    _text(tokens, text[opened + 1 : closed], name, depth)
    return closed + 1


def _text(tokens: list[Token], content: str, name: str, depth: int) -> None:
    stripped = content.strip()
    separator = _SEPARATOR.match(content)
    if separator and (stripped or not content):
        word = separator.group(1)
        if stripped:
            tokens.append(Token("separator", word.lower() if word else ","))
    elif not stripped.strip("."):
        return
    elif stripped in FUNCTIONS or stripped in ("gcd", "lcm"):
        tokens.append(Token("command", stripped))
    elif (bracketed := _in_brackets(stripped)) or canonical_unit(stripped) is not None:
        tokens.append(Token("text", bracketed or stripped))
    elif (joined := _UNIT_AND.fullmatch(stripped)) and canonical_unit(joined["unit"]) is not None:
        tokens += [Token("text", joined["unit"]), Token("separator", joined["word"])]
    elif (_MATHEMATICAL.search(stripped) and not _unit_like(stripped)) or name == "textbf":
        if depth > 3:
            raise Unreadable("nested text")
        inner = tokenise(content, depth + 1)
        whole = inner and not _joins_its_neighbours(inner)
        tokens += [Token("sign", "{"), *inner, Token("sign", "}")] if whole else inner
    else:
        tokens.append(Token("text", stripped))


def _in_brackets(text: str) -> str:
    """The unit in `(cm)`, or nothing."""
    inner = text[1:-1].strip() if text[:1] + text[-1:] == "()" else ""
    return inner if inner and canonical_unit(inner) is not None else ""


def _joins_its_neighbours(inner: list[Token]) -> bool:
    """Whether a text is no group: items of a list, a unit whose power follows, `\\text{\\%}`."""
    return (
        any(token.text in (",", ";") or token.kind == "separator" for token in inner)
        or inner[-1].kind == "text"
        or inner[0].text in _NO_VALUE
    )


def _stands_on_value(tokens: list[Token]) -> bool:
    """Whether the bracket that was just opened follows a value: `12 (cm)`."""
    return len(tokens) > 1 and (tokens[-2].kind == "number" or tokens[-2].text in (")", "}"))


def _unit_like(text: str) -> bool:
    return (
        re.fullmatch(r"[A-Za-z. ]+(?:\^?\{?-?\d\}?)?(?:/[A-Za-z]+(?:\^?\{?\d\}?)?)?", text)
        is not None
    )


def _word(tokens: list[Token], word: str, glued: bool, following: str, *, in_text: bool) -> None:
    lowered = word.lower()
    previous = tokens[-1] if tokens else END
    after_value = previous.kind in ("number", "letter") or previous.text in (")", "}", "pi", "]")
    if len(word) == 1:
        is_unit = in_text and not glued and previous.kind == "number" and word in ONE_LETTER
        tokens.append(Token("text" if is_unit else "letter", word, glued))
    elif lowered in _LISTED and following in ("(", "\\"):
        tokens.append(Token("command", lowered, glued))
    elif lowered in ("and", "or"):
        tokens.append(Token("separator", lowered, glued))
    elif lowered in _ALIASES or lowered in _WORD_COMMANDS:
        tokens.append(Token("command", _ALIASES.get(lowered, lowered), glued))
    elif (
        (previous.text == "(" and following == ")" and word in BARE and _stands_on_value(tokens))
        or (
            after_value
            and previous.kind != "letter"
            and word in BARE
            and following not in ("(", "_")
        )
        or previous.kind == "text"
        or (not glued and previous.kind == "number" and len(word) > 3)
    ):
        tokens.append(Token("text", word, glued))
    else:
        tokens.extend(Token("letter", letter, glued) for letter in word)
