"""What an adapter says of one trainer's checkpoints: where they are, and whether one is whole.

A `Look` is one glance at one step's folder. Adapters only read; they never wait, and never raise
for a folder that is half-written or vanishes while they look at it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from evalsvc.checkpoints import check_complete
from evalsvc.errors import CheckpointError


@dataclass(frozen=True)
class Look:
    """One step as it lies on disk at this moment.

    `model` is the Hugging Face folder to evaluate, or, with `merge`, the sharded folder that must
    be merged first (`merge` names its kind: fsdp, megatron). `certain` means that the trainer
    itself says so (a marker written last, a rename): no need to wait for the files to settle.
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
    """One trainer's way to lay checkpoints out. `pattern` matches a step folder's whole name."""

    name: str
    pattern: re.Pattern[str]
    look: Callable[[int, Path], Look]
    parents: tuple[str, ...] = ("",)  # where step folders lie, relative to the watched folder
    signs: tuple[str, ...] = ()  # globs, relative to the watched folder, that tell this trainer

    def steps(self, root: Path) -> list[tuple[int, Path]]:
        """The step folders below `root`, by step."""
        return sorted(
            (int(match[1]), folder)
            for parent in self.parents
            for folder in _folders(root / parent)
            if (match := self.pattern.fullmatch(folder.name))
        )

    def looks(self, root: Path) -> list[Look]:
        """A look at every step below `root`, by step; of two folders of a step the better one."""
        best: dict[int, Look] = {}
        for step, folder in self.steps(root):
            look = self.look(step, folder)
            if step not in best or (look.complete and not best[step].complete):
                best[step] = look
        return list(best.values())


def look_at_model(step: int, folder: Path, model: Path, *, certain: bool = False) -> Look:
    """The weight rule: a Hugging Face folder is whole when its files say so themselves."""
    try:
        check_complete(model)
    except CheckpointError as error:
        return Look(step, folder, complete=False, reason=str(error), certain=certain)
    return Look(step, folder, complete=True, certain=certain, model=model)


def waiting(step: int, folder: Path, reason: str) -> Look:
    return Look(step, folder, complete=False, reason=reason)


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
