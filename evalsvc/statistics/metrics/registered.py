"""The metrics of this package, in the order in which they are shown."""

from collections.abc import Callable

import numpy as np

from evalsvc.statistics.answers import AnswerGroups, answer_entropy, distinct_answers, maj_at_k
from evalsvc.statistics.counts import FloatArray, IntArray, distinct_pairs
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import (
    avg_at_n,
    g_pass_at_k,
    mg_pass_at_k,
    pass_at_k,
    pass_hat_k,
    worst_problems_mean,
)
from evalsvc.statistics.intervals import Metric, estimate
from evalsvc.statistics.metrics.definition import (
    EstimateFunction,
    IntervalKind,
    MetricDefinition,
    MetricEstimate,
    PerProblem,
    SampledProblems,
)
from evalsvc.statistics.profiles import TokenProfile, token_profile

WORST = 0.1  # the worst tenth of the problems
HALF = 0.5  # threshold of G-pass@k

CountFunction = Callable[[IntArray, IntArray, int], FloatArray]


def _of_counts(function: CountFunction) -> PerProblem:
    """A function of (n, c, k), called once for each different (n, c)."""

    def values(problems: SampledProblems, k: int) -> FloatArray:
        n, c, _, pair_of = distinct_pairs(problems.n, problems.c)
        return np.asarray(function(n, c, k), dtype=np.float64)[pair_of]

    return values


def _with_both_intervals(metric: Metric) -> EstimateFunction:
    def figure(problems: SampledProblems, k: int) -> MetricEstimate:
        found = estimate(problems.n, problems.c, k, metric=metric, clusters=problems.clusters)
        return MetricEstimate(found.value, found.interval_fixed, found.interval_population)

    return figure


def _average(problems: SampledProblems, _: int) -> MetricEstimate:
    return _with_both_intervals("pass@k")(problems, 1)


def _worst_tenth(problems: SampledProblems, k: int) -> MetricEstimate:
    return MetricEstimate(worst_problems_mean(pass_at_k(problems.n, problems.c, k), WORST))


def _rate(flag: str) -> PerProblem:
    """The share of samples with a flag."""

    def values(problems: SampledProblems, _: int) -> FloatArray:
        return avg_at_n(problems.n, getattr(problems, flag))

    return values


def _tokens(choose: Callable[[TokenProfile], float]) -> EstimateFunction:
    def figure(problems: SampledProblems, _: int) -> MetricEstimate:
        assert problems.tokens is not None and problems.tokens_correct is not None
        if not problems.tokens.any():
            raise StatisticsError("The source does not say how many tokens there are.")
        value = choose(
            token_profile(problems.n, problems.c, problems.tokens, problems.tokens_correct)
        )
        if np.isnan(value):
            raise StatisticsError("No sample is correct, so that none has a cost.")
        return MetricEstimate(value)

    return figure


def _of_answers(function: Callable[[AnswerGroups, int], float]) -> PerProblem:
    def values(problems: SampledProblems, k: int) -> FloatArray:
        assert problems.answers is not None
        return np.array([function(groups, k) for groups in problems.answers], dtype=np.float64)

    return values


def _mean_of_answers(function: Callable[[AnswerGroups], float]) -> EstimateFunction:
    def figure(problems: SampledProblems, _: int) -> MetricEstimate:
        assert problems.answers is not None
        return MetricEstimate(float(np.mean([function(groups) for groups in problems.answers])))

    return figure


BOTH: tuple[IntervalKind, ...] = ("fixed", "population")
LIU_2024 = "Liu et al. 2024, arXiv 2412.13147"

REGISTERED: tuple[MetricDefinition, ...] = (
    MetricDefinition(
        name="pass@k",
        formula="at least one of k samples is correct: 1 - C(n-c, k) / C(n, k)",
        source="Chen et al. 2021, arXiv 2107.03374",
        inputs="counts",
        higher_is_better=True,
        per_problem=_of_counts(pass_at_k),
        estimate=_with_both_intervals("pass@k"),
        intervals=BOTH,
    ),
    MetricDefinition(
        name="pass^k",
        formula="all of k samples are correct: C(c, k) / C(n, k)",
        source="Yao et al. 2024, arXiv 2406.12045",
        inputs="counts",
        higher_is_better=True,
        per_problem=_of_counts(pass_hat_k),
        estimate=_with_both_intervals("pass^k"),
        intervals=BOTH,
    ),
    MetricDefinition(
        name="G-pass@k",
        formula="at least half of k samples are correct",
        source=LIU_2024,
        inputs="counts",
        higher_is_better=True,
        per_problem=_of_counts(lambda n, c, k: g_pass_at_k(n, c, k, HALF)),
    ),
    MetricDefinition(
        name="mG-pass@k",
        formula="mean of G-pass@k over the thresholds above one half",
        source=LIU_2024,
        inputs="counts",
        higher_is_better=True,
        per_problem=_of_counts(mg_pass_at_k),
    ),
    MetricDefinition(
        name="worst-tenth@k",
        formula="mean pass@k of the worst tenth of the problems",
        source="Rockafellar & Uryasev 2000 (CVaR)",
        inputs="counts",
        higher_is_better=True,
        estimate=_worst_tenth,
        intervals=(),
    ),
    MetricDefinition(
        name="maj@k",
        formula="a majority vote of k samples elects a correct answer; ties broken evenly",
        source="Wang et al. 2022, arXiv 2203.11171",
        inputs="answers",
        higher_is_better=True,
        per_problem=_of_answers(maj_at_k),
    ),
    MetricDefinition(
        name="avg@n",
        formula="share of correct samples: c / n",
        source="the same as pass@1",
        inputs="counts",
        higher_is_better=True,
        per_problem=lambda problems, _: avg_at_n(problems.n, problems.c),
        estimate=_average,
        intervals=BOTH,
    ),
    MetricDefinition(
        name="solved",
        formula="share of problems with at least one correct sample among all of theirs",
        source="this package",
        inputs="counts",
        higher_is_better=True,
        per_problem=lambda problems, _: (problems.c > 0).astype(np.float64),
    ),
    MetricDefinition(
        name="truncated",
        formula="share of samples that ended at the token limit",
        source="this package",
        inputs="samples",
        higher_is_better=False,
        per_problem=_rate("truncated"),
    ),
    MetricDefinition(
        name="no-answer",
        formula="share of samples without a final answer",
        source="this package",
        inputs="samples",
        higher_is_better=False,
        per_problem=_rate("no_answer"),
    ),
    MetricDefinition(
        name="verifier-failed",
        formula="share of samples that could not be judged",
        source="this package",
        inputs="samples",
        higher_is_better=False,
        per_problem=_rate("failed"),
    ),
    MetricDefinition(
        name="tokens",
        formula="output tokens of all samples / number of samples",
        source="this package",
        inputs="samples",
        higher_is_better=None,
        range=(0.0, None),
        unit="tokens",
        estimate=_tokens(lambda found: found.per_sample),
        intervals=(),
    ),
    MetricDefinition(
        name="tokens-per-correct",
        formula="output tokens of all samples / number of correct samples",
        source="this package",
        inputs="samples",
        higher_is_better=False,
        range=(0.0, None),
        unit="tokens",
        estimate=_tokens(lambda found: found.per_correct),
        intervals=(),
    ),
    MetricDefinition(
        name="distinct-answers",
        formula="number of different answers to a problem, mean over problems",
        source="this package",
        inputs="answers",
        higher_is_better=None,
        range=(0.0, None),
        unit="answers",
        estimate=_mean_of_answers(distinct_answers),
        intervals=(),
    ),
    MetricDefinition(
        name="answer-entropy",
        formula="Shannon entropy of the answers to a problem, mean over problems",
        source="Shannon 1948",
        inputs="answers",
        higher_is_better=None,
        range=(0.0, None),
        unit="bits",
        estimate=_mean_of_answers(answer_entropy),
        intervals=(),
    ),
)
