"""Commands of the scalar grammar: fractions, roots, functions, sums, marks and constants."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from fractions import Fraction

from evalsvc.verification.cursor import Cursor
from evalsvc.verification.lexer import FUNCTIONS
from evalsvc.verification.normalise import Unreadable
from evalsvc.verification.tree import (
    SCALARS,
    Bracket,
    Constant,
    Node,
    Number,
    Operation,
    Quantity,
    Scalar,
    Symbol,
    substitute,
)

FRACTIONS = frozenset(("frac", "dfrac", "tfrac", "cfrac"))
OPAQUE = frozenset((
    "overline", "bar", "vec", "overrightarrow", "overleftrightarrow", "widehat", "hat", "tilde",
    "underline", "angle", "measuredangle", "triangle", "odot",
))  # fmt: skip
GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta",
    "iota", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "varphi",
    "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma", "Upsilon", "Phi",
    "Psi", "Omega", "ell",
))  # fmt: skip
OVER = {"lfloor": ("rfloor", "floor"), "lceil": ("rceil", "ceil"), "lvert": ("rvert", "abs")}
BIG = frozenset(("sum", "prod"))


class Commands(Cursor, ABC):
    """Reads what follows a command; the grammar around it is the subclass's."""

    @abstractmethod
    def sum(self) -> Node: ...

    @abstractmethod
    def product(self) -> Node: ...

    @abstractmethod
    def power(self) -> Node: ...

    @abstractmethod
    def atom(self) -> Node: ...

    @abstractmethod
    def exponent(self) -> Scalar: ...

    @abstractmethod
    def argument(self) -> Scalar: ...

    @abstractmethod
    def letter(self) -> Scalar: ...

    @abstractmethod
    def starts_atom(self) -> bool: ...

    @abstractmethod
    def bracket(self) -> Node: ...

    @abstractmethod
    def environment(self) -> Node: ...

    @abstractmethod
    def named_set(self, name: str) -> Node | None: ...

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
            return Commands.scalar(node.items[0])
        raise Unreadable("arithmetic with a structure")

    def command(self, name: str) -> Node:
        if name in _CONSTANTS:
            return Constant(_CONSTANTS[name])
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


_CONSTANTS = {"pi": "pi", "infty": "infinity", "imath": "i"}
_READERS: tuple[tuple[frozenset[str], Callable[[Commands, str], Node]], ...] = (
    (FRACTIONS, Commands._fraction),
    (frozenset(("sqrt",)), Commands._root),
    (frozenset(("binom", "dbinom", "tbinom")), Commands._binomial),
    (FUNCTIONS, Commands._function),
    (BIG, Commands._series),
    (GREEK, Commands._greek),
    (frozenset(OVER), Commands._delimited),
    (OPAQUE, Commands._opaque),
    (frozenset(("begin",)), Commands._environment),
)


def _angle(node: Node) -> Node:
    """`30^\\circ` in brackets is a quantity by itself; as an argument it is a number again."""
    if isinstance(node, Quantity) and node.unit == "degree":
        return Operation("deg", (node.value,))
    return node


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
