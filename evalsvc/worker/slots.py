"""Count and bound the requests that an engine has in flight."""

import asyncio


class RequestSlots:
    """At most `wanted` requests at a time, over all shards that share the engine."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.in_flight = 0
        self._free = asyncio.Semaphore(wanted)

    async def acquire(self) -> None:
        """Wait for a free slot and take it."""
        await self._free.acquire()
        self.in_flight += 1

    def release(self) -> None:
        """Free a slot."""
        self.in_flight -= 1
        self._free.release()
