"""Ranking checkpoints over several benchmarks by the mean of their figures, with what is tied.

Each benchmark weighs the same. Two checkpoints are separated by the tests of `paired_comparison`,
made on the mean difference over the benchmarks, Holm over all pairs; on one benchmark the p-value
is that of the comparison. A checkpoint not separated from the one above shares its rank.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.clusters import Partition, partition
from evalsvc.statistics.comparison import holm, score_test
from evalsvc.statistics.counts import (
    FloatArray,
    check_one_k,
    check_probability,
    check_problem_counts,
)
from evalsvc.statistics.distributions import t_quantile
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.intervals import Pair, population_standard_error
from evalsvc.statistics.sign_flip import pairwise_flip_p_values
from evalsvc.statistics.studentised import rare_difference, spread_of, weighted_sum
from evalsvc.statistics.thinning import thinned

Counts = tuple[ArrayLike, ArrayLike]


@dataclass(frozen=True, slots=True)
class BenchmarkTable:
    """pass@k of every checkpoint on one benchmark: `values` is (checkpoints, problems).

    alike: the same from as many samples of every checkpoint, for the sign flips. indicator: k = n
    for all of them, and no problems share a cluster.
    """

    name: str
    k: int
    values: FloatArray
    alike: FloatArray
    indicator: bool
    groups: Partition
    rare_difference: float


@dataclass(frozen=True, slots=True)
class RankedCheckpoint:
    """rank: 1 is best, equal ranks are not separated from the first checkpoint of that rank.

    interval: of the mean over benchmarks, for problems of this kind. tied_with: every checkpoint
    whose difference to this one is not significant.
    """

    name: str
    rank: int
    mean: float
    interval: Pair
    by_benchmark: dict[str, float]
    tied_with: tuple[str, ...]


def tabulate(
    results: Mapping[str, Mapping[str, Counts]],
    ks: Mapping[str, int],
    clusters: Mapping[str, Sequence[object] | ArrayLike] | None = None,
    seed: int = 0,
) -> tuple[tuple[str, ...], tuple[BenchmarkTable, ...]]:
    """Names and tables from results[checkpoint][benchmark] = (n, c), with the k of each benchmark.

    StatisticsError where a checkpoint lacks a benchmark or problems: a mean over other benchmarks
    is another figure.
    """
    names = tuple(results)
    if len(names) < 2 or not ks:
        raise StatisticsError("a ranking needs two checkpoints and a benchmark.")
    for name in names:
        if missing := sorted(set(ks) - set(results[name])):
            raise StatisticsError(
                f"{name} has no result for {', '.join(missing)}.",
                "Rank over the benchmarks that all checkpoints have.",
            )
    tables = []
    for benchmark, k in ks.items():
        sides = [check_problem_counts(*results[name][benchmark]) for name in names]
        if len({samples.size for samples, _ in sides}) > 1:
            raise StatisticsError(
                f"the checkpoints have different problems of {benchmark}.",
                "Rank over the problems that all have.",
            )
        one_k = max(check_one_k(k, samples) for samples, _ in sides)
        labels = None if clusters is None else clusters.get(benchmark)
        groups = partition(labels, sides[0][0].size)
        tables.append(
            BenchmarkTable(
                name=benchmark,
                k=one_k,
                values=np.stack([pass_at_k(*side, one_k) for side in sides]),
                alike=np.stack([pass_at_k(*side, one_k) for side in thinned(sides, seed)]),
                indicator=groups.count == groups.problems > 1
                and all(bool(np.all(samples == one_k)) for samples, _ in sides),
                groups=groups,
                rare_difference=rare_difference(
                    one_k, min(int(samples.min()) for samples, _ in sides)
                ),
            )
        )
    return names, tuple(tables)


def rank_by_mean(
    results: Mapping[str, Mapping[str, Counts]],
    ks: Mapping[str, int],
    *,
    clusters: Mapping[str, Sequence[object] | ArrayLike] | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> tuple[RankedCheckpoint, ...]:
    """Checkpoints from best to worst by their mean over the benchmarks.

    results[checkpoint][benchmark] = (n, c), one row per problem; ks: the k of each benchmark;
    clusters: labels by benchmark; seed: of the flips. StatisticsError: fewer than two checkpoints,
    no benchmark, one that a checkpoint lacks, bad counts.

    >>> same = ([4] * 30, [2] * 30)
    >>> [row.rank for row in rank_by_mean({"a": {"x": same}, "b": {"x": same}}, {"x": 1})]
    [1, 1]
    """
    check_probability(alpha, "alpha")
    names, tables = tabulate(results, ks, clusters, seed)
    means = np.stack([table.values.mean(axis=1) for table in tables], axis=1)
    overall = means.mean(axis=1)
    pairs = list(combinations(range(len(names)), 2))
    p_values = holm(_pair_p_values(tables, pairs, alpha, seed))
    told_apart = {pair for pair, p in zip(pairs, p_values, strict=True) if p <= alpha}
    tied = {
        i: {j for j in range(len(names)) if j != i and (min(i, j), max(i, j)) not in told_apart}
        for i in range(len(names))
    }
    order = [int(i) for i in np.argsort(-overall, kind="stable")]
    ranks = _shared_ranks(order, tied)
    return tuple(
        RankedCheckpoint(
            name=names[i],
            rank=ranks[i],
            mean=float(overall[i]),
            interval=_interval(tables, i, float(overall[i]), alpha),
            by_benchmark={t.name: float(means[i, j]) for j, t in enumerate(tables)},
            tied_with=tuple(names[j] for j in order if j in tied[i]),
        )
        for i in order
    )


def _shared_ranks(order: Sequence[int], tied: Mapping[int, set[int]]) -> dict[int, int]:
    """A new rank begins at the first checkpoint separated from the first one of the last rank."""
    ranks: dict[int, int] = {}
    head, rank = order[0], 1
    for place, i in enumerate(order, 1):
        if i != head and i not in tied[head]:
            head, rank = i, place
        ranks[i] = rank
    return ranks


def _pair_p_values(
    tables: Sequence[BenchmarkTable], pairs: Sequence[tuple[int, int]], alpha: float, seed: int
) -> list[float]:
    """Two-sided p-value of each pair: as the comparison's, on the mean over the benchmarks."""
    if len(tables) == 1 and tables[0].indicator:
        solved = tables[0].values > 0
        problems = tables[0].groups.problems
        return [
            score_test(
                int(np.sum(solved[j] & ~solved[i])),
                int(np.sum(solved[i] & ~solved[j])),
                problems,
                alpha,
            )[0].p_value
            for i, j in pairs
        ]
    weighted = [
        table.groups.totals(table.alike.T) / (len(tables) * table.groups.problems)
        for table in tables
    ]
    flips = pairwise_flip_p_values(np.concatenate(weighted), pairs, seed=seed)
    return [
        max(p_value, _studentised(tables, *pair))
        for p_value, pair in zip(flips, pairs, strict=True)
    ]


def _studentised(tables: Sequence[BenchmarkTable], i: int, j: int) -> float:
    spreads = [
        spread_of(t.groups.totals(t.values[j] - t.values[i]), t.groups, t.rare_difference)
        for t in tables
    ]
    return weighted_sum(spreads, [1.0 / len(tables)] * len(tables)).p_value


def _interval(tables: Sequence[BenchmarkTable], i: int, mean: float, alpha: float) -> Pair:
    errors = [population_standard_error(t.values[i], t.groups) for t in tables]
    if any(error is None for error in errors):
        return 0.0, 1.0
    parts = [(e or 0.0) ** 2 for e in errors]
    variance = sum(parts)
    share = sum(p**2 / (t.groups.count - 1) for p, t in zip(parts, tables, strict=True))
    freedom = variance**2 / share if share > 0 else 1.0
    half = t_quantile(1 - alpha / 2, freedom) * float(np.sqrt(variance)) / len(tables)
    return max(mean - half, 0.0), min(mean + half, 1.0)
