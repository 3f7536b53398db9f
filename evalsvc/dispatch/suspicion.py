"""Which shard a worker died of. Pure.

A death does not say which of the worker's shards caused it, or whether any did: machines are
rebooted and processes killed. So every shard that was on it is suspect, suspects run alone and
after a pause, and one is set aside when workers die of it but not without it.
docs/decisions/0604 gives the reasons.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

DEATHS_ENOUGH = 3  # deaths of a shard, none happening without it, of which it is set aside
DEATHS_TOO_MANY = 10  # ... whatever else happens on the machines
RECENT_SECONDS = 60.0  # other deaths so long before a shard's first one excuse it too
PAUSES_SECONDS = (0.5, 10.0, 15.0)  # before a suspect runs again: after the first death, second ...
DEATHS_KEPT = 1000  # the last ones; more than any excuse needs


@dataclass
class DeathLog:
    """The deaths since the dispatcher started. Times are seconds of one monotonic clock."""

    _deaths: deque[tuple[float, frozenset[str]]] = field(
        default_factory=lambda: deque(maxlen=DEATHS_KEPT)
    )  # when, and the suspects
    _first: dict[str, float] = field(default_factory=dict)  # suspect -> its first death
    _own: dict[str, int] = field(default_factory=dict)  # suspect -> deaths that it took part in

    def record(self, running: Collection[str], now: float) -> None:
        """A worker died with the shards `running`; or a former dispatcher, with none to blame."""
        for shard_id in running:
            self._first.setdefault(shard_id, now)
            self._own[shard_id] = self._own.get(shard_id, 0) + 1
        self._deaths.append((now, frozenset(running)))

    def background(self, shard_id: str) -> int:
        """Deaths without this shard, from a little before its first one on (in this log)."""
        if shard_id not in self._first:
            return 0
        since = self._first[shard_id] - RECENT_SECONDS
        return sum(at >= since and shard_id not in running for at, running in self._deaths)

    def own(self, shard_id: str) -> int:
        """Deaths that it took part in (in this log: what came before it is not known in full)."""
        return self._own.get(shard_id, 0)

    def is_guilty(self, shard_id: str, deaths_ever: int) -> bool:
        """Whether the shard is to be set aside: workers die of it, and not without it."""
        enough = DEATHS_ENOUGH * (1 + self.background(shard_id))
        return self.own(shard_id) >= enough or deaths_ever >= DEATHS_TOO_MANY

    def forget(self, shard_id: str) -> None:
        """The shard has ended."""
        self._first.pop(shard_id, None)
        self._own.pop(shard_id, None)


def pause_seconds(deaths: int) -> float:
    """How long a shard waits before it runs again after its `deaths`-th death (or failure)."""
    return PAUSES_SECONDS[min(max(deaths, 1), len(PAUSES_SECONDS)) - 1]
