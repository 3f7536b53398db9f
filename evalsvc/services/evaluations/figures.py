"""From counts to the figures of one evaluation: pass@k with both intervals, breakdowns by trait.

Pure. A problem that has fewer than k samples is left out of pass@k (a missing sample is not a
wrong one), and `problems` of each figure says how many are in it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from evalsvc.services.limits import MAX_GROUPS
from evalsvc.specs import powers_of_two
from evalsvc.store.repositories.counts import Counts
from evalsvc.store.repositories.problems import TraitTable

if TYPE_CHECKING:
    from evalsvc.statistics import Estimate

Pair = tuple[float, float]


@dataclass(frozen=True)
class Metric:
    """One figure with both intervals, in fractions of 1.

    interval_fixed: sampling noise on these problems; null where k > n/2. interval_population:
    other problems of this kind. indicator: k = n, each problem counts as solved or not.
    """

    metric: str
    k: int
    value: float
    interval_fixed: Pair | None
    interval_population: Pair
    problems: int
    clusters: int
    samples: int
    indicator: bool


@dataclass(frozen=True)
class Group:
    """pass@k of the problems that share a trait."""

    trait: str
    value: str
    problems: int
    metrics: list[Metric]


def useful_ks(asked: Iterable[int], wanted: int) -> list[int]:
    """The k to show: those requested, and the powers of two up to n."""
    return sorted({k for k in asked if 1 <= k <= wanted} | set(powers_of_two(wanted)))


def pass_at_ks(counts: Counts, traits: TraitTable, ks: Sequence[int]) -> list[Metric]:
    """pass@k for each of `ks` that at least one problem has samples for."""
    return [m for k in ks if (m := pass_at(counts, traits, k)) is not None]


def pass_at(
    counts: Counts, traits: TraitTable, k: int, chosen: "np.ndarray | None" = None
) -> Metric | None:
    """pass@k over the problems with n >= k (and in `chosen`); None when there are none."""
    from evalsvc.statistics import estimate  # noqa: PLC0415 - a second to import

    keep = counts.n >= k if chosen is None else (counts.n >= k) & chosen
    if not keep.any():
        return None
    clusters = cluster_labels(counts.problems[keep].tolist(), traits)
    return metric_of(estimate(counts.n[keep], counts.c[keep], k, clusters=clusters))


def cluster_labels(problems: Sequence[int], traits: TraitTable) -> list[str] | None:
    """A label per problem; None when every problem is its own cluster, which is quicker."""
    labels = [traits.clusters.get(p, f"problem {p}") for p in problems]
    return labels if len(set(labels)) < len(labels) else None


def metric_of(estimate: "Estimate") -> Metric:
    """A statistics estimate as a figure to show."""
    return Metric(
        metric=estimate.metric,
        k=estimate.k,
        value=estimate.value,
        interval_fixed=estimate.interval_fixed,
        interval_population=estimate.interval_population,
        problems=estimate.problems,
        clusters=estimate.clusters,
        samples=estimate.samples,
        indicator=estimate.indicator,
    )


def breakdowns(
    counts: Counts,
    traits: TraitTable,
    ks: Sequence[int],
    origins: Mapping[str, Mapping[int, str]],
) -> list[Group]:
    """pass@1 and pass@(largest k) by level, subject, question type, part and `origins`.

    `origins` are further traits, by row index (see contamination.py). A trait with one value
    for all problems, or with too many, makes no groups.
    """
    shown = sorted({min(ks), max(ks)}) if ks else []
    groups: list[Group] = []
    for trait, values in {**traits.traits, **origins}.items():
        names = sorted(set(values.values()))
        if not 2 <= len(names) <= MAX_GROUPS:
            continue
        groups.extend(_groups(counts, traits, trait, values, shown))
    return groups


def _groups(
    counts: Counts,
    traits: TraitTable,
    trait: str,
    values: Mapping[int, str],
    ks: Sequence[int],
) -> Iterable[Group]:
    labels = np.array([values.get(int(p), "") for p in counts.problems], dtype=object)
    for name in sorted(set(values.values())):
        chosen = labels == name
        found = [m for k in ks if (m := pass_at(counts, traits, k, chosen)) is not None]
        if found:
            yield Group(trait, name, int(chosen.sum()), found)
