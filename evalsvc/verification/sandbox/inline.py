"""What the caller decides by itself: bounded work in microseconds, and no waiting.

Whatever needs more than that comes back as `NeedsSandbox`, with the key under which equal cases
share one decision.
"""

import time
from dataclasses import dataclass, replace

from evalsvc.verification.cache import Entry, Key, VerdictCache
from evalsvc.verification.extraction import JOINED, Extraction, ExtractionPolicy, extract
from evalsvc.verification.golds import Choices, TypedGold, type_gold
from evalsvc.verification.judge import judge
from evalsvc.verification.kinds import Kind
from evalsvc.verification.limits import (
    ANSWER_CHARACTERS,
    RESPONSE_CHARACTERS,
    LimitExceeded,
)
from evalsvc.verification.verdict import VERIFIER_VERSION, Confidence, Verdict, VerdictKind

_CHEAP_RULES = frozenset(("same text", "exact value", "text", "choice: letter"))
_SHOWN_CHARACTERS = 200
_SEVERAL = frozenset((Kind.LIST, Kind.SET))
_BOX = ExtractionPolicy()
_BOX_OR_TAG = ExtractionPolicy(answer_tag=True)


@dataclass(frozen=True, slots=True)
class VerificationRequest:
    """One response to verify."""

    response: object
    gold: str
    kind: str | None = None
    choices: Choices = None
    policy: ExtractionPolicy | None = None


@dataclass(frozen=True, slots=True)
class NeedsSandbox:
    """A case for a child. `verdict` has all but the outcome and the child's time."""

    key: Key
    verdict: Verdict
    found: Extraction


def decide_inline(request: VerificationRequest, cache: VerdictCache) -> Verdict | NeedsSandbox:
    """A verdict, or the work that is left. Raises VerificationError for an empty gold."""
    started = time.perf_counter()
    response = request.response
    gold = type_gold(request.gold, choices=request.choices, kind=request.kind)
    if not isinstance(response, str):
        rule = f"the response is no text ({type(response).__name__})"
        return _verdict(VerdictKind.NO_ANSWER, Extraction(None, None, rule), rule, started)
    if len(response) > RESPONSE_CHARACTERS:
        rule = f"response above {RESPONSE_CHARACTERS} characters"
        return _verdict(VerdictKind.TOO_LONG, Extraction(None, None, rule), rule, started)
    policy = request.policy or _default_policy(gold)
    found = extract(response, policy, several=gold.kind in _SEVERAL)
    if found.text is None:
        return _verdict(VerdictKind.NO_ANSWER, found, found.rule, started)
    if len(found.text) > ANSWER_CHARACTERS:
        short = replace(found, text=found.text[:_SHOWN_CHARACTERS])
        rule = f"answer above {ANSWER_CHARACTERS} characters"
        return _verdict(VerdictKind.TOO_LONG, short, rule, started)
    key = (gold.text, request.kind, gold.choices, found.text)
    kept = cache.get(key)
    if kept is None:
        kept = _judge(gold, found.text)
        if kept is None:
            return NeedsSandbox(
                key, _verdict(VerdictKind.CRASHED, found, _with_mark(found, ""), started), found
            )
        cache.put(key, *kept, persist=kept[1] not in _CHEAP_RULES)
    return _verdict(kept[0], found, _with_mark(found, kept[1]), started, kept[2])


def _judge(gold: TypedGold, answer: str) -> Entry | None:
    """Verdict, rule and confidence; None where a child must decide."""
    try:
        outcome = judge(gold, answer)
    except LimitExceeded as error:
        return VerdictKind.TOO_LONG, f"over the limit: {error}", None
    except Exception:  # NeedsChild; and what fails unforeseen must not fail the caller
        return None
    if outcome.equal is None:
        return None
    kind = VerdictKind.CORRECT if outcome.equal else VerdictKind.WRONG
    return kind, outcome.rule, outcome.confidence


def _with_mark(found: Extraction, rule: str) -> str:
    """The rule, after the mark that the answer was found by where that is not the box."""
    return rule if found.rule == "box" else f"{found.rule}; {rule}"


def _verdict(
    verdict: VerdictKind,
    found: Extraction,
    rule: str,
    started: float,
    confidence: Confidence | None = None,
) -> Verdict:
    elapsed = (time.perf_counter() - started) * 1000
    return Verdict(
        verdict,
        verdict is VerdictKind.CORRECT,
        found.text,
        found.span,
        rule,
        VERIFIER_VERSION,
        round(elapsed, 4),
        with_extraction(confidence, found),
    )


def with_extraction(confidence: Confidence | None, found: Extraction) -> Confidence | None:
    """An answer that was read out of prose, or joined from several boxes, is so by convention."""
    by_convention = confidence is not None and found.rule in ("phrase", JOINED)
    return Confidence.CONVENTION if by_convention else confidence


def _default_policy(gold: TypedGold) -> ExtractionPolicy:
    """Without a benchmark's policy: the box, and for choices the answer tag as well."""
    return _BOX_OR_TAG if gold.kind is Kind.CHOICE else _BOX
