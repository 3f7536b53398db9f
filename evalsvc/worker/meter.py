"""Tokens per second over the last moments: what a worker's status shows."""

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 15.0


class Meter:
    """A rate over a sliding window. `clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._events: deque[tuple[float, int]] = deque()
        self._sum = 0

    def add(self, amount: int) -> None:
        """Count `amount` as having happened now."""
        self._events.append((self._clock(), amount))
        self._sum += amount
        self._forget()

    def rate(self) -> float:
        """Amount per second over the window, or over the time since the first event if shorter."""
        self._forget()
        if not self._events:
            return 0.0
        span = self._clock() - self._events[0][0]
        return self._sum / max(span, 1.0)

    def _forget(self) -> None:
        oldest = self._clock() - WINDOW_SECONDS
        while self._events and self._events[0][0] < oldest:
            self._sum -= self._events.popleft()[1]
