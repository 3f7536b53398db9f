"""Pins that a killed process left behind, and those that something still waits for."""

import os
import time
from pathlib import Path

from evalsvc.specs import Announcement
from evalsvc.trainers.outbox import Entry, Outbox
from evalsvc.trainers.pins import ORPHAN_SECONDS, drop_pin, sweep


def entry(pin: Path) -> Entry:
    announcement = Announcement(path=str(pin), run="r", step=1, benchmarks=("smoke",))
    return Entry(announcement=announcement, pin=str(pin))


def test_old_pins_without_an_entry_are_swept(tmp_path: Path) -> None:
    outbox, pins = Outbox(tmp_path / "outbox"), tmp_path / "pins"
    names = ["step-1-needed", "step-2-orphan", ".partial-step-3", "step-4-young"]
    for name in names:
        (pins / name).mkdir(parents=True)
        (pins / name / "model.safetensors").touch()
    outbox.add(entry(pins / "step-1-needed"))
    old = time.time() - ORPHAN_SECONDS - 1
    for name in names[:3]:
        os.utime(pins / name, (old, old))
    sweep(pins, outbox)
    assert sorted(path.name for path in pins.iterdir()) == ["step-1-needed", "step-4-young"]


def test_sweeping_where_nothing_was_pinned_yet(tmp_path: Path) -> None:
    sweep(tmp_path / "nowhere", Outbox(tmp_path / "outbox"))


def test_a_pin_stays_as_long_as_another_entry_needs_it(tmp_path: Path) -> None:
    outbox, pin = Outbox(tmp_path / "outbox"), tmp_path / "pins" / "step-1"
    pin.mkdir(parents=True)
    other = outbox.add(entry(pin))
    drop_pin(entry(pin), outbox)
    assert pin.exists()
    outbox.remove(other)
    drop_pin(entry(pin), outbox)
    assert not pin.exists()
