"""Evaluations and the benchmark revisions they are of: made once, locked while they change."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import exists, insert, select
from sqlalchemy.orm import Session, joinedload

from evalsvc.store.models import (
    BenchmarkRevision,
    Evaluation,
    Problem,
    ProblemResult,
    Shard,
    now,
)
from evalsvc.store.repositories import events
from evalsvc.store.repositories.upserts import insert_missing
from evalsvc.store.states import LOST_SHARDS, OPEN_SHARDS, EvaluationState, ShardState

ENDED = (EvaluationState.DONE, EvaluationState.INCOMPLETE, EvaluationState.FAILED)


@dataclass(frozen=True)
class ProblemTraits:
    """What the statistics need of one problem."""

    problem: int
    problem_id: str
    cluster: str
    part: str | None = None
    level: str | None = None
    subject: str | None = None
    question_type: str | None = None


def find_or_create_revision(
    session: Session, name: str, revision: str, problems: Callable[[], Sequence[ProblemTraits]]
) -> BenchmarkRevision:
    """The revision of a benchmark; `problems` is asked for them when it is new."""
    query = select(BenchmarkRevision).where(
        BenchmarkRevision.name == name, BenchmarkRevision.revision == revision
    )
    if (found := session.scalars(query).first()) is not None:
        return found
    new = problems()
    row = {"name": name, "revision": revision, "problem_count": len(new)}
    if not (made := insert_missing(session, BenchmarkRevision, row)):
        return session.scalars(query).one()
    rows = [{"revision_id": made[0].id, **vars(problem)} for problem in new]
    session.execute(insert(Problem), rows)
    return made[0]


def find_or_create(
    session: Session, evaluation_id: str, values: dict[str, Any]
) -> tuple[Evaluation, bool]:
    """The evaluation of that identity, locked until the end of the transaction; is it new?"""
    row = {
        "id": evaluation_id,
        "state": EvaluationState.PENDING,
        "samples_wanted": 0,
        "problems_wanted": 0,
        "provenance": {},
        **values,
    }
    made = insert_missing(session, Evaluation, row)
    return (made[0], True) if made else (lock(session, [evaluation_id])[0], False)


def lock(session: Session, evaluation_ids: Collection[str]) -> Sequence[Evaluation]:
    """The evaluations, by id, locked in that order: to be held while results or shards change."""
    query = (
        select(Evaluation)
        .where(Evaluation.id.in_(evaluation_ids))
        .order_by(Evaluation.id)
        .options(
            joinedload(Evaluation.checkpoint, innerjoin=True),
            joinedload(Evaluation.revision, innerjoin=True),
        )
        .with_for_update(of=Evaluation)
        .execution_options(populate_existing=True)
    )
    return session.scalars(query).all()


def settle(session: Session, evaluations: Iterable[Evaluation]) -> None:
    """Set the state of (locked) evaluations after what has become of their shards."""
    session.flush()
    for evaluation in evaluations:
        states = _states_present(session, evaluation.id)
        state = _state(states, evaluation.samples_seen)
        evaluation.error, evaluation.remedy = _reason(session, evaluation, states)
        if state == evaluation.state:
            continue
        evaluation.state = state
        evaluation.finished_at = now() if state in ENDED else None
        events.record(
            session,
            f"evaluation.{state}",
            evaluation_id=evaluation.id,
            benchmark=evaluation.benchmark,
            error=evaluation.error,
        )


def _states_present(session: Session, evaluation_id: str) -> set[ShardState]:
    """Which states its shards are in: probes of an index, however many shards there are."""
    probes = [
        exists().where(Shard.state == state, Shard.evaluation_id == evaluation_id)
        for state in ShardState
    ]
    found = session.execute(select(*probes)).one()
    return {state for state, present in zip(ShardState, found, strict=True) if present}


def _state(states: set[ShardState], samples_seen: int) -> EvaluationState:
    if ShardState.RUNNING in states or (ShardState.READY in states and samples_seen):
        return EvaluationState.RUNNING
    if ShardState.READY in states:
        return EvaluationState.PENDING
    if not samples_seen and (ShardState.FAILED in states or ShardState.CANCELLED not in states):
        return EvaluationState.FAILED
    return EvaluationState.DONE if states.isdisjoint(LOST_SHARDS) else EvaluationState.INCOMPLETE


def _reason(
    session: Session, evaluation: Evaluation, states: set[ShardState]
) -> tuple[str | None, str | None]:
    """Why it is not whole: the first failed shard's words, else those of unaskable problems."""
    if ShardState.FAILED in states:
        query = (
            select(Shard.error, Shard.remedy)
            .where(Shard.evaluation_id == evaluation.id, Shard.state == ShardState.FAILED)
            .order_by(Shard.finished_at, Shard.ordinal)
        )
        error, remedy = session.execute(query.limit(1)).one()
        return error, remedy
    if states.isdisjoint(OPEN_SHARDS):
        return _unaskable(session, evaluation)
    return None, None


def _unaskable(session: Session, evaluation: Evaluation) -> tuple[str | None, str | None]:
    query = (
        select(ProblemResult.error)
        .where(ProblemResult.evaluation_id == evaluation.id, ProblemResult.error.is_not(None))
        .order_by(ProblemResult.problem)
    )
    if not (reasons := session.scalars(query).all()):
        return None, None
    return (
        f"{len(reasons)} of {evaluation.problems_wanted} problems could not be asked; "
        f"the first: {reasons[0]}",
        "Mend what the reason names and submit again; until then these are missing, not wrong.",
    )
