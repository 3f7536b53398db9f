"""The scalar grammar: sums, products, powers, functions, mixed numbers, repeating decimals."""

from fractions import Fraction

from evalsvc.verification.commands import BIG, FRACTIONS, GREEK, OPAQUE, OVER, Commands
from evalsvc.verification.lexer import END, FUNCTIONS, Token
from evalsvc.verification.limits import NeedsChild
from evalsvc.verification.normalise import Unreadable
from evalsvc.verification.tree import (
    Bracket,
    Constant,
    Node,
    Number,
    Operation,
    Scalar,
    Symbol,
)
from evalsvc.verification.units import ONE_LETTER

_TIMES = frozenset(("*", "cdot", "times", "ast", "bullet"))
_BY = frozenset(("/", "div"))
_STARTS = BIG | FRACTIONS | OPAQUE | GREEK | FUNCTIONS | set(OVER) | {
    "sqrt", "pi", "infty", "binom", "dbinom", "tbinom", "begin", "emptyset", "varnothing", "mathbb",
    "langle", "lbrace", "imath",
}  # fmt: skip
#: What makes `f^{-1}(x)` the inverse of a function that has only a letter.
_INVERSE = ("^", "{", "-", "1", "}")
_ZERO = Number(Fraction(0))


class ScalarParser(Commands):
    """A cursor over tokens with the scalar grammar; `_Parser` adds the structures."""

    def sum(self) -> Node:
        """A sum, or two of them with `\\over` or `\\choose` between (TeX's own fractions)."""
        node = self._terms()
        name = self.peek().text
        if self.peek().kind != "command" or name not in ("over", "choose"):
            return node
        self.next()
        top, bottom = self.scalar(node), self.scalar(self._terms())
        if name == "choose":
            return Operation("binom", (top, bottom))
        return Operation("*", (top, Operation("/", (bottom,))), "fraction")

    def _terms(self) -> Node:
        terms: list[Scalar] = []
        spread: Scalar | None = None
        first: Node | None = None
        while True:
            negative = both = signed = False
            while self.peek().text in ("+", "-", "pm", "mp"):
                sign = self.next().text
                negative ^= sign == "-"
                both |= sign in ("pm", "mp")
                signed = True
            node = self.product()
            if first is None and not signed and self.peek().text not in ("+", "-", "pm", "mp"):
                return node
            first = node
            term = self.scalar(node)
            if both:
                if spread is not None:
                    raise Unreadable("two signs of either kind")
                spread = term
            else:
                terms.append(Operation("neg", (term,)) if negative else term)
            if self.peek().text not in ("+", "-", "pm", "mp"):
                break
        total = (
            _ZERO if not terms else terms[0] if len(terms) == 1 else Operation("+", tuple(terms))
        )
        return total if spread is None else Operation("pm", (total, spread))

    def product(self) -> Node:
        node = self.power()
        if not self._goes_on():
            return node
        factors = [self.scalar(node)]
        while True:
            token = self.peek()
            if token.text in _TIMES or token.text in _BY:
                self.next()
                negative = False
                while self.peek().text in ("-", "+"):
                    negative ^= self.next().text == "-"
                factor = self.scalar(self.power())
                if token.text in _BY:
                    factor = Operation("/", (factor,))
                factors.append(Operation("neg", (factor,)) if negative else factor)
            elif self.starts_atom():
                self._check_juxtaposition(token)
                factors.append(self.scalar(self.power()))
                self._mixed(factors, token)
            else:
                break
        return Operation("*", tuple(factors)) if len(factors) > 1 else factors[0]

    def _goes_on(self) -> bool:
        return self.peek().text in _TIMES or self.peek().text in _BY or self.starts_atom()

    def starts_atom(self) -> bool:
        token = self.peek()
        if token.kind in ("number", "letter"):
            # "25 C" and "118 T" after a degree sign are units
            return not (token.text in "CFT" and self._after_degree())
        if token.kind == "command":
            return token.text in _STARTS
        if token.kind == "text":
            return len(token.text) == 1 and token.text not in ONE_LETTER | frozenset("CFT")
        return token.text in ("(", "[", "{", "\\{") or (token.text == "|" and not self.bars)

    def _after_degree(self) -> bool:
        previous = [token.text for token in self.tokens[max(0, self.position - 3) : self.position]]
        return "circ" in previous

    def _check_juxtaposition(self, token: Token) -> None:
        """Two numerals side by side are no product: `3 4`, `{8}{5}`."""
        previous = self.tokens[self.position - 1]
        if token.kind == "number" and previous.kind == "number":
            if self._slash_mixed():
                return
            raise Unreadable("two numbers side by side")
        if token.text == "{" and previous.text in ("}",) and self.peek(1).kind == "number":
            raise Unreadable("two groups side by side")

    def _slash_mixed(self) -> bool:
        """`1 1/2`"""
        return (
            self.peek(1).text == "/"
            and self.peek(2).kind == "number"
            and not self.peek().glued
            and self.tokens[self.position - 1].text.isdigit()
        )

    def _mixed(self, factors: list[Scalar], token: Token) -> None:
        """Join `3 \\frac{1}{8}` (and `1 1/2`) into one mixed number.

        With an improper fraction it is neither that nor a product that anyone writes.
        """
        if len(factors) != 2 or not isinstance(factors[0], Number) or factors[0].digits:
            return
        whole, part = factors
        if token.kind == "number" and self.peek().text == "/":
            self.next()
            bottom = self.power()
            if not isinstance(part, Number) or not isinstance(bottom, Number) or not bottom.value:
                raise Unreadable("two numbers side by side")
            part = Operation("*", (part, Operation("/", (bottom,))), "fraction")
        if token.text not in FRACTIONS and token.kind != "number":
            return
        if not isinstance(part, Operation) or part.label != "fraction":
            return
        top, bottom = part.args[0], part.args[1]
        assert isinstance(bottom, Operation)
        under = bottom.args[0]
        if isinstance(top, Number) and isinstance(under, Number):
            if not 0 < top.value < under.value:
                raise Unreadable("a mixed number with an improper fraction")
            factors[:] = [Operation("+", (whole, part))]

    def power(self) -> Node:
        node = self.atom()
        raised = factorial = False
        while True:
            token = self.peek()
            if token.text == "!":
                if factorial or self.peek(1).text == "!":
                    raise Unreadable("double factorial")
                self.next()
                node, factorial = Operation("fact", (self.scalar(node),)), True
            elif token.text == "circ" and token.kind == "command":
                self.next()
                node = self._degrees(node)
            elif token.text == "^":
                self.next()
                if self._circle():
                    node = self._degrees(node)
                    continue
                if raised:
                    raise Unreadable("double exponent")
                node, raised = Operation("^", (self.scalar(node), self.exponent())), True
            else:
                return node

    def _degrees(self, node: Node) -> Scalar:
        inner = self.scalar(node)
        if isinstance(inner, Operation) and inner.op == "deg":
            raise Unreadable("degrees of degrees")
        return Operation("deg", (inner,))

    def _circle(self) -> bool:
        if self._is_circle(0):
            self.next()
            return True
        if self.peek().text == "{" and self._is_circle(1) and self.peek(2).text == "}":
            self.position += 3
            return True
        return False

    def _is_circle(self, ahead: int) -> bool:
        return self.peek(ahead).text in ("circ", "o")

    def exponent(self) -> Scalar:
        negative = False
        while self.peek().text in ("-", "+"):
            negative ^= self.next().text == "-"
        value = self.scalar(self.atom())
        return Operation("neg", (value,)) if negative else value

    def argument(self) -> Scalar:
        """One argument as TeX takes it: a group, one digit, or one token."""
        token = self.peek()
        if token.kind == "number" and len(token.text) > 1:
            self.tokens[self.position] = Token("number", token.text[1:])
            if not token.text[0].isdigit():
                raise Unreadable("argument")
            return Number(Fraction(int(token.text[0])))
        if token.text in ("-", "+"):
            raise Unreadable("argument")
        return self.scalar(self.atom())

    def atom(self) -> Node:
        self.depth += 1
        if self.depth > self.max_depth:
            raise NeedsChild
        try:
            return self._atom()
        finally:
            self.depth -= 1

    def _atom(self) -> Node:
        token = self.peek()
        if token.kind == "number":
            return self.number()
        if token.kind == "letter" or (token.kind == "text" and len(token.text) == 1):
            return self.letter()
        if token.text == "{":
            self.next()
            node = self.scalar(self.sum())
            self.expect("}")
            return node
        if token.text in ("(", "[", "]", "\\{") or token.text in ("langle", "lbrace", "lbrack"):
            return self.bracket()
        if token.text in ("|", "vert"):
            return self._absolute()
        if token.kind == "command":
            self.next()
            return self.command(token.text)
        raise Unreadable(f"{token.text!r}" if token is not END else "an end too early")

    def letter(self) -> Scalar:
        letter = self.next().text
        name = letter
        if self.peek().text == "_":
            self.next()
            name += "_" + self.subscript()
        while self.peek().text in ("'", "prime"):
            name += self.next().text[0]
        if self._at_inverse():
            self.position += len(_INVERSE)
            return self._application(name + "^{-1}")
        if letter in ("f", "g") and self.peek().text == "(":
            return self._application(name)
        if name in ("e", "i"):
            return Constant(name)
        return Symbol(name)

    def _at_inverse(self) -> bool:
        written = [self.peek(ahead).text for ahead in range(len(_INVERSE) + 1)]
        return written == [*_INVERSE, "("]

    def _application(self, name: str) -> Scalar:
        inner = self.bracket()
        items = inner.items if isinstance(inner, Bracket) else (inner,)
        return Operation("opaque", tuple(self.scalar(item) for item in items), name)

    def _absolute(self) -> Scalar:
        closing = self.next().text
        self.bars += 1
        value = self.scalar(self.sum())
        self.bars -= 1
        self.expect(closing)
        return Operation("abs", (value,))
