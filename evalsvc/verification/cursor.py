"""The cursor over tokens, and what is read without grammar: numerals, subscripts, raw groups."""

from fractions import Fraction

from evalsvc.verification.lexer import END, Token
from evalsvc.verification.normalise import Unreadable
from evalsvc.verification.special import numeral_in_base
from evalsvc.verification.tree import Based, Node, Number


class Cursor:
    """A position in the tokens of one answer."""

    def __init__(self, tokens: list[Token], max_depth: int) -> None:
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.max_depth = max_depth
        self.bars = 0

    def peek(self, ahead: int = 0) -> Token:
        at = self.position + ahead
        return self.tokens[at] if at < len(self.tokens) else END

    def next(self) -> Token:
        token = self.peek()
        self.position += 1
        return token

    def expect(self, text: str) -> None:
        if self.next().text != text:
            raise Unreadable(f"{text!r} expected")

    def number(self) -> Node:
        token = self.next()
        text = token.text
        if self.peek().text in ("overline", "bar", "dot") and "." in text:
            return self._repeating(text)
        if self.peek().text == "_":
            return self._based(text)
        digits = len(text) if "." in text.rstrip(".") else 0
        return Number(Fraction(text.rstrip(".") if text != "." else "0"), digits)

    def _repeating(self, head: str) -> Number:
        self.next()
        braces = self.peek().text == "{"
        if braces:
            self.next()
        token = self.next()
        if (
            token.kind != "number"
            or not token.text.isdigit()
            or (braces and self.next().text != "}")
        ):
            raise Unreadable("repeating decimal")
        _, _, decimals = head.partition(".")
        period = Fraction(int(token.text), 10 ** len(decimals) * (10 ** len(token.text) - 1))
        return Number(Fraction(head.rstrip(".") or "0") + period)

    def _based(self, digits: str) -> Based:
        self.next()
        braces = self.peek().text == "{"
        if braces:
            self.next()
        token = self.next()
        if (
            token.kind != "number"
            or not token.text.isdigit()
            or (braces and self.next().text != "}")
        ):
            raise Unreadable("base")
        based = numeral_in_base("", digits, token.text)
        if based is None:
            raise Unreadable("base")
        return based

    def subscript(self) -> str:
        if self.peek().text != "{":
            return self.next().text
        self.next()
        return self.raw_group()

    def raw_group(self) -> str:
        """The text of a group whose opening brace has been taken."""
        depth = 1
        written: list[str] = []
        while True:
            token = self.next()
            if token is END:
                raise Unreadable("braces")
            depth += (token.text == "{") - (token.text == "}")
            if depth == 0:
                return "".join(written)
            written.append(token.text)

    def name_in_braces(self) -> str:
        self.expect("{")
        return self.raw_group()

    def marked(self) -> str:
        """What stands below a bar or after an angle sign, as letters."""
        if self.peek().text == "{":
            self.next()
            return self.raw_group()
        written: list[str] = []
        while self.peek().kind in ("letter", "number") and len(written) < 4:
            written.append(self.next().text)
        if not written:
            raise Unreadable("mark without letters")
        return "".join(written)
