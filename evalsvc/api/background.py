"""The server's own background work: delivering webhooks. Started and stopped with the server."""

import asyncio
import contextlib

from evalsvc.api.state import State

STOP_SECONDS = 5.0


class Background:
    """Tasks that live as long as the server serves."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; returns at once."""
        from evalsvc.api.services.deliveries import deliver_forever  # noqa: PLC0415 - needs httpx

        allow = self._state.settings.webhook_allow
        self._tasks.append(asyncio.create_task(deliver_forever(self._state.database, allow)))

    async def stop(self) -> None:
        """Cancel what runs; what was not delivered is delivered by the next server."""
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*self._tasks, return_exceptions=True)
