"""Imported once by the fork server, so that every child starts with its libraries warm.

sympy imports and fills much on the first use of a construct, ten times the work of the second use:
that must not count against the processor time of whichever answer happens to come first.
"""

from evalsvc.verification.golds import type_gold
from evalsvc.verification.judge import judge

_FIRST_USES = (
    ("3", "\\sum_{k=1}^{2} k"),
    ("2", "\\sum_{k=0}^{\\infty} \\frac{1}{2^k}"),
    ("2", "\\prod_{k=1}^{2} k"),
    ("\\frac{x^3}{3}", "\\int x^2 dx"),
    ("1", "\\int_0^1 2x dx"),
    ("2", "\\int_0^{\\pi} \\sin x dx"),
    ("\\frac{1}{4}", "\\int_0^1 \\int_0^1 xy dx dy"),
    ("1", "\\lim_{x\\to 0} \\frac{\\sin x}{x}"),
    ("\\frac{\\sqrt{\\pi}}{2}", "\\int_0^\\infty e^{-x^2} dx"),
    ("\\frac{\\pi^2}{6}", "\\sum_{n=1}^{\\infty} \\frac{1}{n^2}"),
    ("\\frac{n(n+1)}{2}", "\\sum_{k=1}^{n} k"),
    ("e", "\\lim_{n\\to\\infty} (1+1/n)^n"),
)
WARM = [judge(type_gold(gold), answer, in_child=True) for gold, answer in _FIRST_USES]
