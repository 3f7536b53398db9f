"""The score interval of paired shares: against its definition, and what it covers, exactly."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import multinomial, norm

from evalsvc.statistics import paired_comparison
from evalsvc.statistics.paired_score import paired_score_interval, score_deviation

Pairs = tuple[int, int, int]


@st.composite
def pairs(draw: st.DrawFn) -> Pairs:
    """(gained, lost, problems)."""
    problems = draw(st.integers(1, 400))
    gained = draw(st.integers(0, problems))
    return gained, draw(st.integers(0, problems - gained)), problems


@given(pairs())
def test_the_sides_mirror_and_the_observed_difference_is_inside(drawn: Pairs) -> None:
    gained, lost, problems = drawn
    low, high = paired_score_interval(gained, lost, problems, 0.95)
    assert -1 <= low <= (gained - lost) / problems <= high <= 1
    assert low < high
    mirrored = paired_score_interval(lost, gained, problems, 0.95)
    assert (-high, -low) == pytest.approx(mirrored)


@given(pairs())
def test_an_end_is_a_difference_that_the_test_just_refuses(drawn: Pairs) -> None:
    gained, lost, problems = drawn
    quantile = norm.ppf(0.975)
    for end in paired_score_interval(gained, lost, problems, 0.95):
        distance = abs(gained - lost - problems * end)
        allowed = quantile * score_deviation(gained, lost, problems, end)
        assert distance == pytest.approx(allowed, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    ("drawn", "difference"), [((3, 0, 30), 0.1), ((12, 2, 50), 0.35), ((2, 7, 40), -0.3)]
)
def test_the_deviation_is_that_of_the_likeliest_law(drawn: Pairs, difference: float) -> None:
    gained, lost, problems = drawn
    chances = np.linspace(max(0, -difference), (1 - difference) / 2, 2_000_001)[1:-1]
    likelihood = (
        gained * np.log(chances + difference)
        + lost * np.log(chances)
        + (problems - gained - lost) * np.log1p(-2 * chances - difference)
    )
    chance_lost = chances[np.argmax(likelihood)]
    variance = problems * (2 * chance_lost + difference - difference**2)
    assert score_deviation(*drawn, difference) == pytest.approx(variance**0.5, rel=1e-4)


@pytest.mark.parametrize("discordant", [3, 4, 5, 6, 8, 10, 12])
@pytest.mark.parametrize("share_gained", [0.5, 0.7, 0.9, 1.0])
def test_it_covers_where_few_problems_decide(discordant: int, share_gained: float) -> None:
    """Exactly, over all outcomes: a t interval covers 91% at the worst of these."""
    problems = 40
    chance = discordant / problems
    won, lost = chance * share_gained, chance * (1 - share_gained)
    outcomes = [(a, b) for a in range(problems + 1) for b in range(problems + 1 - a)]
    rows = [(a, b, problems - a - b) for a, b in outcomes]
    chances = multinomial.pmf(rows, problems, [won, lost, 1 - won - lost])
    covered = sum(
        p
        for p, (a, b) in zip(chances, outcomes, strict=True)
        if p > 1e-9 and _inside(paired_score_interval(a, b, problems, 0.95), won - lost)
    )
    assert covered > 0.925


def _inside(interval: tuple[float, float], value: float) -> bool:
    return interval[0] - 1e-12 <= value <= interval[1] + 1e-12


def test_a_comparison_at_k_equal_n_has_this_interval_unless_problems_share_a_cluster() -> None:
    n, before, after = np.full(30, 4), np.zeros(30, dtype=int), np.zeros(30, dtype=int)
    before[:10], after[:13] = 2, 1
    made = paired_comparison(n, before, n, after, 4)
    assert made.interval_population == paired_score_interval(3, 0, 30, 0.95)
    clustered = paired_comparison(n, before, n, after, 4, clusters=np.arange(30) // 2)
    assert clustered.interval_population != made.interval_population
