"""The structural parser: from tokens to a tree, by recursive descent with a bounded depth.

Brackets, separators, relations, bases and units are kept as they stand. What is not understood
raises Unreadable: nothing is guessed and nothing is evaluated.
"""

from evalsvc.verification.lexer import END, Token, tokenise
from evalsvc.verification.limits import NESTING, LimitExceeded, NeedsChild
from evalsvc.verification.normalise import Unreadable
from evalsvc.verification.scalars import ScalarParser
from evalsvc.verification.tree import (
    Braces,
    Bracket,
    Constant,
    Joined,
    Listing,
    Matrix,
    Node,
    Operation,
    Quantity,
    Ratio,
    Relation,
    Scalar,
    Words,
)
from evalsvc.verification.units import ONE_LETTER, canonical_unit

_RELATIONS = {
    "=": "=", "<": "<", ">": ">", "lt": "<", "gt": ">", "le": "<=", "leq": "<=", "leqslant": "<=",
    "ge": ">=", "geq": ">=", "geqslant": ">=", "ne": "!=", "neq": "!=", "in": "in",
    "notin": "notin",
    "approx": "~", "sim": "~", "simeq": "~", "cong": "~", "equiv": "==", "to": "to",
    "rightarrow": "to", "Rightarrow": "to", "implies": "to", "iff": "to", "subset": "sub",
    "subseteq": "sub", "perp": "perp", "parallel": "par", "mid": "mid", "propto": "prop",
    "leqq": "<=", "geqq": ">=",
}  # fmt: skip
_JOINS = {"cup": "cup", "cap": "cap", "setminus": "minus", "backslash": "minus"}
_MATRICES = frozenset(
    ("matrix", "pmatrix", "bmatrix", "smallmatrix", "psmallmatrix", "bsmallmatrix", "array")
)
_OPENING = {
    "(": ")",
    "[": "]",
    "]": "[",
    "\\{": "\\}",
    "langle": "rangle",
    "lbrace": "rbrace",
    "lbrack": "rbrack",
}
_CLOSING = frozenset((")", "]", "[", "\\}", "rangle", "rbrace", "rbrack", "}"))
#: What may stand behind a degree sign: nothing, a scale of temperature, the T of a true bearing.
_AFTER_DEGREES = {"": "degree", "T": "degree", "C": "degree C", "F": "degree F"}
_REALS = Bracket(
    "(", ")", (Operation("neg", (Constant("infinity"),)), Constant("infinity"))
)  # fmt: skip


def parse(text: str, *, max_depth: int = NESTING) -> Node:
    """Parse a cleaned answer.

    Raises Unreadable for what is not understood, NeedsChild for nesting above `max_depth`, and
    LimitExceeded for nesting above the cap.
    """
    tokens = tokenise(text)
    _check_nesting(tokens, max_depth)
    parser = _Parser(tokens, max_depth)
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


class _Parser(ScalarParser):
    """Structures; the scalar grammar is in `scalars.py`."""

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
        if self.peek().text in _RELATIONS:
            parts.append(None)
        else:
            parts.append(self.ratio())
        while self.peek().text in _RELATIONS or self.peek().text == "not":
            name = self.next().text
            if name == "not":
                if self.peek().text not in ("=", "in"):
                    raise Unreadable("not")
                name = {"=": "ne", "in": "notin"}[self.next().text]
            # "<=" and ">=" written with two characters
            if name in "<>" and self.peek().text == "=" and self.peek().glued:
                self.position += 1
                name = {"<": "le", ">": "ge"}[name]
            operators.append(_RELATIONS[name])
            parts.append(self.ratio())
        if not operators:
            first = parts[0]
            assert first is not None
            return first
        return Relation(tuple(operators), tuple(parts))

    def ratio(self) -> Node:
        items = [self.joined()]
        while _is_colon(self.peek()):
            self.next()
            items.append(self.joined())
        return Ratio(tuple(items)) if len(items) > 1 else items[0]

    def joined(self) -> Node:
        parts, operators = [self.item()], []
        while self.peek().text in _JOINS and self.peek().kind == "command":
            operators.append(_JOINS[self.next().text])
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
            if unit not in _AFTER_DEGREES:
                raise Unreadable("two units")
            return Quantity(degrees, _AFTER_DEGREES[unit])
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
            # a label in words before a value: "Area 5" is not read, "Area = 5" is
            raise Unreadable("words before a value")
        return Words(text.casefold().strip(" ."))

    def _unit(self) -> str:
        """A unit after a scalar: percent, words, or symbols with powers."""
        token = self.peek()
        if token.text in ("%", "\\%"):
            self.next()
            return "percent"
        if token.text == "dollar" and self._at_end(1):
            return self.next().text
        if token.kind == "letter" and token.text in ("C", "F", "T") and self._at_end(1):
            return self.next().text
        if token.kind != "text" or _is_colon(token):
            return ""
        if token.text in ("C", "F", "T"):
            return self.next().text
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
        unit = canonical_unit(" ".join(written).replace(" ^", "^"))
        if unit is None:
            raise Unreadable(f"{' '.join(written)!r} is no unit")
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
        return token is END or token.text in (",", ";") or token.text in _CLOSING

    # -- structures that stand where a scalar may stand

    def bracket(self) -> Node:
        opening = self.next().text
        if opening in ("\\{", "lbrace"):
            return self._braces()
        closers = _CLOSING if opening in ("(", "[", "]", "lbrack") else frozenset(("rangle",))
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
        if name not in _MATRICES:
            raise Unreadable(f"environment {name}")
        if name == "array" and self.peek().text == "{":
            while self.peek() is not END and self.next().text != "}":
                pass
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

    def named_set(self, name: str) -> Node | None:
        if name in ("emptyset", "varnothing"):
            return Braces(())
        if name == "mathbb":
            letter = self.name_in_braces() if self.peek().text == "{" else self.next().text
            if letter == "R":
                return _REALS
            return Operation("opaque", (), f"set {letter}")
        return None


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
