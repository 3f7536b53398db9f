"""Evaluations: listed with filters, created once, locked while they change.

Results belong to the content of a checkpoint. Every run and step that holds the same weights shows
them under its own name: lists hold pairs of an evaluation and a checkpoint that holds it.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, Select, and_, exists, inspect, or_, select
from sqlalchemy.orm import Session, aliased, contains_eager, joinedload
from sqlalchemy.orm.attributes import set_committed_value

from evalsvc.errors import NotFound
from evalsvc.store.models import (
    Checkpoint,
    Evaluation,
    Job,
    JobEvaluation,
    ProblemResult,
    Run,
    Shard,
    now,
)
from evalsvc.store.repositories import events
from evalsvc.store.repositories.pages import Key, Rows, fetch_pairs
from evalsvc.store.repositories.upserts import insert_or_ignore
from evalsvc.store.states import LOST_SHARDS, OPEN_SHARDS, EvaluationState, ShardState

WEIGHT_ENGINES = ("vllm", "transformers")  # those that read the checkpoint's weights
ENDED = (EvaluationState.DONE, EvaluationState.INCOMPLETE, EvaluationState.FAILED)


@dataclass(frozen=True)
class EvaluationFilter:
    """Which evaluations; None means any."""

    run: str | None = None
    method: str | None = None
    step: int | None = None
    benchmark: str | None = None
    state: str | None = None
    job: str | None = None
    protocol_hash: str | None = None
    evaluation: str | None = None
    checkpoint: int | None = None


def get(session: Session, evaluation_id: str, checkpoint_id: int | None = None) -> Evaluation:
    """One evaluation under the checkpoint it was made for, or under another that holds it.

    Raises NotFound.
    """
    if checkpoint_id is not None:
        held = EvaluationFilter(evaluation=evaluation_id, checkpoint=checkpoint_id)
        if found := matching(session, held):
            return found[0]
        raise NotFound(
            f"The checkpoint {checkpoint_id} has no evaluation {evaluation_id!r}.",
            "Leave the checkpoint out; `evalsvc results` lists them.",
        )
    query = (
        select(Evaluation)
        .where(Evaluation.id == evaluation_id)
        .options(
            joinedload(Evaluation.checkpoint).joinedload(Checkpoint.run),
            joinedload(Evaluation.revision),
        )
    )
    row = session.scalar(query)
    if row is None:
        raise NotFound(
            f"There is no evaluation {evaluation_id!r}.", "`evalsvc results` lists them."
        )
    return row


def page(
    session: Session, wanted: EvaluationFilter, after: Key | None, limit: int
) -> Rows[Evaluation]:
    """A page of evaluations, newest first, under each checkpoint that holds them."""
    order = (Evaluation.created_at, Evaluation.id, Checkpoint.id)
    found = fetch_pairs(session, _select(wanted), order, after, limit)
    return Rows([_under(*pair) for pair in found.rows], found.next_key)


def matching(session: Session, wanted: EvaluationFilter) -> Sequence[Evaluation]:
    """Every evaluation that matches, newest first, under each checkpoint that holds it.

    For reading only: an evaluation under another checkpoint is a copy outside the session.
    """
    statement = _select(wanted).order_by(
        Evaluation.created_at.desc(), Evaluation.id.desc(), Checkpoint.id.desc()
    )
    return [_under(row[0], row[1]) for row in session.execute(statement)]


def holders(session: Session, evaluation_id: str) -> Sequence[Checkpoint]:
    """The checkpoints that hold an evaluation's content, with their runs, oldest first."""
    statement = _select(EvaluationFilter(evaluation=evaluation_id)).order_by(Checkpoint.id)
    return [row[1] for row in session.execute(statement)]


def _under(evaluation: Evaluation, checkpoint: Checkpoint) -> Evaluation:
    """The evaluation as a result of this checkpoint."""
    if evaluation.checkpoint_id == checkpoint.id:
        return evaluation
    columns = inspect(Evaluation).column_attrs
    copy = Evaluation(**{column.key: getattr(evaluation, column.key) for column in columns})
    copy.checkpoint_id = checkpoint.id
    set_committed_value(copy, "checkpoint", checkpoint)
    set_committed_value(copy, "revision", evaluation.revision)
    return copy


def _held_by(own: type[Checkpoint]) -> ColumnElement[bool]:
    """Whether a checkpoint holds what was evaluated as `own`.

    Equal weights suffice where the engine read them. Results of replayed answers, of a named model
    behind a server and of imports belong only to the checkpoint that they were requested for.
    """
    asked = exists().where(
        JobEvaluation.evaluation_id == Evaluation.id,
        Job.id == JobEvaluation.job_id,
        Job.checkpoint_id == Checkpoint.id,
    )
    same_weights = and_(own.fingerprint != "", Evaluation.engine.in_(WEIGHT_ENGINES))
    return and_(
        Checkpoint.fingerprint == own.fingerprint,
        or_(Checkpoint.id == own.id, same_weights, asked),
    )


def _select(wanted: EvaluationFilter) -> Select[Evaluation, Checkpoint]:
    own = aliased(Checkpoint)
    statement = (
        select(Evaluation, Checkpoint)
        .join(own, own.id == Evaluation.checkpoint_id)
        .join(Checkpoint, _held_by(own))
        .join(Checkpoint.run)
        .options(contains_eager(Checkpoint.run), joinedload(Evaluation.revision))
    )
    conditions = {
        Run.name: wanted.run,
        Run.method: wanted.method,
        Checkpoint.step: wanted.step,
        Evaluation.benchmark: wanted.benchmark,
        Evaluation.state: wanted.state,
        Evaluation.protocol_hash: wanted.protocol_hash,
        Evaluation.id: wanted.evaluation,
        Checkpoint.id: wanted.checkpoint,
    }
    for column, value in conditions.items():
        if value is not None:
            statement = statement.where(column == value)
    if wanted.job is not None:
        asked = exists().where(
            JobEvaluation.evaluation_id == Evaluation.id,
            JobEvaluation.job_id == Job.id,
            Job.id == wanted.job,
            Job.checkpoint_id == Checkpoint.id,
        )
        statement = statement.where(asked)
    return statement


def ks_asked_for(session: Session, evaluation_id: str) -> set[int]:
    """Every k that any job asked of an evaluation."""
    statement = select(JobEvaluation.ks).where(JobEvaluation.evaluation_id == evaluation_id)
    return {int(k) for ks in session.scalars(statement) for k in ks}


def newest_faulty(session: Session, limit: int) -> Sequence[Evaluation]:
    """Those with missing samples or a fault, newest first.

    Samples missing only because a user cancelled the job are no fault.
    """
    stopped = select(Shard.evaluation_id).where(Shard.state == ShardState.CANCELLED)
    failed = select(Shard.evaluation_id).where(Shard.state == ShardState.FAILED)
    by_a_user = Evaluation.id.in_(stopped) & Evaluation.id.not_in(failed)
    query = (
        select(Evaluation)
        .options(joinedload(Evaluation.checkpoint).joinedload(Checkpoint.run))
        .where(
            (Evaluation.state == EvaluationState.FAILED)
            | ((Evaluation.state == EvaluationState.INCOMPLETE) & ~by_a_user)
            | Evaluation.error.is_not(None)
        )
        .order_by(Evaluation.created_at.desc())
        .limit(limit)
    )
    return session.scalars(query).all()


def latest_finished(session: Session, limit: int) -> Sequence[Evaluation]:
    """The evaluations that ended last and have results, newest first."""
    query = (
        select(Evaluation)
        .options(joinedload(Evaluation.checkpoint).joinedload(Checkpoint.run))
        .where(Evaluation.samples_seen > 0, Evaluation.finished_at.is_not(None))
        .order_by(Evaluation.finished_at.desc())
        .limit(limit)
    )
    return session.scalars(query).all()


def find_or_create(session: Session, evaluation: Evaluation) -> tuple[Evaluation, bool]:
    """(the evaluation with that identity, locked until the transaction ends; whether it is new)."""
    made = insert_or_ignore(session, evaluation)
    return (made, True) if made is not None else (lock(session, [evaluation.id])[0], False)


def lock(session: Session, evaluation_ids: Collection[str]) -> Sequence[Evaluation]:
    """The evaluations by id, locked in that order: hold this while results or shards change."""
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
    """Set the state of (locked) evaluations from the states of their shards."""
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
    """The states of its shards, by index probes whatever the number of shards."""
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
    """Why it is incomplete: the first failed shard's error, else that of problems not sampled."""
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
