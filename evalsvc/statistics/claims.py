"""Claims for publication: better over several benchmarks, and better as a method.

`joint_claim` joins the problems of all benchmarks into one estimate, one test and one interval for
two checkpoints. `joint_claim_over_runs` takes several training runs per method: then a run over all
benchmarks together is the unit, and runs are compared within their base model only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import comb, prod
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.clusters import Partition, partition
from evalsvc.statistics.comparison import holm
from evalsvc.statistics.counts import FloatArray, check_one_k, check_probability
from evalsvc.statistics.distributions import t_above, t_quantile
from evalsvc.statistics.errors import StatisticsError
from evalsvc.statistics.estimators import pass_at_k
from evalsvc.statistics.max_t import max_t_test
from evalsvc.statistics.sentences import CHECKPOINTS_ONLY, p_value_words, points
from evalsvc.statistics.studentised import Spread, rare_difference, spread_of, weighted_sum
from evalsvc.statistics.thinning import equal_samples

Pair = tuple[float, float]
Method = Literal["permutation", "welch"]

MOST_SPLITS = 20_000  # of labels that are enumerated; above it this many are drawn
NO_SPREAD = 1e-12  # below it two scores are equal


@dataclass(frozen=True, slots=True)
class BenchmarkCounts:
    """One benchmark's counts of both sides, row i the same problem; pass@k averaged over `ks`."""

    baseline_n: ArrayLike
    baseline_c: ArrayLike
    candidate_n: ArrayLike
    candidate_c: ArrayLike
    ks: Sequence[int] = (1,)
    clusters: Sequence[object] | ArrayLike | None = None


@dataclass(frozen=True, slots=True)
class JointClaim:
    """Candidate minus baseline over several benchmarks, in fractions of 1; p-values two-sided.

    estimate: the weighted mean of `differences`. interval and p_value belong together: the interval
    excludes 0 exactly where p_value <= alpha. every: p that one of the benchmarks does not move
    this way (intersection-union); 1 where their signs differ. which: p per benchmark after Holm.
    """

    estimate: float
    interval: Pair
    p_value: float
    every: float
    which: dict[str, float]
    differences: dict[str, float]
    weights: dict[str, float]
    problems: dict[str, int]
    alpha: float
    sentence: str


def joint_claim(
    benchmarks: Mapping[str, BenchmarkCounts],
    weights: Mapping[str, float] | None = None,
    *,
    alpha: float = 0.05,
    seed: int = 0,
) -> JointClaim:
    """Test whether one checkpoint is better over all benchmarks, on every one, and on which.

    weights: of the benchmarks' differences, positive, 1/B by default; they are scaled to sum to 1.
    The joint test flips the signs of all clusters of all benchmarks, S = sum_b w_b mean_b(s d).
    StatisticsError for no benchmark, unknown or bad weights, one cluster, bad counts.

    Examples:
        >>> side = BenchmarkCounts([8] * 12, [1] * 12, [8] * 12, [3] * 12)
        >>> made = joint_claim({"aime": side, "amc": side})
        >>> made.estimate, made.every < 0.001
        (0.25, True)
    """
    check_probability(alpha, "alpha")
    shares = _shares(list(benchmarks), weights)
    data = {name: _cluster_totals(name, counts, seed) for name, counts in benchmarks.items()}
    problems = {name: groups.problems for name, (_, groups, _) in data.items()}
    differences = {name: float(t.sum()) / problems[name] for name, (t, _, _) in data.items()}
    scales = {name: shares[name] / problems[name] for name in data}
    totals = np.concatenate([scales[name] * t for name, (t, _, _) in data.items()])
    sizes = np.concatenate([scales[name] * groups.sizes for name, (_, groups, _) in data.items()])
    spread = weighted_sum([own for _, _, own in data.values()], [shares[name] for name in data])
    joint = max_t_test(totals[:, None], sizes, [spread], alpha, seed)
    p_alone = [
        max_t_test(t[:, None], groups.sizes, [own], alpha, seed).p_value
        for t, groups, own in data.values()
    ]
    estimate = sum(shares[name] * differences[name] for name in data)
    same_way = len({np.sign(d) for d in differences.values()}) == 1 and estimate != 0
    every = max(p_alone) if same_way else 1.0
    which = dict(zip(data, (float(p) for p in holm(p_alone)), strict=True))
    made = JointClaim(
        estimate=estimate,
        interval=joint.band[0],
        p_value=joint.p_value,
        every=every,
        which=which,
        differences=differences,
        weights=shares,
        problems=problems,
        alpha=alpha,
        sentence="",
    )
    return replace(made, sentence=_sentence(made))


@dataclass(frozen=True, slots=True)
class RunScores:
    """One training run: its figure (a fraction) on every benchmark, and its base model."""

    scores: Mapping[str, float]
    base_model: str = ""


@dataclass(frozen=True, slots=True)
class RunsClaim:
    """Candidate method minus baseline method; the unit is a run over all benchmarks.

    estimate: mean over base models of the differences in `base_models`. p_value: of `method`, two-
    sided. smallest_p: the lowest p that permuting labels can reach with these numbers of runs.
    resolved: p_value is at most alpha and the interval excludes 0; it contains 0 wherever
    p_value is above alpha. With no spread between the runs the interval is (-1, 1): it is unknown.
    """

    estimate: float
    interval: Pair
    p_value: float
    smallest_p: float
    method: Method
    base_models: dict[str, float]
    baseline_runs: int
    candidate_runs: int
    weights: dict[str, float]
    alpha: float
    resolved: bool
    sentence: str


def joint_claim_over_runs(
    baseline: Sequence[RunScores],
    candidate: Sequence[RunScores],
    weights: Mapping[str, float] | None = None,
    *,
    method: Method = "permutation",
    alpha: float = 0.05,
    seed: int = 0,
) -> RunsClaim:
    """Test whether one method is better over all benchmarks, from several training runs of each.

    A run counts with y = sum_b w_b score_b. Runs are compared within their base model, and the base
    models' differences averaged. method: "permutation" of the methods' labels within base models
    needs no assumption, but 3 and 3 runs cannot reach p < 0.10; "welch" assumes normal scores. The
    interval is Welch's within base models, or, with a single run of a method somewhere, Student's
    over the base models. StatisticsError with one run a side of a single base model.
    """
    check_probability(alpha, "alpha")
    if not baseline or not candidate:
        raise StatisticsError("a method has no runs.", "Give at least one run of each.")
    shares = _shares(list(baseline[0].scores), weights)
    blocks = _blocks(baseline, candidate, shares)
    found = {name: float(after.mean() - before.mean()) for name, (before, after) in blocks.items()}
    estimate = float(np.mean(list(found.values())))
    error, freedom = _run_error(blocks)
    half = t_quantile(1 - alpha / 2, freedom) * error if error > 0 else 2.0
    interval = max(estimate - half, -1.0), min(estimate + half, 1.0)
    permuted, smallest = _permuted(list(blocks.values()), seed)
    welch = 2.0 * t_above(abs(estimate) / error, freedom) if error > 0 else 1.0
    p_value = permuted if method == "permutation" else welch
    if p_value > alpha:
        interval = min(interval[0], 0.0), max(interval[1], 0.0)
    resolved = p_value <= alpha and not interval[0] <= 0 <= interval[1]
    made = RunsClaim(
        estimate=estimate,
        interval=interval,
        p_value=p_value,
        smallest_p=smallest,
        method=method,
        base_models=found,
        baseline_runs=len(baseline),
        candidate_runs=len(candidate),
        weights=shares,
        alpha=alpha,
        resolved=resolved,
        sentence="",
    )
    return replace(made, sentence=_runs_sentence(made, spread=error > 0))


def _shares(names: Sequence[str], weights: Mapping[str, float] | None) -> dict[str, float]:
    """Positive weights that sum to 1."""
    if not names:
        raise StatisticsError("there is no benchmark.", "Give the counts of at least one.")
    given = dict.fromkeys(names, 1.0) if weights is None else dict(weights)
    if set(given) != set(names):
        odd = ", ".join(sorted(map(str, set(given) ^ set(names))))
        raise StatisticsError(f"weights and benchmarks differ in {odd}.", "Give one weight each.")
    try:
        values = np.array([float(given[name]) for name in names])
    except (TypeError, ValueError) as error:
        raise StatisticsError("a weight is not a number.", "Give positive numbers.") from error
    if not np.all((values > 0) & np.isfinite(values)):
        raise StatisticsError("a weight is not positive.", "Leave out what should not count.")
    return dict(zip(names, (float(v) for v in values / values.sum()), strict=True))


def _cluster_totals(
    name: str, counts: BenchmarkCounts, seed: int
) -> tuple[FloatArray, Partition, Spread]:
    """Differences of one benchmark summed over its clusters, the clusters, and their spread."""
    try:
        n, before, after, _ = equal_samples(
            (counts.baseline_n, counts.baseline_c), (counts.candidate_n, counts.candidate_c), seed
        )
        if np.ndim(counts.ks) != 1 or len(counts.ks) == 0:
            raise StatisticsError("there is no k.", "Give a list, such as 1, 2, 4, 8.")
        ks = [check_one_k(k, n) for k in counts.ks]
        moved = np.mean([pass_at_k(n, after, k) - pass_at_k(n, before, k) for k in ks], axis=0)
        groups = partition(counts.clusters, n.size)
        if groups.count < 2:
            raise StatisticsError("one cluster has no spread.", "Give at least two problems.")
    except StatisticsError as error:
        raise StatisticsError(f"{name}: {error.message}", error.remedy) from error
    totals = groups.totals(moved)
    rare = float(np.mean([rare_difference(k, int(n.min())) for k in ks]))
    return totals, groups, spread_of(totals, groups, rare)


def _sentence(claim: JointClaim) -> str:
    low, high = claim.interval
    side = "candidate" if claim.estimate > 0 else "baseline"
    resolved = claim.p_value <= claim.alpha
    verdict = f"the {side} checkpoint is better on average" if resolved else "not resolved"
    words = [
        f"Over {_listed(claim.weights)}: {points(claim.estimate)} points "
        f"({100 * (1 - claim.alpha):g}% interval {points(low)} to {points(high)}; "
        f"{p_value_words(claim.p_value)}): {verdict}."
    ]
    if len(claim.which) > 1:
        shown = "shown" if claim.every <= claim.alpha else "not shown"
        words.append(f"Better on every one of them: {shown} ({p_value_words(claim.every)}).")
        parts = [
            f"{name} {points(claim.differences[name])} ({p_value_words(p)}"
            + (")" if p <= claim.alpha else ", not resolved)")
            for name, p in claim.which.items()
        ]
        words.append(f"One by one, after Holm: {'; '.join(parts)}.")
    return " ".join([*words, CHECKPOINTS_ONLY])


def _listed(shares: Mapping[str, float]) -> str:
    """The benchmarks, with their weights where these differ."""
    if len(set(shares.values())) == 1:
        even = " with equal weights" if len(shares) > 1 else ""
        return f"{', '.join(shares)}{even}"
    return ", ".join(f"{name} (weight {share:.2g})" for name, share in shares.items())


def _blocks(
    baseline: Sequence[RunScores], candidate: Sequence[RunScores], shares: Mapping[str, float]
) -> dict[str, tuple[FloatArray, FloatArray]]:
    """Base model -> the two methods' runs, each as one number."""
    sides: tuple[dict[str, list[float]], dict[str, list[float]]] = ({}, {})
    for runs, scores in zip((baseline, candidate), sides, strict=True):
        for run in runs:
            scores.setdefault(run.base_model, []).append(_run_score(run, shares))
    if set(sides[0]) != set(sides[1]):
        odd = ", ".join(sorted(set(sides[0]) ^ set(sides[1])))
        raise StatisticsError(
            f"only one method has runs from {odd or 'an unnamed base model'}.",
            "Compare methods on base models that both were trained from.",
        )
    return {m: (np.array(sides[0][m]), np.array(sides[1][m])) for m in sides[0]}


def _run_score(run: RunScores, shares: Mapping[str, float]) -> float:
    if set(run.scores) != set(shares):
        raise StatisticsError("the runs have different benchmarks.", "Use what all of them have.")
    values = np.array([float(run.scores[name]) for name in shares])
    if not np.all((values >= 0) & (values <= 1)):
        raise StatisticsError("a run's figure is not a fraction in [0, 1].", "46.7% is 0.467.")
    return float(values @ np.array(list(shares.values())))


def _run_error(blocks: Mapping[str, tuple[FloatArray, FloatArray]]) -> tuple[float, float]:
    """Standard error of the mean difference and its degrees of freedom."""
    count = len(blocks)
    sides = [side for pair in blocks.values() for side in pair]
    if min(side.size for side in sides) >= 2:
        parts = [(float(s.var(ddof=1)) / s.size / count**2, s.size - 1) for s in sides]
        variance = sum(v for v, _ in parts)
        if variance <= NO_SPREAD:
            return 0.0, 1.0
        return float(np.sqrt(variance)), variance**2 / sum(v**2 / f for v, f in parts)
    if count < 2:
        raise StatisticsError(
            "one run of a method cannot tell the method from a lucky seed.",
            "Give at least two runs per method, or several base models.",
        )
    differences = np.array([after.mean() - before.mean() for before, after in blocks.values()])
    variance = float(differences.var(ddof=1)) / count
    return (float(np.sqrt(variance)), count - 1.0) if variance > NO_SPREAD else (0.0, 1.0)


def _permuted(blocks: Sequence[tuple[FloatArray, FloatArray]], seed: int) -> tuple[float, float]:
    """p of permuting the methods' labels within base models, and the smallest it could be."""
    ways = [comb(before.size + after.size, after.size) for before, after in blocks]
    observed = sum(float(after.mean() - before.mean()) for before, after in blocks)
    balanced = all(before.size == after.size for before, after in blocks)
    total = prod(ways)
    if total <= MOST_SPLITS:
        sums = np.zeros(1)
        for before, after in blocks:
            sums = (sums[:, None] + _splits(before, after)[None, :]).ravel()
        reached = np.abs(sums) >= abs(observed) - NO_SPREAD
        return float(reached.mean()), (2 if balanced else 1) / total
    random, drawn = np.random.default_rng(seed), np.zeros(MOST_SPLITS)
    for before, after in blocks:
        mixed = random.permuted(np.tile(np.concatenate([after, before]), (MOST_SPLITS, 1)), axis=1)
        drawn += mixed[:, : after.size].mean(axis=1) - mixed[:, after.size :].mean(axis=1)
    reached_count = int(np.sum(np.abs(drawn) >= abs(observed) - NO_SPREAD))
    return (1 + reached_count) / (MOST_SPLITS + 1), 1 / (MOST_SPLITS + 1)


def _splits(before: FloatArray, after: FloatArray) -> FloatArray:
    """The difference of means under every assignment of the labels."""
    pooled = np.concatenate([after, before])
    chosen = [list(split) for split in combinations(range(pooled.size), after.size)]
    sums = pooled[np.array(chosen)].sum(axis=1)
    return np.asarray(sums / after.size - (pooled.sum() - sums) / before.size, dtype=np.float64)


def _runs_sentence(claim: RunsClaim, *, spread: bool) -> str:
    models = [model for model in claim.base_models if model]
    where = f" within {', '.join(models)}" if models else ""
    side = "candidate" if claim.estimate > 0 else "baseline"
    runs = f"{claim.baseline_runs} and {claim.candidate_runs} runs"
    verdict = f"the {side} method is better" if claim.resolved else f"not resolved with {runs}"
    words = [
        f"Over {_listed(claim.weights)}{where}: {points(claim.estimate)} points "
        f"({100 * (1 - claim.alpha):g}% interval for other runs {points(claim.interval[0])} to "
        f"{points(claim.interval[1])}; {p_value_words(claim.p_value)} by {claim.method}): "
        f"{verdict}."
    ]
    if claim.method == "permutation" and claim.smallest_p > claim.alpha:
        words.append(
            f"With {runs} the permutation of labels cannot go below p = {claim.smallest_p:.2g}; "
            "more runs are the only way."
        )
    if not spread:
        words.append("The runs of each method agree exactly, so their spread is not known.")
    return " ".join(words)
