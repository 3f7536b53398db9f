"""Keeping a waiting checkpoint: a private folder of hard links, or else copies.

A trainer's rotation may delete a checkpoint at any moment, even while it is being pinned. A pin is
built under a temporary name and renamed, so that a folder under its final name is always complete.
Only what an evaluation needs is pinned: weights, configuration and tokenizer, not the optimizer's
state.

Small files are copied. Weights are hard-linked: this survives deletion, but not a trainer that
overwrites the same file in place; the worker detects that by the fingerprint.
"""

import errno
import os
import shutil
import uuid
from pathlib import Path

from evalsvc.checkpoints.files import MIB, SAVE_AGAIN, unreadable
from evalsvc.checkpoints.inspection import CONFIG, tokenizer_files
from evalsvc.checkpoints.weights import find_weights
from evalsvc.errors import CheckpointError

PARTIAL_PREFIX = ".partial-"
COPIED_BYTES = MIB
CANNOT_LINK = {errno.EXDEV, errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.EACCES, errno.ENOSYS}


class CheckpointVanished(CheckpointError):
    """Files disappeared while the checkpoint was being pinned: the trainer rotated it."""

    kind, title = "checkpoint-vanished", "The checkpoint was removed"


def pin(path: Path, into: Path, *, allow_pickle: bool = False) -> Path:
    """Keep the complete checkpoint `path` as the new folder `into`; return `into`.

    An existing `into` is left unchanged: a pin never changes. Raises CheckpointVanished if the
    checkpoint is removed meanwhile, CheckpointError if it is not complete, and OSError if the
    disk is full; nothing is left behind then.
    """
    if into.exists():
        return into
    into.parent.mkdir(parents=True, exist_ok=True)
    partial = into.parent / f"{PARTIAL_PREFIX}{into.name}-{uuid.uuid4().hex[:8]}"
    try:
        partial.mkdir()
        for source in _needed_files(path, allow_pickle):
            target = partial / source.relative_to(path)
            target.parent.mkdir(exist_ok=True)
            _keep(source, target)
        _needed_files(partial, allow_pickle)  # the copy must be complete too
        partial.rename(into)
    except OSError as error:
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST} and into.is_dir():
            return into  # another process pinned the same checkpoint first
        raise
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return into


def unpin(pinned: Path) -> None:
    """Remove a pin; the trainer's own files stay. A missing pin is no error."""
    doomed = pinned.parent / f"{PARTIAL_PREFIX}{pinned.name}-{uuid.uuid4().hex[:8]}"
    try:
        pinned.rename(doomed)
    except FileNotFoundError:
        return
    shutil.rmtree(doomed)


def _needed_files(folder: Path, allow_pickle: bool) -> list[Path]:
    try:
        weights = find_weights(folder, allow_pickle=allow_pickle)
        files = [folder / CONFIG, *tokenizer_files(folder), *weights.files]
    except CheckpointError:
        if folder.exists():
            raise
        raise _vanished(folder) from None
    return files if weights.index is None else [*files, weights.index]


def _keep(source: Path, target: Path) -> None:
    try:
        original = source.resolve(strict=True)  # a hub cache holds links to blobs
        if original.stat().st_size > COPIED_BYTES:
            try:
                os.link(original, target)
            except OSError as error:
                if error.errno not in CANNOT_LINK:
                    raise
            else:
                return
        shutil.copyfile(original, target)
    except FileNotFoundError:
        raise _vanished(source) from None
    except PermissionError as error:
        raise unreadable(source, error) from error


def _vanished(path: Path) -> CheckpointVanished:
    return CheckpointVanished(
        f"{path} was removed while the checkpoint was being pinned.",
        "Raise the trainer's number of kept checkpoints (save_total_limit). " + SAVE_AGAIN,
    )
