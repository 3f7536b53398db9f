"""Verdicts on model responses: where the answer stands, whether it is the gold, and why.

`verify` may be called from any thread, from asyncio and from request handlers; it is always
bounded. Workers and bulk scoring use a `VerificationPool` of their own.
"""

import atexit
import os
import threading

from evalsvc.verification.cache import VerdictCache
from evalsvc.verification.extraction import Extraction, ExtractionPolicy, extract
from evalsvc.verification.golds import Choices, TypedGold, type_gold
from evalsvc.verification.judge import answer_key
from evalsvc.verification.kinds import Kind
from evalsvc.verification.looking import Case
from evalsvc.verification.pool import VerificationPool
from evalsvc.verification.strict import box_only
from evalsvc.verification.verdict import VERIFIER_VERSION, Verdict, Verdicts, VerificationError

__all__ = [
    "VERIFIER_VERSION",
    "Case",
    "Choices",
    "Extraction",
    "ExtractionPolicy",
    "Kind",
    "TypedGold",
    "Verdict",
    "VerdictCache",
    "Verdicts",
    "VerificationError",
    "VerificationPool",
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
    """In a fork: the parent's pool works for the parent only, and its lock may be held."""
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
        kind: what the gold is, where its text does not tell (see `Kind`).
        choices: option texts in the order A, B, ..., or a mapping from letter to text.
        policy: which marks hold the answer; by default the box, and `<answer>` for choices.

    Raises VerificationError when the gold is empty or the kind unknown.
    """
    return default_pool().verify(response, gold, kind=kind, choices=choices, policy=policy)
