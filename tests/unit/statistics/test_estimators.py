"""Estimators against brute-force enumeration, against scorio, and their properties."""

from itertools import combinations
from math import ceil, comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scorio.eval import pass_at_k as scorio_pass_at_k
from scorio.eval import pass_hat_k as scorio_pass_hat_k

from evalsvc.statistics import (
    StatisticsError,
    avg_at_n,
    g_pass_at_k,
    mg_pass_at_k,
    pass_at_k,
    pass_hat_k,
    problem_coverage,
    sample_coverage,
    worst_problems_mean,
)


def draws(n: int, c: int, k: int) -> np.ndarray:
    """Correct ones in each of the C(n, k) subsets of n samples of which c are correct."""
    samples = [1] * c + [0] * (n - c)
    return np.array([sum(subset) for subset in combinations(samples, k)])


CASES = [(n, c, k) for n in range(1, 8) for c in range(n + 1) for k in range(1, n + 1)]


@pytest.mark.parametrize(("n", "c", "k"), CASES)
def test_estimators_equal_the_enumeration_of_all_subsets(n: int, c: int, k: int) -> None:
    correct = draws(n, c, k)
    assert pass_at_k(n, c, k) == pytest.approx(np.mean(correct >= 1), abs=1e-12)
    assert pass_hat_k(n, c, k) == pytest.approx(np.mean(correct == k), abs=1e-12)
    for threshold in (0.0, 0.25, 0.5, 0.75, 1.0):
        needed = max(ceil(threshold * k), 1)
        expected = np.mean(correct >= needed)
        assert g_pass_at_k(n, c, k, threshold) == pytest.approx(expected, abs=1e-12)
    above_half = [np.mean(correct >= i) for i in range(ceil(k / 2) + 1, k + 1)]
    assert mg_pass_at_k(n, c, k) == pytest.approx(2 / k * sum(above_half), abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 8, 16])
def test_agreement_with_scorio(k: int) -> None:
    correct = np.random.default_rng(3).random((12, 16)) < 0.3
    c = correct.sum(axis=1)
    assert pass_at_k(16, c, k).mean() == pytest.approx(scorio_pass_at_k(correct.astype(int), k))
    assert pass_hat_k(16, c, k).mean() == pytest.approx(scorio_pass_hat_k(correct.astype(int), k))


def test_scalars_give_floats_and_arrays_arrays() -> None:
    assert isinstance(pass_at_k(4, 1, 2), float)
    assert isinstance(pass_hat_k(4, 1, 2), float)
    values = pass_at_k(np.array([4, 8]), np.array([[1, 1], [0, 8]]), 2)
    assert values.shape == (2, 2)
    assert values[1].tolist() == [0.0, 1.0]
    assert pass_at_k([], [], 1).shape == (0,)


def test_k_may_be_an_array_too() -> None:
    np.testing.assert_allclose(pass_at_k(4, 1, [1, 2, 4]), [0.25, 0.5, 1.0])


def test_large_counts_stay_exact() -> None:
    exact = 1 - comb(251, 64) / comb(256, 64)
    assert pass_at_k(256, 5, 64) == pytest.approx(exact, rel=1e-12)
    assert pass_at_k(16_384, 1, 8_192) == pytest.approx(0.5, abs=1e-9)
    assert pass_hat_k(1_000, 999, 1) == pytest.approx(0.999)


@settings(max_examples=80)
@given(st.data())
def test_properties(data: st.DataObject) -> None:
    n = data.draw(st.integers(1, 400))
    c = data.draw(st.integers(0, n))
    k = data.draw(st.integers(1, n))
    at, hat = pass_at_k(n, c, k), pass_hat_k(n, c, k)
    assert 0.0 <= hat <= c / n + 1e-12 <= at + 2e-12 <= 1.0 + 3e-12
    assert at == pytest.approx(1.0 - pass_hat_k(n, n - c, k), abs=1e-12)
    if k < n:
        assert pass_at_k(n, c, k + 1) >= at - 1e-12
        assert pass_hat_k(n, c, k + 1) <= hat + 1e-12
    if c < n:
        assert pass_at_k(n, c + 1, k) >= at - 1e-12


@pytest.mark.parametrize(
    ("n", "c", "k", "words"),
    [
        (4, 5, 1, "c .* must not exceed n"),
        (4, 1, 5, "k must not exceed n"),
        (4, 1, 0, "k must be at least 1"),
        (4, -1, 1, "negative"),
        (-4, 1, 1, "negative"),
        (4, 1.5, 1, "whole"),
        (4, float("nan"), 1, "whole"),
        ("four", 1, 1, "numbers"),
        ([4, 4], [1, 1, 1], 1, "lengths differ"),
        ([4, 4], [1, 9], 1, "at index 1"),
        ([[4], [4, 4]], 1, 1, "regular"),
        (0, 0, 1, "k must not exceed n"),
    ],
)
def test_bad_counts_are_refused_in_words(n, c, k, words: str) -> None:
    for estimator in (pass_at_k, pass_hat_k):
        with pytest.raises(StatisticsError, match=words):
            estimator(n, c, k)


def test_missing_samples_are_coverage_not_wrong_answers() -> None:
    assert sample_coverage([16, 8, 0], 16) == pytest.approx(0.5)
    assert sample_coverage([32, 16], 16) == 1.0
    np.testing.assert_array_equal(avg_at_n([4, 0], [1, 0]), [0.25, np.nan])
    assert problem_coverage([4, 4, 4], [0, 1, 4]) == pytest.approx(2 / 3)


def test_worst_problems_mean() -> None:
    values = np.arange(10) / 10
    assert worst_problems_mean(values, 0.2) == pytest.approx(0.05)
    assert worst_problems_mean(values, 0.25) == pytest.approx((0 + 0.1 + 0.5 * 0.2) / 2.5)
    assert worst_problems_mean([0.7], 0.1) == pytest.approx(0.7)
    with pytest.raises(StatisticsError):
        worst_problems_mean([], 0.1)
