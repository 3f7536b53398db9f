"""`evalsvc watch`: polls a training's folder and has every complete checkpoint evaluated.

It polls because file notifications do not cross NFS, Lustre or FUSE. All its state is in one
private folder (state, outbox, pins), so a restarted watcher continues where the last one stopped. A
lock keeps a second watcher off the same folder.
"""

import hashlib
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from evalsvc.checkpoints.pinning import CheckpointVanished
from evalsvc.client import Client
from evalsvc.errors import CheckpointError, Conflict, UsageError
from evalsvc.specs import Announcement
from evalsvc.trainers.layouts import AUTO, Layout, StepSnapshot, choose_layout
from evalsvc.trainers.outbox import PRIVATE_FOLDER, Entry, Outbox, exclusive, write_atomically
from evalsvc.trainers.pins import sweep
from evalsvc.trainers.preparation import pin_and_stage, prepare
from evalsvc.trainers.sender import DedupedLogger, Sender
from evalsvc.trainers.watching import (
    Decision,
    StepPhase,
    StepRecord,
    WatchPolicy,
    plan_poll,
    with_phase,
)

log = logging.getLogger("evalsvc.trainers")
POLL_SECONDS = 5.0
OnDecision = Callable[[Decision], None]


@dataclass(frozen=True)
class RunTemplate:
    """What every announcement of the watched run has in common; see Announcement."""

    run: str
    method: str
    benchmarks: tuple[str, ...]
    protocol: str | None = None
    samples: int | None = None
    base_model: str | None = None
    seed: int | None = None


class Watcher:
    """Watches one folder. `poll` is one round; `run` repeats it until it is asked to stop."""

    def __init__(
        self,
        root: Path,
        template: RunTemplate,
        client: Client,
        *,
        layout: str = AUTO,
        policy: WatchPolicy | None = None,
        private: Path | None = None,
        trainer_python: str = sys.executable,
        on_decision: OnDecision | None = None,
    ) -> None:
        if not root.is_dir():
            raise UsageError(
                f"There is no folder {root}.",
                "Create it first (it may be empty), or correct the path.",
            )
        choose_layout(layout, root)  # raises for an unknown name
        self.root = root
        self.private = _writable(private or root / PRIVATE_FOLDER)
        self.outbox = Outbox(self.private / "outbox")
        self._template = template
        self._layout_name = layout
        self._policy = policy or WatchPolicy()
        self._trainer_python = trainer_python
        self._on_decision = on_decision
        self._sender = Sender(self.outbox, client)
        self._troubles = DedupedLogger()
        self._known = self._load()
        self._polled = False

    def run(
        self,
        poll_seconds: float = POLL_SECONDS,
        until: Callable[[], bool] = lambda: False,
        pause: Callable[[float], object] = time.sleep,
    ) -> None:
        """Poll until `until()`. Raises Conflict if another watcher has the folder."""
        with exclusive(self.private / "watcher.lock") as mine:
            if not mine:
                raise Conflict(
                    f"Another watcher is running on {self.root}.",
                    "Stop it first if you want other options.",
                )
            sweep(self.private / "pins", self.outbox)
            while not until():
                self.poll(time.time())
                pause(poll_seconds)

    def is_idle(self) -> bool:
        """Whether a round was made, every step it found is decided, and everything is sent."""
        undecided = any(row.phase is StepPhase.OPEN for row in self._known.values())
        return self._polled and not undecided and not self.outbox.waiting()

    def poll(self, now: float) -> None:
        """Inspect every step once, act on it, and contact the server once."""
        layout = choose_layout(self._layout_name, self.root)
        if layout is not None:
            self._decide(layout, now)
        try:
            with exclusive(self.private / "sender.lock") as mine:  # a hook may be sending now
                if mine:
                    self._sender.round()
        except OSError as error:
            self._troubles.warn(f"Evaluations wait because the disk does not answer: {error}")
        self._polled = True

    def _decide(self, layout: Layout, now: float) -> None:
        snapshots = layout.snapshots(self.root)
        seen = {
            self._key(snapshot): (snapshot, files_digest(snapshot.folder)) for snapshot in snapshots
        }
        pinned = sum(entry.pin is not None for _, entry in self.outbox.waiting())
        slots = self._policy.max_waiting - pinned - len(self.outbox.sent())
        outcome = plan_poll(self._known, seen, now, self._policy, slots)
        known = dict(outcome.known)
        for decision in outcome.decisions:
            done = self._carry_out(decision, layout.name)
            known[decision.key] = with_phase(known[decision.key], done.phase)
            if done.phase is not StepPhase.OPEN and self._on_decision is not None:
                self._on_decision(done)
        if _persistent(known) != _persistent(self._known):
            self._save(known)
        self._known = known

    def _carry_out(self, decision: Decision, trainer: str) -> Decision:
        """Put the decision into the outbox. Returns the outcome; OPEN means try again."""
        entry: Entry | None = None
        snapshot = decision.snapshot
        if snapshot is not None:
            try:
                entry = self._prepared(snapshot, trainer)
            except CheckpointVanished as error:
                decision = replace(decision, phase=StepPhase.ROTATED, reason=str(error))
            except CheckpointError as error:
                phase = StepPhase.FAILED if snapshot.folder.exists() else StepPhase.ROTATED
                decision = replace(decision, phase=phase, reason=str(error))
            except OSError as error:
                return self._postponed(decision, error)
        if entry is None:
            path = self.root / decision.key
            row = self._announcement(decision.step, path, trainer)
            entry = Entry(announcement=row.without_job(decision.phase, decision.reason))
        try:
            self.outbox.add(entry)
        except OSError as error:
            return self._postponed(decision, error)
        return decision

    def _postponed(self, decision: Decision, error: OSError) -> Decision:
        self._troubles.warn(f"Step {decision.step} waits because the disk refuses it: {error}")
        return replace(decision, phase=StepPhase.OPEN)

    def _prepared(self, snapshot: StepSnapshot, trainer: str) -> Entry:
        ready = prepare(snapshot, self.private, self._trainer_python)
        announcement = self._announcement(snapshot.step, ready.path, trainer)
        return pin_and_stage(announcement, ready, self.private / "pins")

    def _announcement(self, step: int, path: Path, trainer: str) -> Announcement:
        return Announcement(
            path=str(path.absolute()), step=step, trainer=trainer, **asdict(self._template)
        )

    def _key(self, snapshot: StepSnapshot) -> str:
        return snapshot.folder.relative_to(self.root).as_posix()

    def _load(self) -> dict[str, StepRecord]:
        """What an earlier watcher of this folder saved; undecided steps start again."""
        try:
            rows = json.loads((self.private / "state.json").read_text(encoding="utf-8"))
            known = {
                key: StepRecord(
                    step=int(row["step"]),
                    digest=str(row["digest"]),
                    since=float(row["since"]),
                    phase=StepPhase(row["phase"]),
                    announced=bool(row["announced"]),
                )
                for key, row in rows.items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("The watcher's state could not be read and starts empty: %s", error)
            return {}  # announcing again is harmless: the idempotency keys are the same
        return known

    def _save(self, known: dict[str, StepRecord]) -> None:
        try:
            write_atomically(
                self.private / "state.json", {key: asdict(row) for key, row in known.items()}
            )
        except OSError as error:
            log.warning("The watcher's state could not be saved: %s", error)


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "watcher.lock").touch()
    except OSError as error:
        raise UsageError(
            f"The watcher cannot save its state in {folder}: {error.strerror}.",
            "Name a folder that it may write to with --private, preferably on the same disk.",
        ) from error
    return folder


def _persistent(known: dict[str, StepRecord]) -> dict[str, StepRecord]:
    """What a restart must not lose: everything but the number of polls."""
    return {key: replace(row, polls=0) for key, row in known.items()}


def files_digest(folder: Path) -> str:
    """Hash of names, sizes and times of all files below a folder; files may vanish meanwhile."""
    digest = hashlib.sha256()
    for parent, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(parent) / name
            try:
                status = path.stat()
            except OSError:
                continue
            digest.update(f"{path}\0{status.st_size}\0{status.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:16]
