"""The server's own background work, started and stopped with it: delivering webhooks, and reading
ahead what the first visitors would wait for.

Rescores that a former server left behind are marked as failed: they can be started again.
"""

import asyncio
import contextlib

from evalsvc.api.state import State
from evalsvc.server.warming import warm
from evalsvc.services.webhooks.deliveries import deliver_forever
from evalsvc.store.repositories import rescores

STOP_SECONDS = 5.0


class Background:
    """Tasks that live as long as the server serves."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; returns at once."""
        with self._state.database.write() as session:
            rescores.give_up_running(session)
        allow = self._state.settings.webhook_allow
        self._tasks.append(asyncio.create_task(deliver_forever(self._state.database, allow)))
        self._tasks.append(asyncio.create_task(asyncio.to_thread(warm, self._state)))

    async def stop(self) -> None:
        """Cancel what runs; what was not delivered is delivered by the next server."""
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*self._tasks, return_exceptions=True)
