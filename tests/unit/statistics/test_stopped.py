"""Intervals, comparisons and costs of stopped counts: against replays of full sampling."""

import numpy as np
import pytest

from evalsvc.statistics import (
    SampledCounts,
    StatisticsError,
    StoppingPlan,
    cheapest_plan,
    curve_comparison_stopped,
    estimate,
    estimate_stopped,
    expected_samples,
    fit_difficulty,
    forecast_plan,
    pass_at_k,
    pass_at_k_stopped,
    sampling_variance_stopped,
)

PLAN = StoppingPlan(4, block=8, n_max=64)


def replay(samples: np.ndarray, plan: StoppingPlan) -> tuple[np.ndarray, np.ndarray]:
    """Where each problem's row of 0/1 samples stops."""
    n, c = np.zeros(len(samples), dtype=int), np.zeros(len(samples), dtype=int)
    for look in reversed(plan.looks):
        correct = samples[:, :look].sum(axis=1)
        here = (correct >= plan.stop_after) | (look == plan.n_max)
        n[here], c[here] = look, correct[here]
    return n, c


def drawn(p: np.ndarray, random: np.random.Generator, n: int = 64) -> np.ndarray:
    return random.random((p.size, n)) < p[:, None]


def test_variance_and_cost_are_those_of_replays() -> None:
    random = np.random.default_rng(0)
    rates = np.array([0.0, 0.03, 0.3, 0.9, 1.0])
    for i, p in enumerate(rates):
        n, c = replay(drawn(np.full(20_000, p), random), PLAN)
        assert n.mean() == pytest.approx(expected_samples(PLAN, rates)[i], rel=0.03)
        for k in (1, 8, 64):
            values = pass_at_k_stopped(n, c, k, 4, 8, 64)
            expected = sampling_variance_stopped(PLAN, rates, k)[i]
            assert np.var(values) == pytest.approx(expected, rel=0.08, abs=1e-6)


def test_length_correlated_with_correctness_does_not_bias_whole_blocks() -> None:
    # Correct samples are short and arrive first. Whole blocks in seed order stay unbiased; stopping
    # on the first arrivals of a block would not.
    random, p, k = np.random.default_rng(1), 0.3, 1
    samples = drawn(np.full(30_000, p), random)
    n, c = replay(samples, PLAN)
    ours = pass_at_k_stopped(n, c, k, 4, 8, 64)
    assert ours.mean() == pytest.approx(p, abs=3 * ours.std() / len(ours) ** 0.5)
    arrived = np.sort(samples.reshape(-1, 8, 8), axis=2)[:, :, ::-1].reshape(-1, 64)
    seen = np.cumsum(arrived, axis=1)
    first = np.where((seen >= 4).any(axis=1), np.argmax(seen >= 4, axis=1), 63)
    eager = seen[np.arange(len(seen)), first] / (first + 1)
    assert abs(eager.mean() - p) > 0.05


@pytest.mark.parametrize("law", [(0.8, 0.5), (0.4, 2.0)])
def test_both_intervals_cover(law) -> None:
    random = np.random.default_rng(2)
    held = {(kind, k): 0 for kind in ("fixed", "population") for k in (1, 4)}
    truth = {k: 1 - np.mean((1 - random.beta(*law, 400_000)) ** k) for k in (1, 4)}
    p = random.beta(*law, 60)
    for _ in range(200):
        n, c = replay(drawn(p, random), PLAN)
        other = random.beta(*law, 60)
        m, d = replay(drawn(other, random), PLAN)
        for k in (1, 4):
            low, high = estimate_stopped(n, c, k, PLAN).interval_fixed
            held["fixed", k] += low <= np.mean(1 - (1 - p) ** k) <= high
            low, high = estimate_stopped(m, d, k, PLAN).interval_population
            held["population", k] += low <= truth[k] <= high
    assert min(held.values()) / 200 >= 0.90


def test_a_plan_that_never_stops_is_full_sampling() -> None:
    random = np.random.default_rng(3)
    c = random.binomial(64, random.beta(0.8, 0.5, 50))
    plan = StoppingPlan(64, 8, 64)
    stopped, full = estimate_stopped([64] * 50, c, 8, plan), estimate([64] * 50, c, 8)
    assert stopped.value == pytest.approx(full.value)
    assert stopped.interval_population == pytest.approx(full.interval_population, abs=0.01)
    assert stopped.interval_fixed == pytest.approx(full.interval_fixed, abs=0.02)
    assert estimate_stopped([64] * 50, c, 64, plan).interval_fixed is None
    assert estimate_stopped([64] * 50, c, 64, plan).indicator


def test_pass_at_n_is_identical_to_full_sampling() -> None:
    random = np.random.default_rng(4)
    samples = drawn(random.beta(0.4, 1.0, 300), random)
    n, c = replay(samples, PLAN)
    stopped = pass_at_k_stopped(n, c, 64, 4, 8, 64)
    assert np.array_equal(stopped, pass_at_k(64, samples.sum(axis=1), 64))


def test_size_of_a_stopped_against_a_full_side() -> None:
    random, rejected = np.random.default_rng(5), 0
    for seed in range(200):
        p = random.beta(0.4, 1.0, 40)
        n, c = replay(drawn(p, random), PLAN)
        full = drawn(p, random).sum(axis=1)
        made = curve_comparison_stopped(
            SampledCounts(n, c, PLAN), SampledCounts([64] * 40, full), [1, 4, 16, 64], seed=seed
        )
        rejected += made.p_value <= 0.05
    assert rejected / 200 <= 0.055 + 0.031


def test_the_forecast_tells_the_price() -> None:
    random = np.random.default_rng(6)
    law = fit_difficulty(np.full(3_000, 256), random.binomial(256, random.beta(0.8, 0.5, 3_000)))
    made = forecast_plan(law, 5_000, StoppingPlan(16), 1)
    assert 0.2 < made.share < 0.3
    assert made.samples == pytest.approx(made.share * 256 * 5_000)
    assert 1.0 <= made.standard_error_population / made.full_population < 1.02
    assert 2.0 < made.standard_error_fixed / made.full_fixed < 3.0
    deep = forecast_plan(law, 5_000, StoppingPlan(16), 256)
    assert deep.standard_error_fixed is None
    assert deep.standard_error_population == pytest.approx(deep.full_population)


def test_the_cheapest_plan_reaches_its_precision_and_a_smaller_one_does_not() -> None:
    random = np.random.default_rng(8)
    law = fit_difficulty(np.full(3_000, 256), random.binomial(256, random.beta(0.8, 0.5, 3_000)))
    made = cheapest_plan(law, 500, 1, 0.005)
    r = made.plan.stop_after
    assert 1.96 * made.standard_error_fixed <= 0.005
    smaller = forecast_plan(law, 500, StoppingPlan(r // 2), 1)
    assert 1.96 * smaller.standard_error_fixed > 0.005
    assert smaller.samples < made.samples < 500 * 256
    assert cheapest_plan(law, 500, 1, 0.001) is None
    assert cheapest_plan(law, 500, 1, 0.01, kind="population") is None
    assert cheapest_plan(law, 50_000, 1, 0.01, kind="population").plan.stop_after <= 4


def test_clusters_widen_and_one_cluster_says_nothing() -> None:
    random = np.random.default_rng(7)
    n, c = replay(drawn(np.repeat(random.beta(0.5, 0.5, 20), 4), random), PLAN)
    alone = estimate_stopped(n, c, 4, PLAN)
    together = estimate_stopped(n, c, 4, PLAN, clusters=np.repeat(range(20), 4))
    assert together.standard_error_population > 1.3 * alone.standard_error_population
    one = estimate_stopped(n, c, 4, PLAN, clusters=[0] * 80)
    assert one.interval_population == (0.0, 1.0)


def test_saturation_keeps_a_narrow_interval() -> None:
    made = estimate_stopped([8] * 40, [8] * 40, 16, PLAN)
    assert made.value == 1.0
    assert made.interval_population[0] > 0.85
    assert made.interval_fixed[0] > 0.85


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([8, 12], [4, 4], 1, PLAN), "is no end"),
        (([], [], 1, PLAN), "no problems"),
        (([8], [4], 65, PLAN), "must not exceed n"),
        (([8.5], [4], 1, PLAN), "whole"),
    ],
)
def test_bad_input_is_refused(arguments, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        estimate_stopped(*arguments)
