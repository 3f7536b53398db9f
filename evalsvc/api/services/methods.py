"""Two methods instead of two checkpoints: every run of each method at the step that is compared.

One run per method cannot tell a method from a lucky seed, so then there is no such comparison but
the reason. Runs enter only where they were evaluated alike and completely.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from evalsvc.api.services.comparisons import unlikeness
from evalsvc.api.services.evaluations import counts_of, traits_of
from evalsvc.api.services.figures import cluster_labels
from evalsvc.api.services.memo import Memo
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import browsing
from evalsvc.store.repositories.browsing import EvaluationFilter
from evalsvc.store.repositories.counts import Counts
from evalsvc.store.states import EvaluationState

Pair = tuple[float, float]


@dataclass(frozen=True)
class MethodView:
    """Candidate method minus baseline method at one k, in fractions of 1."""

    baseline: str
    candidate: str
    baseline_runs: int
    candidate_runs: int
    k: int
    difference: float
    interval_population: Pair
    p_value: float
    sentence: str


def compare_methods_of(
    session: Session, memo: Memo, before: Evaluation, after: Evaluation, k: int
) -> tuple[MethodView | None, str]:
    """(the comparison, why there is none) of the methods of two evaluations."""
    methods = before.checkpoint.run.method, after.checkpoint.run.method
    if methods[0] == methods[1]:
        return None, f"Both are {methods[0]}: this compares two checkpoints of one method."
    sides = [_runs(session, row) for row in (before, after)]
    if min(len(side) for side in sides) < 2:
        counted = f"{len(sides[0])} of {methods[0]} and {len(sides[1])} of {methods[1]}"
        return None, (
            "This compares two checkpoints, not two methods: with one training run on a side "
            f"({counted}) a difference may be nothing but the training seed."
        )
    key = ("methods", k, tuple(tuple((r.id, r.version) for r in side) for side in sides))
    return memo.get(key, lambda: _compare(session, memo, sides, k)), ""


def _runs(session: Session, like: Evaluation) -> list[Evaluation]:
    """The newest complete evaluation of each run of its method at its step."""
    rows = browsing.all_evaluations(
        session,
        EvaluationFilter(
            method=like.checkpoint.run.method,
            step=like.checkpoint.step,
            benchmark=like.benchmark,
            state=EvaluationState.DONE,
        ),
    )
    found: dict[int, Evaluation] = {}
    for row in rows:
        if not unlikeness(like, row) and row.problems_seen == like.problems_seen:
            found.setdefault(row.checkpoint.run_id, row)
    return [found[run] for run in sorted(found)]


def _compare(
    session: Session, memo: Memo, sides: Sequence[Sequence[Evaluation]], k: int
) -> MethodView | None:
    from evalsvc.statistics import StatisticsError, compare_methods  # noqa: PLC0415 - heavy

    counts = [[counts_of(session, memo, row) for row in side] for side in sides]
    problems = counts[0][0].problems
    if not all(np.array_equal(c.problems, problems) for side in counts for c in side):
        return None
    traits = traits_of(session, memo, sides[0][0].revision_id)
    try:
        made = compare_methods(
            _pairs(counts[0]),
            _pairs(counts[1]),
            k,
            clusters=cluster_labels(problems.tolist(), traits),
        )
    except StatisticsError:  # some problem has fewer than k samples in one of the runs
        return None
    return MethodView(
        baseline=sides[0][0].checkpoint.run.method,
        candidate=sides[1][0].checkpoint.run.method,
        baseline_runs=made.baseline_runs,
        candidate_runs=made.candidate_runs,
        k=made.k,
        difference=made.difference,
        interval_population=made.interval_population,
        p_value=made.p_value,
        sentence=made.sentence,
    )


def _pairs(side: Sequence[Counts]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(counts.n, counts.c) for counts in side]
