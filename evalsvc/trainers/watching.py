"""The watcher's decisions, as a pure function: what is seen, what is known, what to do.

A step is announced once it is complete, and, unless the trainer itself vouches for it, its files
have stopped changing. Steps that are left out are told, each with the reason: skipped by the
policy, rotated away, abandoned half-written below a newer complete step, or unusable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from evalsvc.trainers.layouts import Look


class Phase(StrEnum):
    """Where a step stands. The last five are told to the server under these names."""

    OPEN = "open"  # seen, not decided
    ANNOUNCED = "announced"
    WAITING = "waiting"  # open for so long that it was told
    SKIPPED = "skipped"
    ROTATED = "rotated"
    ABANDONED = "abandoned"
    FAILED = "failed"


UNDECIDED = frozenset({Phase.OPEN, Phase.WAITING})


@dataclass(frozen=True)
class Policy:
    """Which steps are evaluated, and how long to wait. Times in seconds."""

    every: int = 1  # only steps divisible by this
    newest_first: bool = True
    max_waiting: int = 4  # checkpoints that are pinned and not yet evaluated
    settle_seconds: float = 15.0  # files must stay unchanged for so long, over at least two polls
    abandon_seconds: float = 60.0  # ... an incomplete step below a newer complete one
    stalled_seconds: float = 600.0  # ... before an incomplete step is told as waiting


@dataclass(frozen=True)
class Known:
    """What is remembered of one step folder."""

    step: int
    snapshot: str
    since: float  # when the snapshot was first seen
    polls: int = 0  # how often it was seen again
    phase: Phase = Phase.OPEN
    announced: bool = False  # in this or an earlier version: its row on the server must stay


@dataclass(frozen=True)
class Decision:
    """Announce (`phase` is ANNOUNCED, with the look) or tell a row with the reason."""

    key: str
    step: int
    phase: Phase
    reason: str = ""
    look: Look | None = None


@dataclass(frozen=True)
class Plan:
    """The new memory and what to do; `decided` puts what became of it into the memory."""

    known: dict[str, Known]
    decisions: list[Decision] = field(default_factory=list)


def plan(
    known: Mapping[str, Known],
    seen: Mapping[str, tuple[Look, str]],
    now: float,
    policy: Policy,
    slots: int,
) -> Plan:
    """Decide on one poll. `seen` maps a step's key to its look and snapshot; `slots` is how many
    checkpoints may be announced now."""
    memory = dict(known)
    for key, (look, snapshot) in seen.items():
        memory[key] = _observed(memory.get(key), look, snapshot, now)
    newest = max(
        [look.step for look, _ in seen.values() if look.complete]
        + [k.step for k in memory.values() if k.phase is Phase.ANNOUNCED],
        default=-1,
    )
    decisions = _vanished(memory, seen)
    ready: list[Decision] = []
    for key, (look, _) in seen.items():
        decision = _decide(key, memory[key], look, _Moment(now, newest, policy))
        if decision is not None:
            (ready if decision.phase is Phase.ANNOUNCED else decisions).append(decision)
    return Plan(memory, decisions + _chosen(ready, policy, slots))


def decided(known: Known, phase: Phase) -> Known:
    """What is remembered of a step when a decision has been carried out as `phase`."""
    return replace(known, phase=phase, announced=known.announced or phase is Phase.ANNOUNCED)


def _observed(before: Known | None, look: Look, snapshot: str, now: float) -> Known:
    if before is None:
        return Known(look.step, snapshot, now)
    came_back = before.phase is Phase.ROTATED and not look.rotated  # a disk that did not answer
    if before.snapshot == snapshot and not came_back:
        return replace(before, polls=before.polls + 1)
    # A step that is written again is looked at again, unless the policy left it out.
    phase = before.phase if before.phase is Phase.SKIPPED else Phase.OPEN
    return replace(before, snapshot=snapshot, since=now, polls=0, phase=phase)


def _vanished(memory: dict[str, Known], seen: Mapping[str, tuple[Look, str]]) -> list[Decision]:
    """Steps that are gone undecided were rotated, unless they were announced before they changed,
    or the same step is found in another folder."""
    steps = {look.step for look, _ in seen.values()}
    reason = "the trainer removed it before it could be evaluated"
    decisions = []
    for key, known in list(memory.items()):
        if key in seen or known.phase not in UNDECIDED:
            continue
        if known.announced:
            memory[key] = replace(known, phase=Phase.ANNOUNCED)
        elif known.step in steps:
            del memory[key]
        else:
            decisions.append(Decision(key, known.step, Phase.ROTATED, reason))
    return decisions


@dataclass(frozen=True)
class _Moment:
    """What is the same for every step of one poll. `newest` is the newest complete step."""

    now: float
    newest: int
    policy: Policy


def _decide(key: str, known: Known, look: Look, moment: _Moment) -> Decision | None:
    if known.phase not in UNDECIDED:
        return None
    if look.step % moment.policy.every:
        reason = f"the policy takes every step divisible by {moment.policy.every}"
        return Decision(key, look.step, Phase.SKIPPED, reason)
    if not look.complete:
        phase = _phase_of_incomplete(known, look, moment)
        return Decision(key, look.step, phase, look.reason) if phase else None
    settled = known.polls >= 2 and moment.now - known.since >= moment.policy.settle_seconds
    if look.certain or settled:
        return Decision(key, look.step, Phase.ANNOUNCED, look=look)
    return None


def _phase_of_incomplete(known: Known, look: Look, moment: _Moment) -> Phase | None:
    if known.announced:  # it is being removed or written again: what was announced stays
        return None
    if look.rotated:
        return Phase.ROTATED
    unchanged = moment.now - known.since
    if look.certain:
        return Phase.FAILED
    if (
        look.step < moment.newest
        and known.polls >= 2
        and unchanged >= moment.policy.abandon_seconds
    ):
        return Phase.ABANDONED
    if known.phase is Phase.OPEN and unchanged >= moment.policy.stalled_seconds:
        return Phase.WAITING
    return None


def _chosen(ready: Sequence[Decision], policy: Policy, slots: int) -> list[Decision]:
    ordered = sorted(ready, key=lambda d: d.step, reverse=policy.newest_first)
    return ordered[: max(slots, 0)]
