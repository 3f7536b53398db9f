"""Labels of the pages: the name and the mark of each state, verdict and outcome.

Each mark has a glyph besides its colour, so no information is in colour alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Mark:
    """A short word with a tone: good, bad, warn, calm or plain."""

    word: str
    tone: str = ""
    meaning: str = ""


STATES = {
    "queued": Mark("queued", "", "Nothing of it has started."),
    "pending": Mark("waiting", "", "Its shards wait for a worker."),
    "ready": Mark("waiting", "", "It waits for a worker."),
    "running": Mark("▸ running", "calm"),
    "done": Mark("✓ done", "good"),
    "incomplete": Mark(
        "◐ incomplete", "warn", "Ended with samples missing; coverage says how many."
    ),
    "failed": Mark("✕ failed", "bad"),
    "cancelled": Mark("cancelled", "", "Stopped by a user."),
    "accepted": Mark("✓ accepted", "good", "Its verdicts have become the evaluation's."),
    "complete": Mark("✓ complete", "good"),
    "waiting": Mark("… waiting", "calm", "Announced; its files still arrive."),
    "rotated": Mark("✕ rotated", "warn", "The trainer removed it before it could be evaluated."),
    "abandoned": Mark("✕ abandoned", "warn", "Never finished; a newer step is complete."),
    "skipped": Mark("skipped", "", "Left out by the watcher's policy."),
    "starting": Mark("… starting", "calm"),
    "idle": Mark("idle"),
    "loading": Mark("… loading", "calm", "An engine starts."),
    "swapping": Mark("⇄ swapping", "calm", "Weights are exchanged in place."),
    "draining": Mark("draining", "warn", "Ends what it has and takes nothing new."),
    "dead": Mark("✕ dead", "bad"),
}
VERDICTS = {
    "correct": Mark("✓ correct", "good"),
    "wrong": Mark("✕ wrong", "bad"),
    "no_answer": Mark("∅ no answer", "", "No final answer was given where one is looked for."),
    "timeout": Mark("⧗ verifier timed out", "warn", "The verifier could not decide in time."),
    "crashed": Mark("! verifier crashed", "warn", "The verifier's process died of this answer."),
    "too_long": Mark("! answer too long", "warn", "The answer is beyond what the verifier reads."),
    "missing": Mark("not sampled", "", "No sample is here yet; it is not counted."),
}
OUTCOMES = {
    "better": Mark("▲ better", "good", "The adjusted test finds the candidate better."),
    "worse": Mark("▼ worse", "bad", "The adjusted test finds the candidate worse."),
    "equivalent": Mark("≈ equivalent", "calm", "No difference larger than the margin."),
    "unresolved": Mark(
        "· not resolved", "", "The data cannot tell: more samples or problems are needed."
    ),
}


def state(name: str) -> Mark:
    return STATES.get(name) or Mark(name)


def state_of(name: str, coverage: float) -> Mark:
    """An evaluation's state; one that ended without some of its samples is called incomplete."""
    return state("incomplete" if name == "done" and coverage < 1 else name)


def job_state(name: str, reasons: Sequence[str]) -> Mark:
    """A job's state; a finished job with failures is not marked as good."""
    if name == "done" and reasons:
        return Mark("◐ done, with faults", "warn", "It has ended; what failed in it stands below.")
    return state(name)


def level(name: str) -> str:
    """`level 5`, whether the data say "5" or "Level 5"."""
    return f"level {name.lower().removeprefix('level').strip()}"


def verdict(name: str) -> Mark:
    return VERDICTS.get(name) or Mark(name)


def reason(name: str, rule: str, extracted: str | None, gold: str | None) -> str:
    """The reason for a sample's verdict, as a sentence; `rule` is the short name of the rule."""
    if name == "correct":
        return f"The answer is the right one: {rule}."
    if name == "wrong" and extracted is not None:
        right = "the right answer" if gold is None else f"the right answer {_short(gold)}"
        return f"{_short(extracted)} is not {right}: {rule}."
    return f"{verdict(name).meaning} ({rule})" if verdict(name).meaning else rule


def _short(text: str, most: int = 60) -> str:
    return f"“{text if len(text) <= most else text[:most] + '…'}”"


def outcome(name: str) -> Mark:
    return OUTCOMES.get(name) or Mark(name)


def plural(number: int, one: str, many: str | None = None) -> str:
    """`1 sample`, `2 samples`."""
    return f"{number:,} {one if number == 1 else many or one + 's'}".replace(",", "\N{THIN SPACE}")


def details(data: dict[str, Any]) -> str:
    """An event's data on one line: `checkpoint: ..., seconds: 1.2`."""
    return ", ".join(f"{name}: {value}" for name, value in data.items() if value not in (None, ""))


def flat(data: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested provenance as (name, text) pairs: `("versions: torch", "2.13.0")`."""
    pairs: list[tuple[str, str]] = []
    for name, value in data.items():
        label = f"{prefix}{str(name).replace('_', ' ')}"
        if isinstance(value, dict):
            pairs.extend(flat(value, f"{label}: "))
        elif isinstance(value, list | tuple):
            items = [details(item) if isinstance(item, dict) else str(item) for item in value]
            pairs.extend([(label, "; ".join(items))] if items else [])
        elif value not in (None, ""):
            pairs.append((label, str(value)))
    return pairs


def content(message: dict[str, Any]) -> str:
    """The text of a chat turn; pictures are named."""
    parts = message.get("content")
    if not isinstance(parts, list):
        return str(parts or "")
    return "".join(
        str(part.get("text", "")) if part.get("type") == "text" else "[picture]"
        for part in parts
        if isinstance(part, dict)
    )


class Compared(Protocol):
    """The parts of a comparison that a label needs."""

    @property
    def significant(self) -> bool: ...
    @property
    def difference(self) -> float: ...
    @property
    def interval_population(self) -> tuple[float, float]: ...


def outcome_of(compared: Compared) -> str:
    """The label of one comparison; only the leaderboard shows equivalence, with its margin."""
    if not compared.significant:
        return "unresolved"
    return "better" if compared.difference > 0 else "worse"


def reach(compared: Sequence[Compared]) -> float:
    """Half the width of an axis around zero that holds every interval."""
    return max(0.01, *(abs(bound) for one in compared for bound in one.interval_population))
