"""`/live`: notify open pages of a change, so that they reload.

One database query a second serves every listener; without listeners there are no queries. The
notification has no data: a page requests it again with its own key.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from evalsvc.errors import StorageError
from evalsvc.store.database import SQLAlchemyError

LOOK_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
STREAM_SECONDS = 300.0  # then the browser reconnects; a lost listener is soon dropped
RECONNECT_MS = 1000


class Pulse:
    """Watches the database while there are listeners. `look` is called in a thread.

    `stopping` is set when the server stops: then every stream ends, so that nothing waits for it.
    """

    def __init__(self, look: Callable[[], tuple[Any, ...]], stopping: Callable[[], bool]) -> None:
        self._look = look
        self._stopping = stopping
        self._changed = asyncio.Condition()
        self._listeners = 0
        self._beats = 0
        self._task: asyncio.Task[None] | None = None

    async def stream(self) -> AsyncIterator[bytes]:
        """Server-sent events for one listener: `changed`, and comments that keep the line open."""
        self._join()
        seen = self._beats
        try:
            yield f"retry: {RECONNECT_MS}\n\n".encode()
            ends = asyncio.get_running_loop().time() + STREAM_SECONDS
            while asyncio.get_running_loop().time() < ends and not self._stopping():
                if await self._next(seen):
                    seen = self._beats
                    yield f"event: changed\ndata: {seen}\n\n".encode()
                else:
                    yield b": still here\n\n"
        finally:
            self._leave()

    async def _next(self, seen: int) -> bool:
        """Whether something changed before it was time to keep the line open."""
        try:
            async with asyncio.timeout(KEEP_ALIVE_SECONDS), self._changed:
                await self._changed.wait_for(lambda: self._beats != seen)
        except TimeoutError:
            return False
        return True

    def _join(self) -> None:
        self._listeners += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    def _leave(self) -> None:
        self._listeners -= 1
        if not self._listeners and self._task is not None:
            self._task.cancel()
            self._task = None

    async def _watch(self) -> None:
        before: tuple[Any, ...] = ()
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            try:
                now = await asyncio.to_thread(self._look)
            except (SQLAlchemyError, StorageError):
                continue  # the pages themselves report an unreachable database
            if now != before or self._stopping():
                before = now
                async with self._changed:
                    self._beats += 1
                    self._changed.notify_all()
