"""Caps on untrusted answers, checked before the work that they bound.

Whatever is under all of these is decided in milliseconds; whatever is over one of them gets the
verdict `too_long`, independent of the load of the machine.
"""

from contextvars import ContextVar

ANSWER_CHARACTERS = 4096
#: Far above any model's output; finding the answer in so much text takes seconds.
RESPONSE_CHARACTERS = 10_000_000
NESTING = 200
#: Nesting that is read in the caller's thread; deeper answers go to a child with a larger stack.
NESTING_IN_CALLER = 30
#: Nodes that are evaluated in the caller's thread; larger trees go to a child.
NODES_IN_CALLER = 150
CHARACTERS_IN_CALLER = 500
#: Responses whose search for the answer would hold up an event loop.
RESPONSE_IN_LOOP = 20_000
#: Processor time of one case in a child. The wall limit is far above it, whatever the load.
CPU_SECONDS = 1.5
#: Bits of an exact integer or fraction (2004! has about 19,000).
EXACT_BITS = 100_000
FACTORIAL = 5_000
#: Largest exponent, and binary magnitude of a number, that floating evaluation accepts.
EXPONENT = 10_000_000
MAGNITUDE_BITS = 100_000_000
#: Binary magnitude of the argument of a trigonometric or exponential function.
ARGUMENT_BITS = 64
#: Terms of a finite sum or product that are added up.
TERMS = 2_000
#: Products of entries in a product of matrices.
MATRIX_ENTRIES = 1_000
#: Bits that a proof of equality may take, and the degree of the field that it works in.
PROOF_BITS = 30_000
#: The same in the caller's thread; what takes more goes to a child.
PROOF_BITS_IN_CALLER = 3_000
PROOF_NODES_IN_CALLER = 60
PROOF_DEGREE = 2_000
PRECISION_DIGITS = 60
PRECISION_DIGITS_MAX = 5_000


#: Whether this is a child process, where work is bounded by processor time and may be long.
IN_SANDBOX: ContextVar[bool] = ContextVar("in_sandbox", default=False)


class LimitExceeded(Exception):
    """An answer went over a cap. The message names the cap."""


class NeedsChild(Exception):
    """The case is too large for the caller's thread and must be judged in a killable process."""
