"""One dispatcher per database: a lock that disappears with its holder, however the holder ends.

On PostgreSQL it is an advisory lock of a connection that stays open. On SQLite it is a lock on the
file DATABASE.dispatcher. A killed process leaves neither behind.
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
    """Name this process, for the error that a second dispatcher gets."""
    return f"process {os.getpid()} on {socket.gethostname()}"


class LeaderLock:
    """The right to dispatch: `acquire` takes it, `renew` checks it, `release` gives it up."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held = ExitStack()
        self._connection: Connection | None = None

    def acquire(self) -> None:
        """Take the lock. Raises Conflict if another dispatcher holds it."""
        path = self._database.sqlite_path
        taken = self._acquire_file(path) if path is not None else self._acquire_advisory()
        if not taken:
            self.release()
            raise Conflict(
                f"Another dispatcher works on this database: {self._other()}.",
                "Stop it first, or give this one its own data folder or database "
                "(EVALSVC_DATA, EVALSVC_DATABASE_URL).",
            )

    def is_held(self) -> bool:
        """Whether a dispatcher holds the lock now. Not for the holder itself."""
        try:
            self.acquire()
        except Conflict:
            return True
        self.release()
        return False

    def renew(self) -> None:
        """Take the lock again if its connection was lost. Raises Conflict like `acquire`."""
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
        """Release the lock. Does nothing if it is not held."""
        self._connection = None
        try:
            self._held.close()
        except (DBAPIError, StorageError):
            return  # the connection is gone and so is the lock

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
        self._connection.detach()  # in the pool it would stay open and keep the lock
        query = text("SELECT pg_try_advisory_lock(:key)")
        taken = bool(self._connection.execute(query, {"key": LOCK_KEY}).scalar())
        self._connection.commit()  # the lock belongs to the connection: close the transaction
        return taken

    def _other(self) -> str:
        with self._database.read() as session:
            newest = workers.newest_epoch(session)
        return newest.holder if newest is not None else "it has just started"
