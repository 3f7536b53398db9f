"""Counts per problem as the statistics read them: arrays, without the bit masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.store.models import Problem, ProblemResult

IntArray: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """n samples and c correct ones per problem, ordered by row index; no problem has n = 0."""

    problems: IntArray
    n: IntArray
    c: IntArray
    tokens: IntArray
    tokens_correct: IntArray


@dataclass(frozen=True)
class ProblemTraits:
    """What the statistics need of a revision's problems, by row index."""

    ids: dict[int, str]
    clusters: dict[int, str]
    traits: dict[str, dict[int, str]]  # part, level, subject, question_type


def read_counts(session: Session, evaluation_id: str) -> Counts:
    """The counts of an evaluation."""
    columns = (
        ProblemResult.problem,
        ProblemResult.n,
        ProblemResult.c,
        ProblemResult.tokens,
        ProblemResult.tokens_correct,
    )
    rows: Sequence[tuple[int, ...]] = (
        session.connection()
        .execute(
            select(*columns)
            .where(ProblemResult.evaluation_id == evaluation_id, ProblemResult.n > 0)
            .order_by(ProblemResult.problem)
        )
        .all()
    )
    table = np.array([tuple(row) for row in rows], dtype=np.int64).reshape(-1, len(columns))
    return Counts(*(np.ascontiguousarray(table[:, i]) for i in range(len(columns))))


def read_traits(session: Session, revision_id: int) -> ProblemTraits:
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
    return ProblemTraits(ids, clusters, values)
