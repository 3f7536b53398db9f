"""One dispatcher per database: a lock that goes with its holder, however that ends.

On PostgreSQL an advisory lock of a connection that is kept open, on SQLite a lock of the file
DATABASE.dispatcher. Neither can be left behind by a process that is killed.
"""

import fcntl
import os
import socket
from contextlib import ExitStack
from pathlib import Path

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from evalsvc.errors import Conflict, StorageError
from evalsvc.store.database import Database
from evalsvc.store.repositories import workers

LOCK_KEY = 0x6576616C_00000003


def holder_name() -> str:
    """Who this process is, for the error that a second dispatcher gets."""
    return f"process {os.getpid()} on {socket.gethostname()}"


class LeaderLock:
    """The right to dispatch. Taken by `acquire`, looked after by `renew`, given up by `release`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held = ExitStack()
        self._connection: Connection | None = None

    def acquire(self) -> None:
        """Take the lock. Raises Conflict when another dispatcher has it."""
        path = self._database.sqlite_path
        taken = self._acquire_file(path) if path is not None else self._acquire_advisory()
        if not taken:
            self.release()
            raise Conflict(
                f"Another dispatcher works on this database: {self._other()}.",
                "Stop it first, or give this one a data folder or database of its own "
                "(EVALSVC_DATA, EVALSVC_DATABASE_URL).",
            )

    def is_held(self) -> bool:
        """Whether some dispatcher has the lock now (asked by somebody who has not)."""
        try:
            self.acquire()
        except Conflict:
            return True
        self.release()
        return False

    def renew(self) -> None:
        """Take the lock again if the connection that held it is lost. Raises as `acquire` does."""
        if self._connection is None:
            if self._database.sqlite_path is None:
                self.acquire()
            return
        try:
            self._connection.execute(text("SELECT 1"))
            self._connection.commit()
        except DBAPIError:
            self.release()
            self.acquire()

    def release(self) -> None:
        """Give the lock up; without one this does nothing."""
        self._connection = None
        try:
            self._held.close()
        except (DBAPIError, StorageError):
            return  # the connection is gone, and the lock with it

    def _acquire_file(self, database: Path) -> bool:
        lock_file = Path(f"{database}.dispatcher")
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
        taken = bool(self._connection.execute(query, {"key": LOCK_KEY}).scalar())
        self._connection.commit()  # the lock is the connection's: no transaction stays open
        return taken

    def _other(self) -> str:
        with self._database.read() as session:
            newest = workers.newest_epoch(session)
        return newest.holder if newest is not None else "it has only just started"
