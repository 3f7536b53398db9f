"""The figures of every registered metric for one evaluation, and the data of each metric.

A metric that cannot be computed here (no transcripts, counts only, code that fails) is left out
with the reason; the others are still computed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from evalsvc.errors import StatisticsError
from evalsvc.imports import COUNTS_ENGINE
from evalsvc.services.evaluations.answers import answer_groups
from evalsvc.services.evaluations.figures import cluster_labels, useful_ks
from evalsvc.services.evaluations.views import counts_of, traits_of
from evalsvc.services.memo import Memo
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import results

if TYPE_CHECKING:
    from evalsvc.artifacts import ArtifactStore
    from evalsvc.statistics import AnswerGroups
    from evalsvc.statistics.counts import IntArray
    from evalsvc.statistics.metrics import MetricDefinition, MetricRegistry, SampledProblems

Pair = tuple[float, float]


@dataclass(frozen=True)
class MetricView:
    """One registered metric.

    range: lowest and highest value, null for no upper limit. unit: "fraction" is shown in percent.
    intervals: which ones its figures have. test: the paired test of two checkpoints, if any.
    """

    name: str
    formula: str
    source: str
    inputs: Literal["counts", "samples", "answers"]
    takes_k: bool
    higher_is_better: bool | None
    range: tuple[float, float | None]
    unit: str
    intervals: list[str]
    test: str | None
    package: str


@dataclass(frozen=True)
class FigureView:
    """One figure of a metric, in its unit.

    name: the metric with its k, as in "pass@16"; k is null for a metric without k. interval_fixed:
    sampling noise on these problems; interval_population: other problems of this kind; null where
    the metric has none. indicator: k = n, each problem counts as solved or not.
    """

    metric: str
    name: str
    k: int | None
    value: float
    unit: str
    higher_is_better: bool | None
    interval_fixed: Pair | None
    interval_population: Pair | None
    problems: int
    clusters: int
    samples: int
    indicator: bool


@dataclass(frozen=True)
class LeftOutMetric:
    """A metric that has no figure here, and why."""

    metric: str
    reason: str


@dataclass(frozen=True)
class EvaluationMetrics:
    """The figures of an evaluation, in the order of the register."""

    evaluation: str
    figures: list[FigureView]
    left_out: list[LeftOutMetric]


@dataclass(frozen=True)
class MetricInputs:
    """The data of metrics. problems: the row index of each row of `samples`."""

    problems: "IntArray"
    samples: "SampledProblems"


def list_metrics(registry: "MetricRegistry") -> list[MetricView]:
    """Every registered metric."""
    return [
        MetricView(
            name=metric.name,
            formula=metric.formula,
            source=metric.source,
            inputs=metric.inputs,
            takes_k=metric.takes_k,
            higher_is_better=metric.higher_is_better,
            range=metric.range,
            unit=metric.unit,
            intervals=list(metric.intervals),
            test=metric.test,
            package=registry.package_of(metric),
        )
        for metric in registry.metrics
    ]


def evaluation_metrics(
    session: Session,
    memo: Memo,
    artifacts: "ArtifactStore",
    row: Evaluation,
    metrics: "Sequence[MetricDefinition]",
    ks: Sequence[int] = (),
) -> EvaluationMetrics:
    """The figures of `metrics`, at each of `ks` where a metric has a k.

    Without `ks` at every power of two up to n and at the k of the protocol. Transcripts are read
    only if one of the metrics needs the answers.
    """
    figures: list[FigureView] = []
    left_out: list[LeftOutMetric] = []
    for metric in metrics:
        data = metric_inputs(session, memo, artifacts, row, metric)
        if data is None:
            left_out.append(LeftOutMetric(metric.name, _missing(metric)))
            continue
        chosen = ks or useful_ks(row.protocol.get("ks", []), int(data.samples.n.max(initial=0)))
        try:
            figures += [
                found
                for k in (chosen if metric.takes_k else [None])
                if (found := _figure(memo, metric, data, k, row)) is not None
            ]
        except StatisticsError as error:
            left_out.append(LeftOutMetric(metric.name, error.message))
    return EvaluationMetrics(row.id, figures, left_out)


def quick_metrics(
    session: Session,
    memo: Memo,
    artifacts: "ArtifactStore",
    row: Evaluation,
    metrics: "Sequence[MetricDefinition]",
    ks: Sequence[int],
) -> EvaluationMetrics:
    """As `evaluation_metrics`, without reading transcripts: metrics of answers are left out."""
    quick = [metric for metric in metrics if metric.inputs != "answers"]
    found = evaluation_metrics(session, memo, artifacts, row, quick, ks)
    later = [
        LeftOutMetric(
            metric.name,
            f"It is computed from the answers: `evalsvc results {row.id} --metric {metric.name}`.",
        )
        for metric in metrics
        if metric.inputs == "answers"
    ]
    return EvaluationMetrics(row.id, found.figures, [*found.left_out, *later])


def _figure(
    memo: Memo, metric: "MetricDefinition", data: MetricInputs, k: int | None, row: Evaluation
) -> FigureView | None:
    from evalsvc.statistics.metrics import metric_figure  # noqa: PLC0415 - a second to import

    def make() -> FigureView | None:
        found = metric_figure(metric, data.samples, k)
        return None if found is None else FigureView(**asdict(found))

    return memo.get(("metric", metric.name, k, row.id, row.version), make)


def metric_inputs(
    session: Session,
    memo: Memo,
    artifacts: "ArtifactStore",
    row: Evaluation,
    metric: "MetricDefinition",
) -> MetricInputs | None:
    """The data of a metric; None where this evaluation does not have it."""
    if metric.inputs != "counts" and row.engine == COUNTS_ENGINE:
        return None
    key = ("metric inputs", metric.inputs, row.id, row.version)
    if metric.inputs == "answers":
        groups = answer_groups(session, memo, artifacts, row)
        if groups is None:
            return None
        return memo.get(key, lambda: _answered(_counted(session, memo, row), groups))
    if metric.inputs == "samples":
        return memo.get(key, lambda: _sampled(session, _counted(session, memo, row), row))
    return memo.get(key, lambda: _counted(session, memo, row))


def _counted(session: Session, memo: Memo, row: Evaluation) -> MetricInputs:
    from evalsvc.statistics.metrics import SampledProblems  # noqa: PLC0415

    counts, traits = counts_of(session, memo, row), traits_of(session, memo, row.revision_id)
    clusters = cluster_labels(counts.problems.tolist(), traits)
    return MetricInputs(counts.problems, SampledProblems(counts.n, counts.c, clusters=clusters))


def _sampled(session: Session, counted: MetricInputs, row: Evaluation) -> MetricInputs:
    """With tokens and flags."""
    masks = results.read_masks(session, row.id)
    rows = [masks[problem] for problem in counted.problems.tolist()]

    def bits(flag: str) -> "IntArray":
        return np.array([getattr(found, flag).bit_count() for found in rows], dtype=np.int64)

    samples = replace(
        counted.samples,
        tokens=np.array([found.tokens for found in rows], dtype=np.int64),
        tokens_correct=np.array([found.tokens_correct for found in rows], dtype=np.int64),
        truncated=bits("truncated"),
        no_answer=bits("no_answer"),
        failed=bits("failed"),
    )
    return MetricInputs(counted.problems, samples)


def _answered(counted: MetricInputs, groups: "Mapping[int, AnswerGroups]") -> MetricInputs:
    """The problems with transcripts, and the samples in them."""
    there = np.array([problem in groups for problem in counted.problems.tolist()], dtype=np.bool_)
    problems = counted.problems[there]
    answers = [groups[problem] for problem in problems.tolist()]
    samples = replace(
        counted.samples.rows(there),
        n=np.array([own.samples for own in answers], dtype=np.int64),
        c=np.array([_correct(own) for own in answers], dtype=np.int64),
        answers=answers,
    )
    return MetricInputs(problems, samples)


def _correct(groups: "AnswerGroups") -> int:
    return sum(size for size, right in zip(groups.sizes, groups.correct, strict=True) if right)


def _missing(metric: "MetricDefinition") -> str:
    if metric.inputs == "answers":
        return "It needs the answers, and this evaluation has no transcripts."
    return "It needs the samples, and this evaluation has only counts."
