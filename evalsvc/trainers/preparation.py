"""Turn a complete step into a folder that the service can load and rotation cannot remove.

A sharded checkpoint is merged into Hugging Face format by the trainer's own merger, in its own
process and Python environment, at low priority. Anything else is pinned where it is.
"""

import logging
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from evalsvc.checkpoints import check_complete, inspect_checkpoint, pin, unpin
from evalsvc.checkpoints.pinning import CANNOT_LINK, PARTIAL_PREFIX, CheckpointVanished
from evalsvc.errors import CheckpointError
from evalsvc.specs import Announcement
from evalsvc.trainers.layouts import StepSnapshot
from evalsvc.trainers.layouts.verl import FSDP, sharded_kind
from evalsvc.trainers.outbox import Entry

log = logging.getLogger("evalsvc.trainers")
MERGE_SECONDS = 3600.0
SHOWN_CHARACTERS = 600


@dataclass(frozen=True)
class Prepared:
    """A Hugging Face folder. A `private` one was made for us: it becomes the pin."""

    path: Path
    private: bool


def prepare(snapshot: StepSnapshot, private: Path, python: str = sys.executable) -> Prepared:
    """The model of a complete step, merged first if it is sharded. Raises CheckpointError.

    `private` is the watcher's or hook's own folder; `python` the interpreter that has the merger.
    """
    if snapshot.model is None:
        raise CheckpointError(f"{snapshot.folder} holds no model. {snapshot.reason}")
    if snapshot.merge is None:
        return Prepared(snapshot.model, private=False)
    name = f"merged-step-{snapshot.step}-{uuid.uuid4().hex[:8]}"
    return Prepared(
        merge(snapshot.model, private / "pins" / name, snapshot.merge, python), private=True
    )


def merge(shards: Path, target: Path, kind: str, python: str = sys.executable) -> Path:
    """Merge verl's shards into the new Hugging Face folder `target`, which appears when complete.

    Raises CheckpointError with the end of the merger's output if it fails, CheckpointVanished if
    the shards are removed before they are linked, and OSError if the disk refuses.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f"{PARTIAL_PREFIX}{target.name}"
    try:
        with _linked(shards, target.parent) as source:
            command = [
                *("nice", "-n", "19", python, "-m", "verl.model_merger", "merge"),
                *("--backend", kind),
                *("--local_dir", str(source.absolute())),
                *("--target_dir", str(partial.absolute())),
            ]
            _run(command, shards, hide_gpus=kind == FSDP)
        check_complete(partial)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def pin_and_stage(announcement: Announcement, prepared: Prepared, pins: Path) -> Entry:
    """Pin a prepared model and stage its announcement as an entry of the outbox.

    Where the disk has no room for a pin, the model is announced where it is. Raises
    CheckpointError if it is not complete, CheckpointVanished if it is removed meanwhile.
    """
    fingerprint = inspect_checkpoint(prepared.path).fingerprint
    target = pins / f"step-{announcement.step}-{fingerprint[:12]}"
    pinned = prepared.path if prepared.private else None
    try:
        keep = _adopt if prepared.private else pin
        pinned = keep(prepared.path, target)
    except OSError as error:
        log.warning("Step %d is announced without a pin: %s", announcement.step, error)
    return Entry(
        announcement=announcement.model_copy(
            update={"path": str((pinned or prepared.path).absolute())}
        ),
        fingerprint=fingerprint,
        pin=str(pinned.absolute()) if pinned else None,
    )


def _adopt(folder: Path, into: Path) -> Path:
    """Make our own `folder` the pin `into`; an existing one has the same content."""
    if into.exists():
        unpin(folder)
    else:
        folder.rename(into)
    return into


@contextmanager
def _linked(shards: Path, beside: Path) -> Iterator[Path]:
    """Hard links to all of `shards` in a folder of our own: a merger takes minutes, and rotation
    does not wait for it. Yields `shards` itself where the file system has no hard links."""
    own = beside / f"{PARTIAL_PREFIX}shards-{uuid.uuid4().hex[:8]}"
    try:
        yield own if _link_all(shards, own) else shards
    finally:
        shutil.rmtree(own, ignore_errors=True)


def _link_all(shards: Path, own: Path) -> bool:
    try:
        for parent, _, names in os.walk(shards):
            inside = own / Path(parent).relative_to(shards)
            inside.mkdir(parents=True, exist_ok=True)
            for name in names:
                os.link(Path(parent, name), inside / name)
        sharded_kind(own)  # still complete, now that nothing can be removed from it
    except (FileNotFoundError, CheckpointError):
        raise CheckpointVanished(f"{shards} was removed while it was being pinned.") from None
    except OSError as error:
        if error.errno in CANNOT_LINK:
            return False
        raise
    return True


def _run(command: list[str], shards: Path, *, hide_gpus: bool) -> None:
    environment = dict(os.environ)
    if hide_gpus:  # the FSDP merger runs on the CPU; the GPUs belong to the training
        environment["CUDA_VISIBLE_DEVICES"] = ""
    try:
        done = subprocess.run(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=MERGE_SECONDS,
            check=False,
            start_new_session=True,  # Ctrl-C ends the watcher after its round, but not the merger
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(shards, f"it took longer than {MERGE_SECONDS:g} s") from error
    except OSError as error:
        raise _failed(shards, f"the merger could not be started: {error}") from error
    if done.returncode != 0:
        output = done.stdout.decode(errors="replace").strip()[-SHOWN_CHARACTERS:]
        raise _failed(shards, output or f"exit code {done.returncode}")


def _failed(shards: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"The shards in {shards} could not be merged: {reason}",
        "Name the Python that has verl with --trainer-python, or have verl save Hugging Face "
        'weights: actor_rollout_ref.actor.checkpoint.save_contents=["model","hf_model"].',
    )
