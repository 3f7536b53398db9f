"""The laws agree with `scipy.stats`, at their ends too, and nothing imports it."""

import subprocess
import sys
from typing import Any

import numpy as np
import pytest
from scipy import stats

from evalsvc.statistics.distributions import (
    binomial_above,
    binomial_at_most,
    binomial_chance,
    binomial_quantile,
    hypergeometric_chance,
    normal_quantile,
    t_above,
    t_beyond,
    t_quantile,
)

TIGHT: dict[str, Any] = {"rel": 1e-9, "abs": 1e-14}


@pytest.mark.parametrize("freedom", [1, 2.5, 29, 4_999, np.inf])
def test_student(freedom: float) -> None:
    for p in (0.5, 0.8, 0.975, 0.9999):
        assert t_quantile(p, freedom) == pytest.approx(stats.t.ppf(p, freedom), **TIGHT)
    for x in (-2.0, 0.0, 1.96, 9.0):
        assert t_above(x, freedom) == pytest.approx(stats.t.sf(x, freedom), **TIGHT)
    assert normal_quantile(0.975) == pytest.approx(stats.norm.ppf(0.975), **TIGHT)


@pytest.mark.parametrize(("freedom", "shift"), [(1.5, 0.0), (29, 2.8), (39, 11.0), (4_999, 0.3)])
def test_noncentral_student(freedom: float, shift: float) -> None:
    critical = stats.t.ppf(0.975, freedom)
    law = stats.nct(freedom, shift)
    expected = law.sf(critical) + law.cdf(-critical)
    assert t_beyond(critical, freedom, shift) == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("n", [0, 1, 14, 40, 5_000])
@pytest.mark.parametrize("p", [0.0, 0.01, 0.5, 1.0])
def test_binomial(n: int, p: float) -> None:
    k = np.arange(n + 1)
    law = stats.binom(n, p)
    for at in (-1, *k[:: max(1, n // 20)], n + 1):
        assert binomial_at_most(at, n, p) == pytest.approx(law.cdf(at), **TIGHT)
        assert binomial_above(at, n, p) == pytest.approx(law.sf(at), **TIGHT)
    assert binomial_chance(k, n, p) == pytest.approx(law.pmf(k), **TIGHT)


@pytest.mark.parametrize("q", [1e-9, 0.025, 0.5, 0.975, 1 - 1e-9])
@pytest.mark.parametrize("p", [0.02, 0.5, 0.9])
def test_binomial_quantile(q: float, p: float) -> None:
    n = np.array([0, 1, 2, 5, 14, 15, 100, 5_000])
    assert binomial_quantile(q, n, p).tolist() == stats.binom.ppf(q, n, p).tolist()


@pytest.mark.parametrize(
    ("n", "marked", "drawn"), [(8, 0, 3), (8, 8, 3), (16, 5, 9), (256, 77, 128)]
)
def test_hypergeometric(n: int, marked: int, drawn: int) -> None:
    hits = np.arange(-1, drawn + 2)
    expected = stats.hypergeom.pmf(hits, n, marked, drawn)
    assert hypergeometric_chance(hits, n, marked, drawn) == pytest.approx(expected, **TIGHT)


def test_the_large_packages_are_not_imported() -> None:
    code = (
        "import sys, evalsvc.statistics\n"
        "sys.exit(bool({'scipy.stats', 'scipy.optimize'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
