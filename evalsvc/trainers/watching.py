"""The watcher's decisions, as a pure function of what it sees and what it remembers.

A step is announced once it is complete and, unless the trainer itself marks it as final, its files
have stopped changing. Steps that are left out are reported with the reason: skipped by the policy,
rotated away, abandoned half-written below a newer complete step, or unusable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from evalsvc.trainers.layouts import StepSnapshot


class StepPhase(StrEnum):
    """The state of a step. The server gets the last five under these names."""

    OPEN = "open"  # seen, not decided
    ANNOUNCED = "announced"
    WAITING = "waiting"  # open for so long that the server was told
    SKIPPED = "skipped"
    ROTATED = "rotated"
    ABANDONED = "abandoned"
    FAILED = "failed"


UNDECIDED = frozenset({StepPhase.OPEN, StepPhase.WAITING})


@dataclass(frozen=True)
class WatchPolicy:
    """Which steps are evaluated, and how long to wait. Times in seconds."""

    every: int = 1  # only steps divisible by this
    newest_first: bool = True
    max_waiting: int = 4  # checkpoints that are pinned and not yet evaluated
    settle_seconds: float = 15.0  # files must stay unchanged for so long, over at least two polls
    abandon_seconds: float = 60.0  # ... an incomplete step below a newer complete one
    stalled_seconds: float = 600.0  # ... before an incomplete step is reported as waiting


@dataclass(frozen=True)
class StepRecord:
    """What is remembered of one step folder."""

    step: int
    digest: str
    since: float  # when the digest was first seen
    polls: int = 0  # how often it was seen again
    phase: StepPhase = StepPhase.OPEN
    announced: bool = False  # in this or an earlier version: its row on the server must stay


@dataclass(frozen=True)
class Decision:
    """Announce the step (`phase` is ANNOUNCED), or report why it is not announced."""

    key: str
    step: int
    phase: StepPhase
    reason: str = ""
    snapshot: StepSnapshot | None = None  # of a step to announce


@dataclass(frozen=True)
class PollPlan:
    """The new memory and what to do; `with_phase` records the outcome in the memory."""

    known: dict[str, StepRecord]
    decisions: list[Decision] = field(default_factory=list)


def plan_poll(
    known: Mapping[str, StepRecord],
    seen: Mapping[str, tuple[StepSnapshot, str]],
    now: float,
    policy: WatchPolicy,
    slots: int,
) -> PollPlan:
    """Decide on one poll. `seen` maps a step's key to its snapshot and digest; `slots` is how many
    checkpoints may be announced now."""
    memory = dict(known)
    for key, (snapshot, digest) in seen.items():
        memory[key] = _observed(memory.get(key), snapshot, digest, now)
    newest = max(
        [snapshot.step for snapshot, _ in seen.values() if snapshot.complete]
        + [k.step for k in memory.values() if k.phase is StepPhase.ANNOUNCED],
        default=-1,
    )
    decisions = _vanished(memory, seen)
    ready: list[Decision] = []
    for key, (snapshot, _) in seen.items():
        decision = _decide(key, memory[key], snapshot, _PollContext(now, newest, policy))
        if decision is not None:
            (ready if decision.phase is StepPhase.ANNOUNCED else decisions).append(decision)
    return PollPlan(memory, decisions + _chosen(ready, policy, slots))


def with_phase(known: StepRecord, phase: StepPhase) -> StepRecord:
    """The record of a step after a decision was carried out as `phase`."""
    return replace(known, phase=phase, announced=known.announced or phase is StepPhase.ANNOUNCED)


def _observed(
    before: StepRecord | None, snapshot: StepSnapshot, digest: str, now: float
) -> StepRecord:
    if before is None:
        return StepRecord(snapshot.step, digest, now)
    # A disk that did not answer for a moment.
    came_back = before.phase is StepPhase.ROTATED and not snapshot.rotated
    if before.digest == digest and not came_back:
        return replace(before, polls=before.polls + 1)
    # A step that is written again is inspected again, unless the policy left it out.
    phase = before.phase if before.phase is StepPhase.SKIPPED else StepPhase.OPEN
    return replace(before, digest=digest, since=now, polls=0, phase=phase)


def _vanished(
    memory: dict[str, StepRecord], seen: Mapping[str, tuple[StepSnapshot, str]]
) -> list[Decision]:
    """Steps that are gone undecided were rotated, unless they were announced before they changed,
    or the same step is found in another folder."""
    steps = {snapshot.step for snapshot, _ in seen.values()}
    reason = "the trainer removed it before it could be evaluated"
    decisions = []
    for key, known in list(memory.items()):
        if key in seen or known.phase not in UNDECIDED:
            continue
        if known.announced:
            memory[key] = replace(known, phase=StepPhase.ANNOUNCED)
        elif known.step in steps:
            del memory[key]
        else:
            decisions.append(Decision(key, known.step, StepPhase.ROTATED, reason))
    return decisions


@dataclass(frozen=True)
class _PollContext:
    """What all steps of one poll share. `newest` is the newest complete step."""

    now: float
    newest: int
    policy: WatchPolicy


def _decide(
    key: str, known: StepRecord, snapshot: StepSnapshot, context: _PollContext
) -> Decision | None:
    if known.phase not in UNDECIDED:
        return None
    if snapshot.step % context.policy.every:
        reason = f"the policy takes every step divisible by {context.policy.every}"
        return Decision(key, snapshot.step, StepPhase.SKIPPED, reason)
    if not snapshot.complete:
        phase = _phase_of_incomplete(known, snapshot, context)
        return Decision(key, snapshot.step, phase, snapshot.reason) if phase else None
    settled = known.polls >= 2 and context.now - known.since >= context.policy.settle_seconds
    if snapshot.certain or settled:
        return Decision(key, snapshot.step, StepPhase.ANNOUNCED, snapshot=snapshot)
    return None


def _phase_of_incomplete(
    known: StepRecord, snapshot: StepSnapshot, context: _PollContext
) -> StepPhase | None:
    if known.announced:  # it is being removed or rewritten: the announced row stays
        return None
    if snapshot.rotated:
        return StepPhase.ROTATED
    unchanged = context.now - known.since
    if snapshot.certain:
        return StepPhase.FAILED
    if (
        snapshot.step < context.newest
        and known.polls >= 2
        and unchanged >= context.policy.abandon_seconds
    ):
        return StepPhase.ABANDONED
    if known.phase is StepPhase.OPEN and unchanged >= context.policy.stalled_seconds:
        return StepPhase.WAITING
    return None


def _chosen(ready: Sequence[Decision], policy: WatchPolicy, slots: int) -> list[Decision]:
    ordered = sorted(ready, key=lambda d: d.step, reverse=policy.newest_first)
    return ordered[: max(slots, 0)]
