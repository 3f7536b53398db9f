"""The fitted law against scipy's optimiser and integrals; forecasts against samples kept hidden."""

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.optimize import minimize
from scipy.special import betaln, expit, logsumexp

from evalsvc.statistics import (
    FittedDifficulty,
    StatisticsError,
    bayes_pass_at_k,
    cover_at_tau,
    extrapolate_pass_at_k,
    pass_at_k,
)


def counts(problems: int, n: int, law, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Rates and correct ones of n under (share never solved, a, b)."""
    random = np.random.default_rng(seed)
    never, a, b = law
    p = np.where(random.random(problems) < never, 0.0, random.beta(a, b, problems))
    return p, random.binomial(n, p)


@pytest.mark.parametrize("law", [(0.4, 0.3, 1.5), (0.03, 0.8, 0.5), (0.1, 0.6, 0.8)])
def test_the_fit_is_the_maximum_of_the_likelihood(law) -> None:
    _, c = counts(300, 64, law)

    def loss(x: np.ndarray) -> float:
        z, a, b = expit(x[0]), np.exp(x[1]), np.exp(x[2])
        shaped = np.log1p(-z) + betaln(a + c, b + 64 - c) - betaln(a, b)
        zeros = logsumexp([np.full(c.size, np.log(z)), shaped], axis=0)
        return -float(np.where(c == 0, zeros, shaped).sum())

    starts = ([0, 0, 0], [-3, -1, 1], [1, -1, 0])
    best = min((minimize(loss, x, method="Nelder-Mead") for x in starts), key=lambda r: r.fun)
    z, a, b = FittedDifficulty([64] * 300, c).parameters
    assert loss(np.array([np.log(z / (1 - z)), np.log(a), np.log(b)])) <= best.fun + 1e-3


def test_the_forecast_is_the_posterior_integral() -> None:
    _, c = counts(200, 32, (0.3, 0.5, 2.0))
    fitted = FittedDifficulty([32] * 200, c)
    z, a, b = fitted.parameters
    beta = stats.beta(a, b)
    failed = integrate.quad(lambda p: (1 - p) ** 32 * beta.pdf(p), 0, 1)[0]
    still = integrate.quad(lambda p: (1 - p) ** 200 * beta.pdf(p), 0, 1)[0]
    solved = (1 - z) * (failed - still) / (z + (1 - z) * failed)
    expected = np.mean(c > 0) + np.mean(c == 0) * solved
    assert fitted.pass_at(200).value == pytest.approx(float(expected), abs=1e-6)
    above = [
        (1.0 if k else (1 - z) * failed / (z + (1 - z) * failed))
        * stats.beta(a + k, b + 32 - k).sf(0.2)
        for k in c
    ]
    assert fitted.cover(0.2).value == pytest.approx(float(np.mean(above)), abs=1e-9)


def test_hidden_samples_fall_into_the_band_of_these_problems() -> None:
    held = inside = covered = 0
    law = (0.1, 0.6, 0.8)
    big, _ = counts(400_000, 1, law, seed=99)
    truth, wide = float(np.mean(1 - (1 - big) ** 256)), float(np.mean(big >= 0.5))
    for seed in range(120):
        p, c = counts(200, 64, law, seed)
        rest = np.random.default_rng(seed + 1_000).binomial(192, p)
        fitted = FittedDifficulty([64] * 200, c, seed=seed)
        made = fitted.pass_at(256)
        shown = float(np.mean(c + rest > 0))
        held += made.interval_fixed[0] <= shown <= made.interval_fixed[1]
        inside += made.interval[0] <= truth <= made.interval[1]
        cover = fitted.cover(0.5)
        covered += cover.interval[0] <= wide <= cover.interval[1]
    assert held / 120 >= 0.89
    assert 0.89 <= inside / 120 <= 1.0
    assert 0.89 <= covered / 120 <= 1.0


def test_up_to_n_it_is_the_unbiased_estimate() -> None:
    _, c = counts(50, 16, (0.2, 0.5, 1.0))
    made = extrapolate_pass_at_k([16] * 50, c, 8)
    assert made.value == pytest.approx(pass_at_k(16, c, 8).mean())
    assert not made.extrapolated
    assert "nothing is extrapolated" in made.sentence
    whole = extrapolate_pass_at_k([16] * 50, c, 16)
    assert whole.value == np.mean(c > 0)
    values = [extrapolate_pass_at_k([16] * 50, c, k).value for k in (16, 17, 32, 64, 1_000)]
    assert np.all(np.diff(values) >= 0)


def test_never_solved_problems_are_not_presumed_solvable() -> None:
    random = np.random.default_rng(3)
    c = np.concatenate([np.zeros(133), random.integers(1, 257, 67)]).astype(int)
    made = bayes_pass_at_k([256] * 200, c, 256)
    assert abs(made.mean - 0.335) < 0.02
    assert made.band[0] < 0.335 < made.band[1] < 0.45
    assert extrapolate_pass_at_k([256] * 200, c, 256).value == pytest.approx(0.335)


def test_nothing_solved_is_near_zero_with_an_honest_bound() -> None:
    made = bayes_pass_at_k([256] * 40, [0] * 40, 256)
    assert made.mean < 0.01
    assert made.band[0] == pytest.approx(0.0, abs=1e-6)
    # 10,240 failures exclude a mean rate of 0.00036 or more.
    assert made.band[1] == pytest.approx(1 - (1 - 0.00036) ** 256, abs=0.001)
    forecast = extrapolate_pass_at_k([256] * 40, [0] * 40, 1_024)
    assert forecast.value < 0.01
    assert forecast.interval_fixed[1] > 0.2
    assert forecast.interval[1] > 0.2


def test_all_solved_is_one() -> None:
    made = extrapolate_pass_at_k([8] * 40, [8] * 40, 64)
    assert made.value == 1.0 and made.interval_fixed == (1.0, 1.0) and made.interval[0] < 0.95
    assert bayes_pass_at_k([8] * 40, [8] * 40, 1).band[0] < 0.999


def test_clusters_and_uneven_samples() -> None:
    p, _ = counts(100, 1, (0.3, 0.5, 1.5), seed=4)
    random = np.random.default_rng(5)
    n = random.choice([8, 16, 32], 100)
    c = random.binomial(n, p)
    alone = extrapolate_pass_at_k(n, c, 64)
    doubled = extrapolate_pass_at_k(
        np.tile(n, 4), np.tile(c, 4), 64, clusters=np.tile(range(100), 4)
    )
    assert doubled.value == pytest.approx(alone.value, abs=1e-4)
    width = alone.interval[1] - alone.interval[0]
    assert doubled.interval[1] - doubled.interval[0] == pytest.approx(width, rel=0.25)
    assert doubled.clusters == 100
    assert extrapolate_pass_at_k(n, c, 64) == alone


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (([16] * 4, [1] * 4, 32), "4 problems"),
        (([3] * 40, [1] * 40, 32), "at most 3 samples"),
        (([16] * 9, [17] * 9, 32), "must not exceed n"),
        (([16] * 9, [1] * 9, 0), "k = 0"),
        (([16] * 9, [1] * 9, 1.5), "whole"),
        (([16] * 9, [1] * 9, [1, 2]), "not one number"),
        (([16] * 9, [float("nan")] * 9, 32), "whole"),
        (([16] * 9, ["1"] * 9, 32), "numbers"),
        (([], [], 32), "no problems"),
    ],
)
def test_bad_input_is_refused(arguments, words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        extrapolate_pass_at_k(*arguments)


@pytest.mark.parametrize("tau", [0, 1, -0.1, float("nan")])
def test_a_tau_that_is_no_probability_is_refused(tau) -> None:
    with pytest.raises(StatisticsError):
        cover_at_tau([16] * 9, [1] * 9, tau)
