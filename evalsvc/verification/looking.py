"""What the caller decides by itself: bounded work in microseconds, and no waiting.

Whatever needs more than that comes back as `Hard`, with the key under which equal cases share one
decision.
"""

import time
from dataclasses import dataclass, replace

from evalsvc.verification.cache import Key, VerdictCache
from evalsvc.verification.extraction import Extraction, ExtractionPolicy, extract
from evalsvc.verification.golds import Choices, TypedGold, type_gold
from evalsvc.verification.judge import judge
from evalsvc.verification.kinds import Kind
from evalsvc.verification.limits import (
    ANSWER_CHARACTERS,
    RESPONSE_CHARACTERS,
    LimitExceeded,
    NeedsChild,
)
from evalsvc.verification.verdict import VERIFIER_VERSION, Verdict, Verdicts

_CHEAP_RULES = frozenset(("same text", "exact value", "text", "choice: letter"))
_SHOWN_CHARACTERS = 200
_BOX = ExtractionPolicy()
_BOX_OR_TAG = ExtractionPolicy(answer_tag=True)


@dataclass(frozen=True, slots=True)
class Case:
    """One response to verify."""

    response: object
    gold: str
    kind: str | None = None
    choices: Choices = None
    policy: ExtractionPolicy | None = None


@dataclass(frozen=True, slots=True)
class Hard:
    """A case for a child. `verdict` has all but the outcome and the child's time."""

    key: Key
    verdict: Verdict


def look(case: Case, cache: VerdictCache) -> Verdict | Hard:
    """A verdict, or the work that is left. Raises VerificationError for an empty gold."""
    started = time.perf_counter()
    response = case.response
    gold = type_gold(case.gold, choices=case.choices, kind=case.kind)
    if not isinstance(response, str):
        rule = f"the response is no text ({type(response).__name__})"
        return _verdict(Verdicts.NO_ANSWER, Extraction(None, None, rule), rule, started)
    if len(response) > RESPONSE_CHARACTERS:
        rule = f"response above {RESPONSE_CHARACTERS} characters"
        return _verdict(Verdicts.TOO_LONG, Extraction(None, None, rule), rule, started)
    found = extract(response, case.policy or _default_policy(gold))
    if found.text is None:
        return _verdict(Verdicts.NO_ANSWER, found, found.rule, started)
    if len(found.text) > ANSWER_CHARACTERS:
        short = replace(found, text=found.text[:_SHOWN_CHARACTERS])
        rule = f"answer above {ANSWER_CHARACTERS} characters"
        return _verdict(Verdicts.TOO_LONG, short, rule, started)
    key = (gold.text, case.kind, gold.choices, found.text)
    kept = cache.get(key)
    if kept is None:
        kept = _judge(gold, found.text)
        if kept is None:
            return Hard(key, _verdict(Verdicts.CRASHED, found, _told(found, ""), started))
        cache.put(key, *kept, persist=kept[1] not in _CHEAP_RULES)
    return _verdict(kept[0], found, _told(found, kept[1]), started)


def _judge(gold: TypedGold, answer: str) -> tuple[Verdicts, str] | None:
    """Verdict and rule; None where a child must decide."""
    try:
        outcome = judge(gold, answer)
    except LimitExceeded as error:
        return Verdicts.TOO_LONG, f"over the limit: {error}"
    except (NeedsChild, RecursionError):
        return None
    if outcome.equal is None:
        return None
    return (Verdicts.CORRECT if outcome.equal else Verdicts.WRONG), outcome.rule


def _told(found: Extraction, rule: str) -> str:
    """The rule, after the mark that the answer was found by where that is not the box."""
    return rule if found.rule == "box" else f"{found.rule}; {rule}"


def _verdict(verdict: Verdicts, found: Extraction, rule: str, started: float) -> Verdict:
    elapsed = (time.perf_counter() - started) * 1000
    return Verdict(
        verdict,
        verdict is Verdicts.CORRECT,
        found.text,
        found.span,
        rule,
        VERIFIER_VERSION,
        round(elapsed, 4),
    )


def _default_policy(gold: TypedGold) -> ExtractionPolicy:
    """Without a benchmark's policy: the box, and for choices the answer tag as well."""
    return _BOX_OR_TAG if gold.kind is Kind.CHOICE else _BOX
