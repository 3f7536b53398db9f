"""From a complete step to a folder that the service can load and that rotation cannot remove.

A sharded checkpoint is merged into Hugging Face format by the trainer's own merger, in its own
process and Python environment, at low priority; anything else is pinned where it is.
"""

import logging
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path

from evalsvc.checkpoints import check_complete, inspect_checkpoint, pin, unpin
from evalsvc.checkpoints.pinning import PARTIAL_PREFIX
from evalsvc.errors import CheckpointError
from evalsvc.trainers.layouts import Look
from evalsvc.trainers.layouts.verl import FSDP
from evalsvc.trainers.outbox import Announcement, Entry

log = logging.getLogger("evalsvc.trainers")
MERGE_SECONDS = 3600.0
SHOWN_CHARACTERS = 600


@dataclass(frozen=True)
class Prepared:
    """A Hugging Face folder. A `private` one was made for us and is removed once it is pinned."""

    path: Path
    private: bool


def prepare(look: Look, private: Path, python: str = sys.executable) -> Prepared:
    """The model of a complete look, merged first if it is sharded. Raises CheckpointError.

    `private` is the watcher's or hook's own folder; `python` the interpreter that has the merger.
    """
    if look.model is None:
        raise CheckpointError(f"{look.folder} holds no model. {look.reason}")
    if look.merge is None:
        return Prepared(look.model, private=False)
    name = f"merged-step-{look.step}-{uuid.uuid4().hex[:8]}"
    return Prepared(merge(look.model, private / "pins" / name, look.merge, python), private=True)


def merge(shards: Path, target: Path, kind: str, python: str = sys.executable) -> Path:
    """Merge verl's shards into the new Hugging Face folder `target`, which appears when whole.

    Raises CheckpointError with the merger's last words if it fails.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.parent / f"{PARTIAL_PREFIX}{target.name}"
    command = [
        *("nice", "-n", "19", python, "-m", "verl.model_merger", "merge"),
        *("--backend", kind),
        *("--local_dir", str(shards.absolute())),
        *("--target_dir", str(partial.absolute())),
    ]
    try:
        _run(command, shards, hide_gpus=kind == FSDP)
        check_complete(partial)
        partial.rename(target)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return target


def kept(wish: Announcement, prepared: Prepared, pins: Path) -> Entry:
    """The entry that announces a prepared model under a pin of its own.

    Where the disk has no room for a pin, the model is announced where it lies. Raises
    CheckpointError if it is not complete, CheckpointVanished if it is removed meanwhile.
    """
    fingerprint = inspect_checkpoint(prepared.path).fingerprint
    pinned: Path | None = None
    try:
        pinned = pin(prepared.path, pins / f"step-{wish.step}-{fingerprint[:12]}")
        if prepared.private:
            unpin(prepared.path)  # its files live on in the pin
    except OSError as error:
        log.warning("Step %d is announced without a pin: %s", wish.step, error)
    return Entry(
        announcement=wish.model_copy(update={"path": str((pinned or prepared.path).absolute())}),
        fingerprint=fingerprint,
        pin=str(pinned.absolute()) if pinned else None,
    )


def _run(command: list[str], shards: Path, *, hide_gpus: bool) -> None:
    environment = dict(os.environ)
    if hide_gpus:  # the FSDP merger works on the CPU; the GPUs are the training's
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
        )
    except subprocess.TimeoutExpired as error:
        raise _failed(shards, f"it took longer than {MERGE_SECONDS:g} s") from error
    except OSError as error:
        raise _failed(shards, f"the merger could not be started: {error}") from error
    if done.returncode != 0:
        words = done.stdout.decode(errors="replace").strip()[-SHOWN_CHARACTERS:]
        raise _failed(shards, words or f"exit code {done.returncode}")


def _failed(shards: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"The shards in {shards} could not be merged: {reason}",
        "Name the Python that has verl with --trainer-python, or have verl save Hugging Face "
        'weights: actor_rollout_ref.actor.checkpoint.save_contents=["model","hf_model"].',
    )
