"""Other figures from an evaluation's counts: rates, lengths, and breakdowns by label.

A rate (truncated, no answer, verifier failure) has its own population interval; token figures are
sums over samples, so that a long tail is not averaged away.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.counts import BoolArray, check_problem_counts, integers
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import avg_at_n
from evalsvc.statistics.intervals import Estimate, Metric, Pair, estimate


@dataclass(frozen=True, slots=True)
class Rate:
    """Share of samples with some flag, averaged over problems, with its population interval."""

    value: float
    interval_population: Pair
    flagged: int
    samples: int


@dataclass(frozen=True, slots=True)
class TokenProfile:
    """Output tokens. `per_correct` is what one correct answer costs; NaN where none is correct."""

    total: int
    per_sample: float
    per_correct: float
    mean_correct: float
    mean_wrong: float


def sample_rate(
    n: ArrayLike, flagged: ArrayLike, clusters: Sequence[object] | ArrayLike | None = None
) -> Rate:
    """Rate of a flag. n: samples, flagged: those with the flag, one per problem."""
    samples, hits = check_problem_counts(n, flagged)
    figure = estimate(samples, hits, 1, clusters=clusters)
    return Rate(figure.value, figure.interval_population, int(hits.sum()), int(samples.sum()))


def token_profile(
    n: ArrayLike, c: ArrayLike, tokens: ArrayLike, tokens_correct: ArrayLike
) -> TokenProfile:
    """Token figures of an evaluation; `tokens` and `tokens_correct` are sums per problem."""
    samples, correct = check_problem_counts(n, c)
    whole = np.asarray(tokens, dtype=np.float64)
    right = np.asarray(tokens_correct, dtype=np.float64)
    if whole.shape != samples.shape or right.shape != samples.shape or np.any(right > whole):
        raise StatisticsError(
            "token sums must be one per problem, those of correct samples at most the whole.",
        )
    hits, drawn = int(correct.sum()), int(samples.sum())
    return TokenProfile(
        total=int(whole.sum()),
        per_sample=_ratio(whole.sum(), drawn),
        per_correct=_ratio(whole.sum(), hits),
        mean_correct=_ratio(right.sum(), hits),
        mean_wrong=_ratio(whole.sum() - right.sum(), drawn - hits),
    )


def by_label(
    n: ArrayLike,
    c: ArrayLike,
    k: int,
    labels: Sequence[str],
    *,
    metric: Metric = "pass@k",
    clusters: Sequence[object] | ArrayLike | None = None,
) -> dict[str, Estimate]:
    """The figure within each label (level, subject, question type, difficulty band), by label."""
    samples, correct = check_problem_counts(n, c)
    names = np.asarray(labels, dtype=str)
    groups = None if clusters is None else np.asarray(clusters)
    if names.shape != samples.shape or (groups is not None and groups.shape != samples.shape):
        raise StatisticsError("labels or clusters do not fit.", "Give one per problem.")
    return {
        str(name): estimate(
            samples[names == name],
            correct[names == name],
            k,
            metric=metric,
            clusters=None if groups is None else groups[names == name],
        )
        for name in np.unique(names)
    }


DIFFICULTY_BANDS = ("never solved", "hard", "medium", "easy", "always solved")


def difficulty_bands(reference_n: ArrayLike, reference_c: ArrayLike) -> list[str]:
    """Band of each problem by a reference's success rate: 0, up to 1/3, up to 2/3, below 1, 1.

    The reference must be another evaluation (the base model's, say): bands cut from the same
    samples that they sort would show a spurious move to the middle.
    """
    rates = avg_at_n(*check_problem_counts(reference_n, reference_c))
    inner = 1 + np.digitize(rates, [1 / 3, 2 / 3], right=True)
    index = np.where(rates == 0, 0, np.where(rates == 1, 4, inner))
    return [DIFFICULTY_BANDS[int(i)] for i in index]


def efficiency_frontier(accuracy: ArrayLike, tokens_per_sample: ArrayLike) -> BoolArray:
    """True for each checkpoint that no other beats in accuracy at the same or a lower length."""
    scores = np.asarray(accuracy, dtype=np.float64)
    lengths = np.asarray(tokens_per_sample, dtype=np.float64)
    if scores.ndim != 1 or scores.shape != lengths.shape:
        raise StatisticsError("give one accuracy and one length per checkpoint.")
    as_good = (scores[:, None] >= scores) & (lengths[:, None] <= lengths)
    better = (scores[:, None] > scores) | (lengths[:, None] < lengths)
    return np.asarray(~np.any(as_good & better, axis=0), dtype=np.bool_)


def solved_by_one_side(
    baseline_c: ArrayLike, candidate_c: ArrayLike
) -> tuple[list[int], list[int]]:
    """Rows that only the candidate solved at least once, and rows that only the baseline solved."""
    before, after = integers(baseline_c, "c") > 0, integers(candidate_c, "c") > 0
    if before.shape != after.shape:
        raise StatisticsError("the sides have different problems.", "Compare what both have.")
    return np.flatnonzero(after & ~before).tolist(), np.flatnonzero(before & ~after).tolist()


def _ratio(amount: float, count: int) -> float:
    return float(amount) / count if count else float("nan")
