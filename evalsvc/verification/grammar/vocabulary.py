"""The commands and signs that the grammar knows, by what they mean. Data only."""

from evalsvc.verification.grammar.lexer import FUNCTIONS

FRACTIONS = frozenset(("frac", "dfrac", "tfrac", "cfrac"))
OPAQUE = frozenset((
    "overline", "bar", "vec", "overrightarrow", "overleftrightarrow", "widehat", "hat", "tilde",
    "underline", "angle", "measuredangle", "triangle", "odot",
))  # fmt: skip
GREEK = frozenset((
    "alpha", "beta", "gamma", "delta", "epsilon", "varepsilon", "zeta", "eta", "theta", "vartheta",
    "iota", "kappa", "lambda", "mu", "nu", "xi", "rho", "sigma", "tau", "upsilon", "phi", "varphi",
    "chi", "psi", "omega", "Gamma", "Delta", "Theta", "Lambda", "Xi", "Sigma", "Upsilon", "Phi",
    "Psi", "Omega", "ell", "dots",
))  # fmt: skip
OVER = {"lfloor": ("rfloor", "floor"), "lceil": ("rceil", "ceil"), "lvert": ("rvert", "abs")}
BIG = frozenset(("sum", "prod"))
#: Functions of a list of values.
N_ARY = frozenset(("gcd", "lcm", "max", "min"))
APPROXIMATE = frozenset(("approx", "simeq"))
ASIDE = frozenset(
    (
        "aligned",
        "align",
        "align*",
        "alignedat",
        "cases",
        "gathered",
        "gather",
        "gather*",
        "split",
        "equation",
        "equation*",
    )
)
CONSTANTS = {"pi": "pi", "infty": "infinity", "imath": "i"}
TIMES = frozenset(("*", "cdot", "times", "ast", "bullet"))
BY = frozenset(("/", "div"))
STARTS = BIG | N_ARY | FRACTIONS | OPAQUE | GREEK | FUNCTIONS | set(OVER) | {
    "sqrt", "pi", "infty", "binom", "dbinom", "tbinom", "begin", "emptyset", "varnothing", "mathbb",
    "langle", "lbrace", "imath", "int", "lim", "det",
}  # fmt: skip
#: What makes `f^{-1}(x)` the inverse of a function that has only a letter.
INVERSE = ("^", "{", "-", "1", "}")
RELATIONS = {
    "=": "=", "<": "<", ">": ">", "lt": "<", "gt": ">", "le": "<=", "leq": "<=", "leqslant": "<=",
    "ge": ">=", "geq": ">=", "geqslant": ">=", "ne": "!=", "neq": "!=", "in": "in",
    "notin": "notin",
    "approx": "~", "sim": "~", "simeq": "~", "cong": "~", "equiv": "==", "to": "to",
    "rightarrow": "to", "Rightarrow": "to", "implies": "to", "iff": "to", "subset": "sub",
    "subseteq": "sub", "perp": "perp", "parallel": "par", "mid": "mid", "propto": "prop",
    "leqq": "<=", "geqq": ">=",
}  # fmt: skip
JOINS = {"cup": "cup", "cap": "cap", "setminus": "minus", "backslash": "minus"}
MATRICES = frozenset(
    (
        "matrix",
        "pmatrix",
        "bmatrix",
        "smallmatrix",
        "psmallmatrix",
        "bsmallmatrix",
        "array",
        "vmatrix",
        "Bmatrix",
        "Vmatrix",
    )
)
OPENING = {
    "(": ")",
    "[": "]",
    "]": "[",
    "\\{": "\\}",
    "langle": "rangle",
    "lbrace": "rbrace",
    "lbrack": "rbrack",
}
CLOSING = frozenset((")", "]", "[", "\\}", "rangle", "rbrace", "rbrack", "}"))
#: What may stand behind a degree sign: nothing, a scale of temperature, the T of a true bearing.
AFTER_DEGREES = {"": "degree", "T": "degree", "C": "degree C", "F": "degree F"}
#: Environments without brackets of their own: with one cell they are that cell.
UNBRACKETED = frozenset(("array", "matrix", "smallmatrix"))
