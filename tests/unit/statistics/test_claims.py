"""Claims over benchmarks and over runs: against enumeration, against scipy, size and limits."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from evalsvc.statistics import (
    BenchmarkCounts,
    RunScores,
    StatisticsError,
    holm,
    joint_claim,
    joint_claim_over_runs,
    paired_comparison,
)
from evalsvc.statistics.clusters import partition
from evalsvc.statistics.studentised import spread_of, weighted_sum


def pair(problems: int, shift: float, random: np.random.Generator, n: int = 16, **more):
    p = random.beta(0.8, 1.2, problems)
    q = np.clip(p + shift * p * (1 - p) * 4, 0, 1)
    full = np.full(problems, n)
    return BenchmarkCounts(full, random.binomial(n, p), full, random.binomial(n, q), **more)


def test_the_joint_test_equals_the_enumeration_of_all_flips() -> None:
    random = np.random.default_rng(0)
    sides = {"a": pair(6, 0.3, random), "b": pair(7, 0.3, random)}
    weights = {"a": 2.0, "b": 1.0}
    made = joint_claim(sides, weights)
    d = {name: (np.array(s.candidate_c) - s.baseline_c) / 16 for name, s in sides.items()}
    parts = np.concatenate([2 / 3 * d["a"] / 6, 1 / 3 * d["b"] / 7])
    assert made.estimate == pytest.approx(parts.sum())
    spreads = [spread_of(d[name], partition(None, d[name].size)) for name in d]
    studentised = stats.norm.isf(weighted_sum(spreads, [2 / 3, 1 / 3]).p_value / 2)
    observed = min(abs(parts.sum()) / np.linalg.norm(parts), studentised)
    signs = np.array(list(product((-1, 1), repeat=13)))
    sizes = np.concatenate([np.full(6, 2 / 3 / 6), np.full(7, 1 / 3 / 7)])
    moved = parts - parts.sum() * sizes
    expected = [
        np.mean(np.abs(signs @ v) / np.linalg.norm(v) >= observed - 1e-9) for v in (parts, moved)
    ]
    assert made.p_value == pytest.approx(max(expected))
    assert made.weights == pytest.approx({"a": 2 / 3, "b": 1 / 3})


def test_every_is_intersection_union_and_which_is_holm() -> None:
    random = np.random.default_rng(1)
    sides = {
        "math": pair(400, 0.2, random),
        "amc": pair(40, 0.25, random),
        "aime": pair(30, 0.0, random, n=4),
    }
    made = joint_claim(sides)
    alone = [joint_claim({name: side}) for name, side in sides.items()]
    assert list(made.which.values()) == pytest.approx(holm([m.p_value for m in alone]))
    same = len({np.sign(d) for d in made.differences.values()}) == 1
    assert made.every == (max(m.p_value for m in alone) if same else 1.0)
    for name, side in sides.items():
        one = paired_comparison(
            side.baseline_n, side.baseline_c, side.candidate_n, side.candidate_c, 1
        )
        assert made.differences[name] == pytest.approx(one.difference)
    assert made.p_value <= 0.05
    assert "better on average" in made.sentence
    assert "Better on every one of them: not shown" in made.sentence
    assert "math (weight" not in made.sentence


def test_opposite_signs_are_never_better_everywhere() -> None:
    random = np.random.default_rng(2)
    made = joint_claim({"up": pair(300, 0.3, random), "down": pair(300, -0.3, random)})
    assert made.every == 1.0
    assert "not resolved" in made.sentence.split("Better")[0]


def test_interval_and_test_agree_and_the_interval_covers() -> None:
    random = np.random.default_rng(3)
    held = rejected = 0
    rates = random.beta(0.8, 1.2, 400_000)
    truth = float(np.mean(np.clip(rates + 0.4 * rates * (1 - rates), 0, 1) - rates))
    for seed in range(120):
        sides = {"a": pair(40, 0.1, random), "b": pair(60, 0.1, random), "c": pair(30, 0.1, random)}
        made = joint_claim(sides, seed=seed)
        low, high = made.interval
        assert (low <= 0 <= high) == (made.p_value > 0.05)
        held += low <= truth <= high
        none = {"a": pair(40, 0.0, random), "b": pair(30, 0.0, random)}
        rejected += joint_claim(none, seed=seed).p_value <= 0.05
    assert 0.89 <= held / 120 <= 1.0
    assert rejected / 120 <= 0.055 + 0.04


def test_several_k_clusters_and_unequal_n() -> None:
    random = np.random.default_rng(4)
    wide = pair(60, 0.3, random, ks=(1, 4, 16), clusters=np.repeat(range(20), 3))
    p = random.beta(0.8, 1.2, 30)
    uneven = BenchmarkCounts(
        [64] * 30, random.binomial(64, p), [16] * 30, random.binomial(16, p), ks=(1, 16)
    )
    made = joint_claim({"wide": wide, "uneven": uneven}, {"wide": 3, "uneven": 1})
    assert made.problems == {"wide": 60, "uneven": 30}
    assert "wide (weight 0.75)" in made.sentence


@pytest.mark.parametrize(
    ("benchmarks", "weights", "words"),
    [
        ({}, None, "no benchmark"),
        ({"a": BenchmarkCounts([4], [1], [4], [2])}, None, "a: one cluster"),
        ({"a": BenchmarkCounts([4, 4], [1, 5], [4, 4], [2, 2])}, None, "a: c \\(correct"),
        ({"a": BenchmarkCounts([4, 4], [1, 1], [4], [2])}, None, "a: the baseline has 2"),
        ({"a": BenchmarkCounts([4, 4], [1, 1], [4, 4], [2, 2], ks=())}, None, "a: there is no k"),
        ({"a": BenchmarkCounts([4, 4], [1, 1], [4, 4], [2, 2], ks=(5,))}, None, "a: k must not"),
        ({"a": BenchmarkCounts([4, 4], [1, 1], [4, 4], [2, 2])}, {"b": 1}, "differ in a, b"),
        ({"a": BenchmarkCounts([4, 4], [1, 1], [4, 4], [2, 2])}, {"a": 0}, "not positive"),
        ({"a": BenchmarkCounts([4, 4], [1, 1], [4, 4], [2, 2])}, {"a": float("nan")}, "not pos"),
        ({"a": BenchmarkCounts([4, 4], [1, 1], [4, 4], [2, 2])}, {"a": "x"}, "not a number"),
        ({"a": BenchmarkCounts([4, 4], ["1", "1"], [4, 4], [2, 2])}, None, "must hold numbers"),
    ],
)
def test_bad_benchmarks_are_refused(benchmarks, weights, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        joint_claim(benchmarks, weights)


def test_equal_checkpoints_show_nothing() -> None:
    made = joint_claim({"a": BenchmarkCounts([4] * 9, [2] * 9, [4] * 9, [2] * 9)})
    assert made.estimate == 0.0 and made.p_value == 1.0 and made.every == 1.0
    assert made.interval[0] < 0 < made.interval[1]


def runs(scores, model: str = "") -> list[RunScores]:
    return [RunScores({"a": s, "b": s + 0.1}, model) for s in scores]


def test_three_and_three_runs_cannot_go_below_ten_percent() -> None:
    made = joint_claim_over_runs(runs([0.10, 0.11, 0.12]), runs([0.40, 0.41, 0.42]))
    assert made.smallest_p == pytest.approx(0.10)
    assert made.p_value == pytest.approx(0.10)
    assert not made.resolved
    assert made.interval[0] <= 0 <= made.interval[1]
    assert "cannot go below p = 0.1; more runs are the only way" in made.sentence
    welch = joint_claim_over_runs(
        runs([0.10, 0.11, 0.12]), runs([0.40, 0.41, 0.42]), method="welch"
    )
    assert welch.resolved and welch.p_value < 0.001


def test_runs_against_scipy() -> None:
    random = np.random.default_rng(5)
    before, after = random.uniform(0.2, 0.5, 5), random.uniform(0.3, 0.6, 6)
    weights = {"a": 3.0, "b": 1.0}
    y = [[0.75 * s + 0.25 * (s + 0.1) for s in side] for side in (before, after)]
    welch = joint_claim_over_runs(runs(before), runs(after), weights, method="welch")
    expected = stats.ttest_ind(y[1], y[0], equal_var=False)
    assert welch.p_value == pytest.approx(expected.pvalue)
    interval = expected.confidence_interval(0.95)
    assert welch.interval == pytest.approx((min(interval.low, 0), interval.high)) or (
        welch.interval == pytest.approx((interval.low, interval.high))
    )
    permuted = joint_claim_over_runs(runs(before), runs(after), weights)
    oracle = stats.permutation_test(
        y[::-1],
        lambda u, v: abs(np.mean(u) - np.mean(v)),
        n_resamples=np.inf,
        alternative="greater",
    )
    assert permuted.p_value == pytest.approx(oracle.pvalue)
    assert permuted.smallest_p == pytest.approx(1 / 462)


def test_base_models_are_blocks() -> None:
    # The models differ by far more than the methods: without blocks nothing would be seen.
    before = runs([0.10, 0.11, 0.12], "small") + runs([0.60, 0.61, 0.62], "large")
    after = runs([0.14, 0.15, 0.16], "small") + runs([0.64, 0.65, 0.66], "large")
    made = joint_claim_over_runs(before, after)
    assert made.base_models == pytest.approx({"small": 0.04, "large": 0.04})
    assert made.smallest_p == pytest.approx(2 / 400)
    assert made.p_value == pytest.approx(2 / 400)
    assert made.resolved
    assert "within large, small" in made.sentence or "within small, large" in made.sentence
    assert not joint_claim_over_runs(
        [RunScores(r.scores) for r in before], [RunScores(r.scores) for r in after]
    ).resolved


def test_one_run_each_on_several_base_models_is_paired_by_model() -> None:
    models = ["m1", "m2", "m3", "m4", "m5", "m6"]
    before = [run for i, m in enumerate(models) for run in runs([0.1 * i], m)]
    after = [run for i, m in enumerate(models) for run in runs([0.1 * i + 0.03 + 0.002 * i], m)]
    made = joint_claim_over_runs(before, after)
    assert made.smallest_p == pytest.approx(2 / 64)
    assert made.resolved
    d = [0.03 + 0.002 * i for i in range(6)]
    low, high = stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert made.interval == pytest.approx((low, high))


def test_size_over_runs() -> None:
    random = np.random.default_rng(6)
    rejected = np.zeros(2)
    for _ in range(400):
        sides = [runs(np.clip(random.normal(0.4, 0.05, 5), 0, 0.9)) for _ in range(2)]
        rejected += [
            joint_claim_over_runs(*sides, method=method).resolved
            for method in ("permutation", "welch")
        ]
    assert np.all(rejected / 400 <= 0.055 + 0.022)


def test_many_runs_are_sampled() -> None:
    random = np.random.default_rng(7)
    sides = [runs(random.uniform(0.2, 0.8, 12)) for _ in range(2)]
    made = joint_claim_over_runs(*sides)
    y = [[run.scores["a"] for run in side] for side in sides]
    oracle = stats.permutation_test(
        y,
        lambda u, v: abs(np.mean(u) - np.mean(v)),
        n_resamples=20_000,
        alternative="greater",
        rng=np.random.default_rng(0),
    )
    assert made.p_value == pytest.approx(oracle.pvalue, abs=0.02)
    assert made.smallest_p < 0.0001


def test_equal_runs_have_no_certainty() -> None:
    made = joint_claim_over_runs(runs([0.3] * 5), runs([0.4] * 5), method="welch")
    assert made.p_value == 1.0 and made.interval == (-1.0, 1.0) and not made.resolved
    assert "spread is not known" in made.sentence
    same = joint_claim_over_runs(runs([0.3] * 3), runs([0.3] * 3))
    assert same.p_value == 1.0 and not same.resolved


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ([], runs([0.1]), "no runs"),
        (runs([0.1]), runs([0.2]), "lucky seed"),
        (runs([0.1, 0.2]), runs([0.2]), "lucky seed"),
        (runs([0.1, 0.2], "m"), runs([0.2, 0.3], "k"), "only one method has runs from k, m"),
        (runs([0.1, 0.2]), [RunScores({"a": 0.1})] * 2, "different benchmarks"),
        (runs([0.1, float("nan")]), runs([0.1, 0.2]), "not a fraction"),
        (runs([46.7, 46.8]), runs([0.1, 0.2]), "not a fraction"),
    ],
)
def test_bad_runs_are_refused(before, after, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        joint_claim_over_runs(before, after)


def test_small_gains_far_below_n_are_resolved_as_in_the_comparison_of_one_k() -> None:
    n, before, after = [256] * 40, [0] * 40, [2] * 6 + [0] * 34
    alone = joint_claim({"a": BenchmarkCounts(n, before, n, after)})
    assert alone.p_value == paired_comparison(n, before, n, after, 1).p_value == 2 / 2**6
    assert alone.interval[0] > 0
