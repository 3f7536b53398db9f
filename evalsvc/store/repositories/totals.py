"""Totals for operators: what waits, runs and failed, and the cost so far."""

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from evalsvc.store.models import Evaluation, Job, Shard


@dataclass(frozen=True)
class Totals:
    """All values of /metrics, counted in one snapshot."""

    jobs: dict[str, int]
    evaluations: dict[str, int]
    shards: dict[str, int]
    samples_waiting: int
    shards_timed: int
    shard_seconds: float
    output_tokens: int
    samples: int
    verifier_failures: int
    worker_deaths: int


def read_totals(session: Session) -> Totals:
    """Count everything. The sums over shards use the index on their state."""
    jobs = _by_state(session, Job.state)
    evaluations = _by_state(session, Evaluation.state)
    waiting = select(func.coalesce(func.sum(Shard.size), 0)).where(Shard.state == "ready")
    timed = select(
        func.count(Shard.seconds),
        func.coalesce(func.sum(Shard.seconds), 0.0),
        func.coalesce(func.sum(Shard.deaths), 0),
    )
    shards_timed, seconds, deaths = session.execute(timed).one()
    tokens, samples, failed = session.execute(
        select(
            func.coalesce(func.sum(Evaluation.output_tokens), 0),
            func.coalesce(func.sum(Evaluation.samples_seen), 0),
            func.coalesce(func.sum(Evaluation.samples_failed), 0),
        )
    ).one()
    return Totals(
        jobs=jobs,
        evaluations=evaluations,
        shards=_by_state(session, Shard.state),
        samples_waiting=int(session.scalar(waiting) or 0),
        shards_timed=int(shards_timed),
        shard_seconds=float(seconds or 0.0),
        output_tokens=int(tokens),
        samples=int(samples),
        verifier_failures=int(failed),
        worker_deaths=int(deaths),
    )


def _by_state(session: Session, column: InstrumentedAttribute[str]) -> dict[str, int]:
    rows = session.execute(select(column, func.count()).group_by(column))
    return {state: count for state, count in rows}  # noqa: C416 - rows are no pairs to mypy


def tokens_per_second(session: Session, evaluation_id: str) -> float:
    """Measured over the evaluation's finished shards; 0 where nothing was measured."""
    tokens, seconds = session.execute(
        select(func.sum(Shard.output_tokens), func.sum(Shard.seconds)).where(
            Shard.evaluation_id == evaluation_id, Shard.seconds.is_not(None)
        )
    ).one()
    return float(tokens) / float(seconds) if tokens and seconds else 0.0
