"""The edges: saturation, few or skewed differences, small p-values, unequal n, nonsense.

Each case once was answered with confidence and wrongly. The right value comes from an independent
computation: exact enumeration, a binomial law of scipy, or a simulation of what is promised.
"""

import math
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalsvc.errors import EvalsvcError
from evalsvc.statistics import (
    StatisticsError,
    StepCounts,
    adjust_family,
    best_step,
    compare_candidates,
    compare_curves,
    compare_methods,
    crossovers,
    estimate,
    holm,
    mcnemar,
    other_problems_test,
    paired_comparison,
    pass_at_k,
    pass_hat_k,
    pilot,
    rank_by_mean,
    sequential_sign_test,
    sign_flip_tests,
    swiss_ranking,
)
from evalsvc.statistics.comparison import Comparison, score_test
from evalsvc.statistics.power import detectable_gain, mcnemar_power
from evalsvc.statistics.sign_flip import DRAWS, flip_tail, pairwise_flip_p_values

KS = [2**i for i in range(9)]


def holds_zero(comparison: Comparison) -> bool:
    low, high = comparison.interval_population
    return low <= 0 <= high


def solved(count: int, problems: int, first: int = 0) -> np.ndarray:
    """One correct sample on `count` problems from `first` on, none on the others."""
    found = np.zeros(problems, dtype=int)
    found[first : first + count] = 1
    return found


# Saturation


@pytest.mark.parametrize("metric", ["pass@k", "pass^k"])
@pytest.mark.parametrize("seed", range(3))
def test_intervals_near_saturation_are_as_wide_as_binary_trials_at_most(
    metric: str, seed: int
) -> None:
    """40 problems, Beta(6, 2), n = 256: pass@32 was "100.0%" with (0, 100)."""
    random = np.random.default_rng(seed)
    correct = random.binomial(256, random.beta(6, 2, 40))
    if metric == "pass^k":
        correct = 256 - correct
    ends: list[tuple[float, ...]] = []
    for k in KS:
        figure = estimate([256] * 40, correct, k, metric=metric)  # type: ignore[arg-type]
        low, high = figure.interval_population
        # A mean of 40 values in [0, 1] varies no more than that of 40 coins.
        q = stats.t.ppf(0.975, 39)
        assert high - low <= _wilson_width(figure.value, 40, q) + 1e-9
        assert low <= figure.value + 1e-12 and figure.value <= high + 1e-12
        if figure.interval_fixed is not None:
            low, high = figure.interval_fixed
            trials = 40 * (256 // k)
            assert high - low <= _wilson_width(figure.value, trials, stats.norm.ppf(0.975)) + 1e-9
        ends.append((*figure.interval_population, *(figure.interval_fixed or ends[-1][2:])))
    # What is sure at k is sure at 2k: no end runs against the curve.
    rising = np.diff(ends, axis=0) * (1 if metric == "pass@k" else -1)
    assert (rising >= -1e-12).all()
    full = estimate([256] * 40, [256] * 40, 64)
    assert full.interval_population == pytest.approx((1 - q**2 / (40 + q**2), 1.0))
    trials = 40 * 256  # at k = 1, and pass@64 is at least pass@1
    assert full.interval_fixed == pytest.approx((1 - 1.959964**2 / (trials + 1.959964**2), 1.0))


def _wilson_width(mean: float, trials: float, q: float) -> float:
    spread = mean * (1 - mean) / trials + q * q / (4 * trials**2)
    return float(2 * q * math.sqrt(spread) / (1 + q * q / trials))


def test_unequal_clusters_have_the_trials_of_their_squared_sizes() -> None:
    labels = [0] * 20 + list(range(1, 21))
    figure = estimate([4] * 40, [4] * 40, 1, clusters=labels)
    q = stats.t.ppf(0.975, 20)
    trials = 40**2 / (20**2 + 20)
    assert figure.interval_population[0] == pytest.approx(1 - q**2 / (trials + q**2))


def test_the_floor_keeps_the_coverage() -> None:
    random = np.random.default_rng(5)
    shape, k = (6.0, 2.0), 4
    # B(6, 2 + k) / B(6, 2)
    failing = math.exp(math.lgamma(2 + k) - math.lgamma(8 + k) - math.lgamma(2) + math.lgamma(8))
    covered = 0
    for _ in range(400):
        figure = estimate([256] * 40, random.binomial(256, random.beta(*shape, 40)), k)
        low, high = figure.interval_population
        covered += low <= 1 - failing <= high
    assert covered / 400 >= 0.93


# One procedure for test and interval


def test_five_gained_and_none_lost_of_thirty_is_not_resolved_and_the_interval_says_so() -> None:
    n = [16] * 30
    result = paired_comparison(n, solved(0, 30), n, solved(5, 30), 16)
    assert result.p_value == stats.binomtest(5, 5).pvalue == 0.0625
    assert result.interval_population[0] == 0.0 and not result.significant
    assert "not resolved with 30 problems;" in result.sentence
    six = paired_comparison(n, solved(0, 30), n, solved(6, 30), 16)
    assert (
        six.p_value == pytest.approx(0.03125) and six.interval_population[0] > 0 and six.significant
    )


def test_exact_mcnemar_and_tangos_interval_never_disagree() -> None:
    for problems in (2, 6, 7, 30, 41):
        for gained, lost in product(range(problems + 1), repeat=2):
            if gained + lost <= problems:
                test, (low, high) = score_test(gained, lost, problems, 0.05)
                assert (low <= 0 <= high) == (test.p_value > 0.05), (gained, lost, problems)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_the_interval_holds_zero_exactly_where_the_test_does_not_reject(
    data: st.DataObject,
) -> None:
    problems = data.draw(st.integers(1, 40))
    sizes = [data.draw(st.sampled_from([1, 2, 4, 16])) for _ in range(2)]
    sides = [
        data.draw(st.lists(st.integers(0, n), min_size=problems, max_size=problems)) for n in sizes
    ]
    groups = data.draw(
        st.one_of(st.none(), st.lists(st.integers(0, 8), min_size=problems, max_size=problems))
    )
    ks = [k for k in (1, 2, 4, 16) if k <= min(sizes)]
    arguments = [sizes[0]] * problems, sides[0], [sizes[1]] * problems, sides[1]
    for result in compare_curves(*arguments, ks, clusters=groups):
        assert holds_zero(result) == (result.p_value > 0.05)
        low, high = result.interval_population
        assert -1 <= low <= result.difference + 1e-12 <= high + 2e-12 <= 1 + 3e-12
        better = "checkpoint is better" in result.sentence
        assert better == result.significant == (result.p_adjusted <= 0.05)
        assert not (better and holds_zero(result))


def test_a_resolved_test_that_its_family_does_not_resolve_is_said_to_be_both() -> None:
    random = np.random.default_rng(2)
    n, before = np.full(40, 16), random.integers(0, 9, 40)
    after = np.clip(before + random.integers(-3, 5, 40), 0, 16)
    alone = paired_comparison(n, before, n, after, 1)
    assert 0.0005 < alone.p_value < 0.05 and not holds_zero(alone)
    among = adjust_family([alone] * 100)[0]
    assert not among.significant
    assert "not resolved with 40 problems among 100 tests" in among.sentence
    assert "for this one alone, excludes 0" in among.sentence


def test_the_flip_interval_is_the_set_of_shifts_that_brute_force_does_not_reject() -> None:
    values = np.random.default_rng(3).normal(0.1, 0.2, 10)
    low, high = sign_flip_tests(values[:, None])[0].interval
    signs = np.array(list(product([1, -1], repeat=10)))

    def p_value(shift: float) -> float:
        moved = values - shift
        return float(np.mean(np.abs(signs @ moved) >= abs(moved.sum()) - 1e-12))

    for end, outside in ((low, -1), (high, 1)):
        assert p_value(end - outside * 1e-6) > 0.05
        assert p_value(end + outside * 1e-6) <= 0.05


def test_many_clusters_give_the_interval_of_their_test_too() -> None:
    values = np.random.default_rng(4).normal(0.05, 0.2, 300)
    test = sign_flip_tests(values[:, None])[0]
    student = stats.t.interval(0.95, 299, values.mean(), stats.sem(values))
    assert test.interval == pytest.approx(student, abs=0.004)
    for end in test.interval:
        assert sign_flip_tests((values - end)[:, None])[0].p_value == pytest.approx(0.05, abs=0.002)


def test_skewed_equal_checkpoints_are_rarely_called_different() -> None:
    """A tenth of 30 problems loses much, the others gain a little, the mean is 0.

    Sign flips alone reject 13%, a t test 11%.
    """
    random, rejected, flips_alone = np.random.default_rng(6), 0, 0
    n = np.full(30, 1_000)
    for seed in range(400):
        losing = random.random(30) < 0.1
        rates = np.where(losing, -0.3, 0.3 / 9) * random.uniform(0.5, 1.5, 30)
        counts = np.round(500 + 1_000 * rates).astype(int)
        result = paired_comparison(n, [500] * 30, n, counts, 1, seed=seed)
        rejected += result.p_value <= 0.05
        flips_alone += sign_flip_tests(((counts - 500) / 1_000)[:, None])[0].p_value <= 0.05
    assert flips_alone / 400 > 0.10
    assert rejected / 400 < 0.08


def test_a_skewed_difference_carries_a_warning() -> None:
    n, before = np.full(60, 1_000), np.full(60, 500)
    after = before + np.where(np.arange(60) < 57, 20, -5)
    after[:2] += 350
    result = paired_comparison(n, before, n, after, 1)
    assert abs(result.skewness) > 0.3
    assert ("A few problems carry most" in result.sentence) == (result.p_value <= 0.05)


def test_compare_and_rank_have_one_verdict() -> None:
    """4 gained and 0 lost of 30: p = 0.125, and yet they were ranked apart."""
    n = np.full(30, 8)
    table = {"old": {"x": (n, solved(10, 30))}, "new": {"x": (n, solved(14, 30))}}
    assert [row.rank for row in rank_by_mean(table, {"x": 8})] == [1, 1]
    table["new"]["x"] = (n, solved(16, 30))
    assert [row.rank for row in rank_by_mean(table, {"x": 8})] == [1, 2]
    random = np.random.default_rng(7)
    for _ in range(20):
        before, after = random.integers(0, 9, 30), random.integers(0, 10, 30).clip(0, 8)
        result = paired_comparison(n, before, n, after, 2)
        ranked = rank_by_mean({"a": {"x": (n, before)}, "b": {"x": (n, after)}}, {"x": 2})
        assert ([row.rank for row in ranked] == [1, 2]) == result.significant


# Small p-values and families


def test_p_values_fall_below_the_floor_of_the_draws() -> None:
    """+58.9 points on 500 problems was "not resolved" among 260 comparisons."""
    random = np.random.default_rng(8)
    n = np.full(500, 16)
    before, after = random.binomial(16, 0.2, 500), random.binomial(16, 0.789, 500)
    result = paired_comparison(n, before, n, after, 1)
    assert 0 < result.p_value < 1e-20 < 1 / 5_000
    family = adjust_family([result] * 260)
    assert all(c.significant for c in family)
    table = compare_candidates((n, before), [(n, after)] * 260, 1)
    assert all(c.significant and c.family_size == 260 for c in table)


@pytest.mark.parametrize("count", [16, 20])
def test_small_tails_are_those_of_all_flips(count: int) -> None:
    random = np.random.default_rng(count)
    signs = 1 - 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1).astype(np.int8)
    for _ in range(3):
        values = np.abs(random.normal(0, 1, count))
        values[np.argsort(values)[:3]] *= -1
        exact = np.mean(np.abs(signs @ values) >= abs(values.sum()) - 1e-9)
        assert flip_tail(values) == pytest.approx(exact)
        if exact < 0.003:
            assert sign_flip_tests(values[:, None])[0].p_value == pytest.approx(exact)


def test_the_saddlepoint_agrees_with_the_exact_law_on_a_lattice() -> None:
    steps = np.random.default_rng(9).integers(1, 17, 60)
    law = np.array([1.0])
    for step in steps:
        wider = np.zeros(law.size + 2 * step)
        wider[: law.size] += law / 2
        wider[2 * step :] += law / 2
        law = wider
    sums = np.arange(law.size) - steps.sum()
    values = steps / 16.0
    for flipped in ([], [0, 1, 2], list(range(8)), list(range(12))):
        signed = values.copy()
        signed[flipped] *= -1
        observed = round(16 * signed.sum())
        # Ties count half, as the saddlepoint does.
        exact = 2 * law[sums > observed].sum() + law[sums == observed].sum()
        assert flip_tail(signed) == pytest.approx(exact, rel=0.05 if flipped else 1.01)


def test_tails_rise_as_the_sum_falls_and_stay_in_range() -> None:
    values = np.sort(np.random.default_rng(10).exponential(1, 200))
    tails = []
    for flips in range(0, 60, 5):
        signed = values.copy()
        signed[:flips] *= -1
        tails.append(flip_tail(signed))
    assert all(a <= b for a, b in pairwise(tails))
    assert tails[0] == pytest.approx(2.0**-199)
    assert flip_tail(np.full(30, 0.25)) == pytest.approx(2.0**-29)
    assert flip_tail(np.zeros(3)) == 1.0
    assert mcnemar(2_000, 0).p_value > 0


def test_pairs_have_the_p_values_of_their_differences() -> None:
    random = np.random.default_rng(11)
    values = random.normal([0.0, 0.05, 0.1, 0.4], 0.2, (60, 4))
    pairs = [(i, j) for i in range(4) for j in range(i + 1, 4)]
    found = pairwise_flip_p_values(values, pairs)
    tests = sign_flip_tests(np.column_stack([values[:, j] - values[:, i] for i, j in pairs]))
    for p_value, test in zip(found, tests, strict=True):
        assert p_value == pytest.approx(test.p_value, rel=0.01) or max(p_value, test.p_value) < 1e-6


def test_a_part_of_a_family_is_corrected_by_its_size_alone() -> None:
    n = np.full(60, 8)
    random = np.random.default_rng(12)
    before = random.integers(0, 8, 60)
    made = [
        paired_comparison(n, before, n, np.clip(before + random.integers(-1, 3, 60), 0, 8), 1)
        for _ in range(4)
    ]
    page = adjust_family(made[:2], 40)
    assert [c.p_adjusted for c in page] == [min(40 * c.p_value, 1.0) for c in made[:2]]
    assert page[0] == adjust_family(made, 40)[0]
    with pytest.raises(StatisticsError, match="part of a family of 3"):
        adjust_family(made, 3)
    assert adjust_family([]) == ()


# Detectable effects


@pytest.mark.parametrize("family", [1, 9, 63])
@pytest.mark.parametrize("exchanged", [0, 3])
def test_the_detectable_effect_at_k_equal_n_has_a_power_of_four_fifths(
    family: int, exchanged: int
) -> None:
    """20 points on 30 problems were detected in 57% of repeats, in a family of 63 in 24%."""
    alpha = 0.05 / family
    effect = detectable_gain(30, exchanged, alpha)
    gained, both = effect + exchanged / 30, exchanged / 30
    power = 0.0
    for a, b in product(range(31), repeat=2):
        if a + b <= 30 and (stats.binomtest(a, a + b).pvalue if a + b else 1.0) <= alpha:
            power += stats.multinomial.pmf(
                [a, b, 30 - a - b], 30, [gained, both, 1 - gained - both]
            )
    assert power == pytest.approx(0.8, abs=0.003)
    assert mcnemar_power(30, gained, both, alpha) == pytest.approx(power, abs=1e-6)


def test_the_paper_s_design_detects_25_points_and_more_in_a_family() -> None:
    n = [256] * 30
    alone = paired_comparison(n, solved(14, 30), n, solved(17, 30), 256)
    assert alone.minimum_detectable_effect == pytest.approx(0.2515, abs=0.001)
    (first, *_) = adjust_family([alone] * 63)
    assert first.minimum_detectable_effect > 0.4
    assert f"{100 * first.minimum_detectable_effect:.1f} points would be seen" in first.sentence


@pytest.mark.parametrize("family", [1, 9])
def test_the_detectable_effect_below_n_is_detected_in_four_of_five_repeats(family: int) -> None:
    random, detected = np.random.default_rng(13), 0
    n, rates = np.full(60, 16), np.random.default_rng(14).beta(2, 2, 60)

    def repeat(shift: float) -> Comparison:
        moved = np.clip(rates + shift + random.normal(0, 0.05, 60), 0, 1)
        made = paired_comparison(n, random.binomial(n, rates), n, random.binomial(n, moved), 1)
        return adjust_family([made] * family)[0]

    effect = np.mean([repeat(0.0).minimum_detectable_effect for _ in range(40)])
    for _ in range(200):
        detected += repeat(float(effect)).p_value <= 0.05 / family
    assert detected / 200 == pytest.approx(0.8, abs=0.09)


def test_small_steady_differences_are_seen_where_samples_are_many() -> None:
    """Padding for rare differences must not cost the test its power at k far below n."""
    random, rejected, detected = np.random.default_rng(21), 0, 0
    n = np.full(30, 256)
    for _ in range(300):
        rates = random.beta(4.0, 0.8, 30)
        before, after = random.binomial(n, rates), random.binomial(n, rates)
        better = random.binomial(n, np.minimum(rates + 0.02, 1.0))
        rejected += paired_comparison(n, before, n, after, 1).p_value <= 0.05
        detected += paired_comparison(n, before, n, better, 1).p_value <= 0.05
    assert 0.01 <= rejected / 300 <= 0.075
    assert detected / 300 > 0.8


# Unequal n, equal runs, optimism, crossings, pilots, byes


def test_sixteen_samples_against_256_reject_no_more_than_alpha() -> None:
    """At k = 16 one side is 0 or 1 and the other smooth: 11.4% were rejected under equality."""
    random, rejected = np.random.default_rng(15), 0
    for seed in range(500):
        rates = random.beta(0.4, 4.0, 40)
        before, after = random.binomial(16, rates), random.binomial(256, rates)
        made = paired_comparison([16] * 40, before, [256] * 40, after, 16, seed=seed)
        rejected += made.p_value <= 0.05
        assert made.difference == pytest.approx(
            float(np.mean(pass_at_k(256, after, 16) - pass_at_k(16, before, 16)))
        )
    assert rejected / 500 <= 0.065


def test_many_different_n_are_pass_at_k_of_each() -> None:
    random = np.random.default_rng(16)
    n = random.integers(64, 900, 400)
    c = random.binomial(n, 0.03)
    for k in (1, 7, 64):
        exact = [1 - math.comb(a - b, k) / math.comb(a, k) for a, b in zip(n, c, strict=True)]
        assert pass_at_k(n, c, k) == pytest.approx(exact, rel=1e-12, abs=1e-13)
        some = pass_hat_k(n, n - c, k)
        assert some == pytest.approx([1 - x for x in exact], rel=1e-11)


def test_similar_n_share_their_noise_within_two_percent() -> None:
    random = np.random.default_rng(17)
    n = np.repeat(np.arange(128, 256), 20)
    rates = random.beta(1, 2, n.size)
    c = random.binomial(n, rates)
    many = estimate(n, c, 16).standard_error_fixed
    few = estimate(np.full(n.size, 190), random.binomial(190, rates), 16).standard_error_fixed
    assert many is not None and few is not None
    assert many == pytest.approx(few, rel=0.05)


@pytest.mark.parametrize(("n", "c", "k"), [(8, 4, 1), (256, 256, 256), (16, 0, 4), (1, 1, 1)])
def test_equal_runs_show_nothing_and_have_intervals_of_some_width(n: int, c: int, k: int) -> None:
    run = ([n] * 30, [c] * 30)
    result = compare_methods([run, run], [run, run], k)
    assert result.p_value == result.p_value_fixed == 1.0
    for low, high in (result.interval_fixed, result.interval_population):
        assert low < -0.005 and high > 0.005


def test_equal_runs_of_unlike_methods_differ_by_their_samples_noise_at_least() -> None:
    low, high = ([16] * 30, [8] * 30), ([16] * 30, [9] * 30)
    result = compare_methods([low, low], [high, high], 1)
    noise = math.sqrt(2 * 0.25 / (16 * 30) / 2)
    assert 0.001 < result.p_value_fixed < 1
    assert result.interval_fixed[1] - result.interval_fixed[0] > 4 * noise


@pytest.mark.parametrize(("steps", "spread"), [(12, 0.0), (30, 0.0), (2, 0.0), (12, 0.6)])
def test_the_best_step_is_flattered_by_what_it_is_said_to_be(steps: int, spread: float) -> None:
    """12 equal steps: 2.79 points too high, of which 1.90 were reported."""
    random = np.random.default_rng(18)
    reported, true = [], []
    for _ in range(120):
        rates = random.beta(1, 1, 30)
        shifts = random.normal(0, spread, steps)
        moved = 1 / (1 + np.exp(-(np.log(rates / (1 - rates)) + shifts[:, None])))
        counts = random.binomial(4, moved)
        found = best_step([StepCounts(i, [4] * 30, c) for i, c in enumerate(counts)], 1)
        reported.append(found.optimism)
        # Over these problems: what all steps share has mean 0 and only adds noise here.
        everyone = counts.mean() / 4 - moved.mean()
        true.append(found.value - everyone - moved[found.step].mean())
    assert np.mean(reported) == pytest.approx(np.mean(true), rel=0.25, abs=0.01)
    if spread == 0.0:
        assert np.mean(reported) > 0.8 * np.mean(true)


class _Point:
    """A comparison as a crossing sees it."""

    def __init__(self, k: int, difference: float, *, significant: bool) -> None:
        self.k, self.difference, self.significant = k, difference, significant


def test_a_crossing_is_resolved_only_where_its_neighbours_are() -> None:
    ends = [
        _Point(1, 0.1, significant=True),
        _Point(4, 0.01, significant=False),
        _Point(16, -0.01, significant=False),
        _Point(64, -0.1, significant=True),
    ]
    (crossing,) = crossovers(ends)
    assert (crossing.below, crossing.above, crossing.resolved) == (4, 16, False)
    assert crossing.resolved_between == (1, 64)
    ends[1].significant = ends[2].significant = True
    (crossing,) = crossovers(ends)
    assert crossing.resolved and crossing.resolved_between == (4, 16)
    ends[0].significant = ends[1].significant = False
    (crossing,) = crossovers(ends)
    assert not crossing.resolved and crossing.resolved_between is None


def test_a_pilot_that_solved_nothing_is_refused() -> None:
    """0 of 480 "detects 5 points in 100% of repeats"."""
    for correct in (0, 16):
        with pytest.raises(StatisticsError, match="says nothing"):
            pilot([16] * 30, [correct] * 30)


def test_a_bye_earns_nothing_and_the_rounds_keep_their_order() -> None:
    n = np.full(40, 4)
    table = {
        name: {"x": (n, np.full(40, c)), "y": (n, np.full(40, c))}
        for name, c in (("good", 4), ("fair", 2), ("poor", 0))
    }
    ranked = swiss_ranking(table, {"x": 1, "y": 1})
    # Of three, two play each round: one point a round and no more.
    assert sum(row.expected_wins for row in ranked) == pytest.approx(2.0)
    # Who wins the first round meets who comes second in the last: the order matters.
    swapped = {name: {"x": own["x"], "y": (n, 4 - own["y"][1])} for name, own in table.items()}
    forth = {row.name: row.expected_wins for row in swiss_ranking(swapped, {"x": 1, "y": 1})}
    back = {row.name: row.expected_wins for row in swiss_ranking(swapped, {"y": 1, "x": 1})}
    assert forth["good"] == pytest.approx(back["poor"], abs=0.1)
    assert forth["good"] != pytest.approx(back["good"], abs=0.1)


# Stopping early


def test_who_was_ahead_when_sampling_stopped_is_named() -> None:
    found = sequential_sign_test([0, 40, 40], [0, 2, 45])
    assert (found.leader, found.stopped_at) == ("candidate", 1)
    assert "the candidate checkpoint is better on these problems since look 2, at 40 to 2" in (
        found.sentence
    )
    assert sequential_sign_test([0, 2, 45], [0, 40, 40]).leader == "baseline"
    assert sequential_sign_test(0, 0).leader == ""
    assert "not resolved yet on these problems" in sequential_sign_test(3, 1).sentence


def test_other_problems_are_another_question_whichever_look_it_is() -> None:
    wins, losses = np.array([200, 0, 0, 0]), np.zeros(4, dtype=int)
    assert sequential_sign_test(200, 0).stop
    assert not other_problems_test(wins, losses, looks=1).resolved
    found = other_problems_test([3] * 20, [0] * 20, looks=4)
    assert found.p_value == pytest.approx(2.0**-19 * 4 * 5)
    random, wrong = np.random.default_rng(19), 0
    for _ in range(300):
        # Problems differ truly, in either direction alike; looked at after each of 6 rounds.
        rates = random.beta(1, 1, 15)
        up = random.binomial(1, rates, (6, 15)).cumsum(axis=0)
        down = random.binomial(1, 1 - rates, (6, 15)).cumsum(axis=0)
        wrong += any(other_problems_test(up[i], down[i], looks=i + 1).resolved for i in range(6))
    assert wrong / 300 <= 0.05


# Nonsense, and the smallest designs


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([4, float("nan")], [1, 1], [4, 4], [1, 1], 1), "must be whole"),
        (([4, 4], [1, float("inf")], [4, 4], [1, 1], 1), "must be whole"),
        ((["4", "4"], [1, 1], [4, 4], [1, 1], 1), "must hold numbers"),
        (([4, None], [1, 1], [4, 4], [1, 1], 1), "must hold numbers"),
        (([4, 4], [1, 5], [4, 4], [1, 1], 1), "must not exceed n"),
        (([4, 4], [1, -1], [4, 4], [1, 1], 1), "must not be negative"),
        (([4, 4], [1, 1.5], [4, 4], [1, 1], 1), "must be whole"),
        (([4, 4], [1, 1], [4, 4], [1, 1], 0), "at least 1"),
        (([4, 4], [1, 1], [4, 4], [1, 1], 5), "k must not exceed n"),
        (([4, 4], [1, 1], [4, 4], [1, 1], "1"), "must hold numbers"),
        (([4, 4], [1, 1], [4, 4], [1, 1], [1, 2]), "one number"),
        (([], [], [], [], 1), "no problems"),
    ],
)
def test_nonsense_is_refused_in_words(arguments: tuple, words: str) -> None:
    with pytest.raises(StatisticsError, match=words) as refused:
        paired_comparison(*arguments)
    assert isinstance(refused.value, EvalsvcError) and isinstance(refused.value, ValueError)
    assert refused.value.status == 422


@pytest.mark.parametrize("function", [pass_at_k, pass_hat_k])
@pytest.mark.parametrize(
    ("n", "c", "k"),
    [(4, 5, 1), (4, float("nan"), 1), ("a", 1, 1), (4, 1, 0), (4, 1, 5), (-1, 0, 1)],
)
def test_estimators_refuse_nonsense(function, n, c, k) -> None:
    with pytest.raises(StatisticsError):
        function(n, c, k)


def test_missing_labels_and_empty_questions_are_refused() -> None:
    sides = [4, 4], [1, 2], [4, 4], [2, 3]
    with pytest.raises(StatisticsError, match="no k is asked for"):
        compare_curves(*sides, [])
    for missing in (None, float("nan")):
        with pytest.raises(StatisticsError, match="label at index 1 is missing"):
            paired_comparison(*sides, 1, clusters=["a", missing])
    with pytest.raises(StatisticsError, match=r"not in \[0, 1\]"):
        holm([0.1, float("nan")])
    assert holm([]).size == 0
    with pytest.raises(StatisticsError, match="two checkpoints and a benchmark"):
        rank_by_mean({"a": {}, "b": {}}, {})
    with pytest.raises(StatisticsError, match="there are no steps"):
        best_step([], 1)
    with pytest.raises(StatisticsError, match="cannot tell a method"):
        compare_methods([], [([4], [1])], 1)
    with pytest.raises(StatisticsError, match="do not make a test"):
        other_problems_test([], [], looks=1)
    for alpha in (0.0, 1.0, float("nan")):
        with pytest.raises(StatisticsError, match="not between 0 and 1"):
            compare_curves(*sides, [1], alpha=alpha)


def test_one_problem_and_one_cluster_say_nothing_of_others() -> None:
    for clusters, problems in ((None, 1), (["x"] * 5, 5)):
        n, before, after = [8] * problems, [0] * problems, [8] * problems
        for k in (1, 8):
            result = paired_comparison(n, before, n, after, k, clusters=clusters)
            assert (result.p_value, result.interval_population) == (1.0, (-1.0, 1.0))
            assert result.minimum_detectable_effect == 1.0


def test_fewer_than_six_clusters_cannot_be_resolved_and_the_interval_says_so() -> None:
    result = paired_comparison([8] * 5, [0] * 5, [8] * 5, [7] * 5, 1)
    assert result.p_value == 0.0625 and holds_zero(result)


@pytest.mark.parametrize("correct", [0, 3, 8])
def test_all_equal_gives_no_difference_and_an_interval_of_some_width(correct: int) -> None:
    n, c = [8] * 40, [correct] * 40
    for result in compare_curves(n, c, n, c, [1, 2, 8]):
        assert (result.difference, result.p_value) == (0.0, 1.0)
        low, high = result.interval_population
        assert low < -0.01 and high > 0.01


def test_the_draws_are_told_in_the_name_of_the_test() -> None:
    values = np.random.default_rng(20).normal(0, 1, (30, 1))
    assert sign_flip_tests(values)[0].method == f"sign flips by cluster, {DRAWS:,} draws"
    assert sign_flip_tests(values + 3)[0].method == "sign flips by cluster, tail in closed form"
