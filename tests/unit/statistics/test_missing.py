"""Bounds for what is missing: against every completion; control variates: against repeats."""

from itertools import product

import numpy as np
import pytest

from evalsvc.statistics import (
    StatisticsError,
    estimate,
    missing_bounds,
    pass_at_k,
    subset_estimate,
)


@pytest.mark.parametrize("k", [1, 2, 3])
def test_bounds_hold_for_every_completion_and_are_reached(k: int) -> None:
    n, c = np.array([3, 2, 0, 1]), np.array([1, 2, 0, 0])
    made = missing_bounds(n, c, k, wanted=3)
    values = [
        float(pass_at_k([3] * 4, c + np.array(more), k).mean())
        for more in product(*(range(3 - i + 1) for i in n))
    ]
    assert made.bounds == pytest.approx((min(values), max(values)))
    assert (made.coverage, made.unseen, made.problems) == (0.5, 1, 4)
    assert made.interval_population[0] <= made.bounds[0]
    assert made.bounds[1] <= made.interval_population[1]


def test_share_and_worst_case_at_k_1() -> None:
    n, c = np.array([16] * 80 + [0] * 20), np.array([8] * 80 + [0] * 20)
    made = missing_bounds(n, c, 1, wanted=16)
    v, m = 0.8, 0.5
    assert made.bounds == pytest.approx((v * m, v * m + 1 - v))
    assert "50.0% of what exists" in made.sentence
    assert "between 40.0% and 60.0% whatever they were" in made.sentence


def test_a_complete_evaluation_has_its_own_interval() -> None:
    c = np.random.default_rng(0).integers(0, 17, 40)
    made, own = missing_bounds([16] * 40, c, 4, wanted=16), estimate([16] * 40, c, 4)
    assert made.bounds == (own.value, own.value)
    assert made.interval_fixed == own.interval_fixed
    assert made.interval_population == own.interval_population
    assert "nothing is missing" in made.sentence


def test_the_bounds_hold_where_the_usual_figure_does_not() -> None:
    random = np.random.default_rng(1)
    held = flattered = 0
    for _ in range(200):
        p = random.beta(0.8, 0.8, 200)
        full = random.binomial(16, p)
        there = random.random(200) < 0.5 + 0.5 * p  # hard problems are missing more often
        n = np.where(there, 16, 0)
        made = missing_bounds(n, np.where(there, full, 0), 1, wanted=16)
        held += made.interval_population[0] <= 0.5 <= made.interval_population[1]
        usual = estimate(n[there], full[there], 1).interval_population
        flattered += not usual[0] <= 0.5 <= usual[1]
    assert held == 200
    assert flattered > 100


def test_nothing_at_all() -> None:
    made = missing_bounds([0] * 9, [0] * 9, 1, wanted=4)
    assert made.bounds == (0.0, 1.0)
    assert "is not known" in made.sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([], [], 1, 4), "no problems"),
        (([5], [1], 1, 4), "wanted"),
        (([4], [5], 1, 4), "must not exceed n"),
        (([4], [1], 5, 4), "must not exceed n"),
        (([4], [1], 1, 0), "wanted"),
        (([float("nan")], [1], 1, 4), "whole"),
        ((["4"], [1], 1, 4), "numbers"),
    ],
)
def test_bad_counts_are_refused(arguments, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        missing_bounds(*arguments)


def benchmark(random: np.random.Generator, problems: int = 500) -> tuple[np.ndarray, np.ndarray]:
    """This checkpoint's pass@1 and two others' on all problems; alike, not equal."""
    p = random.beta(0.6, 0.6, problems)
    others = [
        random.binomial(16, np.clip(p + random.normal(0, 0.1, problems), 0, 1)) / 16
        for _ in range(2)
    ]
    return random.binomial(16, p) / 16, np.column_stack(others)


def test_the_corrected_interval_covers_and_is_much_narrower() -> None:
    random = np.random.default_rng(2)
    held, raw_held, widths = 0, 0, []
    for _ in range(400):
        values, known = benchmark(random)
        chosen = random.choice(500, 60, replace=False)
        made = subset_estimate(values[chosen], chosen, known)
        truth = values.mean()
        held += made.corrected_interval[0] <= truth <= made.corrected_interval[1]
        raw_held += made.raw_interval[0] <= truth <= made.raw_interval[1]
        widths.append(np.ptp(made.corrected_interval) / np.ptp(made.raw_interval))
    assert 0.92 <= held / 400 <= 0.98
    assert 0.92 <= raw_held / 400 <= 0.98
    assert np.mean(widths) < 0.5


def test_an_easy_subset_is_corrected() -> None:
    random = np.random.default_rng(3)
    values, known = benchmark(random)
    easy = np.argsort(-known[:, 0])[:250]
    made = subset_estimate(values[easy], easy, known)
    truth = values.mean()
    assert made.raw - truth > 0.2
    assert abs(made.corrected - truth) < 0.1


def test_masks_indices_and_a_single_checkpoint_agree() -> None:
    random = np.random.default_rng(4)
    values, known = benchmark(random, 100)
    mask = random.random(100) < 0.4
    indices = np.flatnonzero(mask)[::-1]
    by_mask = subset_estimate(values[mask], mask, known[:, 0])
    by_index = subset_estimate(values[indices], indices, known[:, :1])
    assert by_mask.corrected == pytest.approx(by_index.corrected)
    x, v = known[mask, 0], values[mask]
    beta = np.cov(v, x)[0, 1] / np.var(x, ddof=1)
    assert by_mask.corrected == pytest.approx(v.mean() - beta * (x.mean() - known[:, 0].mean()))
    assert by_mask.coefficients == pytest.approx((beta,))


def test_all_evaluated_is_certain_and_flat_covariates_change_nothing() -> None:
    random = np.random.default_rng(5)
    values, known = benchmark(random, 50)
    made = subset_estimate(values, range(50), known)
    assert made.corrected == pytest.approx(values.mean())
    assert made.corrected_interval == pytest.approx((values.mean(),) * 2)
    flat = subset_estimate(values[:20], range(20), np.ones(50))
    assert flat.corrected == flat.raw
    assert flat.corrected_interval == pytest.approx(flat.raw_interval)
    assert flat.saved == 0.0


@pytest.mark.parametrize(
    ("values", "evaluated", "known", "words"),
    [
        ([0.5] * 4, range(4), np.zeros((9, 1)), "5 are needed"),
        ([0.5] * 6, range(5), np.zeros((9, 1)), "6 values for 5"),
        ([0.5] * 6, [0, 0, 1, 2, 3, 4], np.zeros((9, 1)), "occurs twice"),
        ([0.5] * 6, [0, 1, 2, 3, 4, 9], np.zeros((9, 1)), "occurs twice or is not in"),
        ([0.5] * 6, [0.0, 1, 2, 3, 4, 5], np.zeros((9, 1)), "no mask"),
        ([float("nan")] * 6, range(6), np.zeros((9, 1)), "finite"),
        (["a"] * 6, range(6), np.zeros((9, 1)), "must be numbers"),
        ([0.5] * 6, range(6), [float("inf")] * 9, "finite"),
        ([], [], np.zeros((9, 1)), "needed|no mask"),
    ],
)
def test_bad_subsets_are_refused(values, evaluated, known, words: str) -> None:
    evaluated = np.array(list(evaluated))
    with pytest.raises(StatisticsError, match=words):
        subset_estimate(values, evaluated, known)
