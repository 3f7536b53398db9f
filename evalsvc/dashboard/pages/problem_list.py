"""Select and sort an evaluation's problems by their counts. Pure functions on arrays."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from evalsvc.store.repositories.counts import Counts

FILTERS = (
    ("all", "all"),
    ("wrong", "with wrong samples"),
    ("never", "never solved"),
    ("mixed", "solved sometimes"),
    ("always", "always solved"),
)
SORTS = ("problem", "share", "n", "tokens")


@dataclass(frozen=True)
class Selection:
    """Positions in the counts' arrays, in the order to show."""

    positions: NDArray[np.int64]
    solved_never: int
    solved_always: int


def select_problems(counts: Counts, which: str, sort: str, descending: bool) -> Selection:
    """The problems that `which` names, sorted; ties keep the benchmark's order."""
    share = counts.c / np.maximum(counts.n, 1)
    masks = {
        "all": np.ones(counts.n.size, dtype=bool),
        "wrong": counts.c < counts.n,
        "never": counts.c == 0,
        "mixed": (counts.c > 0) & (counts.c < counts.n),
        "always": counts.c == counts.n,
    }
    keys = {
        "problem": counts.problems,
        "share": share,
        "n": counts.n,
        "tokens": counts.tokens / np.maximum(counts.n, 1),
    }
    positions = np.flatnonzero(masks[which])
    key = keys[sort][positions]
    order = np.argsort(-key if descending else key, kind="stable")
    return Selection(
        positions=positions[order],
        solved_never=int(masks["never"].sum()),
        solved_always=int(masks["always"].sum()),
    )
