"""The watcher's decisions, poll by poll, without a disk or a clock."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from evalsvc.trainers.layouts import StepSnapshot
from evalsvc.trainers.watching import (
    Decision,
    PollPlan,
    StepPhase,
    StepRecord,
    WatchPolicy,
    plan_poll,
    with_phase,
)

POLICY = WatchPolicy(settle_seconds=15, abandon_seconds=60, stalled_seconds=600)


def whole(step: int, **changes: Any) -> StepSnapshot:
    folder = Path(f"/run/step_{step}")
    return replace(StepSnapshot(step, folder, complete=True, model=folder), **changes)


def half(step: int, **changes: Any) -> StepSnapshot:
    snapshot = StepSnapshot(
        step, Path(f"/run/step_{step}"), complete=False, reason="a shard is missing"
    )
    return replace(snapshot, **changes)


class Clock:
    """Calls `plan` poll after poll with a memory, as the watcher does."""

    def __init__(self, policy: WatchPolicy = POLICY) -> None:
        self.known: dict[str, StepRecord] = {}
        self.now = 1000.0
        self.policy = policy

    def poll(
        self, *snapshots: StepSnapshot, seconds: float = 5, slots: int = 9, content: str = "a"
    ):
        seen = {snapshot.folder.name: (snapshot, content) for snapshot in snapshots}
        outcome: PollPlan = plan_poll(self.known, seen, self.now, self.policy, slots)
        self.known = dict(outcome.known)
        for decision in outcome.decisions:
            self.known[decision.key] = with_phase(self.known[decision.key], decision.phase)
        self.now += seconds
        return [(d.step, d.phase) for d in outcome.decisions]

    def until_told(self, *snapshots: StepSnapshot, limit: int = 300, **options):
        for polls in range(limit):
            if told := self.poll(*snapshots, **options):
                return polls, told
        return limit, []


def test_a_whole_step_settles_before_it_is_announced_once() -> None:
    clock = Clock()
    assert clock.until_told(whole(1)) == (3, [(1, StepPhase.ANNOUNCED)])
    assert clock.until_told(whole(1)) == (300, [])


def test_slow_polls_still_need_two_unchanged_looks() -> None:
    assert Clock().until_told(whole(1), seconds=100) == (2, [(1, StepPhase.ANNOUNCED)])


def test_a_trainer_that_vouches_is_believed_at_once() -> None:
    assert Clock().poll(whole(1, certain=True)) == [(1, StepPhase.ANNOUNCED)]
    assert Clock().poll(half(1, certain=True)) == [(1, StepPhase.FAILED)]


def test_growing_files_never_settle() -> None:
    clock = Clock()
    for poll in range(50):
        assert clock.poll(whole(1), content=str(poll)) == []


def test_a_step_written_again_is_announced_again() -> None:
    clock = Clock()
    clock.until_told(whole(1))
    assert clock.until_told(whole(1), content="b") == (3, [(1, StepPhase.ANNOUNCED)])


def test_half_written_for_long_is_told_once_and_still_taken_when_whole() -> None:
    clock = Clock()
    assert clock.until_told(half(1)) == (120, [(1, StepPhase.WAITING)])
    assert clock.until_told(half(1)) == (300, [])
    assert clock.until_told(whole(1), content="b") == (3, [(1, StepPhase.ANNOUNCED)])


def test_half_written_below_a_newer_whole_step_is_abandoned_and_may_come_back() -> None:
    clock = Clock()
    _, told = clock.until_told(half(1), whole(2))
    assert told == [(2, StepPhase.ANNOUNCED)]
    assert clock.until_told(half(1), whole(2))[1] == [(1, StepPhase.ABANDONED)]
    assert (1, StepPhase.ANNOUNCED) in clock.until_told(whole(1), whole(2), content="b")[1]


def test_a_step_that_vanishes_undecided_was_rotated() -> None:
    clock = Clock()
    clock.poll(whole(1))
    assert clock.poll() == [(1, StepPhase.ROTATED)]
    assert clock.poll() == []


def test_an_announced_step_may_vanish_also_bit_by_bit() -> None:
    """Its evaluation stands: nothing more is told, while it is removed or when it is gone."""
    clock = Clock()
    clock.until_told(whole(1))
    assert clock.poll(whole(1), content="the optimizer is gone") == []
    assert clock.until_told(half(1), content="a shard is gone") == (300, [])
    assert clock.until_told(half(1, rotated=True), content="the model is gone") == (300, [])
    assert clock.poll() == []
    assert clock.known["step_1"].phase is StepPhase.ANNOUNCED


def test_a_disk_that_does_not_answer_for_a_while_loses_no_step() -> None:
    clock = Clock()
    clock.poll(whole(1))
    assert clock.poll() == [(1, StepPhase.ROTATED)]
    assert clock.until_told(whole(1)) == (3, [(1, StepPhase.ANNOUNCED)])


def test_a_shell_that_rotation_left_is_told_once() -> None:
    clock = Clock()
    assert clock.until_told(half(1, rotated=True)) == (0, [(1, StepPhase.ROTATED)])
    assert clock.until_told(half(1, rotated=True)) == (300, [])


def test_a_step_that_is_found_in_a_better_folder_was_not_rotated() -> None:
    clock = Clock()
    clock.poll(half(1))
    elsewhere = whole(1, folder=Path("/run/hf/other_1"))
    assert clock.until_told(elsewhere) == (3, [(1, StepPhase.ANNOUNCED)])


def test_every_kth_and_the_rest_visibly_skipped() -> None:
    clock = Clock(replace(POLICY, every=20))
    first = clock.poll(*(whole(step) for step in (10, 20, 30)))
    assert first == [(10, StepPhase.SKIPPED), (30, StepPhase.SKIPPED)]
    assert clock.until_told(*(whole(s) for s in (10, 20, 30)))[1] == [(20, StepPhase.ANNOUNCED)]
    again = clock.until_told(*(whole(s) for s in (10, 20, 30)), content="b")[1]
    assert again == [(20, StepPhase.ANNOUNCED)]


def test_newest_first_and_only_into_free_places() -> None:
    snapshots = [whole(step, certain=True) for step in (1, 2, 3)]
    clock = Clock()
    assert clock.poll(*snapshots, slots=2) == [(3, StepPhase.ANNOUNCED), (2, StepPhase.ANNOUNCED)]
    assert clock.poll(*snapshots, slots=0) == []
    assert clock.poll(*snapshots, slots=-1) == []
    assert clock.poll(*snapshots, slots=2) == [(1, StepPhase.ANNOUNCED)]
    oldest = Clock(replace(POLICY, newest_first=False))
    assert oldest.poll(*snapshots, slots=1) == [(1, StepPhase.ANNOUNCED)]


def test_a_decision_carries_the_reason() -> None:
    outcome = plan_poll({}, {"step_3": (half(3, certain=True), "a")}, 0.0, POLICY, 1)
    assert outcome.decisions == [Decision("step_3", 3, StepPhase.FAILED, "a shard is missing")]
