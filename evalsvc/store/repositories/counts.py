"""Counts per problem for the statistics: arrays, without the bit masks."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from evalsvc.store.models import ProblemResult

IntArray: TypeAlias = NDArray[np.int64]


@dataclass(frozen=True)
class Counts:
    """n samples and c correct ones per problem, ordered by row index; no problem has n = 0."""

    problems: IntArray
    n: IntArray
    c: IntArray
    tokens: IntArray
    tokens_correct: IntArray


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
