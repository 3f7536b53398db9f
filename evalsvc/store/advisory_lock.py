"""A lock on the whole database that is released when its holder ends, for whatever reason.

On PostgreSQL it is an advisory lock of a connection that is kept open, on SQLite a lock on the file
DATABASE.dispatcher. A killed process cannot leave either one behind.
"""

import fcntl
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from evalsvc.errors import StorageError
from evalsvc.store.database import Database


class AdvisoryLock:
    """Held by one process at a time. `key` identifies the lock within a PostgreSQL database."""

    def __init__(self, database: Database, key: int, suffix: str) -> None:
        """Name the lock; on SQLite its file is the database's name plus `suffix`."""
        self._database = database
        self._key = key
        self._suffix = suffix
        self._held = ExitStack()
        self._connection: Connection | None = None

    def acquire(self) -> bool:
        """Take the lock; False when another process has it."""
        path = self._database.sqlite_path
        taken = self._acquire_file(path) if path is not None else self._acquire_advisory()
        if not taken:
            self.release()
        return taken

    def is_lost(self) -> bool:
        """Whether the connection that held it is gone, and the lock with it."""
        if self._database.sqlite_path is not None:
            return False
        if self._connection is None:
            return True
        try:
            self._connection.execute(text("SELECT 1"))
            self._connection.commit()
        except DBAPIError:
            return True
        return False

    def release(self) -> None:
        """Release the lock; does nothing if it is not held."""
        self._connection = None
        try:
            self._held.close()
        except (DBAPIError, StorageError):
            return  # the connection is gone, and the lock with it

    def _acquire_file(self, database: Path) -> bool:
        lock_file = Path(f"{database}{self._suffix}")
        file = self._held.enter_context(lock_file.open("w"))
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _acquire_advisory(self) -> bool:
        self._connection = self._held.enter_context(self._database.connect())
        self._connection.detach()  # in the pool it would stay open and keep the lock
        query = text("SELECT pg_try_advisory_lock(:key)")
        taken = bool(self._connection.execute(query, {"key": self._key}).scalar())
        self._connection.commit()  # the connection holds the lock: no transaction stays open
        return taken
