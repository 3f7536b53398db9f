"""The dispatcher's in-memory copy of the evaluations that have ready shards.

The database is the source of truth. The copy is refreshed for evaluations that an event or the
dispatcher's own work may have changed, so taking a shard may still find none left. Waiting times
are measured by this process's clock, from when the evaluation was first seen here.
"""

import time
from collections.abc import Collection, Iterable, Sequence

from evalsvc.dispatch.policy import Candidate, Fit, Shares, choose
from evalsvc.specs import CheckpointSpec, ShardSpec, content_hash
from evalsvc.store.database import Database
from evalsvc.store.repositories import events, jobs, queue
from evalsvc.store.repositories.queue import Waiting

SUBMITTED, CANCELLED = "job.submitted", "job.cancelled"
EVENTS_PER_POLL = 1000


class ReadyQueue:
    """The policy's candidates, by evaluation."""

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
        """Mark an evaluation whose shards have changed; the next `poll` reads it again."""
        if self._changed is not None:
            self._changed.add(evaluation_id)

    def poll(self) -> list[str]:
        """Read what others have written since the last call. Returns the jobs cancelled since."""
        with self._database.read() as session:
            news = events.after(
                session, self._last_event, kinds=(SUBMITTED, CANCELLED), limit=EVENTS_PER_POLL
            )
            if news:
                self._last_event = news[-1].id
            job_ids = {event.job_id for event in news if event.job_id}
            if self._changed is not None and job_ids:
                self._changed |= jobs.evaluation_ids_of(session, job_ids)
            if self._changed is None or self._changed:
                rows = queue.waiting(session, self._changed)
                self._replace(rows)
                self._changed = set()
        return [event.job_id for event in news if event.job_id and event.kind == CANCELLED]

    def choose(
        self,
        loaded: Fit | None,
        loads: dict[str, int],
        now: float,
        without: Collection[str] = (),
    ) -> Candidate | None:
        """The policy's choice among all evaluations except those in `without`."""
        self._shares.set_waiting(c.owner for c in self._candidates.values())
        return choose(self._without(without), loaded, loads, self._shares, now)

    def sent(self, evaluation_id: str, now: float) -> None:
        """Count a shard of this evaluation that goes to a worker.

        Whether more of its shards are ready shows when the next one is taken.
        """
        if (candidate := self._candidates.get(evaluation_id)) is not None:
            candidate.waiting_since = now
            self._shares.charge(candidate.owner)

    def _without(self, excluded: Collection[str]) -> Iterable[Candidate]:
        if not excluded:
            return self._candidates.values()
        return [c for c in self._candidates.values() if c.evaluation_id not in excluded]

    def _replace(self, rows: Sequence[Waiting]) -> None:
        now, is_first = time.time(), self._changed is None
        changed = self._candidates.keys() if self._changed is None else self._changed
        known = {e: self._candidates.pop(e) for e in list(changed) if e in self._candidates}
        for row in rows:
            before = known.get(row.evaluation_id)
            since = before.waiting_since if before else now
            if is_first:  # submitted before this dispatcher started; that clock may run ahead
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
