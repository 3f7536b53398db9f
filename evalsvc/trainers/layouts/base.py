"""How one trainer lays out its checkpoints: where they are, and when one is complete.

A `StepSnapshot` is what one reading of a step's folder showed. Adapters only read; they never wait,
and never raise for a folder that is half-written or vanishes while they read it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evalsvc.checkpoints import check_complete
from evalsvc.errors import CheckpointError


@dataclass(frozen=True)
class StepSnapshot:
    """One step as it is on disk at this moment.

    `model` is the Hugging Face folder to evaluate, or, with `merge`, the sharded folder that must
    be merged first (`merge` names its kind: fsdp, megatron). `certain` means that the trainer
    itself says so (a marker written last, a rename): the files need not settle first.
    `rotated` means that the trainer has removed the model and left the rest.
    """

    step: int
    folder: Path
    complete: bool
    reason: str = ""
    certain: bool = False
    rotated: bool = False
    model: Path | None = None
    merge: str | None = None


@dataclass(frozen=True)
class Layout:
    """The layout of one trainer's checkpoints. `pattern` matches a step folder's whole name."""

    name: str
    pattern: re.Pattern[str]
    inspect: Callable[[int, Path], StepSnapshot]
    parents: tuple[str, ...] = ("",)  # where step folders are, relative to the watched folder
    signs: tuple[str, ...] = ()  # globs in the watched folder that only this trainer matches

    def steps(self, root: Path) -> list[tuple[int, Path]]:
        """The step folders below `root`, by step."""
        return sorted(
            (int(match[1]), folder)
            for parent in self.parents
            for folder in _folders(root / parent)
            if (match := self.pattern.fullmatch(folder.name))
        )

    def snapshots(self, root: Path) -> list[StepSnapshot]:
        """A snapshot of every step below `root`, by step; the better of two folders of a step."""
        best: dict[int, StepSnapshot] = {}
        for step, folder in self.steps(root):
            snapshot = self.inspect(step, folder)
            if step not in best or (snapshot.complete and not best[step].complete):
                best[step] = snapshot
        return list(best.values())


def inspect_model(step: int, folder: Path, model: Path, *, certain: bool = False) -> StepSnapshot:
    """The weight rule: a Hugging Face folder is complete when its own files say so."""
    try:
        check_complete(model)
    except CheckpointError as error:
        return StepSnapshot(step, folder, complete=False, reason=str(error), certain=certain)
    return StepSnapshot(step, folder, complete=True, certain=certain, model=model)


def incomplete(step: int, folder: Path, reason: str) -> StepSnapshot:
    return StepSnapshot(step, folder, complete=False, reason=reason)


def marker_step(path: Path) -> int | None:
    """The number that a tracker file such as latest_checkpointed_iteration.txt holds."""
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return None
    return int(text) if text.isdecimal() and len(text) < 18 else None


def _folders(parent: Path) -> list[Path]:
    try:
        return [path for path in parent.iterdir() if path.is_dir()]
    except OSError:
        return []
