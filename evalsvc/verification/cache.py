"""A cache of verdicts: bounded memory in this process, and an SQLite file.

The key is everything that a verdict depends on: gold, kind, choices, answer and verifier version.
Timeouts and crashes are never stored: they depend on the machine, not on the answer.
Several processes may share a file: verdicts are collected and written in short transactions.
"""

import hashlib
import sqlite3
import threading
from pathlib import Path

from evalsvc.verification.verdict import VERIFIER_VERSION, Confidence, VerdictKind

Key = tuple[str, str | None, tuple[str, ...], str]
Entry = tuple[VerdictKind, str, Confidence | None]
_KEPT = frozenset((VerdictKind.CORRECT, VerdictKind.WRONG, VerdictKind.TOO_LONG))
_UNSAVED_MOST = 1_000
_BUSY_SECONDS = 5


class VerdictCache:
    """A thread-safe cache. Without a path it is in memory only.

    If the file cannot be opened or written, it is not used, and `problem` holds the reason. A cache
    must never fail a run.
    """

    def __init__(self, path: Path | None = None, *, entries_in_memory: int = 50_000) -> None:
        self._memory: dict[Key, Entry] = {}
        self._size = entries_in_memory
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        self._unsaved: list[tuple[bytes, str, str, str]] = []
        self.problem = ""
        if path is not None:
            self._open(path)

    def _open(self, path: Path) -> None:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = sqlite3.connect(
                path, timeout=_BUSY_SECONDS, check_same_thread=False, isolation_level=None
            )
            self._file.execute("PRAGMA journal_mode=WAL")
            self._file.execute("PRAGMA synchronous=OFF")
            self._file.execute(
                "CREATE TABLE IF NOT EXISTS judgements (key BLOB PRIMARY KEY, verdict TEXT,"
                " rule TEXT, confidence TEXT) WITHOUT ROWID"
            )
        except (sqlite3.Error, OSError) as error:
            self._fail(error)

    def get(self, key: Key) -> Entry | None:
        """The verdict, rule and confidence stored under a key."""
        entry = self._memory.get(key)
        if entry is None and self._file is not None:
            entry = self._read(key)
            if entry is not None:
                self._remember(key, entry)
        return entry

    def put(
        self,
        key: Key,
        verdict: VerdictKind,
        rule: str,
        confidence: Confidence | None = None,
        *,
        persist: bool = True,
    ) -> None:
        """Store a verdict. `persist` is false for cheap ones, which stay in memory only."""
        if verdict not in _KEPT:
            return
        self._remember(key, (verdict, rule, confidence))
        if self._file is None or not persist:
            return
        with self._lock:
            self._unsaved.append((_digest(key), verdict.value, rule, confidence or ""))
            if len(self._unsaved) >= _UNSAVED_MOST:
                self._save()

    def _read(self, key: Key) -> Entry | None:
        with self._lock:
            try:
                if self._file is None:
                    return None
                row = self._file.execute(
                    "SELECT verdict, rule, confidence FROM judgements WHERE key = ?",
                    (_digest(key),),
                ).fetchone()
            except sqlite3.Error as error:
                self._fail(error)
                return None
        if not row:
            return None
        return VerdictKind(row[0]), row[1], Confidence(row[2]) if row[2] else None

    def _remember(self, key: Key, entry: Entry) -> None:
        with self._lock:
            if len(self._memory) >= self._size:
                for old in list(self._memory)[: self._size // 10]:
                    del self._memory[old]
            self._memory[key] = entry

    def _save(self) -> None:
        if self._file is None:
            return
        try:
            self._file.execute("BEGIN IMMEDIATE")
            self._file.executemany(
                "INSERT OR REPLACE INTO judgements VALUES (?, ?, ?, ?)", self._unsaved
            )
            self._file.execute("COMMIT")
        except sqlite3.Error as error:
            self._fail(error)
        self._unsaved.clear()

    def _fail(self, error: Exception) -> None:
        self.problem = f"The verdict cache is not used: {error}"
        self._file = None

    def close(self) -> None:
        """Save and close the file."""
        with self._lock:
            self._save()
            if self._file is not None:
                self._file.close()
            self._file = None


def _digest(key: Key) -> bytes:
    gold, kind, choices, answer = key
    hasher = hashlib.sha256()
    for part in (VERIFIER_VERSION, kind or "", gold, answer, *choices):
        encoded = part.encode("utf-8", "surrogatepass")
        hasher.update(len(encoded).to_bytes(8, "big"))
        hasher.update(encoded)
    return hasher.digest()
