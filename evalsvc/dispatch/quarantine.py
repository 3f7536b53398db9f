"""Attribute worker crashes to shards, and retry suspect shards alone. Pure.

A crash does not show which of the worker's shards caused it, or whether any did: machines reboot
and processes get killed. So every shard that was running is a suspect. Suspects run alone, after a
pause. A shard fails for good when workers die with it but not without it. docs/decisions/0604
gives the reasons.

All times are seconds of one monotonic clock.
"""

from collections import deque
from collections.abc import Collection
from dataclasses import dataclass, field

from evalsvc.dispatch.limits import MAX_DEATHS, MAX_DEATHS_EVER, RETRY_PAUSES_SECONDS

RECENT_SECONDS = 60.0  # other deaths this long before a shard's first one count in its favour too
DEATHS_KEPT = 1000  # only the most recent; more than any decision needs


@dataclass
class DeathLog:
    """The worker deaths since this dispatcher started."""

    _deaths: deque[tuple[float, frozenset[str]]] = field(
        default_factory=lambda: deque(maxlen=DEATHS_KEPT)
    )  # time of death, suspects
    _first: dict[str, float] = field(default_factory=dict)  # suspect -> time of its first death
    _own: dict[str, int] = field(default_factory=dict)  # suspect -> deaths while it was running

    def record(self, running: Collection[str], now: float) -> None:
        """Record one death with the shards that were running.

        A crash of the previous dispatcher is recorded with no shards.
        """
        for shard_id in running:
            self._first.setdefault(shard_id, now)
            self._own[shard_id] = self._own.get(shard_id, 0) + 1
        self._deaths.append((now, frozenset(running)))

    def background(self, shard_id: str) -> int:
        """Count deaths without this shard, from shortly before its first one on."""
        if shard_id not in self._first:
            return 0
        since = self._first[shard_id] - RECENT_SECONDS
        return sum(at >= since and shard_id not in running for at, running in self._deaths)

    def own(self, shard_id: str) -> int:
        """Count deaths while this shard was running, since this dispatcher started."""
        return self._own.get(shard_id, 0)

    def exceeds_limit(self, shard_id: str, deaths_ever: int) -> bool:
        """Whether the shard must fail for good.

        `deaths_ever` also counts deaths that earlier dispatchers recorded.
        """
        limit = MAX_DEATHS * (1 + self.background(shard_id))
        return self.own(shard_id) >= limit or deaths_ever >= MAX_DEATHS_EVER

    def forget(self, shard_id: str) -> None:
        """Drop the record of a shard that has ended."""
        self._first.pop(shard_id, None)
        self._own.pop(shard_id, None)


@dataclass
class Quarantine:
    """Shards that wait to run alone on a worker, and their failure counts."""

    deaths: DeathLog = field(default_factory=DeathLog)
    _due: dict[str, float] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    def admit(self, shard_id: str, times: int, now: float) -> None:
        """Hold the shard back until the pause after its `times`-th death or failure is over."""
        self._due[shard_id] = now + pause_seconds(times)

    def due(self, now: float) -> list[str]:
        """Shards whose pause is over, longest waiting first."""
        return [s for s, at in sorted(self._due.items(), key=lambda item: item[1]) if at <= now]

    def leave(self, shard_id: str) -> None:
        """Remove a shard that goes to a worker or is no longer wanted."""
        self._due.pop(shard_id, None)

    def failed(self, shard_id: str) -> int:
        """Count one more failure. Returns the number of failures so far."""
        self._failures[shard_id] = self._failures.get(shard_id, 0) + 1
        return self._failures[shard_id]

    def ended(self, shard_id: str) -> None:
        """Drop all records of a shard that is done, failed or cancelled."""
        self.leave(shard_id)
        self._failures.pop(shard_id, None)
        self.deaths.forget(shard_id)

    def died(self, running: Collection[str], now: float) -> None:
        """Record a worker death; see `DeathLog.record`."""
        self.deaths.record(running, now)


def pause_seconds(times: int) -> float:
    """Pause before a shard runs again after its `times`-th death or failure."""
    return RETRY_PAUSES_SECONDS[min(max(times, 1), len(RETRY_PAUSES_SECONDS)) - 1]
