"""What the verifier says of a response, and which rule said it.

`VERIFIER_VERSION` changes whenever any verdict may change: caches and rescoring rely on it.
"""

from dataclasses import dataclass
from enum import StrEnum

VERIFIER_VERSION = "1.2.0"


class Verdicts(StrEnum):
    """The six verdicts. All but `CORRECT` score as not correct; none of them is silent."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    TOO_LONG = "too_long"


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict, with its reasons.

    Attributes:
        verdict: one of the six.
        correct: True only for `Verdicts.CORRECT`.
        extracted: the answer that was judged, as it stands in the response; None for none.
        span: start and end of `extracted` in the response, in characters.
        rule: the rule that decided, in words (`docs/verification.md` lists them).
        verifier: the version of the verifier.
        ms: time spent on this response, waiting for a process not counted, in milliseconds.
    """

    verdict: Verdicts
    correct: bool
    extracted: str | None
    span: tuple[int, int] | None
    rule: str
    verifier: str
    ms: float


class VerificationError(ValueError):
    """A mistake of the caller: an unknown kind, a gold that is empty, a malformed golds file."""

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy
