"""A Swiss-system aggregate: benchmarks are rounds, checkpoints of similar score meet, wins count.

It ranks by how often a checkpoint beats its equals instead of by points, so that one benchmark with
a wide spread does not dominate. The rounds follow the order in which the benchmarks are given, as
in the source, where it is curated; pairings and problems are redrawn many times, so that the
expected win score has a Monte-Carlo error and a spread that says who is tied. With an odd number
the lowest has no opponent and gains nothing. Source: Competitive Swiss-system Dynamics (arXiv
2512.21010), with problems resampled here so that the benchmarks' own noise counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalsvc.statistics.counts import FloatArray, check_probability
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.ranking import BenchmarkTable, Counts, tabulate

EVEN = 1e-12  # means closer than this draw


@dataclass(frozen=True, slots=True)
class SwissRank:
    """expected_wins: mean points (1 a win, 0.5 a draw, 0 a bye), at most the number of rounds.

    monte_carlo_error: standard error of that mean from the finite draws. interval: where the score
    falls in (1 - alpha) of the draws. failure_sensitivity: change of expected_wins per checkpoint
    eliminated after each round; strongly negative if early losses keep the score low.
    """

    name: str
    rank: int
    expected_wins: float
    monte_carlo_error: float
    interval: tuple[float, float]
    failure_sensitivity: float
    tied_with: tuple[str, ...]


def swiss_ranking(
    results: Mapping[str, Mapping[str, Counts]],
    ks: Mapping[str, int],
    *,
    clusters: Mapping[str, Sequence[object] | ArrayLike] | None = None,
    draws: int = 2_000,
    alpha: float = 0.05,
    seed: int = 0,
) -> tuple[SwissRank, ...]:
    """Checkpoints from most to fewest expected wins; results and ks as in `rank_by_mean`.

    The order of `ks` is that of the rounds: the leaders of the first rounds meet stronger opponents
    in the last. Two are tied where neither scores higher in more than 1 - alpha/2 of the draws
    (draws of equal score count half to each). StatisticsError as there, and with fewer than 100
    draws.
    """
    check_probability(alpha, "alpha")
    if draws < 100:
        raise StatisticsError(f"{draws} draws are too few.", "Use at least 100.")
    names, tables = tabulate(results, ks, clusters)
    random = np.random.default_rng(seed)
    means = np.stack([_resampled_means(table, draws, random) for table in tables])
    scores = _play(means, 0, random)
    expected = scores.mean(axis=0)
    slopes = _sensitivity(means, expected, random)
    order = [int(i) for i in np.argsort(-expected, kind="stable")]
    tied = {i: [j for j in order if j != i and _tied(scores, i, j, alpha)] for i in order}
    ranks: dict[int, int] = {}
    head = order[0]
    for place, i in enumerate(order, 1):
        if i != head and i not in tied[head]:
            head = i
        ranks[i] = place if i == head else ranks[head]
    bounds = np.quantile(scores, [alpha / 2, 1 - alpha / 2], axis=0)
    return tuple(
        SwissRank(
            name=names[i],
            rank=ranks[i],
            expected_wins=float(expected[i]),
            monte_carlo_error=float(scores[:, i].std(ddof=1) / np.sqrt(draws)),
            interval=(float(bounds[0, i]), float(bounds[1, i])),
            failure_sensitivity=float(slopes[i]),
            tied_with=tuple(names[j] for j in tied[i]),
        )
        for i in order
    )


def _resampled_means(table: BenchmarkTable, draws: int, random: np.random.Generator) -> FloatArray:
    """Means (draws, checkpoints) over clusters drawn with replacement, the same for all."""
    totals = table.groups.totals(table.values.T)
    count = table.groups.count
    weights = random.multinomial(count, np.full(count, 1.0 / count), draws).astype(np.float32)
    sizes = weights @ table.groups.sizes.astype(np.float32)
    means = (weights @ totals.astype(np.float32)) / sizes[:, None]
    return np.asarray(means, dtype=np.float64)


def _play(means: FloatArray, eliminated: int, random: np.random.Generator) -> FloatArray:
    """Scores (draws, checkpoints) of one tournament per draw. means: (rounds, draws, checkpoints).

    eliminated: how many of the lowest leave after each round (two always remain).
    """
    rounds, draws, players = means.shape
    scores = np.zeros((draws, players))
    playing = np.ones((draws, players), dtype=bool)
    every = np.arange(draws)
    for turn in range(rounds):
        strength = means[turn]
        places = _by_score(scores, playing, random)
        remaining = int(playing[0].sum())
        for left in range(0, remaining - 1, 2):
            a, b = places[:, left], places[:, left + 1]
            margin = strength[every, a] - strength[every, b]
            won = np.where(np.abs(margin) <= EVEN, 0.5, (margin > 0).astype(np.float64))
            scores[every, a] += won
            scores[every, b] += 1.0 - won
        out = min(eliminated, remaining - 2)
        if out > 0:
            ranked = _by_score(scores, playing, random)
            for lowest in range(remaining - out, remaining):
                playing[every, ranked[:, lowest]] = False
    return scores


def _by_score(
    scores: FloatArray, playing: NDArray[np.bool_], random: np.random.Generator
) -> NDArray[np.int64]:
    """Players by falling score, ties at random, those out of the tournament last."""
    lots = random.random(scores.shape) * 0.25
    return np.asarray(np.argsort(-np.where(playing, scores + lots, -1.0), axis=1), dtype=np.int64)


def _sensitivity(means: FloatArray, without: FloatArray, random: np.random.Generator) -> FloatArray:
    """Slope of the expected score over 0, 1, 2 eliminated per round (as far as players allow)."""
    most = min(2, means.shape[2] - 2)
    if most < 1:
        return np.zeros_like(without)
    scores = [without, *(_play(means, out, random).mean(axis=0) for out in range(1, most + 1))]
    steps = np.arange(most + 1) - most / 2
    return np.asarray(steps @ np.stack(scores) / (steps @ steps), dtype=np.float64)


def _tied(scores: FloatArray, i: int, j: int, alpha: float) -> bool:
    ahead = float(np.mean(scores[:, i] > scores[:, j]) + np.mean(scores[:, i] == scores[:, j]) / 2)
    return alpha / 2 <= ahead <= 1 - alpha / 2
