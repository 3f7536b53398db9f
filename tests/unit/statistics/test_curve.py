"""Two whole curves: the test against enumeration, the band against the test, size and coverage."""

from itertools import product

import numpy as np
import pytest
from scipy.special import expit, logit

from evalsvc.statistics import (
    SampledCounts,
    StatisticsError,
    StoppingPlan,
    compare_curves,
    curve_comparison,
    curve_comparison_stopped,
    pass_at_k,
)
from evalsvc.statistics.max_t import max_t_test
from evalsvc.statistics.studentised import Spread

KS = [1, 2, 4, 8, 16, 32, 64]


def test_p_values_equal_the_enumeration_of_all_flips() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        d = random.normal(0.3, 1.0, (8, 3)) @ random.normal(0, 1, (3, 3))
        # Errors of almost nothing, so that the flips alone decide.
        sure = [Spread(float(mean), 1e-9, 0.0, 7.0) for mean in d.mean(axis=0)]
        made = max_t_test(d, np.ones(8), sure, 0.05, seed=0)
        signs = np.array(list(product((-1, 1), repeat=8)))
        norms = np.sqrt((d**2).sum(axis=0))
        observed = np.abs(d.sum(axis=0)) / norms
        largest = (np.abs(signs @ d) / norms).max(axis=1)
        plain = [(largest >= t - 1e-9).mean() for t in observed]
        residuals = d - d.mean(axis=0)
        centred = (np.abs(signs @ residuals) / np.sqrt((residuals**2).sum(axis=0))).max(axis=1)
        moved = [(centred >= t - 1e-9).mean() for t in observed]
        assert made.adjusted == pytest.approx(np.maximum(plain, moved))
        assert made.p_value == min(made.adjusted)
        assert made.exact


def test_the_studentised_half_decides_where_it_is_weaker() -> None:
    d = np.full((8, 1), 0.5)
    sure, unsure = Spread(0.5, 1e-9, 0.0, 7.0), Spread(0.5, 0.4, 0.0, 7.0)
    assert max_t_test(d, np.ones(8), [sure], 0.05, seed=0).p_value == pytest.approx(2 / 256)
    made = max_t_test(d, np.ones(8), [unsure], 0.05, seed=0)
    assert made.p_value > 0.05
    assert made.band[0][0] <= 0 <= made.band[0][1]


def test_skew_raises_the_size_but_little() -> None:
    random, rejected = np.random.default_rng(8), 0
    for seed in range(300):
        few = random.random(30) < 0.1  # lose much where the others gain a little; equal on average
        p, q = np.where(few, 0.5, 0.3), np.where(few, 0.23, 0.33)
        n = np.full(30, 64)
        made = curve_comparison(
            n, random.binomial(64, p), n, random.binomial(64, q), [1], None, seed
        )
        rejected += made.p_value <= 0.05
    assert rejected / 300 <= 0.055 + 0.025


def test_band_and_test_never_disagree() -> None:
    random = np.random.default_rng(1)
    resolved = 0
    for seed in range(150):
        problems, shift = int(random.integers(2, 60)), random.normal(0, 0.7)
        p = random.beta(*random.uniform(0.2, 4.0, 2), problems)
        q = expit(logit(np.clip(p, 1e-9, 1 - 1e-9)) + shift)
        n = np.full(problems, 64)
        clusters = random.integers(0, max(2, problems // 2), problems) if seed % 3 else None
        if clusters is not None and np.unique(clusters).size < 2:
            continue
        made = curve_comparison(
            n, random.binomial(64, p), n, random.binomial(64, q), KS, clusters, seed
        )
        for (low, high), p_k, d in zip(made.band, made.adjusted, made.difference, strict=True):
            assert (low <= 0 <= high) == (p_k > made.alpha)
            assert low - 1e-9 <= d <= high + 1e-9
            assert -1 <= low <= high <= 1
        resolved += made.p_value <= 0.05
        assert made.p_value == min(made.adjusted)
    assert 20 < resolved < 140


@pytest.mark.parametrize(("law", "problems"), [((0.4, 2.0), 30), ((4.0, 0.8), 40), ((1, 1), 200)])
def test_size_stays_below_its_promise(law, problems: int) -> None:
    random = np.random.default_rng(2)
    rejected = 0
    for seed in range(300):
        p, n = random.beta(*law, problems), np.full(problems, 64)
        made = curve_comparison(
            n, random.binomial(64, p), n, random.binomial(64, p), KS, None, seed
        )
        rejected += made.p_value <= 0.05
    assert rejected / 300 <= 0.055 + 2 * (0.05 * 0.95 / 300) ** 0.5


def test_unequal_n_is_thinned_and_keeps_the_size() -> None:
    random = np.random.default_rng(3)
    rejected = 0
    for seed in range(300):
        p = random.beta(0.4, 2.0, 30)
        made = curve_comparison(
            [16] * 30, random.binomial(16, p), [256] * 30, random.binomial(256, p), [16], None, seed
        )
        rejected += made.p_value <= 0.05
        assert made.thinned
    assert rejected / 300 <= 0.055 + 2 * (0.05 * 0.95 / 300) ** 0.5
    assert "left out at random" in made.sentence


def test_the_sentence_names_the_stretch() -> None:
    random = np.random.default_rng(4)
    p = random.beta(0.5, 1.0, 400)
    q = np.where(p < 0.02, p, np.clip(p * 1.3, 0, 1))
    n = np.full(400, 64)
    made = curve_comparison(n, random.binomial(64, p), n, random.binomial(64, q), KS)
    above = made.resolved(1)
    assert above[0] == 1 and above[-1] < 64 and made.resolved(-1) == ()
    assert f"above the baseline at every k from 1 to {above[-1]}" in made.sentence
    assert "not resolved at the other k with 400 problems" in made.sentence
    assert "two checkpoints, not two methods" in made.sentence
    swapped = curve_comparison(n, random.binomial(64, q), n, random.binomial(64, p), [1])
    assert "below the baseline at k = 1" in swapped.sentence


def test_a_large_effect_is_not_held_up_by_the_number_of_draws() -> None:
    random = np.random.default_rng(5)
    p = random.beta(1, 1, 500)
    n = np.full(500, 64)
    made = curve_comparison(n, random.binomial(64, p / 3), n, random.binomial(64, p), KS)
    assert made.p_value * 315 < 0.001


def test_few_gains_and_no_loss_are_not_resolved() -> None:
    n, before, after = [64] * 30, [0] * 30, [5] * 4 + [0] * 26
    made = curve_comparison(n, before, n, after, KS)
    assert made.p_value == pytest.approx(0.125)
    assert all(low <= 0 <= high for low, high in made.band)
    assert made.sentence.startswith("Not resolved at any k with 30 problems")


def test_equal_counts_have_a_band_of_some_width() -> None:
    n, c = [64] * 30, list(range(30))
    made = curve_comparison(n, c, n, c, KS)
    assert made.p_value == 1.0
    assert all(low < -0.001 and high > 0.001 for low, high in made.band)


def test_coverage_of_the_simultaneous_band() -> None:
    random = np.random.default_rng(6)
    rates = random.beta(0.5, 1.5, 200_000)
    gains = expit(logit(rates) + random.normal(0.5, 0.5, rates.size))
    truth = [float(np.mean((1 - rates) ** k - (1 - gains) ** k)) for k in KS]
    held = 0
    for seed in range(200):
        chosen = random.integers(0, rates.size, 60)
        n = np.full(60, 64)
        made = curve_comparison(
            n,
            random.binomial(64, rates[chosen]),
            n,
            random.binomial(64, gains[chosen]),
            KS,
            None,
            seed,
        )
        held += all(low <= t <= high for (low, high), t in zip(made.band, truth, strict=True))
    assert held / 200 >= 0.93 - 0.03


def test_stopped_against_full_and_stopped() -> None:
    random = np.random.default_rng(7)
    plan = StoppingPlan(4, block=8, n_max=64)
    p = random.beta(0.5, 0.5, 200)
    full = random.random((200, 64)) < p[:, None]
    n, c = stopped(full, plan)
    other = full.sum(axis=1)
    made = curve_comparison_stopped(SampledCounts(n, c, plan), SampledCounts([64] * 200, other), KS)
    assert made.difference[-1] == 0.0
    assert made.candidate[2] == pytest.approx(pass_at_k([64] * 200, other, 4).mean())
    assert not made.thinned
    better = random.random((200, 64)) < np.clip(p + 0.2, 0, 1)[:, None]
    both = curve_comparison_stopped(
        SampledCounts(n, c, plan), SampledCounts(*stopped(better, plan), plan), KS
    )
    assert both.resolved(1)[:1] == (1,)
    with pytest.raises(StatisticsError, match="is no end"):
        curve_comparison_stopped(
            SampledCounts([64] * 200, other, plan), SampledCounts(n, c, plan), KS
        )


def stopped(samples: np.ndarray, plan: StoppingPlan) -> tuple[np.ndarray, np.ndarray]:
    n, c = np.zeros(len(samples), dtype=int), np.zeros(len(samples), dtype=int)
    for look in reversed(plan.looks):
        correct = samples[:, :look].sum(axis=1)
        here = (correct >= plan.stop_after) | (look == plan.n_max)
        n[here], c[here] = look, correct[here]
    return n, c


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([4, 4], [1, 1], [4, 4], [2, 2], []), "no k"),
        (([4, 4], [1, 1], [4, 4], [2, 2], [5]), "must not exceed n"),
        (([4, 4], [1, 5], [4, 4], [2, 2], [1]), "must not exceed n"),
        (([4, 4], [1, 1], [4], [2], [1]), "the candidate 1"),
        (([4], [1], [4], [2], [1]), "one cluster"),
        (([4, 4], [1, float("nan")], [4, 4], [2, 2], [1]), "whole"),
        (([4, 4], ["1", "2"], [4, 4], [2, 2], [1]), "numbers"),
        (([], [], [], [], [1]), "no problems"),
        (([4, 0], [1, 0], [4, 4], [2, 2], [1]), "no samples"),
        (([4, 4], [1, 1], [4, 4], [2, 2], [1], ["a", "a"]), "one cluster"),
        (([4, 4], [1, 1], [4, 4], [2, 2], 1), "no k"),
    ],
)
def test_bad_input_is_refused(arguments, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        curve_comparison(*arguments)


def test_small_gains_far_below_n_are_resolved_as_in_the_comparison_of_one_k() -> None:
    # pass@1 of 256 samples: a problem that was not met can hardly differ by 30 points.
    n, before, after = [256] * 40, [0] * 40, [2] * 6 + [0] * 34
    curve = curve_comparison(n, before, n, after, [1])
    (one,) = compare_curves(n, before, n, after, ks=[1])
    assert curve.p_value == one.p_value == 2 / 2**6
    assert curve.resolved(1) == (1,)
    # At k = n it can, and the whole padding stays.
    low, high = curve_comparison(n, before, n, after, [256]).band[0]
    assert high - low > 0.2
