"""Two methods instead of two checkpoints: every run of each method at the compared step.

With one run per method a better method cannot be distinguished from a lucky seed, so the answer
is the reason instead of a comparison. Runs enter only if they were evaluated alike and completely,
and started from one base model: otherwise the difference could be that of the base models. Runs of
one training seed are one draw: the newest of them counts, with a note.
"""

from collections import Counter
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
    """(the comparison, or the reason for none) of the methods of two evaluations."""
    views, reasons = compare_methods_family(session, memo, [(before, after, k)])
    return (views[0] if views else None), (reasons[0] if reasons else "")


def compare_methods_family(
    session: Session, memo: Memo, pairs: Sequence[tuple[Evaluation, Evaluation, int]]
) -> tuple[list[MethodView], list[str]]:
    """(the comparisons with Holm over all of them, why others are missing), each reason once."""
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
    views = [
        _view(*rows[:2], made, _repeated_seeds(session, *rows[:2]))
        for rows, made in zip(found.values(), adjusted, strict=True)
    ]
    return views, list(reasons)


def _sides(session: Session, before: Evaluation, after: Evaluation) -> list[list[Evaluation]] | str:
    """The runs of both methods, or why there is nothing to compare."""
    methods = before.checkpoint.run.method, after.checkpoint.run.method
    if methods[0] == methods[1]:
        return f"Both are {methods[0]}: this compares two checkpoints of one method."
    bases = before.checkpoint.run.base_model, after.checkpoint.run.base_model
    if bases[0] != bases[1]:
        return (
            f"The methods are not compared: {methods[0]} started from "
            f"{bases[0] or 'an unknown base model'} and {methods[1]} from "
            f"{bases[1] or 'an unknown base model'}; choose runs of one base model."
        )
    sides = [_one_per_seed(_runs(session, row)) for row in (before, after)]
    if min(len(side) for side in sides) < 2:
        counted = f"{len(sides[0])} of {methods[0]} and {len(sides[1])} of {methods[1]}"
        return (
            "This compares two checkpoints, not two methods: with one training run on a side "
            f"({counted}) a difference may be nothing but the training seed."
            + "".join(f" {said}" for said in _repeated_seeds(session, before, after))
        )
    return sides


def _runs(session: Session, like: Evaluation) -> list[Evaluation]:
    """The newest complete evaluation of each run of its method and base model at its step."""
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
        is_alike = not unlikeness(like, row) and row.problems_seen == like.problems_seen
        if is_alike and row.checkpoint.run.base_model == like.checkpoint.run.base_model:
            found.setdefault(row.checkpoint.run_id, row)
    return [found[run] for run in sorted(found)]


def _one_per_seed(rows: Sequence[Evaluation]) -> list[Evaluation]:
    """One run of each training seed and of each result, the newest; an unknown seed is its own."""
    seeds: dict[Hashable, Evaluation] = {}
    for row in rows:
        seed = row.checkpoint.run.train_seed
        seeds["run", row.checkpoint.run_id if seed is None else None, seed] = row
    return list({row.id: row for row in seeds.values()}.values())


def _repeated_seeds(session: Session, before: Evaluation, after: Evaluation) -> list[str]:
    """Notes on runs that share a training seed or weights, and count once."""
    said = []
    for like in (before, after):
        rows = _runs(session, like)
        left_out = len(rows) - len(_one_per_seed(rows))
        if left_out:
            seeds = Counter(row.checkpoint.run.train_seed for row in rows)
            twice = [str(seed) for seed, n in seeds.items() if seed is not None and n > 1]
            why = f"the training seed {', '.join(twice)}" if twice else "their weights"
            said.append(
                f"Of the {len(rows)} runs of {like.checkpoint.run.method} some share {why}: "
                f"they count once, {len(rows) - left_out} in all."
            )
    return said


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


def _view(
    before: Evaluation, after: Evaluation, made: "MethodComparison", repeated: Sequence[str]
) -> MethodView:
    base = before.checkpoint.run.base_model
    words = [f"Runs from {base}." if base else "The runs' base model is not recorded.", *repeated]
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
        sentence=" ".join([made.sentence, *words]),
    )


def _pairs(side: Sequence[Counts]) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(counts.n, counts.c) for counts in side]
