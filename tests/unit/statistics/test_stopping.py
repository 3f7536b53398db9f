"""Counts of a stopping plan, against enumeration of all sequences and of all endings."""

from fractions import Fraction
from itertools import product
from math import comb

import numpy as np
import pytest

from evalsvc.statistics import (
    StatisticsError,
    StoppingPlan,
    pass_at_k,
    pass_at_k_stopped,
    pass_hat_k,
    pass_hat_k_stopped,
)
from evalsvc.statistics.stopping import ending_chances, path_counts

GRID = np.concatenate(([0.0, 1e-6, 1e-3], np.linspace(0.02, 0.98, 25), [0.999, 1.0]))


def stop(sequence: tuple[int, ...], r: int, block: int) -> tuple[int, int]:
    """Where the plan ends on this sequence, followed sample by sample."""
    for drawn in range(1, len(sequence) + 1):
        at_look = drawn % block == 0 or drawn == len(sequence)
        if at_look and (sum(sequence[:drawn]) >= r or drawn == len(sequence)):
            return drawn, sum(sequence[:drawn])
    raise AssertionError


@pytest.mark.parametrize(
    ("r", "block", "n"), [(1, 1, 7), (2, 3, 8), (3, 4, 9), (2, 4, 8), (9, 4, 9)]
)
def test_estimates_are_averages_over_all_sequences_with_the_same_end(r, block, n) -> None:
    plan = StoppingPlan(r, block, n)
    by_end: dict[tuple[int, int], list[tuple[int, ...]]] = {}
    for sequence in product((0, 1), repeat=n):
        end = stop(sequence, r, block)
        by_end.setdefault(end, []).append(sequence)
    counts = path_counts(plan)
    assert set(counts) == set(by_end)
    for (drawn, correct), sequences in by_end.items():
        begun = {sequence[:drawn] for sequence in sequences}
        assert counts[drawn, correct] == len(begun)
        for k in range(1, n + 1):
            # A sequence that stopped before k had a correct sample before k.
            failed = sum(len(s) >= k and not any(s[:k]) for s in begun)
            expected = 1 - Fraction(failed, len(begun))
            assert pass_at_k_stopped(drawn, correct, k, r, block, n) == pytest.approx(
                float(expected), abs=1e-12
            )
            if k <= plan.always_drawn:
                share = Fraction(sum(all(s[:k]) for s in begun), len(begun))
                assert pass_hat_k_stopped(drawn, correct, k, r, block, n) == pytest.approx(
                    float(share), abs=1e-12
                )


@pytest.mark.parametrize("r", [1, 4, 8, 16, 200, 256])
def test_expectation_is_exact_at_every_rate_and_k(r: int) -> None:
    plan = StoppingPlan(r)
    ends, chances = ending_chances(plan, GRID)
    assert chances.sum(axis=1) == pytest.approx(np.ones(GRID.size), abs=1e-10)
    for k in range(1, 257):
        values = pass_at_k_stopped(ends[:, 0], ends[:, 1], k, r)
        assert np.abs(chances @ values - (1 - (1 - GRID) ** k)).max() < 1e-10
        assert values.min() >= 0 and values.max() <= 1
    for k in range(1, plan.always_drawn + 1):
        values = pass_hat_k_stopped(ends[:, 0], ends[:, 1], k, r)
        assert np.abs(chances @ values - GRID**k).max() < 1e-10


def test_the_usual_formula_is_biased_and_this_one_is_not() -> None:
    plan, p = StoppingPlan(3, 4, 16), np.array([0.3])
    ends, chances = ending_chances(plan, p)
    usual = chances @ (ends[:, 1] / ends[:, 0])
    assert abs(float(usual[0]) - 0.3) > 0.02
    ours = chances @ pass_at_k_stopped(ends[:, 0], ends[:, 1], 1, 3, 4, 16)
    assert float(ours[0]) == pytest.approx(0.3, abs=1e-12)


def test_the_known_case() -> None:
    assert pass_at_k_stopped(16, 4, 1, 3, block=4, n_max=16) == pytest.approx(0.157, abs=5e-4)
    assert pass_at_k(16, 4, 1) == 0.25


def test_looks_after_every_sample_have_a_closed_form() -> None:
    r, n_max = 5, 40
    for drawn in range(r, n_max):
        for k in (1, 2, 7, 20, 40):
            expected = 1 - comb(max(drawn - 1 - k, 0), r - 1) / comb(drawn - 1, r - 1)
            if drawn - 1 - k < r - 1:
                expected = 1.0
            got = pass_at_k_stopped(drawn, r, k, r, block=1, n_max=n_max)
            assert got == pytest.approx(expected, abs=1e-12)


def test_where_n_was_reached_below_r_it_is_the_usual_formula() -> None:
    for c in range(16):
        for k in (1, 3, 64, 256):
            assert pass_at_k_stopped(256, c, k, 16) == pytest.approx(pass_at_k(256, c, k))
            if k <= 16:
                assert pass_hat_k_stopped(256, c, k, 16) == pytest.approx(pass_hat_k(256, c, k))


def test_pass_at_n_is_whether_it_was_solved_at_all() -> None:
    ends, _ = ending_chances(StoppingPlan(8), np.array([0.5]))
    assert np.array_equal(pass_at_k_stopped(ends[:, 0], ends[:, 1], 256, 8), ends[:, 1] > 0)


def test_scalars_arrays_and_uneven_blocks() -> None:
    assert isinstance(pass_at_k_stopped(16, 9, 1, 8), float)
    made = pass_at_k_stopped([16, 32, 256], [9, 8, 3], np.array([[1], [256]]), 8)
    assert made.shape == (2, 3)
    plan = StoppingPlan(3, block=4, n_max=10)
    assert plan.looks == (4, 8, 10)
    assert plan.always_drawn == 4
    assert StoppingPlan(20).always_drawn == 32
    assert 0 < pass_at_k_stopped(10, 3, 2, 3, block=4, n_max=10) < 1


@pytest.mark.parametrize(
    ("n", "c", "words"),
    [
        (24, 3, "is no end"),  # not after a whole block
        (16, 3, "is no end"),  # too few correct to stop
        (32, 30, "is no end"),  # would have stopped at 16
        (32, 24, "is no end"),
        (0, 0, "is no end"),
        (272, 16, "is no end"),
        (16, 17, "must not exceed n"),
        (16.5, 8, "whole"),
        (float("nan"), 8, "whole"),
        ("sixteen", 8, "numbers"),
        (16, -1, "negative"),
    ],
)
def test_impossible_counts_are_refused(n, c, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        pass_at_k_stopped(n, c, 1, 8)
    with pytest.raises(ValueError, match="index 1"):
        pass_at_k_stopped([16, 24], [8, 8], 1, 8)


@pytest.mark.parametrize(
    "plan",
    [
        (0, 16, 256),
        (257, 16, 256),
        (8, 0, 256),
        (8, 257, 256),
        (8, 16, 0),
        (8.5, 16, 256),
        (8, 16, 5_000),
        ("8", 16, 256),
        (-1, 16, 256),
    ],
)
def test_impossible_plans_are_refused(plan) -> None:
    with pytest.raises(StatisticsError):
        StoppingPlan(*plan)


@pytest.mark.parametrize("k", [0, 257, 1.5, "1"])
def test_a_k_outside_the_plan_is_refused(k) -> None:
    with pytest.raises(StatisticsError):
        pass_at_k_stopped(16, 8, k, 8)


def test_what_needs_samples_in_a_row_is_refused_above_the_first_look() -> None:
    with pytest.raises(StatisticsError, match="pass\\^k at k = 17 has no unbiased"):
        pass_hat_k_stopped(16, 8, 17, 8)
    with pytest.raises(StatisticsError, match="maj@k"):
        StoppingPlan(8).require_always_drawn("maj@k", 32)
    StoppingPlan(8).require_always_drawn("maj@k", 16)
