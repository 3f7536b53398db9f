"""Printed curves that no counts give, against an independent solver and against real counts."""

from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from evalsvc.statistics import StatisticsError, feasibility, parse_published, pass_at_k

CATALOGUE = Path(__file__).parents[3] / "benchmarks"
KS = [1, 2, 4, 8, 16, 32, 64, 128, 256]


def paper_curves() -> dict[tuple[str, str, str, str], dict[int, float]]:
    curves: dict[tuple[str, str, str, str], dict[int, float]] = defaultdict(dict)
    for path in sorted(CATALOGUE.glob("*/published.csv")):
        for row in parse_published(path.read_text(), str(path)):
            key = (row.benchmark, row.model, row.source_table, row.method)
            curves[key][row.k] = row.value_percent
    return {key: curve for key, curve in curves.items() if len(curve) > 1}


def distance(printed: dict[int, float], half: float = 0.05) -> float:
    """From the values that round to `printed` to the curves of counts, by bounded least squares.

    Another algorithm (active sets on a quadratic) for another question that has the same answer:
    the distance is 0 exactly where the curve is feasible.
    """
    ks = sorted(printed)
    curves = np.stack([100 * pass_at_k(256, np.arange(257), k) for k in ks])
    heavy = 1e4  # makes the shares sum to 1
    matrix = np.block(
        [[curves, -np.eye(len(ks))], [np.full((1, 257), heavy), np.zeros((1, len(ks)))]]
    )
    target = np.append([printed[k] for k in ks], heavy)
    low = np.append(np.zeros(257), np.full(len(ks), -half))
    high = np.append(np.full(257, 1 + 1e-9), np.full(len(ks), half))
    found = lsq_linear(matrix, target, (low, high), method="bvls", tol=1e-14, max_iter=3000)
    return float(np.sqrt(2 * found.cost))


def test_the_papers_curves_and_an_independent_solver() -> None:
    curves = paper_curves()
    found = {key: feasibility(curve) for key, curve in curves.items()}
    assert len(found) == 67
    assert sum(not f.feasible for f in found.values()) == 33
    assert 22 <= sum(f.slack > 0.05 for f in found.values()) <= 25
    assert max(f.slack for f in found.values()) == pytest.approx(0.87, abs=0.005)
    for key, curve in curves.items():
        gap = distance(curve)
        assert found[key].feasible == (gap < 1e-6)
        # The largest miss is at most the distance, which is at most sqrt(9) of it.
        assert found[key].slack <= gap + 1e-6 <= 3 * found[key].slack + 2e-6
        for k, value in found[key].closest.items():
            assert abs(value - curve[k]) <= 0.05 + found[key].slack + 1e-6


@pytest.mark.parametrize("runs", [1, 16])
def test_no_flag_on_curves_from_real_counts(runs: int) -> None:
    random = np.random.default_rng(runs)
    for _ in range(150):
        problems = int(random.choice([30, 40, 500]))
        p = random.beta(*random.uniform(0.1, 4.0, 2), problems)
        c = random.binomial(256, p, (runs, problems))
        printed = {k: round(100 * float(pass_at_k(256, c, k).mean()), 1) for k in KS}
        assert feasibility(printed).feasible


def test_the_bound_that_is_false_for_the_unbiased_estimator_flags_nothing() -> None:
    printed = {k: round(100 * pass_at_k(4, 1, k), 1) for k in (1, 2, 4)}
    assert printed == {1: 25.0, 2: 50.0, 4: 100.0}  # 1 - (1 - 0.25)^4 is 68.4%
    assert feasibility(printed, n=4).feasible
    # With 8 samples such a curve does not exist: sqrt-like growth needs the few samples.
    assert not feasibility(printed, n=8).feasible


def test_slack_and_decimals() -> None:
    falling = feasibility({1: 40.0, 2: 39.0})
    assert not falling.feasible
    assert falling.slack == pytest.approx(0.45)  # both move by half of the point, less rounding
    assert feasibility({1: 40.0, 2: 39.0}, decimals=0).feasible
    assert feasibility({1: 40.0, 2: 39.9}).feasible
    assert feasibility({1: 100.0, 256: 100.0}).feasible
    assert feasibility({7: 12.3}).slack == 0


@pytest.mark.parametrize(
    ("printed", "settings", "words"),
    [
        ({}, {}, "nothing was printed"),
        ({257: 50.0}, {}, "must not exceed n"),
        ({0: 50.0}, {}, "at least 1"),
        ({1: 100.1}, {}, "outside 0..100"),
        ({1: -1.0}, {}, "outside 0..100"),
        ({1: float("nan")}, {}, "outside 0..100"),
        ({1: "high"}, {}, "not a number"),
        ({1: None}, {}, "not a number"),
        ({"1": 50.0}, {}, "must hold numbers"),
        ({1.5: 50.0}, {}, "whole"),
        ({1: 50.0}, {"n": 0}, "not one n"),
        ({1: 50.0}, {"n": 1.5}, "whole"),
        ({1: 50.0}, {"decimals": -1}, "negative"),
        ({1: 50.0}, {"decimals": 9}, "decimals"),
    ],
)
def test_bad_input_is_refused(printed, settings, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        feasibility(printed, **settings)
