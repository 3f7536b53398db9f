"""Manual verdicts: stored with author and reason next to the verifier's; the newest counts."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.errors import NotFound
from evalsvc.store.models import Evaluation, ProblemResult, VerdictOverride
from evalsvc.store.repositories import events


def newest(session: Session, evaluation_id: str, problem: int) -> dict[int, VerdictOverride]:
    """The override that counts, by sample."""
    statement = (
        select(VerdictOverride)
        .where(VerdictOverride.evaluation_id == evaluation_id, VerdictOverride.problem == problem)
        .order_by(VerdictOverride.id)
    )
    return {row.sample: row for row in session.scalars(statement)}


def all_of(session: Session, evaluation_id: str) -> Sequence[VerdictOverride]:
    """Every override of an evaluation, oldest first."""
    statement = select(VerdictOverride).where(VerdictOverride.evaluation_id == evaluation_id)
    return session.scalars(statement.order_by(VerdictOverride.id)).all()


def override(
    session: Session,
    evaluation: Evaluation,
    problem: int,
    sample: int,
    *,
    correct: bool,
    who: str,
    why: str,
) -> VerdictOverride:
    """Set one verdict by hand and the counts with it. Raises NotFound without such a sample."""
    result = session.get(ProblemResult, (evaluation.id, problem), with_for_update=True)
    if result is None or not int.from_bytes(result.sampled, "little") >> sample & 1:
        raise NotFound(
            f"Problem {problem} of the evaluation {evaluation.id} has no sample {sample}.",
            "The samples route of the problem lists them.",
        )
    row = VerdictOverride(
        evaluation_id=evaluation.id,
        problem=problem,
        sample=sample,
        correct=correct,
        who=who,
        why=why,
    )
    session.add(row)
    set_correct(evaluation, result, {sample: correct})
    events.record(
        session,
        "verdict.overridden",
        evaluation_id=evaluation.id,
        problem=problem,
        sample=sample,
        correct=correct,
        who=who,
        why=why,
    )
    session.flush()
    return row


def set_correct(evaluation: Evaluation, result: ProblemResult, verdicts: dict[int, bool]) -> None:
    """Set bits of `correct` and every count that follows from them."""
    before = mask = int.from_bytes(result.correct, "little")
    for sample, correct in verdicts.items():
        mask = mask | 1 << sample if correct else mask & ~(1 << sample)
    if mask == before:
        return
    result.correct = mask.to_bytes((mask.bit_length() + 7) // 8, "little")
    result.c = mask.bit_count()
    # As SQL expressions: a shard of the same evaluation may complete at the same time.
    gained = mask.bit_count() - before.bit_count()
    evaluation.samples_correct = Evaluation.samples_correct + gained
    evaluation.version = Evaluation.version + 1
