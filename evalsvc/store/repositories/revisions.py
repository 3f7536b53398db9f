"""Benchmark revisions: the rows of a benchmark as they were evaluated."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from evalsvc.store.models import BenchmarkRevision, Evaluation, Problem
from evalsvc.store.repositories.problems import ProblemTraits
from evalsvc.store.repositories.upserts import insert_or_ignore


@dataclass(frozen=True)
class RevisionUse:
    """A revision and the number of its evaluations."""

    name: str
    revision: str
    problems: int
    evaluations: int


def names(session: Session) -> Sequence[str]:
    """The benchmarks (and parts) that have rows."""
    return session.scalars(select(BenchmarkRevision.name).distinct()).all()


def find_or_create(
    session: Session, name: str, revision: str, problems: Callable[[], Sequence[ProblemTraits]]
) -> BenchmarkRevision:
    """The revision of a benchmark; if it is new, `problems` is called for its rows."""
    query = select(BenchmarkRevision).where(
        BenchmarkRevision.name == name, BenchmarkRevision.revision == revision
    )
    if (found := session.scalars(query).first()) is not None:
        return found
    new = problems()
    row = BenchmarkRevision(name=name, revision=revision, problem_count=len(new))
    if (made := insert_or_ignore(session, row)) is None:
        return session.scalars(query).one()
    rows = [{"revision_id": made.id, **vars(problem)} for problem in new]
    session.execute(insert(Problem), rows)
    return made


def of_benchmark(session: Session, name: str) -> list[RevisionUse]:
    """The revisions of a benchmark and of its parts, oldest first within each name."""
    rows = session.execute(
        select(
            BenchmarkRevision.name,
            BenchmarkRevision.revision,
            BenchmarkRevision.problem_count,
            func.count(Evaluation.id),
        )
        .outerjoin(Evaluation, Evaluation.revision_id == BenchmarkRevision.id)
        .where(
            (BenchmarkRevision.name == name)
            | BenchmarkRevision.name.startswith(f"{name}:", autoescape=True)
        )
        .group_by(BenchmarkRevision.id)
        .order_by(BenchmarkRevision.name, BenchmarkRevision.id)
    )
    return [RevisionUse(*row) for row in rows]
