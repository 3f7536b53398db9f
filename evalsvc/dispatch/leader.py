"""One dispatcher per database: a lock that disappears with its holder, however the holder ends.

On PostgreSQL it is an advisory lock of a connection that stays open. On SQLite it is a lock on the
file DATABASE.dispatcher. A killed process leaves neither behind.
"""

import os
import socket

from evalsvc.errors import Conflict
from evalsvc.store.advisory_lock import AdvisoryLock
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
        self._lock = AdvisoryLock(database, LOCK_KEY, ".dispatcher")

    def acquire(self) -> None:
        """Take the lock. Raises Conflict if another dispatcher holds it."""
        if not self._lock.acquire():
            raise Conflict(
                f"Another dispatcher works on this database: {self._other()}.",
                "Stop it first, or give this one its own data folder or database "
                "(EVALSVC_DATA, EVALSVC_DATABASE_URL).",
            )

    def is_held(self) -> bool:
        """Whether a dispatcher holds the lock now. Not for the holder itself."""
        if not self._lock.acquire():
            return True
        self._lock.release()
        return False

    def renew(self) -> None:
        """Take the lock again if its connection was lost. Raises Conflict like `acquire`."""
        if self._lock.is_lost():
            self._lock.release()
            self.acquire()

    def release(self) -> None:
        """Release the lock. Does nothing if it is not held."""
        self._lock.release()

    def _other(self) -> str:
        with self._database.read() as session:
            newest = workers.newest_epoch(session)
        return newest.holder if newest is not None else "it has just started"
