"""The outbox sees what others change, though it reads an unchanged file only once."""

from pathlib import Path

import pytest

from evalsvc.specs import Announcement
from evalsvc.trainers.outbox import Entry, Outbox


def entry(step: int) -> Entry:
    return Entry(announcement=Announcement(path=f"/model-{step}", run="r", step=step))


def steps(outbox: Outbox) -> list[int]:
    return [found.announcement.step for _, found in outbox.waiting()]


def test_what_another_process_adds_changes_and_removes_is_seen(tmp_path: Path) -> None:
    mine, theirs = Outbox(tmp_path), Outbox(tmp_path)
    mine.add(entry(1))
    second = mine.add(entry(2))
    assert steps(mine) == steps(theirs) == [1, 2]
    theirs.replace(second, entry(3))
    theirs.add(entry(4))
    assert steps(mine) == [1, 3, 4]
    theirs.mark_sent(second, entry(3), "job")
    assert steps(mine) == [1, 4]
    assert [found.job_id for _, found in mine.sent()] == ["job"]


def test_an_unchanged_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    outbox = Outbox(tmp_path)
    for step in range(5):
        outbox.add(entry(step))
    read: list[Path] = []
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path), original(path))[1])
    for _ in range(3):
        assert steps(outbox) == [0, 1, 2, 3, 4]
    assert len(read) == 5
