"""Intervals, posteriors, rates and breakdowns: symmetry, edges, oracles, and short simulations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from scorio.eval import bayes as scorio_bayes

from evalsvc.statistics import (
    StatisticsError,
    bayes_average,
    by_label,
    difficulty_bands,
    efficiency_frontier,
    estimate,
    fit_beta_prior,
    pass_at_k,
    sample_rate,
    solved_by_one_side,
    token_profile,
)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_intervals_hold_their_value_and_stay_in_range(data: st.DataObject) -> None:
    n = data.draw(st.sampled_from([1, 2, 4, 16, 256]))
    c = data.draw(st.lists(st.integers(0, n), min_size=1, max_size=40))
    k = data.draw(st.integers(1, n))
    figure = estimate([n] * len(c), c, k)
    assert figure.value == pytest.approx(np.mean(pass_at_k([n] * len(c), c, k)))
    assert (figure.interval_fixed is None) == (2 * k > n)
    assert figure.indicator == (k == n)
    for pair in (figure.interval_fixed, figure.interval_population):
        if pair is not None:
            assert 0 <= pair[0] <= figure.value + 1e-12
            assert figure.value - 1e-12 <= pair[1] <= 1
            assert pair[1] > pair[0]


def test_pass_hat_k_is_the_mirror_image() -> None:
    n, c = np.full(30, 16), np.random.default_rng(0).integers(0, 17, 30)
    right = estimate(n, c, 4, metric="pass^k")
    wrong = estimate(n, 16 - c, 4)
    assert right.value == pytest.approx(1 - wrong.value)
    assert right.interval_population == pytest.approx(
        (1 - wrong.interval_population[1], 1 - wrong.interval_population[0])
    )


@pytest.mark.parametrize("k", [1, 2, 5, 8])
def test_sampling_variance_is_the_integral_over_the_posterior(k: int) -> None:
    n, prior = 16, fit_beta_prior(np.full(5, 16), np.array([0, 2, 4, 9, 16]))
    counts = np.arange(n + 1)
    values = pass_at_k(n, counts, k)

    def variance(rate: float) -> float:
        weights = stats.binom.pmf(counts, n, rate)
        return float(weights @ values**2 - (weights @ values) ** 2)

    for c in (0, 3, 16):
        law = stats.beta(prior.successes + c, prior.failures + n - c)
        expected, _ = integrate.quad(lambda p, law=law: variance(p) * law.pdf(p), 0, 1, limit=200)
        found = prior.variances(n, np.array([c]), k)[0]
        assert found == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("problems", "n", "k"), [(30, 4, 1), (30, 16, 4), (40, 256, 64)])
def test_both_intervals_cover_their_own_target(problems: int, n: int, k: int) -> None:
    random = np.random.default_rng(11)
    fixed = population = 0
    mean = 1 - np.exp(sum(np.log((3 + i) / (4.5 + i)) for i in range(k)))
    for _ in range(400):
        rates = random.beta(1.5, 3.0, problems)
        figure = estimate([n] * problems, random.binomial(n, rates), k)
        truth = np.mean(1 - (1 - rates) ** k)
        assert figure.interval_fixed is not None
        fixed += bool(figure.interval_fixed[0] <= truth <= figure.interval_fixed[1])
        population += figure.interval_population[0] <= mean <= figure.interval_population[1]
    assert 0.92 <= fixed / 400 <= 0.985
    assert 0.92 <= population / 400 <= 0.985


@pytest.mark.parametrize("k", [4, 8])
def test_fixed_interval_covers_where_half_of_the_problems_are_hard_and_half_easy(k: int) -> None:
    random, covered = np.random.default_rng(12), 0
    hard = np.arange(40) < 20
    for _ in range(300):
        rates = np.where(hard, random.beta(1, 20, 40), random.beta(20, 2, 40))
        interval = estimate([16] * 40, random.binomial(16, rates), k).interval_fixed
        assert interval is not None
        covered += interval[0] <= np.mean(1 - (1 - rates) ** k) <= interval[1]
    assert 0.92 <= covered / 300 <= 0.985


def test_clusters_widen_the_population_interval() -> None:
    c = np.repeat(np.random.default_rng(1).integers(0, 5, 20), 5)
    alone = estimate([4] * 100, c, 1)
    clustered = estimate([4] * 100, c, 1, clusters=np.repeat(np.arange(20), 5))
    assert clustered.standard_error_population > 2 * alone.standard_error_population
    assert clustered.standard_error_fixed == alone.standard_error_fixed
    assert estimate([4] * 5, [1] * 5, 1, clusters=[1] * 5).interval_population == (0.0, 1.0)


def test_bayes_average_agrees_with_scorio() -> None:
    random = np.random.default_rng(2)
    outcomes = random.integers(0, 3, (12, 10))
    counts = np.stack([(outcomes == j).sum(axis=1) for j in range(3)], axis=1)
    weights = np.array([0.0, 0.5, 1.0])
    mean, deviation = scorio_bayes(outcomes, weights)
    posterior = bayes_average(counts, weights)
    assert posterior.mean == pytest.approx(mean)
    assert posterior.standard_deviation == pytest.approx(deviation)
    assert posterior.band[0] < mean < posterior.band[1]


def test_rates_and_tokens() -> None:
    rate = sample_rate([4, 4], [1, 3])
    assert (rate.value, rate.flagged, rate.samples) == (0.5, 4, 8)
    profile = token_profile([2, 2], [1, 0], [300, 500], [100, 0])
    assert (profile.total, profile.per_sample, profile.per_correct) == (800, 200.0, 800.0)
    assert (profile.mean_correct, profile.mean_wrong) == (100.0, 700 / 3)
    assert np.isnan(token_profile([2], [0], [10], [0]).per_correct)
    with pytest.raises(StatisticsError, match="token sums"):
        token_profile([2], [1], [10], [20])


def test_breakdowns_and_bands() -> None:
    figures = by_label([4, 4, 4], [0, 4, 2], 1, ["algebra", "algebra", "geometry"])
    assert {name: f.value for name, f in figures.items()} == {"algebra": 0.5, "geometry": 0.5}
    assert difficulty_bands([6] * 5, [0, 2, 4, 5, 6]) == [
        "never solved",
        "hard",
        "medium",
        "easy",
        "always solved",
    ]
    assert solved_by_one_side([0, 1, 0, 2], [1, 0, 0, 1]) == ([0], [1])


def test_efficiency_frontier() -> None:
    frontier = efficiency_frontier([0.5, 0.6, 0.6, 0.7], [100, 100, 300, 200])
    assert frontier.tolist() == [False, True, False, True]
