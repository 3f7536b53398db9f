"""Two methods instead of two checkpoints: every run of each method at the step that is compared.

One run per method cannot tell a method from a lucky seed, so then there is no such comparison but
the reason. Runs enter only where they were evaluated alike and completely.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from evalsvc.services.compare.pairings import unlikeness
from evalsvc.services.evaluations.figures import cluster_labels
from evalsvc.services.evaluations.views import counts_of, traits_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.counts import Counts
from evalsvc.store.repositories.evaluations import EvaluationFilter
from evalsvc.store.states import EvaluationState

if TYPE_CHECKING:
    from evalsvc.statistics import MethodComparison

Pair = tuple[float, float]


@dataclass(frozen=True)
class MethodView:
    """Candidate method minus baseline method at one k, in fractions of 1."""

    benchmark: str
    baseline: str
    candidate: str
    baseline_runs: int
    candidate_runs: int
    k: int
    difference: float
    interval_fixed: Pair  # other training runs, these problems
    interval_population: Pair  # other training runs and problems
    p_value: float
    p_adjusted: float
    sentence: str


def compare_methods_of(
    session: Session, memo: Memo, before: Evaluation, after: Evaluation, k: int
) -> tuple[MethodView | None, str]:
    """(the comparison, why there is none) of the methods of two evaluations."""
    views, reasons = compare_methods_family(session, memo, [(before, after, k)])
    return (views[0] if views else None), (reasons[0] if reasons else "")


def compare_methods_family(
    session: Session, memo: Memo, pairs: Sequence[tuple[Evaluation, Evaluation, int]]
) -> tuple[list[MethodView], list[str]]:
    """(the comparisons with Holm over all of them, why others are missing), each said once."""
    from evalsvc.statistics import adjust_methods  # noqa: PLC0415 - a second to import

    found: dict[Hashable, tuple[Evaluation, Evaluation, MethodComparison]] = {}
    reasons: dict[str, None] = {}
    sides_of: dict[Hashable, list[list[Evaluation]] | str] = {}
    for before, after, k in pairs:
        both = (before.id, before.checkpoint_id), (after.id, after.checkpoint_id)
        if both not in sides_of:
            sides_of[both] = _sides(session, before, after)
        sides = sides_of[both]
        if isinstance(sides, str):
            reasons[sides] = None
            continue
        key = ("methods", k, tuple(tuple((r.id, r.version) for r in side) for side in sides))
        made = memo.get(key, partial(_compare, session, memo, sides, k))
        if made is not None:
            methods = before.checkpoint.run.method, after.checkpoint.run.method
            found[key, methods] = before, after, made
    adjusted = adjust_methods([made for *_, made in found.values()])
    views = [_view(*rows[:2], made) for rows, made in zip(found.values(), adjusted, strict=True)]
    return views, list(reasons)


def _sides(session: Session, before: Evaluation, after: Evaluation) -> list[list[Evaluation]] | str:
    """The runs of both methods, or why there is nothing to compare."""
    methods = before.checkpoint.run.method, after.checkpoint.run.method
    if methods[0] == methods[1]:
        return f"Both are {methods[0]}: this compares two checkpoints of one method."
    sides = [_runs(session, row) for row in (before, after)]
    if min(len(side) for side in sides) < 2:
        counted = f"{len(sides[0])} of {methods[0]} and {len(sides[1])} of {methods[1]}"
        return (
            "This compares two checkpoints, not two methods: with one training run on a side "
            f"({counted}) a difference may be nothing but the training seed."
        )
    return sides


def _runs(session: Session, like: Evaluation) -> list[Evaluation]:
    """The newest complete evaluation of each run of its method at its step."""
    rows = evaluations.matching(
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
) -> "MethodComparison | None":
    from evalsvc.statistics import StatisticsError, compare_methods  # noqa: PLC0415 - heavy

    counts = [[counts_of(session, memo, row) for row in side] for side in sides]
    problems = counts[0][0].problems
    if not all(np.array_equal(c.problems, problems) for side in counts for c in side):
        return None
    traits = traits_of(session, memo, sides[0][0].revision_id)
    labels = cluster_labels(problems.tolist(), traits)
    try:
        return compare_methods(_pairs(counts[0]), _pairs(counts[1]), k, clusters=labels)
    except StatisticsError:  # some problem has fewer than k samples in one of the runs
        return None


def _view(before: Evaluation, after: Evaluation, made: "MethodComparison") -> MethodView:
    return MethodView(
        benchmark=before.benchmark,
        baseline=before.checkpoint.run.method,
        candidate=after.checkpoint.run.method,
        baseline_runs=made.baseline_runs,
        candidate_runs=made.candidate_runs,
        k=made.k,
        difference=made.difference,
        interval_fixed=made.interval_fixed,
        interval_population=made.interval_population,
        p_value=made.p_value,
        p_adjusted=made.p_adjusted,
        sentence=made.sentence,
    )


def _pairs(side: Sequence[Counts]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(counts.n, counts.c) for counts in side]
