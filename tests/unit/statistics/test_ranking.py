"""Rankings, the Swiss aggregate, and training curves."""

import numpy as np
import pytest

from evalsvc.statistics import (
    StatisticsError,
    StepCounts,
    best_step,
    rank_by_mean,
    swiss_ranking,
    training_curve,
)

KS = {"aime": 1, "amc": 1, "math": 1}
SIZES = {"aime": 30, "amc": 40, "math": 1_000}


def results(skills: dict[str, float], seed: int = 0) -> dict:
    """Counts of 16 samples for checkpoints that differ by a shift of the log-odds."""
    random = np.random.default_rng(seed)
    odds = {name: random.normal(-0.5, 1.5, size) for name, size in SIZES.items()}
    return {
        checkpoint: {
            name: (np.full(o.size, 16), random.binomial(16, 1 / (1 + np.exp(-o - skill))))
            for name, o in odds.items()
        }
        for checkpoint, skill in skills.items()
    }


def test_mean_ranking_tells_good_from_bad_and_ties_equals() -> None:
    ranked = rank_by_mean(results({"bad": 0.0, "good": 1.0, "twin": 1.0}), KS)
    assert {r.name for r in ranked[:2]} == {"good", "twin"}
    assert [r.rank for r in ranked] == [1, 1, 3]
    assert ranked[0].tied_with == (ranked[1].name,)
    assert ranked[2].name == "bad" and ranked[2].tied_with == ()
    for row in ranked:
        assert row.interval[0] < row.mean < row.interval[1]
        assert row.mean == pytest.approx(np.mean(list(row.by_benchmark.values())))


def test_swiss_ranking_agrees_where_the_answer_is_clear() -> None:
    skills = {"d": -2.0, "c": -1.0, "b": 0.5, "a": 2.0}
    ranked = swiss_ranking(results(skills), KS)
    assert [r.name for r in ranked] == ["a", "b", "c", "d"]
    assert ranked[0].expected_wins == pytest.approx(3.0, abs=0.05)
    assert all(0 <= r.monte_carlo_error < 0.03 for r in ranked)
    assert sum(r.expected_wins for r in ranked) == pytest.approx(2 * 3)
    assert ranked[-1].failure_sensitivity <= 0 <= ranked[0].failure_sensitivity + 0.05


def test_swiss_ranking_ties_equals_and_is_repeatable() -> None:
    table = results({"one": 0.0, "two": 0.0, "three": 0.0})
    ranked = swiss_ranking(table, KS, seed=4)
    assert {r.rank for r in ranked} == {1}
    assert ranked == swiss_ranking(table, KS, seed=4)
    same = dict.fromkeys(("one", "two"), table["one"])
    even = swiss_ranking(same, KS)
    assert [r.expected_wins for r in even] == [1.5, 1.5]


def test_incomplete_rankings_are_refused() -> None:
    table = results({"a": 0.0, "b": 0.0})
    del table["b"]["amc"]
    with pytest.raises(StatisticsError, match="b has no result for amc"):
        rank_by_mean(table, KS)
    with pytest.raises(StatisticsError, match="two checkpoints"):
        swiss_ranking({"a": table["a"]}, KS)
    shorter = results({"a": 0.0, "b": 0.0})
    shorter["b"]["amc"] = ([16], [3])
    with pytest.raises(StatisticsError, match="different problems of amc"):
        rank_by_mean(shorter, KS)


def test_training_curve_is_sorted_and_banded() -> None:
    steps = [StepCounts(200, [8] * 20, [4] * 20), StepCounts(100, [8] * 20, [2] * 20)]
    curve = training_curve(steps, 1)
    assert [point.step for point in curve] == [100, 200]
    assert [point.estimate.value for point in curve] == [0.25, 0.5]
    with pytest.raises(StatisticsError, match="twice"):
        training_curve([steps[0], steps[0]], 1)


def test_the_best_of_equal_steps_is_flattered() -> None:
    random = np.random.default_rng(1)
    rates = random.beta(1, 1, 30)
    steps = [StepCounts(i, np.full(30, 4), random.binomial(4, rates)) for i in range(12)]
    chosen = best_step(steps, 1)
    assert chosen.value == max(p.estimate.value for p in training_curve(steps, 1))
    assert 0.005 < chosen.optimism < 0.15
    assert "best of 12 steps on the test set itself" in chosen.warning
    alone = best_step(steps[:1], 1)
    assert (alone.optimism, alone.warning) == (0.0, "")
