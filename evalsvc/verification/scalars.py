"""The scalar grammar: sums, products, powers, functions, mixed numbers, repeating decimals."""

from fractions import Fraction

from evalsvc.verification.lexer import END, FUNCTIONS, Token
from evalsvc.verification.limits import NeedsChild
from evalsvc.verification.normalise import Unreadable
from evalsvc.verification.tree import (
    SCALARS,
    Based,
    Bracket,
    Constant,
    Node,
    Number,
    Operation,
    Scalar,
    Symbol,
    substitute,
)

_FRACTIONS = frozenset(("frac", "dfrac", "tfrac", "cfrac"))
_OPAQUE = frozenset("overline bar vec overrightarrow overleftrightarrow widehat hat tilde underline angle triangle odot".split())
_GREEK = frozenset(
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi rho"
    " sigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Sigma Upsilon Phi Psi Omega"
    " ell".split()
)
_TIMES = frozenset(("*", "cdot", "times", "ast", "bullet"))
_BY = frozenset(("/", "div"))
_OVER = {"lfloor": "rfloor", "lceil": "rceil", "lvert": "rvert"}
_BIG = frozenset(("sum", "prod"))
_STARTS = _BIG | _FRACTIONS | _OPAQUE | _GREEK | FUNCTIONS | set(_OVER) | {
    "sqrt", "pi", "infty", "binom", "dbinom", "tbinom", "begin", "emptyset", "varnothing", "mathbb",
    "langle", "lbrace", "imath",
}  # fmt: skip
_ZERO = Number(Fraction(0))


class ScalarParser:
    """A cursor over tokens with the scalar grammar; `_Parser` adds the structures."""

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

    def bracket(self) -> Node:
        raise Unreadable("brackets")

    def environment(self) -> Node:
        raise Unreadable("environment")

    def named_set(self, name: str) -> Node | None:
        raise Unreadable(name)

    @staticmethod
    def scalar(node: Node) -> Scalar:
        """`node` as an operand of arithmetic."""
        if isinstance(node, SCALARS):
            return node
        if isinstance(node, Bracket) and node.opening + node.closing == "[]" and len(node.items) == 1:
            return ScalarParser.scalar(node.items[0])
        raise Unreadable("arithmetic with a structure")

    def sum(self) -> Node:
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
        total = _ZERO if not terms else terms[0] if len(terms) == 1 else Operation("+", tuple(terms))
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
            elif self._starts_atom():
                self._check_juxtaposition(token)
                factors.append(self.scalar(self.power()))
                self._mixed(factors, token)
            else:
                break
        return Operation("*", tuple(factors)) if len(factors) > 1 else factors[0]

    def _goes_on(self) -> bool:
        return self.peek().text in _TIMES or self.peek().text in _BY or self._starts_atom()

    def _starts_atom(self) -> bool:
        token = self.peek()
        if token.kind in ("number", "letter"):
            # "25 C" and "118 T" after a degree sign are units
            return not (token.text in "CFT" and self._after_degree())
        if token.kind == "command":
            return token.text in _STARTS
        if token.kind == "text":
            return len(token.text) == 1 and token.text not in "mgshlLNJWVKCFT"
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
        """Join `3 \\frac{1}{8}` (and `1 1/2`) into one mixed number, if the fraction is proper."""
        if len(factors) != 2 or not isinstance(factors[0], Number) or factors[0].digits:
            return
        whole, part = factors
        if token.kind == "number" and self.peek().text == "/":
            self.next()
            bottom = self.power()
            if not isinstance(part, Number) or not isinstance(bottom, Number) or not bottom.value:
                raise Unreadable("two numbers side by side")
            part = Operation("*", (part, Operation("/", (bottom,))), "fraction")
        if token.text not in _FRACTIONS and token.kind != "number":
            return
        if not isinstance(part, Operation) or part.label != "fraction":
            return
        top, bottom = part.args[0], part.args[1]
        assert isinstance(bottom, Operation)
        under = bottom.args[0]
        if isinstance(top, Number) and isinstance(under, Number) and 0 < top.value < under.value:
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
        if self.peek().text == "circ":
            self.next()
            return True
        if self.peek().text == "{" and self.peek(1).text == "circ" and self.peek(2).text == "}":
            self.position += 3
            return True
        return False

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
            return self._number()
        if token.kind == "letter" or (token.kind == "text" and len(token.text) == 1):
            return self._letter()
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
            return self._command(token.text)
        raise Unreadable(f"{token.text!r}" if token is not END else "an end too early")

    def _number(self) -> Node:
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
        if token.kind != "number" or not token.text.isdigit() or (braces and self.next().text != "}"):
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
        if token.kind != "number" or not token.text.isdigit() or (braces and self.next().text != "}"):
            raise Unreadable("base")
        return Based(False, digits.lstrip("0") or "0", int(token.text))

    def _letter(self) -> Scalar:
        letter = self.next().text
        name = letter
        if self.peek().text == "_":
            self.next()
            name += "_" + self._subscript()
        while self.peek().text in ("'", "prime"):
            name += self.next().text[0]
        if name in ("f", "g") or (name[0] in "fg" and len(name) > 1):
            if self.peek().text == "(":
                return self._application(name)
        if name in ("e", "i"):
            return Constant(name)
        return Symbol(name)

    def _application(self, name: str) -> Scalar:
        inner = self.bracket()
        items = inner.items if isinstance(inner, Bracket) else (inner,)
        return Operation("opaque", tuple(self.scalar(item) for item in items), name)

    def _subscript(self) -> str:
        if self.peek().text != "{":
            return self.next().text
        self.next()
        return self.raw_group()

    def raw_group(self) -> str:
        """The text of a group whose opening brace has been taken."""
        depth, written = 1, []
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

    def _absolute(self) -> Scalar:
        closing = self.next().text
        self.bars += 1
        value = self.scalar(self.sum())
        self.bars -= 1
        self.expect(closing)
        return Operation("abs", (value,))

    def _command(self, name: str) -> Node:
        if name in _FRACTIONS:
            top, bottom = self.argument(), self.argument()
            return Operation("*", (top, Operation("/", (bottom,))), "fraction")
        if name == "sqrt":
            return self._root()
        if name in ("binom", "dbinom", "tbinom"):
            return Operation("binom", (self.argument(), self.argument()))
        if name == "pi":
            return Constant("pi")
        if name == "infty":
            return Constant("infinity")
        if name == "imath":
            return Constant("i")
        if name in FUNCTIONS:
            return self._function(name)
        if name in _BIG:
            return self._series(name)
        if name in _GREEK:
            if self.peek().text == "_":
                self.next()
                name += "_" + self._subscript()
            return Symbol(name)
        if name in _OVER:
            value = self.scalar(self.sum())
            self.expect(_OVER[name])
            return Operation({"lfloor": "floor", "lceil": "ceil", "lvert": "abs"}[name], (value,))
        if name in _OPAQUE:
            return Operation("opaque", (), f"{name} {self._marked()}")
        if name == "begin":
            return self.environment()
        named = self.named_set(name)
        if named is None:
            raise Unreadable(f"\\{name}")
        return named

    def _marked(self) -> str:
        """What stands below a bar or after an angle sign, as letters."""
        if self.peek().text == "{":
            self.next()
            return self.raw_group()
        written = []
        while self.peek().kind in ("letter", "number") and len(written) < 4:
            written.append(self.next().text)
        if not written:
            raise Unreadable("mark without letters")
        return "".join(written)

    def _root(self) -> Scalar:
        degree: Scalar = Number(Fraction(2))
        if self.peek().text == "[":
            self.next()
            degree = self.scalar(self.sum())
            self.expect("]")
        # \sqrt12 is typeset as the root of 1, times 2; writers mean the root of 12
        radicand = self.scalar(self.atom())
        return Operation("root", (radicand, degree))

    def _series(self, name: str) -> Scalar:
        """`\\sum_{k=1}^{n} term`: its variable in the label; the term reaches to the next + or -."""
        self.expect("_")
        self.expect("{")
        variable = self._letter()
        self.expect("=")
        low = self.scalar(self.sum())
        self.expect("}")
        self.expect("^")
        high = self.exponent()
        if not isinstance(variable, Symbol | Constant) or variable.name == "e":
            raise Unreadable("index of a sum")
        body = self.scalar(self.product())
        return Operation(name, (low, high, rename(body, variable.name)), variable.name)

    def _function(self, name: str) -> Scalar:
        exponent: Scalar | None = None
        base: Scalar | None = None
        if self.peek().text == "_" and name in ("log", "lg"):
            self.next()
            base = self.argument()
        if self.peek().text == "^":
            self.next()
            exponent = self.exponent()
        if exponent is not None and _is_minus_one(exponent):
            name, exponent = f"arc{name}", None
            if name not in FUNCTIONS:
                raise Unreadable("inverse")
        argument = self._function_argument()
        value: Scalar = Operation(name, (argument,) if base is None else (argument, base))
        return value if exponent is None else Operation("^", (value, exponent))

    def _function_argument(self) -> Scalar:
        if self.peek().text in ("(", "[", "{"):
            return self.scalar(self.power() if self.peek().text == "{" else self.bracket())
        negative = False
        while self.peek().text == "-":
            self.next()
            negative = not negative
        factors: list[Scalar] = []
        while self._starts_atom() and self.peek().text not in FUNCTIONS:
            if factors and self.peek().text in ("(", "["):
                break
            if factors and self.peek().kind == "number":
                raise Unreadable("two numbers side by side")
            factors.append(self.scalar(self.power()))
        if not factors:
            if self.peek().text in FUNCTIONS:
                factors.append(self.scalar(self.power()))
            else:
                raise Unreadable("function without argument")
        value = factors[0] if len(factors) == 1 else Operation("*", tuple(factors))
        return Operation("neg", (value,)) if negative else value


def rename(node: Scalar, name: str) -> Scalar:
    """An index called `i` is a variable, not the imaginary unit."""
    return substitute(node, Constant(name), Symbol(name)) if name == "i" else node


def _is_minus_one(node: Scalar) -> bool:
    return (
        isinstance(node, Operation)
        and node.op == "neg"
        and isinstance(node.args[0], Number)
        and node.args[0].value == 1
    )
