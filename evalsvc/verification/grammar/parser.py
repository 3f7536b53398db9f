"""The grammar of answers: from tokens to a tree, by recursive descent with a bounded depth.

Brackets, separators, relations, bases and units are kept. What is not understood raises
Unreadable: nothing is guessed and nothing is evaluated. From the outside in: a listing holds
relations, a relation ratios, a ratio joined sets, those items with units, and an item a sum of
products of powers of atoms.
"""

from collections.abc import Callable, Container
from fractions import Fraction

from evalsvc.verification.grammar.lexer import END, FUNCTIONS, Token, tokenise
from evalsvc.verification.grammar.literals import numeral_in_base
from evalsvc.verification.grammar.matrices import (
    added,
    determinant,
    multiplied,
    scaled,
    transposed,
)
from evalsvc.verification.grammar.normalise import Unreadable
from evalsvc.verification.grammar.tree import (
    SCALARS,
    Based,
    Braces,
    Bracket,
    Constant,
    Joined,
    Listing,
    Matrix,
    Node,
    Number,
    Operation,
    Quantity,
    Ratio,
    Relation,
    Scalar,
    Symbol,
    Words,
    substitute,
)
from evalsvc.verification.grammar.units import ONE_LETTER, canonical_unit
from evalsvc.verification.grammar.vocabulary import (
    AFTER_DEGREES,
    APPROXIMATE,
    ASIDE,
    BIG,
    BY,
    CLOSING,
    CONSTANTS,
    FRACTIONS,
    GREEK,
    INVERSE,
    JOINS,
    MATRICES,
    N_ARY,
    OPAQUE,
    OVER,
    RELATIONS,
    STARTS,
    TIMES,
    UNBRACKETED,
)
from evalsvc.verification.limits import NESTING, LimitExceeded, NeedsChild

_REALS = Bracket(
    "(", ")", (Operation("neg", (Constant("infinity"),)), Constant("infinity"))
)  # fmt: skip
_ZERO = Number(Fraction(0))
_MINUS_ONE = Number(Fraction(-1))


def parse(text: str, *, max_depth: int = NESTING, own_words: Container[str] = ()) -> Node:
    """Parse a cleaned answer. `own_words`: nouns that count as units besides the listed ones.

    Raises Unreadable for what is not understood, NeedsChild for nesting above `max_depth`, and
    LimitExceeded for nesting above the cap.
    """
    tokens = tokenise(text)
    _check_nesting(tokens, max_depth)
    parser = Parser(tokens, max_depth, own_words)
    node = parser.listing(frozenset(("",)))
    if parser.peek() is not END:
        raise Unreadable(f"{parser.peek().text!r} in the way")
    return node


def _check_nesting(tokens: list[Token], max_depth: int) -> None:
    depth = deepest = 0
    for token in tokens:
        if token.text in ("{", "(", "[", "\\{"):
            depth += 1
            deepest = max(deepest, depth)
        elif token.text in ("}", ")", "]", "\\}"):
            depth -= 1
    if deepest > NESTING:
        raise LimitExceeded("nesting")
    if deepest > max_depth:
        raise NeedsChild


class Parser:
    """A position in the tokens of one answer, and the rules that parse from there."""

    def __init__(self, tokens: list[Token], max_depth: int, own_words: Container[str] = ()) -> None:
        self.own_words = own_words
        self.tokens = tokens
        self.position = 0
        self.depth = 0
        self.max_depth = max_depth
        self.bars = 0

    # -- tokens

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
        places = len(text.rstrip(".").partition(".")[2])
        return Number(Fraction(text.rstrip(".") if text != "." else "0"), digits, places)

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
        """The text below a bar or after an angle sign, as letters."""
        if self.peek().text == "{":
            self.next()
            return self.raw_group()
        written: list[str] = []
        while self.peek().kind in ("letter", "number") and len(written) < 4:
            written.append(self.next().text)
        if not written:
            raise Unreadable("mark without letters")
        return "".join(written)

    # -- structures

    def listing(self, closers: frozenset[str]) -> Node:
        """Items with separators, up to a token of `closers` ("" is the end)."""
        items: list[Node] = []
        alternative = separated = False
        while True:
            items.append(self.relation())
            if not self._separator():
                break
            while True:
                alternative |= self.tokens[self.position - 1].text == "or"
                if not self._separator():
                    break
            separated = True
            if self.peek().text in closers:
                break
        if len(items) == 1 and not separated:
            return items[0]
        return Listing(tuple(items), alternative)

    def _separator(self) -> bool:
        token = self.peek()
        if token.kind == "separator" or token.text in (",", ";", "\\&"):
            self.position += 1
            return True
        return False

    def relation(self) -> Node:
        operators: list[str] = []
        parts: list[Node | None] = []
        if self.peek().symbol in RELATIONS:
            parts.append(None)
        else:
            parts.append(self.ratio())
        while self.peek().symbol in RELATIONS or self.peek().symbol == "not":
            name = self.next().text
            if name == "not":
                if self.peek().text not in ("=", "in"):
                    raise Unreadable("not")
                name = {"=": "ne", "in": "notin"}[self.next().text]
            # "<=" and ">=" written with two characters
            if name in "<>" and self.peek().text == "=" and self.peek().glued:
                self.position += 1
                name = {"<": "le", ">": "ge"}[name]
            operators.append(RELATIONS[name])
            parts.append(self.ratio())
        if self._approximation_in_brackets():
            self.next()
            operators.append(RELATIONS[self.next().text])
            parts.append(self.ratio())
            self.expect(")")
        if not operators:
            first = parts[0]
            assert first is not None
            return first
        return Relation(tuple(operators), tuple(parts))

    def _approximation_in_brackets(self) -> bool:
        """`(\\approx 0.78)`"""
        return self.peek().text == "(" and self.peek(1).symbol in APPROXIMATE

    def ratio(self) -> Node:
        items = [self.joined()]
        while _is_colon(self.peek()):
            self.next()
            items.append(self.joined())
        return Ratio(tuple(items)) if len(items) > 1 else items[0]

    def joined(self) -> Node:
        parts, operators = [self.item()], []
        while self.peek().text in JOINS and self.peek().kind == "command":
            operators.append(JOINS[self.next().text])
            parts.append(self.item())
        return Joined(tuple(operators), tuple(parts)) if operators else parts[0]

    def item(self) -> Node:
        """A scalar with its unit, or a structure."""
        token = self.peek()
        if token.kind == "text" and not self._text_is_label():
            return self._words()
        sign, unit = False, ""
        if token.text in ("-", "+") and self.peek(1).text in ("dollar", "$"):
            sign = self.next().text == "-"
        if self.peek().text == "dollar":
            self.next()
            unit = "dollar"
        node = self.sum()
        if sign:
            node = Operation("neg", (self.scalar(node),))
        found = self._unit()
        if found and unit and found != unit:
            raise Unreadable("two units")
        unit = unit or found
        degrees = _in_degrees(node)
        if degrees is not None:
            if unit not in AFTER_DEGREES:
                raise Unreadable("two units")
            return Quantity(degrees, AFTER_DEGREES[unit])
        if not unit:
            return node
        if unit in ("C", "F", "T"):
            raise Unreadable("unit")
        return Quantity(self.scalar(node), unit)

    def _text_is_label(self) -> bool:
        return len(self.peek().text) == 1

    def _words(self) -> Node:
        words = []
        while self.peek().kind == "text":
            words.append(self.next().text)
        text = " ".join(words)
        if self.peek().kind in ("number", "letter", "command") or self.peek().text in ("(", "\\{"):
            # a label of words before a value: "Area 5" is not read, "Area = 5" is
            raise Unreadable("words before a value")
        return Words(text.casefold().strip(" ."), text)

    def _unit(self) -> str:  # noqa: PLR0911 - one form each
        """A unit after a scalar: percent, words, or symbols with powers."""
        token = self.peek()
        if token.text in ("%", "\\%"):
            self.next()
            return "percent"
        if token.text == "dollar" and self._at_end(1):
            return self.next().text
        if self._unit_in_brackets():
            self.next()
            unit = self._written_unit()
            self.expect(")")
            return unit
        if token.kind == "letter" and token.text in ("C", "F", "T") and self._at_end(1):
            return self.next().text
        if token.kind != "text" or _is_colon(token):
            return ""
        if token.text in ("C", "F", "T"):
            return self.next().text
        return self._written_unit()

    def _unit_in_brackets(self) -> int:
        """How many tokens `(\\text{cm}^2)` takes at this place; 0 where there is no such unit."""
        word = self.peek(1)
        is_unit = word.kind == "text" and (len(word.text) > 1 or word.text in ONE_LETTER)
        if self.peek().text != "(" or not is_unit:
            return 0
        ahead = 1
        while self.peek(ahead).kind in ("text", "number") or self.peek(ahead).text in tuple(
            "^{}/-"
        ):
            ahead += 1
        return ahead + 1 if self.peek(ahead).text == ")" else 0

    def _written_unit(self) -> str:
        written: list[str] = []
        while True:
            token = self.peek()
            if token.kind == "text":
                written.append(self.next().text)
            elif token.text == "^" and written:
                self.next()
                written.append("^" + self._unit_power())
            elif token.text in ("/", "cdot") and written and self._unit_goes_on():
                written.append("/" if self.next().text == "/" else " ")
                written.append(self.next().text)
            else:
                break
        words = " ".join(written).replace(" ^", "^").strip()
        if words.rstrip(".") in ("in total", "altogether", "in all", "total"):
            return ""
        if words.endswith(("values of", "choices of")) and self.peek().kind == "letter":
            self.next()  # "12 values of n"
            words = words.removesuffix(" of")
        unit = canonical_unit(words, self.own_words)
        if unit is None:
            raise Unreadable(f"{' '.join(written)!r} is no unit and no counted noun")
        return unit

    def _unit_goes_on(self) -> bool:
        following = self.peek(1)
        return following.kind == "text" or following.text in ONE_LETTER

    def _unit_power(self) -> str:
        braces = self.peek().text == "{"
        if braces:
            self.next()
        sign = self.next().text if self.peek().text == "-" else ""
        token = self.next()
        if token.kind != "number" or (braces and self.next().text != "}"):
            raise Unreadable("power of a unit")
        return sign + token.text

    def _at_end(self, ahead: int) -> bool:
        token = self.peek(ahead)
        return token is END or token.text in (",", ";") or token.text in CLOSING

    # -- structures in the place of a scalar

    def bracket(self) -> Node:
        opening = self.next().text
        if opening in ("\\{", "lbrace"):
            return self._braces()
        closers = CLOSING if opening in ("(", "[", "]", "lbrack") else frozenset(("rangle",))
        if self.peek().text in closers:
            raise Unreadable("empty brackets")
        inner = self.listing(closers)
        closing = self.next().text
        if closing not in closers or closing in ("\\}", "}"):
            raise Unreadable("brackets do not match")
        opening = {"]": "(", "lbrack": "[", "langle": "<"}.get(opening, opening)
        closing = {"[": ")", "rbrack": "]", "rangle": ">"}.get(closing, closing)
        if isinstance(inner, Listing):
            if inner.alternative:
                raise Unreadable("or in brackets")
            return Bracket(opening, closing, inner.items)
        if isinstance(inner, Matrix) and opening + closing in ("()", "[]"):
            return inner
        if opening + closing == "()":
            return inner
        return Bracket(opening, closing, (inner,))

    def _braces(self) -> Node:
        if self.peek().text in ("\\}", "rbrace"):
            self.next()
            return Braces(())
        inner = self.listing(frozenset(("\\}", "rbrace")))
        if self.next().text not in ("\\}", "rbrace"):
            raise Unreadable("braces do not match")
        if isinstance(inner, Listing):
            if inner.alternative:
                raise Unreadable("or in braces")
            return Braces(inner.items)
        return Braces((inner,))

    def environment(self) -> Node:
        name = self.name_in_braces()
        if name in ASIDE:
            return self._lines(name)
        if name not in MATRICES:
            raise Unreadable(f"environment {name}")
        if name == "array" and self.peek().text == "{":
            while self.peek() is not END and self.next().text != "}":
                pass
        matrix = self._rows(name)
        if name == "vmatrix":
            return determinant(matrix)
        single = name in UNBRACKETED and len(matrix.rows) == len(matrix.rows[0]) == 1
        return matrix.rows[0][0] if single else matrix

    def _rows(self, name: str) -> Matrix:
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []
        while True:
            if self.peek().text in ("\\\\", "end", "hline") and not row:
                token = self.next()
                if token.text == "end":
                    break
                continue
            row.append(self.relation())
            token = self.next()
            if token.text == "&":
                continue
            rows.append(tuple(row))
            row = []
            if token.text == "end":
                break
            if token.text != "\\\\":
                raise Unreadable("matrix")
        if self.name_in_braces() != name or not rows or len({len(line) for line in rows}) != 1:
            raise Unreadable("matrix")
        return Matrix(tuple(rows))

    def _lines(self, name: str) -> Node:
        """Lines below each other: one is its content, several are a list."""
        depth, at = 0, self.position
        while self.peek() is not END and not (self.peek().text == "end" and depth == 0):
            token = self.next()
            depth += (token.text == "begin") - (token.text == "end")
        lines = [token for token in self.tokens[at : self.position] if token.text != "&"]
        self.tokens[at : self.position] = [
            Token("separator", ",") if token.text == "\\\\" else token for token in lines
        ]
        self.position = at
        node = self.listing(frozenset(("end",)))
        self.expect("end")
        if self.name_in_braces() != name:
            raise Unreadable("environment")
        return node

    def named_set(self, name: str) -> Node | None:
        if name in ("emptyset", "varnothing"):
            return Braces(())
        if name == "mathbb":
            letter = self.name_in_braces() if self.peek().text == "{" else self.next().text
            if letter == "R":
                return _REALS
            return Operation("opaque", (), f"set {letter}")
        return None

    # -- sums, products, powers

    def sum(self) -> Node:
        """A sum, or two of them with `\\over` or `\\choose` between (TeX's own fractions)."""
        node = self._terms()
        name = self.peek().text
        if self.peek().kind != "command" or name not in ("over", "choose", "bmod", "mod"):
            return node
        self.next()
        if name in ("bmod", "mod"):
            return self._remainder(self.scalar(node))
        top, bottom = self.scalar(node), self.scalar(self._terms())
        if name == "choose":
            return Operation("binom", (top, bottom))
        return Operation("*", (top, Operation("/", (bottom,))), "fraction")

    def _remainder(self, value: Scalar) -> Scalar:
        """`17 \\bmod 5`; next to a sum the operand of the modulus is unclear."""
        modulus = self.scalar(self.product())
        summed = isinstance(value, Operation) and value.op in ("+", "neg", "pm")
        if summed or self.peek().text in ("+", "-", "pm", "mp"):
            raise Unreadable("a remainder in a sum")
        return Operation("mod", (value, modulus))

    def _terms(self) -> Node:
        terms: list[Scalar] = []
        matrices: list[Matrix] = []
        distance: Scalar | None = None
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
            if isinstance(node, Matrix) and not both:
                matrices.append(scaled(node, _MINUS_ONE) if negative else node)
                if self.peek().text not in ("+", "-", "pm", "mp"):
                    break
                continue
            term = self.scalar(node)
            if both:
                if distance is not None:
                    raise Unreadable("two signs of either kind")
                distance = term
            else:
                terms.append(Operation("neg", (term,)) if negative else term)
            if self.peek().text not in ("+", "-", "pm", "mp"):
                break
        if matrices:
            if terms or distance is not None:
                raise Unreadable("a matrix and a number in one sum")
            return added(matrices) if len(matrices) > 1 else matrices[0]
        total = (
            _ZERO if not terms else terms[0] if len(terms) == 1 else Operation("+", tuple(terms))
        )
        return total if distance is None else Operation("pm", (total, distance))

    def product(self) -> Node:
        node = self.power()
        if not self._goes_on():
            return node
        factors: list[Scalar] = []
        matrix = self._take(node, None, factors)
        while True:
            token = self.peek()
            if token.symbol in TIMES or token.symbol in BY:
                matrix = self._written_factor(matrix, factors)
            elif self.starts_atom():
                before = factors[-1] if factors else None
                self._check_juxtaposition(token, before)
                following = self.power()
                if (
                    token.text == "{"
                    and isinstance(following, Number)
                    and isinstance(before, Number)
                ):
                    raise Unreadable("two numbers side by side")
                matrix = self._take(following, matrix, factors)
                if not isinstance(following, Matrix):
                    self._mixed(factors, token)
            else:
                break
        if matrix is not None:
            return scaled(matrix, Operation("*", tuple(factors))) if factors else matrix
        return Operation("*", tuple(factors)) if len(factors) > 1 else factors[0]

    def _take(self, node: Node, matrix: Matrix | None, factors: list[Scalar]) -> Matrix | None:
        """Add one factor: matrices are multiplied out, scalars collected."""
        if isinstance(node, Matrix):
            return node if matrix is None else multiplied(matrix, node)
        factors.append(self.scalar(node))
        return matrix

    def _written_factor(self, matrix: Matrix | None, factors: list[Scalar]) -> Matrix | None:
        """What follows a sign of multiplication or division."""
        divides = self.next().symbol in BY
        negative = False
        while self.peek().text in ("-", "+"):
            negative ^= self.next().text == "-"
        following = self.power()
        if isinstance(following, Matrix) and not divides:
            factors += [_MINUS_ONE] if negative else []
            return self._take(following, matrix, factors)
        factor = self.scalar(following)
        factor = Operation("/", (factor,)) if divides else factor
        factors.append(Operation("neg", (factor,)) if negative else factor)
        return matrix

    def _goes_on(self) -> bool:
        return self.peek().symbol in TIMES or self.peek().symbol in BY or self.starts_atom()

    def starts_atom(self) -> bool:
        token = self.peek()
        if token.kind in ("number", "letter"):
            # "25 C" and "118 T" after a degree sign are units
            return not (token.text in "CFT" and self._after_degree())
        if token.kind == "command":
            return token.text in STARTS
        if token.kind == "text":
            return len(token.text) == 1 and token.text not in ONE_LETTER | frozenset("CFT")
        if token.text == "(" and (self._unit_in_brackets() or self._approximation_in_brackets()):
            return False
        return token.text in ("(", "[", "{", "\\{") or (token.text == "|" and not self.bars)

    def _after_degree(self) -> bool:
        previous = [token.text for token in self.tokens[max(0, self.position - 3) : self.position]]
        return "circ" in previous

    def _check_juxtaposition(self, token: Token, before: Scalar | None) -> None:
        """Two numerals side by side are no product: `3 4`, `{8}{5}`."""
        previous = self.tokens[self.position - 1]
        if token.kind == "number" and previous.text == "}" and isinstance(before, Number):
            raise Unreadable("two numbers side by side")
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

        With an improper fraction it is neither that nor a usual product.
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
                if isinstance(node, Matrix) and self._transpose():
                    node = transposed(node)
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

    def _transpose(self) -> bool:
        braces = self.peek().text == "{"
        if self.peek(int(braces)).text not in ("T", "top", "t"):
            return False
        self.position += 3 if braces else 1
        return True

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
            inner = self.sum()
            node = inner if isinstance(inner, Matrix) else self.scalar(inner)
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
            self.position += len(INVERSE)
            return self._application(name + "^{-1}")
        if letter in ("f", "g") and self.peek().text == "(":
            return self._application(name)
        if name == "C" and self.peek().text == "(":
            return self._combinations()
        if name in ("e", "i"):
            return Constant(name)
        return Symbol(name)

    def _at_inverse(self) -> bool:
        written = [self.peek(ahead).text for ahead in range(len(INVERSE) + 1)]
        return written == [*INVERSE, "("]

    def _combinations(self) -> Scalar:
        """`C(10,3)`; with one number in the brackets `C` is a letter that multiplies."""
        at = self.position
        inner = self.bracket()
        if isinstance(inner, Bracket) and len(inner.items) == 2 and inner.opening == "(":
            return Operation("binom", tuple(self.scalar(item) for item in inner.items))
        self.position = at
        return Symbol("C")

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

    # -- commands

    @staticmethod
    def scalar(node: Node) -> Scalar:
        """`node` as an operand of arithmetic."""
        if isinstance(node, SCALARS):
            return node
        if (
            isinstance(node, Bracket)
            and node.opening + node.closing == "[]"
            and len(node.items) == 1
        ):
            return Parser.scalar(node.items[0])
        raise Unreadable("arithmetic with a structure")

    def command(self, name: str) -> Node:
        if name in CONSTANTS:
            return Constant(CONSTANTS[name])
        for names, read in _READERS:
            if name in names:
                return read(self, name)
        named = self.named_set(name)
        if named is None:
            raise Unreadable(f"\\{name}")
        return named

    def _fraction(self, _name: str) -> Scalar:
        top, bottom = self.argument(), self.argument()
        return Operation("*", (top, Operation("/", (bottom,))), "fraction")

    def _binomial(self, _name: str) -> Scalar:
        return Operation("binom", (self.argument(), self.argument()))

    def _greek(self, name: str) -> Scalar:
        if self.peek().text == "_":
            self.next()
            name += "_" + self.subscript()
        return Symbol(name)

    def _delimited(self, name: str) -> Scalar:
        closing, operation = OVER[name]
        value = self.scalar(self.sum())
        self.expect(closing)
        return Operation(operation, (value,))

    def _opaque(self, name: str) -> Scalar:
        return Operation("opaque", (), f"{name} {self.marked()}")

    def _environment(self, _name: str) -> Node:
        return self.environment()

    def _root(self, _name: str) -> Scalar:
        degree: Scalar = Number(Fraction(2))
        if self.peek().text == "[":
            self.next()
            degree = self.scalar(self.sum())
            self.expect("]")
        # \sqrt12 is typeset as the root of 1, times 2; writers mean the root of 12
        radicand = self.scalar(self.atom())
        return Operation("root", (radicand, degree))

    def _of_several(self, name: str) -> Scalar:
        """`\\gcd(4, 6)`, `\\max\\{x, 0\\}`"""
        if self.peek().text not in ("(", "\\{", "lbrace", "["):
            raise Unreadable("function without argument")
        inner = self.bracket()
        items = inner.items if isinstance(inner, Bracket | Braces) else (inner,)
        return Operation(name, tuple(self.scalar(item) for item in items))

    def _determinant(self, _name: str) -> Scalar:
        node = self.power()
        if not isinstance(node, Matrix):
            raise Unreadable("determinant")
        return determinant(node)

    def _limit(self, _name: str) -> Scalar:
        """`\\lim_{x \\to 0} body`"""
        self.expect("_")
        self.expect("{")
        variable = self.letter()
        if self.next().text not in ("to", "rightarrow"):
            raise Unreadable("limit")
        point = self.scalar(self.sum())
        side = ""
        if self.peek().text == "^":
            self.next()
            side = self._sign_in_exponent()
        self.expect("}")
        if not isinstance(variable, Symbol):
            raise Unreadable("variable of a limit")
        return Operation("lim", (point, self.scalar(self.product())), variable.name + side)

    def _sign_in_exponent(self) -> str:
        braces = self.peek().text == "{"
        sign = self.peek(int(braces)).text
        if sign not in ("+", "-"):
            raise Unreadable("side of a limit")
        self.position += 3 if braces else 1
        return sign

    def _integral(self, _name: str) -> Scalar:
        """`\\int_a^b f \\, dx`, with bounds or without."""
        bounds: tuple[Scalar, ...] = ()
        if self.peek().text == "_":
            self.next()
            low = self.exponent()
            self.expect("^")
            bounds = (low, self.exponent())
        self._mark_differential()
        body: Scalar = Number(Fraction(1))
        if self.peek().kind != "differential":
            body = self.scalar(self.sum())
        if self.next().kind != "differential":
            raise Unreadable("integral")
        variable = self.letter()
        if not isinstance(variable, Symbol):
            raise Unreadable("variable of an integral")
        return Operation("int", (*bounds, body), variable.name)

    def _mark_differential(self) -> None:
        """Find the `d` that ends this integral: inner ones have theirs before it."""
        needed = 1
        for at in range(self.position, len(self.tokens) - 1):
            token, following = self.tokens[at], self.tokens[at + 1]
            needed += token.text == "int"
            if (
                token.text == "d"
                and following.kind == "letter"
                and token.kind in ("letter", "text")
            ):
                needed -= 1
                if needed == 0:
                    self.tokens[at] = Token("differential", "differential")
                    return
        raise Unreadable("integral without differential")

    def _series(self, name: str) -> Scalar:
        """`\\sum_{k=1}^{n} term`, its variable in the label; the term ends at the next + or -."""
        self.expect("_")
        self.expect("{")
        variable = self.letter()
        self.expect("=")
        low = self.scalar(self.sum())
        self.expect("}")
        self.expect("^")
        high = self.exponent()
        if not isinstance(variable, Symbol | Constant) or variable.name == "e":
            raise Unreadable("index of a sum")
        body = self.scalar(self.product())
        return Operation(name, (low, high, _rename(body, variable.name)), variable.name)

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
        if self.peek().text == "{":
            return self.scalar(self.power())
        if self.peek().text in ("(", "["):
            return self.scalar(_angle(self.bracket()))
        negative = False
        while self.peek().text == "-":
            self.next()
            negative = not negative
        factors: list[Scalar] = []
        while self.starts_atom() and self.peek().text not in FUNCTIONS:
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


_READERS: tuple[tuple[frozenset[str], Callable[[Parser, str], Node]], ...] = (
    (FRACTIONS, Parser._fraction),
    (frozenset(("sqrt",)), Parser._root),
    (frozenset(("binom", "dbinom", "tbinom")), Parser._binomial),
    (FUNCTIONS, Parser._function),
    (BIG, Parser._series),
    (N_ARY, Parser._of_several),
    (frozenset(("det",)), Parser._determinant),
    (frozenset(("lim",)), Parser._limit),
    (frozenset(("int",)), Parser._integral),
    (GREEK, Parser._greek),
    (frozenset(OVER), Parser._delimited),
    (OPAQUE, Parser._opaque),
    (frozenset(("begin",)), Parser._environment),
)


def _angle(node: Node) -> Node:
    """`30^\\circ` in brackets is a quantity by itself; as an argument it is a number again."""
    if isinstance(node, Quantity) and node.unit == "degree":
        return Operation("deg", (node.value,))
    return node


def _rename(node: Scalar, name: str) -> Scalar:
    """An index called `i` is a variable, not the imaginary unit."""
    return substitute(node, Constant(name), Symbol(name)) if name == "i" else node


def _is_minus_one(node: Scalar) -> bool:
    return (
        isinstance(node, Operation)
        and node.op == "neg"
        and isinstance(node.args[0], Number)
        and node.args[0].value == 1
    )


def _is_colon(token: Token) -> bool:
    """`3:1`, and `3\\text{ to }1`: the word, not the arrow of that name."""
    return token.text in (":", "colon") or (token.kind, token.text) == ("text", "to")


def _in_degrees(node: Node) -> Scalar | None:
    """The number of degrees in `30^\\circ` and `-5^\\circ`; None for another node."""
    if isinstance(node, Operation) and node.op == "deg":
        return node.args[0]
    if isinstance(node, Operation) and node.op == "neg":
        inner = _in_degrees(node.args[0])
        return None if inner is None else Operation("neg", (inner,))
    return None
