"""Paired comparisons: the paper's case, exactness of the tests, bad input, determinism."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from evalsvc.statistics import (
    StatisticsError,
    compare_candidates,
    compare_curves,
    mcnemar,
    paired_comparison,
    pass_at_k,
    sign_flip_tests,
)

KS = [1, 2, 4, 8, 16, 32, 64, 128, 256]


def paper_aime() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Counts whose pass@256 are the paper's AIME2025 rows: 46.7 (GRPO) and 56.7 (A-GRAE)."""
    random = np.random.default_rng(0)
    baseline = np.zeros(30, dtype=int)
    baseline[:14] = random.integers(1, 120, 14)
    candidate = baseline.copy()
    candidate[:14] = np.clip(baseline[:14] + random.integers(-9, 12, 14), 1, 256)
    candidate[14:17] = [1, 3, 2]
    return np.full(30, 256), baseline, candidate


def test_the_papers_aime_claim_is_not_resolved() -> None:
    n, baseline, candidate = paper_aime()
    result = paired_comparison(n, baseline, n, candidate, 256)
    assert result.difference == pytest.approx(3 / 30)
    assert result.p_value == pytest.approx(0.25)
    assert result.test == "exact McNemar"
    assert (result.discordant, result.candidate_only, result.baseline_only) == (3, 3, 0)
    assert "not resolved with 30 problems" in result.sentence
    assert "two checkpoints, not two methods" in result.sentence
    assert result.indicator
    assert result.interval_fixed is None
    low, high = result.interval_population
    assert low < 0 < result.difference < high
    assert result.minimum_detectable_effect == pytest.approx(0.251, abs=0.001)


def test_the_whole_curve_is_one_family() -> None:
    n, baseline, candidate = paper_aime()
    curve = compare_curves(n, baseline, n, candidate, KS)
    assert [c.k for c in curve] == KS
    assert [c.interval_fixed is None for c in curve] == [k > 128 for k in KS]
    ordered = sorted(c.p_value for c in curve)
    holm = max(min(1.0, p * (len(KS) - i)) for i, p in enumerate(ordered[:1]))
    assert min(c.p_adjusted for c in curve) == pytest.approx(holm)
    assert all(c.p_adjusted >= c.p_value and c.family_size == len(KS) for c in curve)
    alone = paired_comparison(n, baseline, n, candidate, 256)
    assert curve[-1].p_value == alone.p_value


@pytest.mark.parametrize("seed", range(6))
def test_enumerated_flips_equal_brute_force(seed: int) -> None:
    values = np.random.default_rng(seed).normal(0.2, 1.0, 9)
    flips = np.array(list(product([1, -1], repeat=9))) @ values
    expected = np.mean(np.abs(flips) >= abs(values.sum()) - 1e-12)
    test = sign_flip_tests(values[:, None])[0]
    assert test.p_value == pytest.approx(expected)
    assert test.method == "exact sign flips by cluster"


def test_monte_carlo_agrees_with_the_exact_law() -> None:
    values = np.random.default_rng(1).normal(0.45, 1.0, 18)
    flips = np.array(list(product([1, -1], repeat=18)), dtype=np.int8) @ values
    exact = np.mean(np.abs(flips) >= abs(values.sum()) - 1e-12)
    drawn = sign_flip_tests(values[:, None], seed=3)[0]
    assert drawn.p_value == pytest.approx(exact, abs=4 * np.sqrt(exact / 4_999))


@pytest.mark.parametrize(
    ("wins", "losses"), [(3, 0), (0, 3), (5, 2), (7, 7), (13, 1), (0, 0), (30, 15), (900, 700)]
)
def test_mcnemar_is_the_binomial_test(wins: int, losses: int) -> None:
    expected = stats.binomtest(wins, wins + losses, 0.5).pvalue if wins + losses else 1.0
    assert mcnemar(wins, losses).p_value == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_swapping_the_sides_mirrors_everything(data: st.DataObject) -> None:
    problems = data.draw(st.integers(2, 40))
    n = data.draw(st.sampled_from([1, 4, 16]))
    counts = st.lists(st.integers(0, n), min_size=problems, max_size=problems)
    before, after = data.draw(counts), data.draw(counts)
    k = data.draw(st.integers(1, n))
    forth = paired_comparison([n] * problems, before, [n] * problems, after, k)
    back = paired_comparison([n] * problems, after, [n] * problems, before, k)
    assert forth.difference == pytest.approx(-back.difference)
    assert forth.p_value == pytest.approx(back.p_value)
    assert 0 < forth.p_value <= 1
    assert forth.interval_population == pytest.approx(
        tuple(-x for x in back.interval_population[::-1])
    )
    pairs = [forth.interval_population]
    if forth.interval_fixed is not None and back.interval_fixed is not None:
        assert forth.interval_fixed == pytest.approx(tuple(-x for x in back.interval_fixed[::-1]))
        pairs.append(forth.interval_fixed)
    else:
        assert 2 * k > n
    for low, high in pairs:
        assert -1 - 1e-12 <= low <= forth.difference + 1e-12
        assert forth.difference - 1e-12 <= high <= 1 + 1e-12
    assert 0 < forth.minimum_detectable_effect <= 1


def test_clusters_flip_and_vary_together() -> None:
    random = np.random.default_rng(4)
    before = random.integers(0, 5, 40)
    after = np.clip(before + np.repeat([1, 0, 2, 1, 0, 1, 2, 0], 5), 0, 4)
    n, labels = np.full(40, 4), np.repeat([f"question {i}" for i in range(8)], 5)
    single = paired_comparison(n, before, n, after, 1)
    clustered = paired_comparison(n, before, n, after, 1, clusters=labels)
    assert clustered.difference == pytest.approx(single.difference)
    assert clustered.clusters == 8
    assert clustered.standard_error > single.standard_error
    assert clustered.p_value > single.p_value
    assert "40 problems in 8 clusters" in clustered.sentence


def test_row_order_does_not_matter_for_clusters() -> None:
    random = np.random.default_rng(5)
    before, after = random.integers(0, 5, 30), random.integers(0, 5, 30)
    n, labels, order = np.full(30, 4), np.arange(30) // 3, random.permutation(30)
    here = paired_comparison(n, before, n, after, 2, clusters=labels)
    there = paired_comparison(n, before[order], n, after[order], 2, clusters=labels[order])
    assert there.standard_error == pytest.approx(here.standard_error)
    assert there.p_value == pytest.approx(here.p_value)


def test_same_seed_same_answer_and_other_seed_nearly() -> None:
    random = np.random.default_rng(6)
    before, after = random.integers(0, 17, 200), random.integers(1, 17, 200)
    n = np.full(200, 16)
    first = paired_comparison(n, before, n, after, 4, seed=1)
    assert first == paired_comparison(n, before, n, after, 4, seed=1)
    assert first.p_value == pytest.approx(
        paired_comparison(n, before, n, after, 4, seed=2).p_value, abs=0.03
    )


def test_a_clear_difference_is_resolved() -> None:
    n = np.full(200, 16)
    before = np.random.default_rng(7).integers(0, 9, 200)
    result = paired_comparison(n, before, n, before + 4, 1)
    assert result.significant
    assert "the candidate checkpoint is better on 200 problems" in result.sentence
    low, high = result.interval_population
    assert low < 0.25 + 1e-9 and high > 0.25 - 1e-9


def test_n_may_differ_between_sides_and_problems() -> None:
    result = paired_comparison([4, 8, 16], [1, 2, 4], [8, 8, 8], [2, 2, 2], 2)
    expected = np.mean(pass_at_k([8, 8, 8], 2, 2) - pass_at_k([4, 8, 16], [1, 2, 4], 2))
    assert result.difference == pytest.approx(expected)


@pytest.mark.parametrize("correct", [0, 4])
def test_all_alike_still_gives_an_interval_of_some_width(correct: int) -> None:
    counts = np.full(30, correct)
    result = paired_comparison([4] * 30, counts, [4] * 30, counts, 1)
    assert result.p_value == 1.0
    assert result.difference == 0.0
    for low, high in (result.interval_population, result.interval_fixed or (0.0, 0.0)):
        assert low < 0 < high
    assert result.minimum_detectable_effect == pytest.approx(0.251, abs=0.001)


def test_one_problem_says_nothing_of_others() -> None:
    result = paired_comparison([8], [1], [8], [7], 1)
    assert result.interval_population == (-1.0, 1.0)
    assert result.p_value == 1.0
    assert "not resolved with 1 problem;" in result.sentence


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([4, 4], [1, 1], [4], [1], 1), "2 problems and the candidate 1"),
        (([4], [5], [4], [1], 1), "must not exceed n"),
        (([4], [1], [2], [1], 4), "k must not exceed n"),
        (([], [], [], [], 1), "no problems"),
        (([0, 4], [0, 1], [4, 4], [1, 1], 1), "no samples"),
    ],
)
def test_bad_input_is_refused_in_words(arguments, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        paired_comparison(*arguments)
    with pytest.raises(StatisticsError, match="one cluster label per problem"):
        paired_comparison([4, 4], [1, 1], [4, 4], [1, 1], 1, clusters=["a"])


def test_many_candidates_at_once_are_compared_as_one_by_one() -> None:
    random = np.random.default_rng(3)
    n = np.full(60, 16)
    before = random.integers(0, 17, 60)
    candidates = [(n, np.clip(before + random.integers(-2, 4, 60), 0, 16)) for _ in range(3)]
    together = compare_candidates((n, before), candidates, 4)
    alone = [paired_comparison(n, before, *candidate, 4) for candidate in candidates]
    for one, other in zip(together, alone, strict=True):
        assert one.difference == other.difference
        assert one.interval_population == other.interval_population
        assert one.p_value == pytest.approx(other.p_value, abs=0.03)
        assert one.family_size == 3
        assert one.p_adjusted >= one.p_value
    assert compare_candidates((n, before), [], 4) == ()


def test_population_interval_covers_where_few_problems_decide() -> None:
    """At k = n/4 most problems agree to a hair; a fifth of them cannot be solved at all."""
    random = np.random.default_rng(13)

    def draw(size: int) -> tuple[np.ndarray, np.ndarray]:
        before = np.where(random.random(size) < 0.2, 0.0, random.beta(0.6, 0.6, size))
        odds = np.log(np.maximum(before, 1e-12) / np.maximum(1 - before, 1e-12))
        after = 1 / (1 + np.exp(-(odds + random.normal(0.45, 0.5, size))))
        return before, np.where(before == 0, 0.0, after)

    many = draw(200_000)
    truth = np.mean((1 - many[0]) ** 64 - (1 - many[1]) ** 64)
    n, covered = np.full(30, 256), 0
    for _ in range(200):
        before, after = (random.binomial(n, rates) for rates in draw(30))
        low, high = paired_comparison(n, before, n, after, 64).interval_population
        covered += low <= truth <= high
    assert covered / 200 >= 0.93
