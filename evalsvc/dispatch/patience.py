"""Database work of the dispatcher: in one thread, and patient while the database is away."""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from evalsvc.dispatch.leader import LeaderLock
from evalsvc.errors import StorageError

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

RETRY_SECONDS = 1.0


class PatientStore:
    """Runs functions that use the database. A restarted or full database costs time, not work."""

    def __init__(self, lock: LeaderLock) -> None:
        self._lock = lock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dispatcher-database")
        self.stop = threading.Event()  # once set, a failure is raised and not waited for

    async def once(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """... until the database takes it.

        Raises Conflict if another dispatcher took over meanwhile, and StorageError when the
        dispatcher is to stop.
        """
        while True:
            try:
                return await self.once(function, *args, **kwargs)
            except StorageError as error:
                log.error("waiting for the database: %s", error)
                if self.stop.is_set():
                    raise
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await self.once(self._lock.renew)
            except StorageError:
                continue

    def close(self) -> None:
        self._thread.shutdown()
