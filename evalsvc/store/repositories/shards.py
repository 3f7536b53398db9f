"""Shards: planned, taken, ended. Every transition is one of `states.SHARD_TRANSITIONS`.

The dispatcher's writes name the epoch: a shard that a later epoch has put back or sent again is
not changed, and the call returns False. Callers hold the evaluation's lock (`evaluations.lock`).
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Update, delete, func, insert, select, update
from sqlalchemy.orm import Session

from evalsvc.store.identifiers import new_id
from evalsvc.store.models import Evaluation, Shard, now
from evalsvc.store.states import ShardState


@dataclass(frozen=True)
class Slice:
    """Problems (row indices) x samples [start, stop)."""

    problems: tuple[int, ...]
    sample_start: int
    sample_stop: int

    @property
    def size(self) -> int:
        """Number of samples."""
        return len(self.problems) * (self.sample_stop - self.sample_start)


@dataclass(frozen=True)
class RecordedTranscript:
    """A transcript as it was when its shard ended; `sha256` is None where it was not measured."""

    evaluation_id: str
    path: str
    bytes: int
    sha256: str | None


def of_evaluation(
    session: Session, evaluation_id: str, states: Collection[ShardState]
) -> Sequence[Shard]:
    """The shards in these states, in their order."""
    query = (
        select(Shard)
        .where(Shard.evaluation_id == evaluation_id, Shard.state.in_(states))
        .order_by(Shard.ordinal)
    )
    return session.scalars(query).all()


def get(session: Session, shard_id: str) -> Shard | None:
    """A shard, read without a lock."""
    return session.get(Shard, shard_id)


def reload(session: Session, shard: Shard) -> Shard:
    """The shard read again, e.g. after its evaluation was locked."""
    session.refresh(shard)
    return shard


def count_by_evaluation(
    session: Session, evaluation_ids: Sequence[str]
) -> dict[str, dict[str, tuple[int, int]]]:
    """Evaluation -> state -> (shards, samples)."""
    statement = (
        select(Shard.evaluation_id, Shard.state, func.count(), func.sum(Shard.size))
        .where(Shard.evaluation_id.in_(evaluation_ids))
        .group_by(Shard.evaluation_id, Shard.state)
    )
    counts: dict[str, dict[str, tuple[int, int]]] = {}
    for evaluation, state, shards, samples in session.execute(statement):
        counts.setdefault(evaluation, {})[state] = (shards, int(samples or 0))
    return counts


def failed_of(session: Session, evaluation_ids: Sequence[str], limit: int) -> Sequence[Shard]:
    """The first failed shards, for the reasons shown to users."""
    return session.scalars(
        select(Shard)
        .where(Shard.evaluation_id.in_(evaluation_ids), Shard.state == "failed")
        .order_by(Shard.evaluation_id, Shard.ordinal)
        .limit(limit)
    ).all()


def failures_of(
    session: Session, evaluation_ids: Collection[str]
) -> Sequence[tuple[str, str | None, str | None]]:
    """(evaluation, error, remedy) of every failed shard, in their order."""
    rows = session.execute(
        select(Shard.evaluation_id, Shard.error, Shard.remedy)
        .where(Shard.evaluation_id.in_(evaluation_ids), Shard.state == ShardState.FAILED)
        .order_by(Shard.evaluation_id, Shard.ordinal)
    )
    return [(evaluation, error, remedy) for evaluation, error, remedy in rows]


def count_by_state(session: Session) -> dict[str, tuple[int, int]]:
    """State -> (shards, samples), over all evaluations."""
    query = select(Shard.state, func.count(), func.sum(Shard.size)).group_by(Shard.state)
    return {state: (shards, int(samples or 0)) for state, shards, samples in session.execute(query)}


def finished_since(
    session: Session, since: datetime, evaluation_ids: Collection[str] | None = None
) -> tuple[int, datetime | None]:
    """Samples of the shards that were done after `since`, and when the first of them started."""
    query = select(func.sum(Shard.size), func.min(Shard.started_at)).where(
        Shard.state == ShardState.DONE, Shard.finished_at >= since
    )
    if evaluation_ids is not None:
        query = query.where(Shard.evaluation_id.in_(evaluation_ids))
    samples, started = session.execute(query).one()
    return int(samples or 0), started


def newest_started(
    session: Session, evaluation_ids: Collection[str], limit: int
) -> Sequence[Shard]:
    """The shards that have started, the newest first."""
    query = (
        select(Shard)
        .where(Shard.evaluation_id.in_(evaluation_ids), Shard.started_at.is_not(None))
        .order_by(Shard.started_at.desc())
        .limit(limit)
    )
    return session.scalars(query).all()


def count_of(session: Session, evaluation_ids: Collection[str]) -> int:
    """The number of shards of these evaluations."""
    query = select(func.count()).select_from(Shard).where(Shard.evaluation_id.in_(evaluation_ids))
    return session.scalar(query) or 0


def deaths(session: Session, shard_id: str) -> int:
    """The number of workers that died while running this shard."""
    return session.scalar(select(Shard.deaths).where(Shard.id == shard_id)) or 0


def evaluation_has_samples(session: Session, shard_id: str) -> bool:
    """Whether any shard of the same evaluation has produced samples."""
    query = select(Evaluation.samples_seen).join(Shard).where(Shard.id == shard_id)
    return bool(session.scalar(query))


def next_ordinal(session: Session, evaluation_id: str) -> int:
    """The ordinal of the shard that is added next."""
    last = session.scalar(
        select(func.max(Shard.ordinal)).where(Shard.evaluation_id == evaluation_id)
    )
    return 0 if last is None else last + 1


def add(session: Session, evaluation_id: str, slices: Sequence[Slice], start: int) -> None:
    """Add ready shards; `start` is the ordinal of the first."""
    if not slices:
        return
    session.execute(
        insert(Shard),
        [
            {
                "id": new_id(),
                "evaluation_id": evaluation_id,
                "ordinal": start + position,
                "problems": list(piece.problems),
                "sample_start": piece.sample_start,
                "sample_stop": piece.sample_stop,
                "size": piece.size,
            }
            for position, piece in enumerate(slices)
        ],
    )


def revive(shard: Shard) -> None:
    """Give a failed or cancelled shard another chance, with a clean record."""
    shard.state = ShardState.READY
    shard.attempts = shard.deaths = shard.samples_done = 0
    shard.error = shard.remedy = shard.finished_at = None


def first_ready(session: Session, evaluation_id: str, limit: int | None) -> Sequence[Shard]:
    """The first ready shards that never failed."""
    query = (
        select(Shard)
        .where(
            Shard.state == ShardState.READY,
            Shard.evaluation_id == evaluation_id,
            Shard.error.is_(None),
        )
        .order_by(Shard.ordinal)
        .limit(limit)
    )
    return session.scalars(query).all()


def ready_samples(session: Session, evaluation_id: str) -> int:
    """The number of samples in ready shards."""
    query = select(func.sum(Shard.size)).where(
        Shard.state == ShardState.READY, Shard.evaluation_id == evaluation_id
    )
    return session.scalar(query) or 0


def replace_ready(session: Session, evaluation_id: str, anew: Sequence[Slice]) -> None:
    """Replace the shards that `first_ready` gives by `anew`, which holds the same samples."""
    session.execute(
        delete(Shard).where(
            Shard.state == ShardState.READY,
            Shard.evaluation_id == evaluation_id,
            Shard.error.is_(None),
        )
    )
    add(session, evaluation_id, anew, next_ordinal(session, evaluation_id))


def transcript_name(shard: Shard) -> str:
    """The path that the current attempt of a taken shard writes to: one file per attempt."""
    return f"{shard.evaluation_id}/{shard.id}-{shard.epoch}-{shard.attempts}.parquet"


def transcripts_of(
    session: Session, evaluation_id: str, sample_from: int = 0
) -> Sequence[tuple[str, list[int], int, int]]:
    """(artifact, problems, first sample, past the last) of the finished shards, by samples."""
    rows = session.execute(
        select(Shard.artifact, Shard.problems, Shard.sample_start, Shard.sample_stop)
        .where(
            Shard.evaluation_id == evaluation_id,
            Shard.artifact.is_not(None),
            Shard.state == "done",
            Shard.sample_stop > sample_from,
        )
        .order_by(Shard.sample_start, Shard.ordinal)
    )
    return [(str(a), [int(p) for p in problems], s, e) for a, problems, s, e in rows]


def recorded_transcripts(session: Session) -> Iterator[RecordedTranscript]:
    """The transcripts that results refer to."""
    query = select(
        Shard.evaluation_id, Shard.artifact, Shard.artifact_bytes, Shard.artifact_sha256
    ).where(Shard.artifact.is_not(None))
    for evaluation_id, path, size, sha256 in session.execute(query):
        yield RecordedTranscript(evaluation_id, str(path), size, sha256)


def growing_transcripts(session: Session) -> set[str]:
    """The paths that running shards write to."""
    running = select(Shard).where(Shard.state == ShardState.RUNNING)
    return {transcript_name(shard) for shard in session.scalars(running)}


def take(shard: Shard, worker_id: str, epoch: int) -> None:
    """Take a ready shard for a worker."""
    shard.state = ShardState.RUNNING
    shard.worker_id, shard.epoch = worker_id, epoch
    shard.attempts += 1
    shard.samples_done = 0
    shard.started_at = now()


def finish(session: Session, shard_id: str, epoch: int, values: dict[str, Any]) -> bool:
    """Mark a running shard as done; False when it no longer belongs to this epoch."""
    changes = {"state": ShardState.DONE, "finished_at": now(), "error": None, "remedy": None}
    return _changed(session, _running(shard_id, epoch).values({**changes, **values}))


def put_back(
    session: Session,
    shard_id: str,
    epoch: int,
    *,
    deaths: int = 0,
    error: str | None = None,
    remedy: str | None = None,
) -> bool:
    """Put a running shard back to ready. `deaths` are added to its record."""
    statement = _running(shard_id, epoch).values(
        state=ShardState.READY,
        worker_id=None,
        samples_done=0,
        deaths=Shard.deaths + deaths,
        error=error,
        remedy=remedy,
    )
    return _changed(session, statement)


def fail(
    session: Session, shard_id: str, epoch: int, *, error: str, remedy: str, deaths: int = 0
) -> bool:
    """Mark a running shard as failed for good."""
    statement = _running(shard_id, epoch).values(
        state=ShardState.FAILED,
        error=error,
        remedy=remedy,
        deaths=Shard.deaths + deaths,
        finished_at=now(),
    )
    return _changed(session, statement)


def cancel(session: Session, shard_id: str, epoch: int) -> bool:
    """Cancel a running shard that no job wants."""
    values = {"state": ShardState.CANCELLED, "finished_at": now()}
    return _changed(session, _running(shard_id, epoch).values(values))


def end_ready(
    session: Session,
    shards: Collection[str],
    state: ShardState,
    error: str | None = None,
    remedy: str | None = None,
) -> int:
    """End ready shards as failed or cancelled without running them. Returns their number."""
    statement = (
        update(Shard)
        .where(Shard.id.in_(shards), Shard.state == ShardState.READY)
        .values(state=state, error=error, remedy=remedy, finished_at=now())
        .returning(Shard.id)
        .execution_options(synchronize_session="fetch")
    )
    return len(session.scalars(statement).all())


def forget(session: Session, gone: Sequence[Shard]) -> None:
    """Remove ready shards that are no longer wanted, as if they had never been planned."""
    ids = [shard.id for shard in gone]
    session.execute(delete(Shard).where(Shard.id.in_(ids), Shard.state == ShardState.READY))


def running_before(session: Session, epoch: int) -> Sequence[Shard]:
    """The shards that former epochs left running."""
    query = select(Shard).where(Shard.state == ShardState.RUNNING, Shard.epoch < epoch)
    return session.scalars(query).all()


def record_progress(session: Session, done: dict[str, int], epoch: int) -> None:
    """Store the progress of running shards."""
    for shard_id, samples in done.items():
        session.execute(
            _running(shard_id, epoch).values(samples_done=samples),
            execution_options={"synchronize_session": False},
        )


def _running(shard_id: str, epoch: int) -> Update:
    return update(Shard).where(
        Shard.id == shard_id, Shard.epoch == epoch, Shard.state == ShardState.RUNNING
    )


def _changed(session: Session, statement: Update) -> bool:
    returned = session.scalars(
        statement.returning(Shard.id).execution_options(synchronize_session="fetch")
    )
    return bool(returned.all())
