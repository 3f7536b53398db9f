"""Announcements on disk: waiting, sent or refused. They survive crashes of trainer and server.

Each announcement is one file, written under a temporary name and renamed; names sort by time. A
file moves from `waiting/` to `sent/` while its job runs and is removed when the job has ended. What
the server refuses for good goes to `refused/` with the reason. One process sends; any may add.
"""

import fcntl
import json
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evalsvc.specs import Announcement, Spec, content_hash
from evalsvc.trainers.limits import MAX_REFUSED

PRIVATE_FOLDER = ".evalsvc"  # next to the checkpoints, so that pins can be hard links
Stamp = tuple[int, int]  # inode and time of the last change: a file that is replaced has another


class Entry(Spec):
    """One file of the outbox. `fingerprint` makes a step that is written again another entry."""

    announcement: Announcement
    fingerprint: str = ""
    pin: str | None = None  # the folder to remove when the job has ended
    job_id: str | None = None
    reason: str | None = None  # why it was refused

    @property
    def idempotency_key(self) -> str:
        """The same content and announcement give the same key: announcing twice is harmless."""
        return content_hash([self.fingerprint, self.announcement.model_dump(mode="json")], 32)


class Outbox:
    """The folder of one training run's announcements.

    Files that have not changed are not read again: while a server is down for days there are
    thousands, and every save lists them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._waiting = folder / "waiting"
        self._sent = folder / "sent"
        self._refused = folder / "refused"
        self._known: dict[Path, dict[Path, tuple[Stamp, Entry]]] = {}  # by folder

    def add(self, entry: Entry) -> Path:
        """Put an announcement on disk. Raises OSError if the disk is full or gone."""
        return self._write(
            self._waiting / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}.json", entry
        )

    def replace(self, path: Path, entry: Entry) -> None:
        """Change a waiting announcement in place."""
        self._write(path, entry)

    def waiting(self) -> list[tuple[Path, Entry]]:
        """What is still to be sent, oldest first."""
        return self._entries(self._waiting)

    def sent(self) -> list[tuple[Path, Entry]]:
        """What the server has taken and whose job has not been seen to end, oldest first."""
        return self._entries(self._sent)

    def refused(self) -> list[tuple[Path, Entry]]:
        """What the server refused for good, oldest first."""
        return self._entries(self._refused)

    def pins(self) -> set[str]:
        """The pinned folders that are still needed."""
        entries = [entry for _, entry in (*self.waiting(), *self.sent())]
        return {entry.pin for entry in entries if entry.pin is not None}

    def mark_sent(self, path: Path, entry: Entry, job_id: str) -> None:
        self._write(self._sent / path.name, entry.model_copy(update={"job_id": job_id}))
        path.unlink(missing_ok=True)

    def mark_refused(self, path: Path, entry: Entry, reason: str) -> None:
        self._write(self._refused / path.name, entry.model_copy(update={"reason": reason}))
        path.unlink(missing_ok=True)
        for old in sorted(self._refused.glob("*.json"))[:-MAX_REFUSED]:
            old.unlink(missing_ok=True)

    def remove(self, path: Path) -> None:
        path.unlink(missing_ok=True)

    def _entries(self, folder: Path) -> list[tuple[Path, Entry]]:
        before, found = self._known.get(folder, {}), {}
        for path in sorted(folder.glob("*.json")):
            try:
                found[path] = _read(path, before.get(path))
            except FileNotFoundError:
                continue  # another process has moved it
            except ValidationError:
                path.rename(path.with_suffix(".unreadable"))
        self._known[folder] = found
        return [(path, entry) for path, (_, entry) in found.items()]

    def _write(self, path: Path, entry: Entry) -> Path:
        write_atomically(path, entry.model_dump(mode="json"))
        return path


def _read(path: Path, known: tuple[Stamp, Entry] | None) -> tuple[Stamp, Entry]:
    """The entry in `path`; `known` where the file has not changed."""
    status = path.stat()
    stamp = (status.st_ino, status.st_mtime_ns)  # read first: a later change is noticed next time
    if known is not None and known[0] == stamp:
        return known
    return stamp, Entry.model_validate_json(path.read_bytes())


def write_atomically(path: Path, value: Any) -> None:
    """Write JSON under a temporary name, then rename: readers never see half a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        with temporary.open("w", encoding="utf-8") as stream:
            json.dump(value, stream)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def exclusive(path: Path) -> Iterator[bool]:
    """Hold the lock file `path`; yields False at once if another process holds it.

    The kernel releases the lock when its process ends, in whatever way.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
            return
        yield True
