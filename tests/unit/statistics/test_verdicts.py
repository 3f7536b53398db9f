"""Equivalence, crossing curves, methods with several seeds, Holm, and sequential stopping."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from evalsvc.statistics import (
    StatisticsError,
    compare_curves,
    compare_methods,
    crossovers,
    discordant_pairs,
    equivalence,
    holm,
    paired_comparison,
    sequential_sign_test,
)


@settings(max_examples=50)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_holm_is_that_of_statsmodels(p_values: list[float]) -> None:
    np.testing.assert_allclose(holm(p_values), multipletests(p_values, method="holm")[1])


def test_equal_checkpoints_are_equivalent_only_with_enough_problems() -> None:
    random = np.random.default_rng(0)
    rates = random.beta(1, 1, 3000)
    before, after = random.binomial(64, rates), random.binomial(64, rates)
    many = paired_comparison([64] * 3000, before, [64] * 3000, after, 1)
    few = paired_comparison([64] * 30, before[:30], [64] * 30, after[:30], 1)
    assert equivalence(many, 0.01).equivalent
    assert "no difference larger than 1.0 points" in equivalence(many, 0.01).sentence
    assert not equivalence(few, 0.01).equivalent
    assert "cannot be ruled out with 30 problems" in equivalence(few, 0.01).sentence
    assert equivalence(many, 0.05).p_value < equivalence(many, 0.01).p_value


def test_equivalence_where_nothing_differs_or_one_problem_is_all() -> None:
    same = paired_comparison([4] * 100, [2] * 100, [4] * 100, [2] * 100, 1)
    assert equivalence(same, 0.1).equivalent
    assert not equivalence(same, 0.02).equivalent
    one = paired_comparison([4], [2], [4], [2], 1)
    assert equivalence(one, 0.5).p_value == 1.0


def test_crossing_curves() -> None:
    n = np.full(400, 64)
    broad = np.full(400, 6)
    narrow = np.where(np.arange(400) < 200, 24, 0)
    curve = compare_curves(n, broad, n, narrow, [1, 2, 4, 8, 16, 32])
    (crossing,) = crossovers(curve)
    assert (crossing.leader_below, crossing.leader_above) == ("candidate", "baseline")
    assert crossing.below <= crossing.k <= crossing.above
    assert crossing.resolved
    assert crossovers(compare_curves(n, broad, n, broad + 1, [1, 4, 16])) == ()
    with pytest.raises(StatisticsError, match="occurs twice"):
        crossovers([curve[0], curve[0]])


def test_a_crossing_within_noise_is_not_resolved() -> None:
    random = np.random.default_rng(3)
    rates = random.beta(0.5, 0.5, 30)
    n = np.full(30, 64)
    curves = (
        compare_curves(n, random.binomial(64, rates), n, random.binomial(64, rates), [1, 4, 16, 64])
        for _ in range(20)
    )
    found = [crossing for curve in curves for crossing in crossovers(curve)]
    assert found
    assert not any(crossing.resolved for crossing in found)


def runs(random: np.random.Generator, rates: np.ndarray, count: int, spread: float) -> list:
    """Runs of one method: the log-odds of all problems shift together from seed to seed."""
    odds = np.log(rates / (1 - rates))
    shifted = [1 / (1 + np.exp(-(odds + random.normal(0, spread)))) for _ in range(count)]
    return [(np.full(rates.size, 16), random.binomial(16, r)) for r in shifted]


def test_methods_need_several_runs() -> None:
    run = (np.full(3, 4), np.array([1, 2, 3]))
    with pytest.raises(StatisticsError, match="cannot tell a method from a lucky seed"):
        compare_methods([run], [run, run], 1)


def test_the_spread_of_runs_widens_a_method_comparison() -> None:
    random = np.random.default_rng(5)
    rates = np.clip(random.beta(1, 1, 300), 0.01, 0.99)
    steady = compare_methods(runs(random, rates, 4, 0.0), runs(random, rates, 4, 0.0), 1)
    shaky = compare_methods(runs(random, rates, 4, 0.5), runs(random, rates, 4, 0.5), 1)
    widths = [high - low for low, high in (steady.interval_fixed, shaky.interval_fixed)]
    assert widths[1] > 3 * widths[0]
    assert max(shaky.run_deviations) > max(steady.run_deviations)
    for result in (steady, shaky):
        fixed, whole = result.interval_fixed, result.interval_population
        # Joint degrees of freedom may exceed those of the runs, so only nearly wider.
        assert whole[1] - whole[0] > 0.99 * (fixed[1] - fixed[0])


def test_methods_test_is_welch_where_problems_do_not_differ() -> None:
    before = [(np.full(50, 8), np.full(50, c)) for c in (3, 4, 4)]
    after = [(np.full(50, 8), np.full(50, c)) for c in (5, 6, 5, 7)]
    result = compare_methods(before, after, 1)
    welch = stats.ttest_ind(
        [c / 8 for c in (5, 6, 5, 7)], [c / 8 for c in (3, 4, 4)], equal_var=False
    )
    assert result.p_value_fixed == pytest.approx(welch.pvalue)
    assert result.difference == pytest.approx(5.75 / 8 - 11 / 24)


def test_size_of_the_method_test_under_equal_methods() -> None:
    random = np.random.default_rng(6)
    rates = np.clip(random.beta(1, 1, 40), 0.01, 0.99)
    rejected = [
        compare_methods(runs(random, rates, 3, 0.4), runs(random, rates, 3, 0.4), 1).p_value <= 0.05
        for _ in range(300)
    ]
    assert np.mean(rejected) <= 0.08


def test_sequential_test_never_errs_more_than_alpha_however_often_one_looks() -> None:
    random = np.random.default_rng(7)
    wins = np.cumsum(random.random((2_000, 300)) < 0.5, axis=1)
    totals = np.arange(1, 301)
    stopped = [sequential_sign_test(w, totals - w).stop for w in wins]
    assert np.mean(stopped) <= 0.05


def test_sequential_test_stops_early_when_the_answer_is_clear() -> None:
    random = np.random.default_rng(8)
    wins = np.cumsum(random.random(400) < 0.75)
    result = sequential_sign_test(wins, np.arange(1, 401) - wins)
    assert result.stop and result.stopped_at is not None and result.stopped_at < 150
    assert result.p_value <= 0.05
    assert "candidate checkpoint is better" in result.sentence
    fresh = sequential_sign_test(0, 0)
    assert (fresh.stop, fresh.p_value, fresh.stopped_at) == (False, 1.0, None)


def test_the_evidence_is_a_martingale() -> None:
    for pairs in (1, 5, 12):
        chances = stats.binom.pmf(np.arange(pairs + 1), pairs, 0.5)
        evidence = [sequential_sign_test(w, pairs - w).evidence for w in range(pairs + 1)]
        assert chances @ evidence == pytest.approx(1.0)


def test_discordant_pairs_in_blocks_of_k() -> None:
    before = [[1, 0, 0, 0, 1], [0, 0, 0, 0, 0]]
    after = [[0, 1, 0, 1, 0], [0, 0, 1, 0, 1]]
    assert discordant_pairs(before, after) == (4, 2)
    assert discordant_pairs(before, after, 2) == (2, 0)
    with pytest.raises(StatisticsError, match="do not pair up"):
        discordant_pairs([[1]], [[1, 0]])
    with pytest.raises(StatisticsError, match="cannot fall"):
        sequential_sign_test([3, 2], [0, 0])
