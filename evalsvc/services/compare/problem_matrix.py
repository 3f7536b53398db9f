"""Problems by checkpoints: c of n for each, filtered and sorted on arrays, a page at a time.

The first column is A and the last one B: filters and differences refer to these two. One matrix
holds evaluations of one revision of the benchmark only; a problem without samples of a checkpoint
is missing there, not unsolved.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalsvc.services.evaluations.views import counts_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation

Shares = NDArray[np.float64]
FILTERS = (
    ("all", "all"),
    ("only_b", "solved only by B"),
    ("only_a", "solved only by A"),
    ("flips", "flips"),
    ("never", "never solved"),
    ("always", "always solved"),
)
SORTS = ("problem", "difficulty", "difference")
FLIP_AT = 0.5  # a flip: usually right on one side, usually wrong on the other


@dataclass(frozen=True)
class ProblemMatrix:
    """Counts of shape (columns, problems); `shares` is c / n, NaN where n = 0."""

    problems: NDArray[np.int64]
    n: NDArray[np.int64]
    c: NDArray[np.int64]
    shares: Shares

    @property
    def difference(self) -> Shares:
        """B minus A per problem; NaN where one of them is missing."""
        return np.asarray(self.shares[-1] - self.shares[0])

    @property
    def difficulty(self) -> Shares:
        """Mean share over the columns that have the problem."""
        here = ~np.isnan(self.shares)
        totals = np.where(here, self.shares, 0.0).sum(axis=0)
        return np.asarray(totals / np.maximum(here.sum(axis=0), 1))


def matrix_of(session: Session, memo: Memo, rows: Sequence[Evaluation]) -> ProblemMatrix:
    """The matrix of these evaluations of one revision, in their order."""
    key = ("matrix", tuple((row.id, row.version) for row in rows))
    return memo.get(key, lambda: _build(session, memo, rows))


def _build(session: Session, memo: Memo, rows: Sequence[Evaluation]) -> ProblemMatrix:
    counts = [counts_of(session, memo, row) for row in rows]
    problems = np.unique(np.concatenate([one.problems for one in counts]))
    n = np.zeros((len(counts), problems.size), dtype=np.int64)
    c = np.zeros_like(n)
    for i, one in enumerate(counts):
        places = np.searchsorted(problems, one.problems)
        n[i, places], c[i, places] = one.n, one.c
    shares = np.where(n > 0, c / np.maximum(n, 1), np.nan)
    return ProblemMatrix(problems, n, c, shares)


def choose(matrix: ProblemMatrix, which: str, sort: str, *, descending: bool) -> NDArray[np.int64]:
    """Positions of the problems that a filter selects, sorted; missing differences come last."""
    positions = np.flatnonzero(_mask(matrix, which))
    keys: dict[str, NDArray[np.float64]] = {
        "problem": matrix.problems.astype(np.float64),
        "difficulty": matrix.difficulty,
        "difference": matrix.difference,
    }
    key = keys[sort][positions]
    key = np.where(np.isnan(key), np.inf, -key if descending else key)
    return np.asarray(positions[np.argsort(key, kind="stable")])


def tally(matrix: ProblemMatrix) -> dict[str, int]:
    """The number of problems that each filter selects."""
    return {name: int(_mask(matrix, name).sum()) for name, _ in FILTERS}


def _mask(matrix: ProblemMatrix, which: str) -> NDArray[np.bool_]:
    a, b = matrix.shares[0], matrix.shares[-1]
    here = matrix.n > 0
    masks: dict[str, NDArray[np.bool_]] = {
        "all": np.ones(matrix.problems.size, dtype=bool),
        "only_b": (b > 0) & (a == 0),
        "only_a": (a > 0) & (b == 0),
        "flips": ((a > FLIP_AT) & (b < FLIP_AT)) | ((a < FLIP_AT) & (b > FLIP_AT)),
        "never": np.asarray(~(matrix.c > 0).any(axis=0) & here.any(axis=0)),
        "always": np.asarray(((matrix.c == matrix.n) | ~here).all(axis=0) & here.any(axis=0)),
    }
    return masks[which]


def strip(matrix: ProblemMatrix, positions: NDArray[np.int64], most: int) -> Shares:
    """Mean shares of shape (columns, bins) over neighbours in this order, for an overview map."""
    bins = np.array_split(positions, min(most, max(positions.size, 1)))
    found = np.full((matrix.shares.shape[0], len(bins)), np.nan)
    for i, members in enumerate(bins):
        block = matrix.shares[:, members]
        here = ~np.isnan(block)
        count = here.sum(axis=1)
        means = np.where(here, block, 0.0).sum(axis=1) / np.maximum(count, 1)
        found[:, i] = np.where(count > 0, means, np.nan)
    return found
