"""How many requests an engine has in flight, and how many it would like to have."""

import asyncio


class Slots:
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
        """Give a slot back."""
        self.in_flight -= 1
        self._free.release()
