"""The problems of a benchmark revision: ids, clusters and traits. Their text is not stored."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.store.models import Problem


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


@dataclass(frozen=True)
class TraitTable:
    """The traits of all problems of a revision, by row index."""

    ids: dict[int, str]
    clusters: dict[int, str]
    traits: dict[str, dict[int, str]]  # part, level, subject, question_type


def get(session: Session, revision_id: int, problem: int) -> Problem | None:
    """The problem with this row index."""
    return session.get(Problem, (revision_id, problem))


def by_id(session: Session, revision_id: int, problem_id: str) -> Sequence[Problem]:
    """The problems with the benchmark's id `problem_id`: one, or none."""
    query = select(Problem).where(
        Problem.revision_id == revision_id, Problem.problem_id == problem_id
    )
    return session.scalars(query.order_by(Problem.problem)).all()


def of_rows(session: Session, revision_id: int, problems: Collection[int]) -> dict[int, Problem]:
    """Row index -> problem, of these rows."""
    query = select(Problem).where(Problem.revision_id == revision_id, Problem.problem.in_(problems))
    return {row.problem: row for row in session.scalars(query)}


def read_traits(session: Session, revision_id: int) -> TraitTable:
    """Ids, clusters and traits of a revision's problems."""
    names = ("part", "level", "subject", "question_type")
    columns = (Problem.problem, Problem.problem_id, Problem.cluster)
    traits = tuple(getattr(Problem, name) for name in names)
    ids, clusters = {}, {}
    values: dict[str, dict[int, str]] = {name: {} for name in names}
    statement = select(*columns, *traits).where(Problem.revision_id == revision_id)
    for problem, problem_id, cluster, *found in session.connection().execute(statement):
        ids[problem], clusters[problem] = problem_id, cluster
        for name, value in zip(names, found, strict=True):
            if value is not None:
                values[name][problem] = value
    return TraitTable(ids, clusters, values)
