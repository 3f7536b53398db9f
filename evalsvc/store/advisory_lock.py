"""A lock on the whole database that ends with its holder, however that ends.

On PostgreSQL it is an advisory lock of a connection that is kept open, on SQLite a lock of the file
DATABASE.dispatcher. Neither can be left behind by a process that is killed.
"""

import fcntl
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from evalsvc.errors import StorageError
from evalsvc.store.database import Database


class AdvisoryLock:
    """Held by one process at a time. `key` tells the locks of one PostgreSQL database apart."""

    def __init__(self, database: Database, key: int, suffix: str) -> None:
        """`suffix` is added to the name of an SQLite database to name the lock's file."""
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
        """Give the lock up; without one this does nothing."""
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
        self._connection.detach()  # back in the pool it would stay open, and keep the lock
        query = text("SELECT pg_try_advisory_lock(:key)")
        taken = bool(self._connection.execute(query, {"key": self._key}).scalar())
        self._connection.commit()  # the lock is the connection's: no transaction stays open
        return taken
