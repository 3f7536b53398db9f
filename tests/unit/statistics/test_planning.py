"""Plans: the difficulty law, power against simulated repeats, and designs that cannot succeed."""

import numpy as np
import pytest

from evalsvc.statistics import (
    StatisticsError,
    fit_difficulty,
    paired_comparison,
    pass_at_k,
    pilot,
    plan_power,
    plan_problems,
    plan_runs,
    plan_samples,
)
from evalsvc.statistics.power import Design


def counts(problems: int, n: int, shape: tuple[float, float], seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    return random.binomial(n, random.beta(*shape, problems))


def test_difficulty_law_recovers_the_curve() -> None:
    c = counts(2_000, 64, (0.4, 2.0))
    law = fit_difficulty(np.full(2_000, 64), c)
    assert law.weights.sum() == pytest.approx(1.0)
    for k in (1, 8, 32):
        observed = pass_at_k(np.full(2_000, 64), c, k).mean()
        assert law.weights @ law.pass_at_k(k) == pytest.approx(observed, abs=0.01)
    lifted = law.shifted(0.05, 8)
    assert lifted.weights @ lifted.pass_at_k(8) == pytest.approx(
        law.weights @ law.pass_at_k(8) + 0.05
    )


@pytest.mark.parametrize(
    ("problems", "n", "k", "effect"), [(30, 16, 4, 0.1), (250, 4, 1, 0.03), (60, 8, 8, 0.15)]
)
def test_planned_power_is_reached(problems: int, n: int, k: int, effect: float) -> None:
    law = fit_difficulty(np.full(3_000, 64), counts(3_000, 64, (0.5, 1.0)))
    design = Design(law, k, effect, 0.05)
    random = np.random.default_rng(1)
    samples, rejected = np.full(problems, n), 0
    for _ in range(300):
        which = random.choice(law.rates.size, problems, p=law.weights)
        before = random.binomial(n, design.before.rates[which])
        after = random.binomial(n, design.after.rates[which])
        rejected += paired_comparison(samples, before, samples, after, k).p_value <= 0.05
    # 300 repeats know a power to about +-3 points of standard error.
    assert design.power(problems, n, 1) == pytest.approx(rejected / 300, abs=0.085)


def test_plans_are_the_smallest_that_reach_the_power() -> None:
    known = pilot([16] * 300, counts(300, 16, (0.6, 1.0)), tokens_per_sample=1_000)
    by_samples = plan_samples(known, 1, 0.02)
    assert by_samples.reached and by_samples.power >= 0.8
    assert plan_power(known, 1, 0.02, samples=by_samples.samples - 1).power < 0.8
    assert by_samples.total_samples == 2 * 300 * by_samples.samples
    assert by_samples.tokens == 1_000 * by_samples.total_samples
    assert by_samples.hours == 0.0
    by_problems = plan_problems(known, 1, 0.02, samples=4)
    assert by_problems.reached and by_problems.problems > 300
    assert plan_power(known, 1, 0.02, samples=4, problems=by_problems.problems - 1).power < 0.8


def test_cost_in_hours() -> None:
    known = pilot([4] * 50, [1] * 50, tokens_per_sample=3_600, tokens_per_second=100)
    plan = plan_power(known, 1, 0.1, samples=2)
    assert plan.hours == pytest.approx(2 * 50 * 2 * 3_600 / 100 / 3_600)


def test_no_number_of_samples_reaches_a_point_on_thirty_problems() -> None:
    known = pilot(
        [64] * 30,
        counts(30, 64, (0.5, 1.0), 2),
        candidate_n=[64] * 30,
        candidate_c=counts(30, 64, (0.5, 1.0), 3),
    )
    plan = plan_samples(known, 1, 0.01)
    assert not plan.reached
    assert plan.power < 0.8
    assert "out of reach" in plan.sentence


def test_runs_are_what_a_claim_about_methods_costs() -> None:
    c = counts(500, 16, (0.6, 1.0))
    steady = pilot([16] * 500, c, run_deviation=0.005)
    shaky = pilot([16] * 500, c, run_deviation=0.03)
    few, many = (plan_runs(p, 1, 0.03, samples=16) for p in (steady, shaky))
    assert 2 <= few.runs < many.runs
    assert many.power >= 0.8
    assert "runs per method" in many.sentence


def test_impossible_questions_are_refused() -> None:
    known = pilot([4] * 20, [4] * 19 + [3])
    with pytest.raises(StatisticsError, match="cannot move"):
        plan_samples(known, 1, 0.1)
    known = pilot([4] * 20, [2] * 20)
    with pytest.raises(StatisticsError, match="make no question"):
        plan_samples(known, 1, 0.0)
    with pytest.raises(StatisticsError, match="cannot answer at"):
        plan_power(known, 4, 0.02, samples=2)
