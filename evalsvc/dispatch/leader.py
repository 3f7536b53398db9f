"""One dispatcher per database: a lock that goes with its holder, however that ends."""

import os
import socket

from evalsvc.errors import Conflict
from evalsvc.store.advisory_lock import AdvisoryLock
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
        self._lock = AdvisoryLock(database, LOCK_KEY, ".dispatcher")

    def acquire(self) -> None:
        """Take the lock. Raises Conflict when another dispatcher has it."""
        if not self._lock.acquire():
            raise Conflict(
                f"Another dispatcher works on this database: {self._other()}.",
                "Stop it first, or give this one a data folder or database of its own "
                "(EVALSVC_DATA, EVALSVC_DATABASE_URL).",
            )

    def is_held(self) -> bool:
        """Whether some dispatcher has the lock now (asked by somebody who has not)."""
        if not self._lock.acquire():
            return True
        self._lock.release()
        return False

    def renew(self) -> None:
        """Take the lock again if the connection that held it is lost. Raises as `acquire` does."""
        if self._lock.is_lost():
            self._lock.release()
            self.acquire()

    def release(self) -> None:
        """Give the lock up; without one this does nothing."""
        self._lock.release()

    def _other(self) -> str:
        with self._database.read() as session:
            newest = workers.newest_epoch(session)
        return newest.holder if newest is not None else "it has only just started"
