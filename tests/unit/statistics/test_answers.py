"""Majority votes against the enumeration of all subsets and against scorio."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.statistics import (
    AnswerGroups,
    StatisticsError,
    answer_entropy,
    distinct_answers,
    maj_at_k,
    samples_for_majority,
    winning_chances,
)


def enumerated(groups: AnswerGroups, k: int) -> np.ndarray:
    """Winning chances by going through all C(n, k) subsets."""
    votes = [i for i, size in enumerate(groups.sizes) for _ in range(size)]
    votes += [-1] * groups.no_answer
    chances = np.zeros(len(groups.sizes))
    subsets = list(combinations(votes, k))
    for subset in subsets:
        tally = np.bincount([v for v in subset if v >= 0], minlength=len(groups.sizes))
        if tally.max(initial=0) > 0:
            winners = tally == tally.max()
            chances += winners / winners.sum()
    return chances / len(subsets)


@pytest.mark.parametrize(
    ("sizes", "no_answer"),
    [((3, 2), 0), ((1, 1, 1, 1, 1), 0), ((4, 2, 2), 1), ((2, 2, 2, 1, 1), 2), ((5,), 3), ((1,), 0)],
)
def test_votes_equal_the_enumeration(sizes: tuple[int, ...], no_answer: int) -> None:
    groups = AnswerGroups(sizes, tuple(i == 0 for i in range(len(sizes))), no_answer)
    for k in range(1, groups.samples + 1):
        expected = enumerated(groups, k)
        np.testing.assert_allclose(winning_chances(groups, k), expected, atol=1e-10)
        assert maj_at_k(groups, k) == pytest.approx(expected[0], abs=1e-10)


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.integers(1, 60), min_size=1, max_size=8), st.integers(0, 30), st.integers(1, 400)
)
def test_chances_are_probabilities(sizes: list[int], no_answer: int, k: int) -> None:
    groups = AnswerGroups(tuple(sizes), (True,) + (False,) * (len(sizes) - 1), no_answer)
    k = min(k, groups.samples)
    chances = winning_chances(groups, k)
    assert np.all(chances >= 0)
    assert chances.sum() <= 1 + 1e-9
    if no_answer < k:
        assert chances.sum() == pytest.approx(1, abs=1e-9)
    order = np.argsort(sizes)
    assert np.all(np.diff(chances[order]) >= -1e-9)


def test_large_votes_stay_exact() -> None:
    groups = AnswerGroups((100, 90, 40, 10, 5, 1), (True, *(False,) * 5), 10)
    random = np.random.default_rng(0)
    draws = random.multivariate_hypergeometric([100, 90, 40, 10, 5, 1, 10], 64, size=40_000)[:, :6]
    winners = draws == draws.max(axis=1, keepdims=True)
    simulated = np.mean(winners[:, 0] / winners.sum(axis=1))
    assert maj_at_k(groups, 64) == pytest.approx(simulated, abs=0.01)


def test_one_vote_is_the_share_of_correct_samples() -> None:
    groups = AnswerGroups((3, 5, 2), (True, False, True), 6)
    assert maj_at_k(groups, 1) == pytest.approx(5 / 16)


def test_diversity() -> None:
    groups = AnswerGroups((2, 2), (True, False))
    assert distinct_answers(groups) == 2
    assert answer_entropy(groups) == pytest.approx(1.0)
    assert answer_entropy(AnswerGroups((7,), (True,))) == 0.0
    assert answer_entropy(AnswerGroups((), (), 4)) == 0.0


def test_samples_for_the_majority() -> None:
    assert samples_for_majority(AnswerGroups((16,), (True,))) == 1
    assert samples_for_majority(AnswerGroups((8, 8), (True, False))) is None
    groups = AnswerGroups((40, 24), (True, False))
    needed = samples_for_majority(groups)
    assert needed is not None
    assert winning_chances(groups, needed)[0] >= 0.95 > winning_chances(groups, needed - 2)[0]


def test_bad_groups_are_refused() -> None:
    with pytest.raises(StatisticsError, match="one verdict per group"):
        AnswerGroups((1, 2), (True,))
    with pytest.raises(StatisticsError, match="no samples"):
        AnswerGroups((0, 2), (True, False))
    with pytest.raises(StatisticsError, match=r"not in 1\.\.3"):
        maj_at_k(AnswerGroups((3,), (True,)), 4)
