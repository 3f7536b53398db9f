"""Verdicts on model responses: find the answer, compare it with the gold, and give the reason.

`verify` may be called from any thread, from asyncio and from request handlers. Its time is always
bounded. Workers and bulk scoring use a `VerificationPool` of their own.
"""

import atexit
import os
import threading

from evalsvc.verification.answer_keys import answer_key
from evalsvc.verification.cache import VerdictCache
from evalsvc.verification.extraction import Extraction, ExtractionPolicy, extract
from evalsvc.verification.golds import Choices, TypedGold, type_gold
from evalsvc.verification.kinds import Kind
from evalsvc.verification.sandbox.inline import VerificationRequest
from evalsvc.verification.sandbox.pool import VerificationPool
from evalsvc.verification.strict import box_only
from evalsvc.verification.verdict import (
    VERIFIER_VERSION,
    Confidence,
    Verdict,
    VerdictKind,
    VerificationError,
)

__all__ = [
    "VERIFIER_VERSION",
    "Choices",
    "Confidence",
    "Extraction",
    "ExtractionPolicy",
    "Kind",
    "TypedGold",
    "Verdict",
    "VerdictCache",
    "VerdictKind",
    "VerificationError",
    "VerificationPool",
    "VerificationRequest",
    "answer_key",
    "box_only",
    "default_pool",
    "extract",
    "type_gold",
    "verify",
]

_lock = threading.Lock()
_default: list[VerificationPool] = []


def _forget_pool() -> None:
    """After a fork: drop the parent's pool. It works for the parent only; its lock may be held."""
    global _lock  # noqa: PLW0603 - a fork starts anew
    _lock = threading.Lock()
    _default.clear()


os.register_at_fork(after_in_child=_forget_pool)


def default_pool() -> VerificationPool:
    """The pool behind `verify`, made on first use and closed at exit."""
    with _lock:
        if not _default:
            pool = VerificationPool()
            atexit.register(pool.close)
            _default.append(pool)
        return _default[0]


def verify(
    response: object,
    gold: str,
    *,
    kind: str | None = None,
    choices: Choices = None,
    policy: ExtractionPolicy | None = None,
) -> Verdict:
    """Say whether a response gives the gold answer, and which rule decided.

    Args:
        response: the model's whole text; anything that is not text is `no_answer`.
        gold: the reference answer, or the letter or text of an option.
        kind: the kind of gold, where its text does not settle it (see `Kind`).
        choices: option texts in the order A, B, ..., or a mapping from letter to text.
        policy: which marks may hold the answer; by default the box, and `<answer>` for choices.

    Returns:
        The verdict. Only `VerdictKind.CORRECT` counts as right; `timeout`, `crashed` and `too_long`
        say that nothing could be decided.

    Raises:
        VerificationError: the gold is empty or too long, or the kind is unknown.

    Examples:
        >>> from evalsvc.verification import verify
        >>> verdict = verify(r"The half of it, $\\boxed{\\frac{1}{2}}$.", "0.5")
        >>> verdict.correct, verdict.rule, verdict.extracted
        (True, 'exact value', '\\\\frac{1}{2}')
    """
    return default_pool().verify(response, gold, kind=kind, choices=choices, policy=policy)
