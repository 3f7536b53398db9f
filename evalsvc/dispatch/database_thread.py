"""Database calls of the dispatcher: run in one thread, and retried while the database is down."""

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


class DatabaseThread:
    """Runs functions that use the database. A database outage costs time but no work."""

    def __init__(self, lock: LeaderLock) -> None:
        self._lock = lock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="dispatcher-database")
        self.stop = threading.Event()  # once set, failures are raised instead of retried

    async def run_once(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the thread, without retries."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: function(*args, **kwargs))

    async def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `function` in the thread, and retry it until the database responds.

        Raises:
            Conflict: Another dispatcher took over in the meantime.
            StorageError: The database is down and the dispatcher is stopping.
        """
        while True:
            try:
                return await self.run_once(function, *args, **kwargs)
            except StorageError as error:
                log.error("waiting for the database: %s", error)
                if self.stop.is_set():
                    raise
            await asyncio.sleep(RETRY_SECONDS)
            try:
                await self.run_once(self._lock.renew)
            except StorageError:
                continue

    def close(self) -> None:
        """Wait for the running call and end the thread."""
        self._thread.shutdown()
