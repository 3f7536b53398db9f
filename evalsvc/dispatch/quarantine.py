"""Shards in trouble: what failed or lost its worker runs again alone and after a pause."""

from collections.abc import Collection
from dataclasses import dataclass, field

from evalsvc.dispatch.suspicion import DeathLog, pause_seconds

FAILURES_ENOUGH = 3  # failures of one shard that another try might mend


@dataclass
class Quarantine:
    """The shards that wait for a worker of their own, and what is held against them.

    Times are seconds of one monotonic clock.
    """

    deaths: DeathLog = field(default_factory=DeathLog)
    _due: dict[str, float] = field(default_factory=dict)
    _failures: dict[str, int] = field(default_factory=dict)

    def admit(self, shard_id: str, times: int, now: float) -> None:
        """The shard, in trouble for the `times`-th time, waits until its pause is over."""
        self._due[shard_id] = now + pause_seconds(times)

    def due(self, now: float) -> list[str]:
        """Shards whose pause is over, the longest waiting first."""
        return [s for s, at in sorted(self._due.items(), key=lambda item: item[1]) if at <= now]

    def leave(self, shard_id: str) -> None:
        """The shard goes to a worker, or is no longer wanted."""
        self._due.pop(shard_id, None)

    def failed(self, shard_id: str) -> int:
        """Count one more failure; returns how many there were."""
        self._failures[shard_id] = self._failures.get(shard_id, 0) + 1
        return self._failures[shard_id]

    def ended(self, shard_id: str) -> None:
        """The shard is done, failed or cancelled: its record is closed."""
        self.leave(shard_id)
        self._failures.pop(shard_id, None)
        self.deaths.forget(shard_id)

    def died(self, running: Collection[str], now: float) -> None:
        """A worker died while it ran these shards; or a dispatcher, which runs none."""
        self.deaths.record(running, now)
