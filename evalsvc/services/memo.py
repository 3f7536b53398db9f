"""A small cache of values computed from results, keyed by the evaluations' versions.

A key holds everything that determines the value, so no entry ever has to be invalidated: new
results have a new version, and old entries are dropped as the least recently used.
"""

import threading
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from cachetools import LRUCache

Value = TypeVar("Value")


class Memo:
    """At most `entries` values. Safe for threads; two may compute the same value at once."""

    def __init__(self, entries: int = 4096) -> None:
        self._values: LRUCache[Hashable, Any] = LRUCache(entries)
        self._lock = threading.Lock()

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value of `key`, computed if it is not cached."""
        with self._lock:
            if key in self._values:
                value: Value = self._values[key]
                return value
        value = compute()
        with self._lock:
            self._values[key] = value
        return value
