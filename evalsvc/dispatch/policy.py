"""The policy: which evaluation a free worker works on next. Pure.

In this order: the highest level (priority, raised by waiting), the users who had least of the
workers lately, the checkpoint that the worker has loaded, one of the same architecture, one that
no other worker has; then the oldest. docs/decisions/0603 says why.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

AGEING_SECONDS = 600.0  # so long without a worker is worth one level of priority
FAIRNESS_SHARDS = 8.0  # a user may be so many shards ahead before others go first


@dataclass(frozen=True, slots=True)
class Fit:
    """What a worker must have loaded to begin at once (`weights`), or after a swap (`family`)."""

    family: str  # engine, its options, architecture, tokenizer
    weights: str  # ... and the checkpoint's fingerprint


@dataclass(slots=True)
class Candidate:
    """An evaluation with ready shards, as the live jobs that want it see it."""

    evaluation_id: str
    fit: Fit
    owner: str
    priority: int
    order: str  # sorts by time of submission, then by the order within the job
    waiting_since: float  # seconds of any clock: of its submission, or of its last shard's start


@dataclass(slots=True)
class Shares:
    """How many shards each user was given, on a clock that never falls behind.

    A user who comes (back) starts level with the others: nobody saves up turns, nobody owes any.
    """

    given: dict[str, float] = field(default_factory=dict)

    def welcome(self, waiting: Iterable[str]) -> None:
        """`waiting` are the users who want something now; the others are forgotten."""
        present = set(waiting)
        known = [self.given[owner] for owner in present if owner in self.given]
        start = min(known, default=0.0)
        self.given = {owner: self.given.get(owner, start) for owner in present}

    def charge(self, owner: str) -> None:
        """A shard of this user goes to a worker."""
        self.given[owner] = self.given.get(owner, 0.0) + 1.0

    def is_served_now(self, owner: str, least: float) -> bool:
        """Whether this user's turn may come, when the least served one has had `least`."""
        return self.given.get(owner, 0.0) < least + FAIRNESS_SHARDS


def choose(
    candidates: Iterable[Candidate],
    loaded: Fit | None,
    loads: Mapping[str, int],
    shares: Shares,
    now: float,
) -> Candidate | None:
    """The evaluation for a worker that has `loaded`; None when nothing waits.

    `loads` counts the workers that have each weights loaded (or are about to).
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
    """Those of the highest level: priority, plus one for each `AGEING_SECONDS` of waiting."""
    best: int | None = None
    top: list[Candidate] = []
    for candidate in candidates:
        waited = now - candidate.waiting_since
        height = candidate.priority
        if waited >= AGEING_SECONDS:  # the loop runs for every choice: a call would double its time
            height += int(waited / AGEING_SECONDS)
        if best is None or height > best:
            best, top = height, [candidate]
        elif height == best:
            top.append(candidate)
    return top
