"""Tokens per second over the last seconds, for the worker's status."""

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 15.0


class Meter:
    """A rate over a sliding window. `clock` returns seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._events: deque[tuple[float, int]] = deque()
        self._sum = 0

    def add(self, amount: int) -> None:
        """Count `amount` now."""
        self._events.append((self._clock(), amount))
        self._sum += amount
        self._forget()

    def rate(self) -> float:
        """Amount per second over the window, or since the first event if that is shorter."""
        self._forget()
        if not self._events:
            return 0.0
        span = self._clock() - self._events[0][0]
        return self._sum / max(span, 1.0)

    def _forget(self) -> None:
        oldest = self._clock() - WINDOW_SECONDS
        while self._events and self._events[0][0] < oldest:
            self._sum -= self._events.popleft()[1]
