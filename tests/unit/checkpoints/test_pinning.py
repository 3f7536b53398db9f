"""Pins outlive rotation, are whole or absent, and never touch the trainer's files."""

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from evalsvc.checkpoints import inspect_checkpoint, pin, unpin
from evalsvc.checkpoints import pinning as pinning_module
from evalsvc.checkpoints.pinning import CheckpointVanished
from evalsvc.errors import CheckpointError
from tests.checkpoint_builder import safetensors_bytes, write_checkpoint


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = write_checkpoint(tmp_path / "run" / "checkpoint-1", shards=2)
    large = folder / "model-00001-of-00002.safetensors"
    large.write_bytes(safetensors_bytes({"model.layers.1.weight": (600, 600)}))
    (folder / "optimizer.pt").write_bytes(b"state")
    return folder


def test_a_pin_is_the_same_checkpoint_and_outlives_rotation(
    tmp_path: Path, checkpoint: Path
) -> None:
    before = inspect_checkpoint(checkpoint)
    pinned = pin(checkpoint, tmp_path / "pins" / "one")
    large = "model-00001-of-00002.safetensors"
    assert (pinned / large).stat().st_ino == (checkpoint / large).stat().st_ino
    assert not (pinned / "optimizer.pt").exists()
    shutil.rmtree(checkpoint)
    assert inspect_checkpoint(pinned).fingerprint == before.fingerprint
    assert [p.name for p in (tmp_path / "pins").iterdir()] == ["one"]


def test_where_links_are_impossible_files_are_copied(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(*_: object) -> None:
        raise OSError(errno.EXDEV, "another file system")

    monkeypatch.setattr(os, "link", no_links)
    pinned = pin(checkpoint, tmp_path / "pins" / "one")
    assert inspect_checkpoint(pinned).fingerprint == inspect_checkpoint(checkpoint).fingerprint


def test_links_of_a_hub_cache_are_followed(tmp_path: Path, checkpoint: Path) -> None:
    snapshot = tmp_path / "snapshot"
    snapshot.mkdir()
    for path in checkpoint.iterdir():
        (snapshot / path.name).symlink_to(path)
    pinned = pin(snapshot, tmp_path / "pins" / "one")
    assert not any(path.is_symlink() for path in pinned.iterdir())


def test_rotation_in_the_middle_of_pinning(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep = pinning_module._keep
    kept: list[Any] = []

    def rotate_after_two(source: Path, target: Path) -> None:
        if len(kept) == 2:
            shutil.rmtree(checkpoint)
        kept.append(source)
        keep(source, target)

    monkeypatch.setattr(pinning_module, "_keep", rotate_after_two)
    with pytest.raises(CheckpointVanished):
        pin(checkpoint, tmp_path / "pins" / "one")
    assert list((tmp_path / "pins").iterdir()) == []


def test_a_full_disk_leaves_nothing_behind(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(shutil, "copyfile", full)
    with pytest.raises(OSError, match="No space left"):
        pin(checkpoint, tmp_path / "pins" / "one")
    assert list((tmp_path / "pins").iterdir()) == []


def test_only_whole_checkpoints_are_pinned(tmp_path: Path, checkpoint: Path) -> None:
    (checkpoint / "model.safetensors.index.json").unlink()
    with pytest.raises(CheckpointError, match="no model"):
        pin(checkpoint, tmp_path / "pins" / "one")
    assert not (tmp_path / "pins" / "one").exists()


def test_pinning_twice_and_unpinning_twice(tmp_path: Path, checkpoint: Path) -> None:
    target = tmp_path / "pins" / "one"
    assert pin(checkpoint, target) == pin(checkpoint, target) == target
    unpin(target)
    unpin(target)
    assert list((tmp_path / "pins").iterdir()) == []
    inspect_checkpoint(checkpoint)
