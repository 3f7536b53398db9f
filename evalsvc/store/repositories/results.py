"""Results per problem: merging a shard's tallies into the bit masks, and updating the summary.

Bit i of a stored mask is sample i; a tally's bit i is sample `sample_start + i`. A bit that is
already set is never counted again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from evalsvc.specs import ProblemTally
from evalsvc.store.models import Evaluation, ProblemResult
from evalsvc.store.repositories.pages import Key, Rows, fetch_page

MASKS = ("sampled", "correct", "truncated", "no_answer", "failed")
CHUNK = 500  # parameters of one IN list


@dataclass
class Masks:
    """One problem's results as integers."""

    sampled: int = 0
    correct: int = 0
    truncated: int = 0
    no_answer: int = 0
    failed: int = 0
    tokens: int = 0
    tokens_correct: int = 0
    error: str | None = None


def read_masks(
    session: Session, evaluation_id: str, problems: Sequence[int] | None = None
) -> dict[int, Masks]:
    """The results of an evaluation by problem (row index); of `problems` only, if given."""
    columns = [getattr(ProblemResult, name) for name in MASKS]
    query = select(
        ProblemResult.problem,
        ProblemResult.tokens,
        ProblemResult.tokens_correct,
        ProblemResult.error,
        *columns,
    ).where(ProblemResult.evaluation_id == evaluation_id)
    found: dict[int, Masks] = {}
    for chunk in _chunks(problems):
        part = query if chunk is None else query.where(ProblemResult.problem.in_(chunk))
        for problem, tokens, tokens_correct, error, *masks in session.execute(part):
            values = {n: int.from_bytes(m, "little") for n, m in zip(MASKS, masks, strict=True)}
            found[problem] = Masks(
                **values, tokens=tokens, tokens_correct=tokens_correct, error=error
            )
    return found


def read_sampled(session: Session, evaluation_id: str) -> dict[int, int]:
    """The samples stored: problem -> mask. Reads less than `read_masks`, for the planner."""
    query = select(ProblemResult.problem, ProblemResult.sampled).where(
        ProblemResult.evaluation_id == evaluation_id
    )
    return {problem: int.from_bytes(mask, "little") for problem, mask in session.execute(query)}


def get(session: Session, evaluation_id: str, problem: int) -> ProblemResult | None:
    """The stored result of one problem (row index)."""
    return session.get(ProblemResult, (evaluation_id, problem))


def page(
    session: Session, evaluation_id: str, after: Key | None, limit: int
) -> Rows[ProblemResult]:
    """A page of an evaluation's results, in the order of the problems."""
    query = select(ProblemResult).where(ProblemResult.evaluation_id == evaluation_id)
    return fetch_page(session, query, (ProblemResult.problem,), after, limit, ascending=True)


def errors_of(session: Session, evaluation_id: str) -> Sequence[tuple[int, str]]:
    """(problem, reason) of the problems that could not be sampled at all."""
    rows = session.execute(
        select(ProblemResult.problem, ProblemResult.error)
        .where(ProblemResult.evaluation_id == evaluation_id, ProblemResult.error.is_not(None))
        .order_by(ProblemResult.problem)
    )
    return [(problem, error or "") for problem, error in rows]


def add(
    session: Session, evaluation: Evaluation, sample_start: int, tallies: Sequence[ProblemTally]
) -> int:
    """Merge `tallies` into the (locked) evaluation; returns how many samples are new."""
    before = read_masks(session, evaluation.id, [tally.problem for tally in tallies])
    fresh: list[dict[str, Any]] = []
    changed: list[dict[str, Any]] = []
    seen_before = evaluation.samples_seen
    for tally in tallies:
        old = before.get(tally.problem)
        merged = merge(old or Masks(), tally, sample_start)
        _count(evaluation, old or Masks(), merged)
        row = _row(evaluation.id, tally.problem, merged)
        (fresh if old is None else changed).append(row)
    evaluation.version += 1  # before any statement, so that one UPDATE writes all its columns
    if fresh:
        session.execute(insert(ProblemResult), fresh)
    if changed:
        table = ProblemResult.__table__
        statement = update(ProblemResult).where(
            ProblemResult.evaluation_id == bindparam("key_evaluation"),
            ProblemResult.problem == bindparam("key_problem"),
        )
        names = [column.name for column in table.columns if not column.primary_key]
        session.connection().execute(
            statement.values({name: bindparam(name) for name in names}),
            [_keyed(row) for row in changed],
        )
    return evaluation.samples_seen - seen_before


def merge(old: Masks, tally: ProblemTally, sample_start: int) -> Masks:
    """A problem's result after a shard's tally; samples already stored do not change."""
    new = {name: int(getattr(tally, name), 16) << sample_start for name in MASKS}
    added = new["sampled"] & ~old.sampled
    share = added.bit_count() / new["sampled"].bit_count() if new["sampled"] else 0.0
    masks = {name: getattr(old, name) | (new[name] & added) for name in MASKS}
    return Masks(
        **masks,
        tokens=old.tokens + round(tally.tokens * share),
        tokens_correct=old.tokens_correct + round(tally.tokens_correct * share),
        error=storable(tally.error) if tally.error else None if added else old.error,
    )


def storable(text: str) -> str:
    """Text of unknown origin in a form that both databases accept: PostgreSQL refuses NUL."""
    return text.replace("\x00", "\N{REPLACEMENT CHARACTER}")


def to_bytes(mask: int) -> bytes:
    """The stored form of a mask."""
    return mask.to_bytes((mask.bit_length() + 7) // 8, "little")


def _row(evaluation_id: str, problem: int, masks: Masks) -> dict[str, Any]:
    return {
        "evaluation_id": evaluation_id,
        "problem": problem,
        "n": masks.sampled.bit_count(),
        "c": masks.correct.bit_count(),
        "tokens": masks.tokens,
        "tokens_correct": masks.tokens_correct,
        "error": masks.error,
        **{name: to_bytes(getattr(masks, name)) for name in MASKS},
    }


def _keyed(row: Mapping[str, Any]) -> dict[str, Any]:
    values = {k: v for k, v in row.items() if k not in ("evaluation_id", "problem")}
    return {**values, "key_evaluation": row["evaluation_id"], "key_problem": row["problem"]}


def _count(evaluation: Evaluation, old: Masks, new: Masks) -> None:
    evaluation.problems_seen += bool(new.sampled) - bool(old.sampled)
    evaluation.samples_seen += new.sampled.bit_count() - old.sampled.bit_count()
    evaluation.samples_correct += new.correct.bit_count() - old.correct.bit_count()
    evaluation.samples_truncated += new.truncated.bit_count() - old.truncated.bit_count()
    evaluation.samples_no_answer += new.no_answer.bit_count() - old.no_answer.bit_count()
    evaluation.samples_failed += new.failed.bit_count() - old.failed.bit_count()
    evaluation.output_tokens += new.tokens - old.tokens


def _chunks(problems: Sequence[int] | None) -> list[Sequence[int] | None]:
    if problems is None:
        return [None]
    return [problems[start : start + CHUNK] for start in range(0, len(problems), CHUNK)]
