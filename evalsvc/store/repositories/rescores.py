"""Rescores: a second grading next to the first, counted as it runs, accepted by a user.

Only samples whose verdict changed are stored. Accepting a rescore moves its verdicts into the
results; the transcripts, and so the first verdicts, do not change. A rescore compares with the
verdicts that count when it begins; so only the newest can be accepted.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import exists, func, insert, select
from sqlalchemy.orm import Session

from evalsvc.errors import Conflict, NotFound
from evalsvc.specs import verdict_flags
from evalsvc.store.identifiers import new_id
from evalsvc.store.models import Evaluation, ProblemResult, Rescore, RescoredSample, now
from evalsvc.store.repositories import evaluations, events, overrides
from evalsvc.store.repositories.pages import Key, Rows, fetch_page
from evalsvc.store.states import RescoreState


class SampleVerdict(NamedTuple):
    """A verdict and the rule that decided it."""

    verdict: str
    rule: str


def begin(session: Session, evaluation: Evaluation, verifier: str) -> Rescore:
    """Create a rescore of an evaluation."""
    row = Rescore(
        id=new_id(),
        evaluation_id=evaluation.id,
        verifier_before=evaluation.verifier or "not known",
        verifier_after=verifier,
        total=evaluation.samples_seen,
    )
    session.add(row)
    session.flush()
    events.record(session, "rescore.started", evaluation_id=evaluation.id, rescore=row.id)
    return row


def get(session: Session, rescore_id: str) -> Rescore:
    """A rescore. Raises NotFound."""
    row = session.get(Rescore, rescore_id)
    if row is None:
        raise NotFound(
            f"There is no rescore {rescore_id!r}.",
            "GET /v1/evaluations/ID/rescores lists those of an evaluation.",
        )
    return row


def accepted_verdicts(session: Session, evaluation_id: str) -> dict[tuple[int, int], SampleVerdict]:
    """(problem, sample) -> the verdict that replaces the transcript's."""
    rows = session.scalars(
        select(RescoredSample)
        .join(Rescore, Rescore.id == RescoredSample.rescore_id)
        .where(Rescore.evaluation_id == evaluation_id, Rescore.state == RescoreState.ACCEPTED)
        .order_by(Rescore.id)
    )
    return {
        (row.problem, row.sample): SampleVerdict(row.verdict_after, row.rule_after) for row in rows
    }


def of_evaluation(
    session: Session, evaluation_id: str, after: Key | None, limit: int
) -> Rows[Rescore]:
    """The rescores of an evaluation, newest first."""
    statement = select(Rescore).where(Rescore.evaluation_id == evaluation_id)
    return fetch_page(session, statement, (Rescore.id,), after, limit)


def all_of(session: Session, evaluation_id: str) -> Sequence[Rescore]:
    """Every rescore of an evaluation, newest first."""
    query = select(Rescore).where(Rescore.evaluation_id == evaluation_id)
    return session.scalars(query.order_by(Rescore.created_at.desc())).all()


def add(session: Session, rescore_id: str, judged: int, changed: Sequence[dict[str, Any]]) -> None:
    """Count judged samples, and store those whose verdict changed."""
    row = get(session, rescore_id)
    row.judged += judged
    row.flipped += len(changed)
    if changed:
        rows = [{"rescore_id": rescore_id, **sample} for sample in changed]
        session.execute(insert(RescoredSample), rows)


def finish(session: Session, rescore_id: str, summary: dict[str, Any]) -> None:
    """Mark a rescore as done: all samples were judged."""
    row = get(session, rescore_id)
    row.state, row.finished_at, row.summary = RescoreState.DONE, now(), summary
    events.record(
        session,
        "rescore.done",
        evaluation_id=row.evaluation_id,
        rescore=row.id,
        flipped=row.flipped,
    )


def fail(session: Session, rescore_id: str, error: str) -> None:
    """Mark a rescore as failed."""
    row = get(session, rescore_id)
    row.state, row.finished_at, row.error = RescoreState.FAILED, now(), error
    events.record(
        session, "rescore.failed", evaluation_id=row.evaluation_id, rescore=row.id, error=error
    )


def give_up_running(session: Session) -> None:
    """Mark the unfinished rescores of a previous server as failed."""
    for row in session.scalars(select(Rescore).where(Rescore.state == RescoreState.RUNNING)):
        fail(session, row.id, "the server ended before it was done; start it again")


def changes_page(
    session: Session, rescore_id: str, after: Key | None, limit: int
) -> Rows[RescoredSample]:
    """The samples whose verdict changed, by problem and sample."""
    statement = select(RescoredSample).where(RescoredSample.rescore_id == rescore_id)
    order = (RescoredSample.problem, RescoredSample.sample)
    return fetch_page(session, statement, order, after, limit, ascending=True)


def changed_samples(session: Session, rescore_id: str) -> Sequence[RescoredSample]:
    """All samples whose verdict changed."""
    statement = select(RescoredSample).where(RescoredSample.rescore_id == rescore_id)
    order = (RescoredSample.problem, RescoredSample.sample)
    return session.scalars(statement.order_by(*order)).all()


def changes_slice(
    session: Session, rescore_id: str, offset: int, limit: int
) -> Sequence[RescoredSample]:
    """Some of the samples whose verdict changed, by problem and sample."""
    query = select(RescoredSample).where(RescoredSample.rescore_id == rescore_id)
    query = query.order_by(RescoredSample.problem, RescoredSample.sample)
    return session.scalars(query.offset(offset).limit(limit)).all()


def count_changes(session: Session, rescore_id: str) -> list[tuple[str, str, int]]:
    """(verdict before, verdict after, samples), the most frequent change first."""
    rows = session.execute(
        select(RescoredSample.verdict_before, RescoredSample.verdict_after, func.count())
        .where(RescoredSample.rescore_id == rescore_id)
        .group_by(RescoredSample.verdict_before, RescoredSample.verdict_after)
        .order_by(func.count().desc())
    )
    return [(before, after, int(samples)) for before, after, samples in rows]


def accept(session: Session, rescore_id: str, *, by: str) -> Rescore:
    """Apply its verdicts to the evaluation; manual verdicts stay. Raises Conflict, NotFound."""
    row = get(session, rescore_id)
    if row.state == RescoreState.ACCEPTED:
        return row
    if row.state != RescoreState.DONE:
        raise Conflict(
            f"The rescore {rescore_id} is {row.state}: it cannot be accepted.",
            "Only a rescore that is done can; start it again if it failed.",
        )
    evaluation = evaluations.lock(session, [row.evaluation_id])[0]
    newer = exists().where(
        Rescore.evaluation_id == row.evaluation_id,
        Rescore.id > row.id,
        Rescore.state != RescoreState.FAILED,
    )
    if session.scalar(select(newer)):
        raise Conflict(
            f"The evaluation was rescored again after {rescore_id}.",
            "Accept the newest rescore of the evaluation.",
        )
    by_hand = {(o.problem, o.sample) for o in overrides.all_of(session, evaluation.id)}
    flipped: dict[int, dict[int, RescoredSample]] = {}
    for sample in changed_samples(session, rescore_id):
        flipped.setdefault(sample.problem, {})[sample.sample] = sample
    for problem, samples in flipped.items():
        _apply(session, evaluation, problem, samples, by_hand)
    evaluation.verifier = row.verifier_after
    row.state = RescoreState.ACCEPTED
    events.record(
        session, "rescore.accepted", evaluation_id=row.evaluation_id, rescore=row.id, by=by
    )
    return row


def _apply(
    session: Session,
    evaluation: Evaluation,
    problem: int,
    samples: dict[int, RescoredSample],
    by_hand: set[tuple[int, int]],
) -> None:
    result = session.get(ProblemResult, (evaluation.id, problem), with_for_update=True)
    if result is None:
        return
    flags = {number: verdict_flags(sample.verdict_after) for number, sample in samples.items()}
    verdicts = {
        number: found["correct"]
        for number, found in flags.items()
        if (problem, number) not in by_hand
    }
    overrides.set_correct(evaluation, result, verdicts)
    for name, column in (("no_answer", "samples_no_answer"), ("failed", "samples_failed")):
        mask = before = int.from_bytes(getattr(result, name), "little")
        for number, found in flags.items():
            mask = mask | 1 << number if found[name] else mask & ~(1 << number)
        setattr(result, name, mask.to_bytes((mask.bit_length() + 7) // 8, "little"))
        gained = mask.bit_count() - before.bit_count()
        setattr(evaluation, column, getattr(Evaluation, column) + gained)
        session.flush()
