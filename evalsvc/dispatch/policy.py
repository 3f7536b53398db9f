"""The scheduling policy: choose the evaluation a free worker works on next. Pure.

Criteria, in order: highest level (priority, raised by waiting time), users who recently received
the fewest shards, the checkpoint the worker has loaded, a checkpoint of the same architecture, a
checkpoint that no other worker has loaded, and last the oldest. docs/decisions/0603 gives the
reasons.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from evalsvc.dispatch.limits import AGEING_SECONDS, FAIRNESS_SHARDS


@dataclass(frozen=True, slots=True)
class Fit:
    """What a worker must have loaded to start at once (`weights`) or after a swap (`family`)."""

    family: str  # engine, engine options, architecture, tokenizer
    weights: str  # the family and the checkpoint's fingerprint


@dataclass(slots=True)
class Candidate:
    """An evaluation with ready shards, as seen by the live jobs that want it."""

    evaluation_id: str
    fit: Fit
    owner: str
    priority: int
    order: str  # sorts by submission time, then by position within the job
    waiting_since: float  # seconds; when it was submitted, or when its last shard started


@dataclass(slots=True)
class Shares:
    """How many shards each user has received.

    A user who arrives or returns starts level with the others, so nobody builds up credit or debt
    while they have no work waiting.
    """

    given: dict[str, float] = field(default_factory=dict)

    def set_waiting(self, waiting: Iterable[str]) -> None:
        """Set the users who have work waiting now. All others are forgotten."""
        present = set(waiting)
        known = [self.given[owner] for owner in present if owner in self.given]
        start = min(known, default=0.0)
        self.given = {owner: self.given.get(owner, start) for owner in present}

    def charge(self, owner: str) -> None:
        """Count one shard of this user."""
        self.given[owner] = self.given.get(owner, 0.0) + 1.0

    def is_served_now(self, owner: str, least: float) -> bool:
        """Whether this user may be served when the least served user has received `least`."""
        return self.given.get(owner, 0.0) < least + FAIRNESS_SHARDS


def choose(
    candidates: Iterable[Candidate],
    loaded: Fit | None,
    loads: Mapping[str, int],
    shares: Shares,
    now: float,
) -> Candidate | None:
    """Choose the evaluation for a worker that has `loaded`. None when nothing is waiting.

    `loads` counts, for each set of weights, the workers that have it loaded or soon will.
    """
    top = _top_level(candidates, now)
    if not top:
        return None
    least = min(shares.given.get(candidate.owner, 0.0) for candidate in top)
    served = [c for c in top if shares.is_served_now(c.owner, least)]
    if loaded is not None:
        for same in (
            [c for c in served if c.fit.weights == loaded.weights],
            [c for c in served if c.fit.family == loaded.family],
        ):
            if same:
                return min(same, key=lambda c: (loads.get(c.fit.weights, 0), c.order))
    return min(served, key=lambda c: (loads.get(c.fit.weights, 0), c.order))


def _top_level(candidates: Iterable[Candidate], now: float) -> list[Candidate]:
    """Candidates of the highest level: priority plus one per `AGEING_SECONDS` of waiting."""
    best: int | None = None
    top: list[Candidate] = []
    for candidate in candidates:
        waited = now - candidate.waiting_since
        level = candidate.priority
        if waited >= AGEING_SECONDS:  # inline: this loop runs for every choice
            level += int(waited / AGEING_SECONDS)
        if best is None or level > best:
            best, top = level, [candidate]
        elif level == best:
            top.append(candidate)
    return top
