"""Further figures from the counts of an evaluation: consistency, posteriors, tails, costs.

pass@k with its breakdowns is in `figures`; the answers themselves are in `answers`. Problems with
fewer than k samples are left out of every figure at that k.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalsvc.errors import UsageError
from evalsvc.services.evaluations.answers import AnswerDistribution, answers
from evalsvc.services.evaluations.figures import Group, Metric, cluster_labels, metric_of, pass_at
from evalsvc.services.evaluations.metric_figures import (
    FigureView,
    LeftOutMetric,
    evaluation_metrics,
)
from evalsvc.services.evaluations.views import counts_of, traits_of
from evalsvc.services.memo import Memo
from evalsvc.specs import powers_of_two
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import results
from evalsvc.store.repositories.counts import Counts
from evalsvc.store.repositories.problems import TraitTable

if TYPE_CHECKING:
    from evalsvc.artifacts import ArtifactStore
    from evalsvc.statistics.metrics import MetricDefinition

Pair = tuple[float, float]
FLAGS = ("truncated", "no_answer", "failed")
WORST = 0.1  # the worst tenth of the problems
BEYOND = (2, 4)  # times the largest k: how far pass@k is extrapolated
TAUS = (0.1, 0.5, 0.9)  # solved with at least these probabilities


@dataclass(frozen=True)
class Consistency:
    """At one k: all of k right (pass^k), at least half of them (G-pass@k), mG-pass@k, CVaR.

    worst_tenth: mean pass@k of the worst tenth of the problems.
    """

    k: int
    pass_hat: Metric
    g_pass_half: float
    mg_pass: float
    worst_tenth: float


@dataclass(frozen=True)
class Belief:
    """Posterior mean of these problems' pass@k, with its 95% credible band.

    The prior is the law of difficulty that fits all the problems' counts best. k may be above n.
    """

    k: int
    mean: float
    band: Pair


@dataclass(frozen=True)
class Extrapolated:
    """pass@k at a k above the samples drawn, by a fitted law of difficulty: a forecast.

    interval_fixed: where these problems will fall; interval_population: problems of this kind.
    """

    k: int
    value: float
    interval_fixed: Pair
    interval_population: Pair
    sentence: str


@dataclass(frozen=True)
class Cover:
    """Share of the problems that are solved with at least probability `tau`."""

    tau: float
    value: float
    interval_fixed: Pair
    interval_population: Pair


@dataclass(frozen=True)
class Likely:
    """What the fitted law of difficulty says; empty with too few problems or samples to fit one."""

    beliefs: list[Belief]
    extrapolated: list[Extrapolated]
    cover: list[Cover]


@dataclass(frozen=True)
class FlagRate:
    """Share of samples that were cut off, gave no answer, or could not be judged."""

    flag: str
    value: float
    interval_population: Pair
    samples: int


@dataclass(frozen=True)
class Tokens:
    """Output tokens; null where there is no such sample or the source does not say."""

    total: int
    per_sample: float | None
    per_correct: float | None
    mean_correct: float | None
    mean_wrong: float | None


@dataclass(frozen=True)
class Profile:
    """`solved_share`: problems solved at least once. `answers` is null for imported counts.

    difficulty: pass@k by the band of a reference evaluation, where one was named. figures: of every
    registered metric; left_out: those without a figure here.
    """

    evaluation: str
    solved_share: float | None
    consistency: list[Consistency]
    beliefs: list[Belief]
    extrapolated: list[Extrapolated]
    cover: list[Cover]
    rates: list[FlagRate]
    tokens: Tokens
    difficulty: list[Group]
    answers: AnswerDistribution | None
    figures: list[FigureView]
    left_out: list[LeftOutMetric]


def profile(
    session: Session,
    memo: Memo,
    artifacts: "ArtifactStore",
    evaluation: Evaluation,
    metrics: "Sequence[MetricDefinition]",
    reference: Evaluation | None = None,
) -> Profile:
    """The profile of an evaluation. Raises UsageError for a reference on other problems."""
    from evalsvc.statistics import problem_coverage  # noqa: PLC0415 - a second to import

    counts = counts_of(session, memo, evaluation)
    traits = traits_of(session, memo, evaluation.revision_id)
    ks = powers_of_two(int(counts.n.max(initial=0)))
    key = ("profile", evaluation.id, evaluation.version)
    consistency = memo.get(key, lambda: [_consistency(counts, traits, k) for k in ks])
    registered = evaluation_metrics(session, memo, artifacts, evaluation, metrics)
    likely = memo.get((*key, "likely"), lambda: _likely(counts, traits, ks))
    return Profile(
        evaluation=evaluation.id,
        solved_share=problem_coverage(counts.n, counts.c) if counts.n.size else None,
        consistency=consistency,
        beliefs=likely.beliefs,
        extrapolated=likely.extrapolated,
        cover=likely.cover,
        rates=_rates(session, evaluation, counts, traits) if counts.n.size else [],
        tokens=_tokens(counts),
        difficulty=_bands(session, memo, evaluation, reference, ks) if reference else [],
        answers=answers(session, memo, artifacts, evaluation),
        figures=registered.figures,
        left_out=registered.left_out,
    )


def _consistency(counts: Counts, traits: TraitTable, k: int) -> Consistency:
    from evalsvc.statistics import (  # noqa: PLC0415
        estimate,
        g_pass_at_k,
        mg_pass_at_k,
        pass_at_k,
        worst_problems_mean,
    )

    keep = counts.n >= k
    n, c = counts.n[keep], counts.c[keep]
    clusters = cluster_labels(counts.problems[keep].tolist(), traits)
    return Consistency(
        k=k,
        pass_hat=metric_of(estimate(n, c, k, metric="pass^k", clusters=clusters)),
        g_pass_half=float(np.mean(g_pass_at_k(n, c, k, 0.5))),
        mg_pass=float(np.mean(mg_pass_at_k(n, c, k))),
        worst_tenth=worst_problems_mean(pass_at_k(n, c, k), WORST),
    )


def _likely(counts: Counts, traits: TraitTable, ks: Sequence[int]) -> Likely:
    from evalsvc.statistics import (  # noqa: PLC0415
        FittedDifficulty,
        StatisticsError,
        posterior_of,
    )

    clusters = cluster_labels(counts.problems.tolist(), traits)
    try:
        fitted = FittedDifficulty(counts.n, counts.c, clusters=clusters)
    except StatisticsError:
        return Likely([], [], [])
    beliefs = [(k, posterior_of(fitted, k)) for k in ks]
    forecasts = [fitted.pass_at(factor * max(ks)) for factor in BEYOND]
    covers = [fitted.cover(tau) for tau in TAUS]
    return Likely(
        [Belief(k, posterior.mean, posterior.band) for k, posterior in beliefs],
        [Extrapolated(f.k, f.value, f.interval_fixed, f.interval, f.sentence) for f in forecasts],
        [Cover(c.tau, c.value, c.interval_fixed, c.interval) for c in covers],
    )


def _rates(
    session: Session, evaluation: Evaluation, counts: Counts, traits: TraitTable
) -> list[FlagRate]:
    from evalsvc.statistics import sample_rate  # noqa: PLC0415

    masks = results.read_masks(session, evaluation.id)
    clusters = cluster_labels(counts.problems.tolist(), traits)
    found = []
    for flag in FLAGS:
        flagged = [getattr(masks[int(p)], flag).bit_count() for p in counts.problems]
        rate = sample_rate(counts.n, flagged, clusters)
        found.append(FlagRate(flag, rate.value, rate.interval_population, rate.samples))
    return found


def _tokens(counts: Counts) -> Tokens:
    from evalsvc.statistics import token_profile  # noqa: PLC0415

    if not counts.tokens.sum():
        return Tokens(0, None, None, None, None)
    found = token_profile(counts.n, counts.c, counts.tokens, counts.tokens_correct)
    figures = (found.per_sample, found.per_correct, found.mean_correct, found.mean_wrong)
    return Tokens(found.total, *(None if np.isnan(figure) else figure for figure in figures))


def _bands(
    session: Session, memo: Memo, evaluation: Evaluation, reference: Evaluation, ks: Sequence[int]
) -> list[Group]:
    """pass@1 and pass@(largest k) by how hard the reference found the problems."""
    from evalsvc.statistics import DIFFICULTY_BANDS, difficulty_bands  # noqa: PLC0415

    if reference.revision_id != evaluation.revision_id or reference.id == evaluation.id:
        raise UsageError(
            "The reference must be another evaluation of the same problems.",
            "Name one of the base model on this benchmark; `evalsvc results` lists them.",
        )
    counts, known = counts_of(session, memo, evaluation), counts_of(session, memo, reference)
    traits = traits_of(session, memo, evaluation.revision_id)
    band_of = dict(zip(known.problems.tolist(), difficulty_bands(known.n, known.c), strict=True))
    labels = np.array([band_of.get(int(p), "") for p in counts.problems], dtype=object)
    groups = []
    for band in DIFFICULTY_BANDS:
        chosen = labels == band
        shown = sorted({min(ks), max(ks)}) if ks else []
        metrics = [m for k in shown if (m := pass_at(counts, traits, k, chosen)) is not None]
        if metrics:
            groups.append(Group("difficulty", band, int(chosen.sum()), metrics))
    return groups
