"""The dispatcher's picture of what waits: a copy in memory of the evaluations with ready shards.

The database is the truth: the copy is refreshed for the evaluations that an event or the
dispatcher's own work may have changed, and taking a shard may still find that there is none. How
long an evaluation waits is told by this process's clock, from when it was first seen here.
"""

import time
from collections.abc import Collection, Iterable, Sequence

from evalsvc.dispatch.policy import Candidate, Fit, Shares, choose
from evalsvc.specs import CheckpointSpec, ShardSpec, content_hash
from evalsvc.store.database import Database
from evalsvc.store.repositories import events, jobs, queue
from evalsvc.store.repositories.queue import Waiting

WATCHED = ("job.submitted", "job.cancelled")
EVENTS_AT_ONCE = 1000


class Board:
    """Candidates for the policy, by evaluation."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._shares = Shares()
        self._candidates: dict[str, Candidate] = {}
        self._changed: set[str] | None = None  # None: everything
        with database.read() as session:
            self._last_event = events.newest_id(session)

    def __len__(self) -> int:
        return len(self._candidates)

    def touch(self, evaluation_id: str) -> None:
        """Something about this evaluation's shards has changed."""
        if self._changed is not None:
            self._changed.add(evaluation_id)

    def poll(self) -> list[str]:
        """See what others have written since the last call; returns the jobs cancelled since."""
        with self._database.read() as session:
            news = events.after(session, self._last_event, kinds=WATCHED, limit=EVENTS_AT_ONCE)
            if news:
                self._last_event = news[-1].id
            job_ids = {event.job_id for event in news if event.job_id}
            if self._changed is not None and job_ids:
                self._changed |= jobs.evaluation_ids_of(session, job_ids)
            if self._changed is None or self._changed:
                rows = queue.waiting(session, self._changed)
                self._replace(rows)
                self._changed = set()
        return [event.job_id for event in news if event.job_id and event.kind == WATCHED[1]]

    def choose(
        self,
        loaded: Fit | None,
        loads: dict[str, int],
        now: float,
        without: Collection[str] = (),
    ) -> Candidate | None:
        """The policy's choice among all but the evaluations `without`."""
        self._shares.welcome(c.owner for c in self._candidates.values())
        return choose(self._without(without), loaded, loads, self._shares, now)

    def sent(self, evaluation_id: str, now: float) -> None:
        """A shard of this evaluation goes to a worker; whether others wait, taking it will tell."""
        if (candidate := self._candidates.get(evaluation_id)) is not None:
            candidate.waiting_since = now
            self._shares.charge(candidate.owner)

    def _without(self, left_out: Collection[str]) -> Iterable[Candidate]:
        if not left_out:
            return self._candidates.values()
        return [c for c in self._candidates.values() if c.evaluation_id not in left_out]

    def _replace(self, rows: Sequence[Waiting]) -> None:
        now, is_first = time.time(), self._changed is None
        gone = self._candidates.keys() if self._changed is None else self._changed
        known = {e: self._candidates.pop(e) for e in list(gone) if e in self._candidates}
        for row in rows:
            before = known.get(row.evaluation_id)
            since = before.waiting_since if before else now
            if is_first:  # submitted before this dispatcher started; by a clock that may be ahead
                since = min(now, row.submitted_at.timestamp())
            self._candidates[row.evaluation_id] = _candidate(row, since)


def fit_of(spec: ShardSpec) -> Fit:
    """What a worker that runs this shard has loaded."""
    return _fit(spec.engine, spec.engine_options, spec.checkpoint)


def _candidate(row: Waiting, waiting_since: float) -> Candidate:
    checkpoint = CheckpointSpec.model_validate(row.checkpoint)
    return Candidate(
        evaluation_id=row.evaluation_id,
        fit=_fit(row.engine, row.engine_options, checkpoint),
        owner=row.owner,
        priority=row.priority,
        order=f"{row.job_id}/{row.ordinal:03d}",
        waiting_since=waiting_since,
    )


def _fit(engine: str, options: dict[str, object], checkpoint: CheckpointSpec) -> Fit:
    family = content_hash(
        [engine, options, checkpoint.architecture_hash, checkpoint.tokenizer_hash]
    )
    return Fit(family=family, weights=f"{family}/{checkpoint.fingerprint}")
