"""`evalsvc watch`: polls a training's folder and has every complete checkpoint evaluated.

Polling, as notifications do not cross NFS, Lustre or FUSE. All that is known lies in one private
folder (state, outbox, pins), so a restarted watcher goes on where the last one was; a lock keeps
two watchers off one folder.
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
from evalsvc.errors import CheckpointError, Conflict, UsageError
from evalsvc.specs import Announcement
from evalsvc.trainers.client import Client
from evalsvc.trainers.layouts import AUTO, Layout, Look, choose_layout
from evalsvc.trainers.outbox import PRIVATE_FOLDER, Entry, Outbox, exclusive, write_atomically
from evalsvc.trainers.pins import sweep
from evalsvc.trainers.preparation import kept, prepare
from evalsvc.trainers.sender import Complaints, Sender
from evalsvc.trainers.watching import Decision, Known, Phase, Policy, decided, plan

log = logging.getLogger("evalsvc.trainers")
POLL_SECONDS = 5.0
Report = Callable[[Decision], None]


@dataclass(frozen=True)
class Wish:
    """What to say of each checkpoint of the watched run; see Announcement."""

    run: str
    method: str
    benchmarks: tuple[str, ...]
    protocol: str | None = None
    samples: int | None = None
    base_model: str | None = None
    seed: int | None = None


class Watcher:
    """Watches one folder. `poll` is one round; `run` goes on until it is told to stop."""

    def __init__(
        self,
        root: Path,
        wish: Wish,
        client: Client,
        *,
        layout: str = AUTO,
        policy: Policy | None = None,
        private: Path | None = None,
        trainer_python: str = sys.executable,
        report: Report | None = None,
    ) -> None:
        if not root.is_dir():
            raise UsageError(
                f"There is no folder {root}.",
                "Create it first, or correct the path; it may be empty.",
            )
        choose_layout(layout, root)  # an unknown name is told at once
        self.root = root
        self.private = _writable(private or root / PRIVATE_FOLDER)
        self.outbox = Outbox(self.private / "outbox")
        self._wish = wish
        self._layout_name = layout
        self._policy = policy or Policy()
        self._trainer_python = trainer_python
        self._report = report
        self._sender = Sender(self.outbox, client)
        self._complaints = Complaints()
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
                    f"Another watcher works on {self.root}.",
                    "One is enough; stop it first if you want other options.",
                )
            sweep(self.private / "pins", self.outbox)
            while not until():
                self.poll(time.time())
                pause(poll_seconds)

    def is_idle(self) -> bool:
        """Whether a round has been made, every step seen is decided and everything is sent."""
        undecided = any(row.phase is Phase.OPEN for row in self._known.values())
        return self._polled and not undecided and not self.outbox.waiting()

    def poll(self, now: float) -> None:
        """Look at every step once, carry out what follows, and talk to the server once."""
        layout = choose_layout(self._layout_name, self.root)
        if layout is not None:
            self._decide(layout, now)
        try:
            with exclusive(self.private / "sender.lock") as mine:  # a hook may be sending
                if mine:
                    self._sender.round()
        except OSError as error:
            self._complaints.say(f"Evaluations wait, the disk does not answer: {error}")
        self._polled = True

    def _decide(self, layout: Layout, now: float) -> None:
        looks = layout.looks(self.root)
        seen = {self._key(look): (look, snapshot(look.folder)) for look in looks}
        pinned = sum(entry.pin is not None for _, entry in self.outbox.waiting())
        slots = self._policy.max_waiting - pinned - len(self.outbox.sent())
        outcome = plan(self._known, seen, now, self._policy, slots)
        known = dict(outcome.known)
        for decision in outcome.decisions:
            done = self._carry_out(decision, layout.name)
            known[decision.key] = decided(known[decision.key], done.phase)
            if done.phase is not Phase.OPEN and self._report is not None:
                self._report(done)
        if _lasting(known) != _lasting(self._known):
            self._save(known)
        self._known = known

    def _carry_out(self, decision: Decision, trainer: str) -> Decision:
        """Put the decision into the outbox. Returns what became of it; OPEN: try again."""
        entry: Entry | None = None
        look = decision.look
        if look is not None:
            try:
                entry = self._prepared(look, trainer)
            except CheckpointVanished as error:
                decision = replace(decision, phase=Phase.ROTATED, reason=str(error))
            except CheckpointError as error:
                phase = Phase.FAILED if look.folder.exists() else Phase.ROTATED
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
        self._complaints.say(f"Step {decision.step} waits, the disk refuses it: {error}")
        return replace(decision, phase=Phase.OPEN)

    def _prepared(self, look: Look, trainer: str) -> Entry:
        ready = prepare(look, self.private, self._trainer_python)
        wish = self._announcement(look.step, ready.path, trainer)
        return kept(wish, ready, self.private / "pins")

    def _announcement(self, step: int, path: Path, trainer: str) -> Announcement:
        return Announcement(
            path=str(path.absolute()), step=step, trainer=trainer, **asdict(self._wish)
        )

    def _key(self, look: Look) -> str:
        return look.folder.relative_to(self.root).as_posix()

    def _load(self) -> dict[str, Known]:
        """What a former watcher of this folder knew; undecided steps are watched afresh."""
        try:
            rows = json.loads((self.private / "state.json").read_text(encoding="utf-8"))
            known = {
                key: Known(
                    step=int(row["step"]),
                    snapshot=str(row["snapshot"]),
                    since=float(row["since"]),
                    phase=Phase(row["phase"]),
                    announced=bool(row["announced"]),
                )
                for key, row in rows.items()
            }
        except FileNotFoundError:
            return {}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.warning("The watcher's state was unreadable and starts anew: %s", error)
            return {}  # announcing again is harmless: the idempotency keys are the same
        return known

    def _save(self, known: dict[str, Known]) -> None:
        try:
            write_atomically(
                self.private / "state.json", {key: asdict(row) for key, row in known.items()}
            )
        except OSError as error:
            log.warning("The watcher's state could not be kept: %s", error)


def _writable(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "watcher.lock").touch()
    except OSError as error:
        raise UsageError(
            f"The watcher cannot keep its state in {folder}: {error.strerror}.",
            "Give it a folder that it may write to with --private, best on the same disk.",
        ) from error
    return folder


def _lasting(known: dict[str, Known]) -> dict[str, Known]:
    """What a restart must not lose: all but the counting of polls."""
    return {key: replace(row, polls=0) for key, row in known.items()}


def snapshot(folder: Path) -> str:
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
