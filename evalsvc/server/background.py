"""The server's own background work, started and stopped with it: delivering webhooks, and filling
caches before the first visit.

Rescores that a previous server left unfinished are marked as failed: they can be started again.
"""

import asyncio
import contextlib

from evalsvc.api.state import State
from evalsvc.server.warming import warm
from evalsvc.services.webhooks.deliveries import deliver_forever
from evalsvc.store.repositories import rescores

STOP_SECONDS = 5.0


class Background:
    """Tasks that run as long as the server."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start the tasks; returns at once."""
        with self._state.database.write() as session:
            rescores.give_up_running(session)
        allow = self._state.settings.webhook_allow
        self._tasks.append(asyncio.create_task(deliver_forever(self._state.database, allow)))
        self._tasks.append(asyncio.create_task(asyncio.to_thread(warm, self._state)))

    async def stop(self) -> None:
        """Cancel the tasks; the next server makes the deliveries that are left."""
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*self._tasks, return_exceptions=True)
