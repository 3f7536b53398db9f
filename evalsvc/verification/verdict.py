"""The verifier's verdict on a response, and the rule that decided it.

`VERIFIER_VERSION` changes whenever any verdict may change: caches and rescoring rely on it.
"""

from dataclasses import dataclass
from enum import StrEnum

from evalsvc.errors import UsageError

VERIFIER_VERSION = "2.0.0"


class VerdictKind(StrEnum):
    """The six verdicts. All but `CORRECT` count as not correct; each is reported."""

    CORRECT = "correct"
    WRONG = "wrong"
    NO_ANSWER = "no_answer"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    TOO_LONG = "too_long"


class Confidence(StrEnum):
    """How far a verdict can be trusted, by the rule that reached it.

    `proven`: the same text, exact values, structure, a proof. `computed`: numbers decided.
    `convention`: something was dropped or read by agreement (a unit, a label, words around it).
    """

    PROVEN = "proven"
    COMPUTED = "computed"
    CONVENTION = "convention"

    @property
    def rank(self) -> int:
        """0 for the strongest."""
        return list(Confidence).index(self)


@dataclass(frozen=True, slots=True)
class Verdict:
    """One verdict, with its reasons.

    Attributes:
        verdict: one of the six.
        correct: True only for `VerdictKind.CORRECT`.
        extracted: the answer that was judged, as the response has it; None if there is none.
        span: start and end of `extracted` in the response, in characters.
        rule: the rule that decided (`docs/verification.md` lists them).
        verifier: the version of the verifier.
        ms: milliseconds spent on this response; in a child, processor time.
        confidence: how the rule decided; None where nothing was decided.
    """

    verdict: VerdictKind
    correct: bool
    extracted: str | None
    span: tuple[int, int] | None
    rule: str
    verifier: str
    ms: float
    confidence: Confidence | None = None


class VerificationError(UsageError):
    """A caller's mistake: an unknown kind, a gold that is empty, a malformed golds file."""

    status, kind, title = 422, "unusable", "The request cannot be carried out"
