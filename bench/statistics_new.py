"""Simulated checks of the tests over curves, benchmarks and runs, the forecasts and the oddities.

`python -m bench.statistics_new [--repeats N]` prints a line per cell with size, power, coverage and
width, and marks every one that misses its target. `bench.statistics` does the same for single
comparisons.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from bench.report import Figure, Report
from evalsvc.statistics import (
    BenchmarkCounts,
    FittedDifficulty,
    RunScores,
    compare_curves,
    curve_comparison,
    feasibility,
    find_oddities,
    joint_claim,
    joint_claim_over_runs,
    parse_published,
    pass_at_k,
)

Floats = NDArray[np.float64]

KS = [2**i for i in range(9)]
SETS = {"hard": (0.4, 4.0), "mixed": (0.5, 0.5), "easy": (4.0, 0.8)}
LAWS = {
    "MATH-like": (0.03, 0.8, 0.5),
    "AMC-like": (0.10, 0.6, 0.8),
    "AIME-like": (0.40, 0.3, 1.5),
    "hard": (0.0, 0.4, 4.0),
}
COVERAGE, SIZE = (0.93, 0.97), (0.0, 0.055)
CATALOGUE = Path(__file__).parents[1] / "benchmarks"


@dataclass(frozen=True)
class Cell:
    """A simulated share with its target, and the mean width where it is a coverage."""

    what: str
    where: str
    share: float
    runs: int
    target: tuple[float, float]
    width: float | None = None

    @property
    def held(self) -> bool:
        """Within the target, allowing two standard errors of the simulation."""
        low, high = self.target
        error = 2 * (0.95 * 0.05 / self.runs) ** 0.5
        return bool(low - error <= self.share <= high + error)

    def line(self) -> str:
        width = "" if self.width is None else f", mean width {100 * self.width:.1f} points"
        return f"{'' if self.held else 'MISSED '}{self.what}, {self.where}: {self.share:.3f}{width}"


def gained(p: Floats, random: np.random.Generator) -> Floats:
    odds = logit(np.clip(p, 1e-12, 1 - 1e-12)) + random.normal(0.5, 0.5, p.shape)
    return np.asarray(expit(odds), dtype=np.float64)


def curves(repeats: int) -> Iterator[Cell]:
    """The max-T test: size, power compared with Holm, coverage and width of the band."""
    random = np.random.default_rng(1)
    for problems, (n, m) in ((30, (256, 256)), (40, (256, 256)), (500, (64, 64)), (30, (16, 256))):
        ks = [k for k in KS if k <= min(n, m)]
        for name, law in SETS.items():
            big = random.beta(*law, 400_000)
            truth = np.mean((1 - big[:, None]) ** ks - (1 - gained(big, random)[:, None]) ** ks, 0)
            rejected = resolved = holm = held = 0
            width = 0.0
            for seed in range(repeats):
                p = random.beta(*law, problems)
                q, before = gained(p, random), random.binomial(n, p)
                ns, ms = [n] * problems, [m] * problems
                like, after = random.binomial(m, p), random.binomial(m, q)
                same = curve_comparison(ns, before, ms, like, ks, None, seed)
                rejected += same.p_value <= 0.05
                made = curve_comparison(ns, before, ms, after, ks, None, seed)
                resolved += made.p_value <= 0.05
                band = np.array(made.band)
                held += bool(np.all((band[:, 0] <= truth) & (truth <= band[:, 1])))
                width += float(np.mean(band[:, 1] - band[:, 0])) / repeats
                if n == m:
                    one = compare_curves(ns, before, ms, after, ks, seed=seed)
                    holm += min(c.p_adjusted for c in one) <= 0.05
            where = f"N = {problems}, n = {n} and {m}, {name}"
            yield Cell("size of the curve test at 5%", where, rejected / repeats, repeats, SIZE)
            band_cell = (held / repeats, repeats, (0.93, 1.0), width)
            yield Cell("band holds at all k", where, *band_cell)
            if n == m:
                target = (max(holm / repeats - 0.02, 0.0), 1.0)
                power = f"{where}, Holm {holm / repeats:.3f}"
                yield Cell("power of the curve test", power, resolved / repeats, repeats, target)


def forecasts(repeats: int) -> Iterator[Cell]:
    """pass@256 from fewer samples: of these problems with hidden samples, and of such problems."""
    random = np.random.default_rng(2)
    for problems, n in ((40, 16), (40, 64), (200, 64), (1_000, 64)):
        for name, law in LAWS.items():
            big = drawn(law, 1_000_000, random)
            truth, wide = float(np.mean(1 - (1 - big) ** 256)), float(np.mean(big >= 0.5))
            hits, width = np.zeros(4), np.zeros(4)
            for seed in range(repeats):
                p = drawn(law, problems, random)
                c = random.binomial(n, p)
                shown = float(np.mean(c + random.binomial(256 - n, p) > 0))
                fitted = FittedDifficulty([n] * problems, c, seed=seed)
                made, cover = fitted.pass_at(256), fitted.cover(0.5)
                pairs = (
                    (made.interval_fixed, shown),
                    (made.interval, truth),
                    (cover.interval_fixed, float(np.mean(p >= 0.5))),
                    (cover.interval, wide),
                )
                hits += [low <= value <= high for (low, high), value in pairs]
                width += [high - low for (low, high), _ in pairs]
            names = [f"{f}, {of}" for f in ("pass@256", "Cover@0.5") for of in ("these", "such")]
            for what, hit, span in zip(names, hits / repeats, width / repeats, strict=True):
                # With few undecided problems the band is discrete and covers more.
                target = (0.93, 1.0) if "these" in what else COVERAGE
                where = f"N = {problems}, n = {n}, {name}"
                yield Cell(f"{what} problems", where, float(hit), repeats, target, float(span))


def drawn(law: tuple[float, float, float], problems: int, random: np.random.Generator) -> Floats:
    never, a, b = law
    rates = np.where(random.random(problems) < never, 0.0, random.beta(a, b, problems))
    return np.asarray(rates, dtype=np.float64)


def claims(repeats: int) -> Iterator[Cell]:
    """Over benchmarks: size, coverage. Over runs: size of both methods."""
    random = np.random.default_rng(3)
    designs = {"AIME": (30, 256, (256,)), "AMC": (40, 256, (256,)), "MATH": (500, 16, (1,))}
    laws = {"AIME": (0.4, 2.0), "AMC": (0.6, 0.8), "MATH": (0.8, 0.5)}
    truth = 0.0
    for name, (_, _, ks) in designs.items():
        big = random.beta(*laws[name], 400_000)
        truth += float(np.mean((1 - big) ** ks[0] - (1 - gained(big, random)) ** ks[0])) / 3
    rejected = held = 0
    width = 0.0
    for seed in range(repeats):
        equal, better = {}, {}
        for name, (problems, n, ks) in designs.items():
            p, sizes = random.beta(*laws[name], problems), np.full(problems, n)
            before = random.binomial(n, p)
            equal[name] = BenchmarkCounts(sizes, before, sizes, random.binomial(n, p), ks)
            after = random.binomial(n, gained(p, random))
            better[name] = BenchmarkCounts(sizes, before, sizes, after, ks)
        rejected += joint_claim(equal, seed=seed).p_value <= 0.05
        low, high = joint_claim(better, seed=seed).interval
        held += low <= truth <= high
        width += (high - low) / repeats
    where = "AIME, AMC at k = n and MATH at k = 1"
    yield Cell("size of the joint test at 5%", where, rejected / repeats, repeats, SIZE)
    yield Cell("joint interval", where, held / repeats, repeats, COVERAGE, width)
    for method in ("permutation", "welch"):
        for runs in (3, 5):
            found = 0
            for _ in range(4 * repeats):
                scores = np.clip(random.normal(0.4, 0.05, (2, runs)), 0, 1)
                first, second = ([RunScores({"a": float(y)}) for y in side] for side in scores)
                found += joint_claim_over_runs(first, second, method=method).resolved
            where = f"{runs} and {runs} runs, {method}"
            yield Cell("size over runs at 5%", where, found / (4 * repeats), 4 * repeats, SIZE)


def odd_curves(count: int) -> list[Figure]:
    """Flags on curves from real counts, and what the paper's tables give."""
    random, flagged = np.random.default_rng(4), 0
    for _ in range(count):
        problems, runs = int(random.choice([30, 40, 500])), int(random.choice([1, 4, 16]))
        p = random.beta(random.uniform(0.1, 4.0), random.uniform(0.1, 4.0), problems)
        c = random.binomial(256, p, (runs, problems))
        printed = {k: round(100 * float(pass_at_k(256, c, k).mean()), 1) for k in KS}
        flagged += not feasibility(printed).feasible
    files = sorted(CATALOGUE.glob("*/published.csv"))
    rows = [row for path in files for row in parse_published(path.read_text(), str(path))]
    odd = [o for o in find_oddities(rows) if o.rule == "no counts give the curve"]
    for one in odd:
        print(f"  {one.message}")
    return [
        Figure(f"flags on {count:,} curves from real counts", flagged, 0, "lower"),
        Figure("the paper's curves that no counts give", len(odd), 33, "higher", "", "of 67"),
    ]


def speed() -> list[Figure]:
    random, figures = np.random.default_rng(5), []
    p = random.beta(0.5, 0.5, 5_000)
    for what, m, limit in (("equal n", 256, 150.0), ("unequal n", 64, 1_000.0)):
        ks, seconds = [k for k in KS if k <= m], []
        for _ in range(21):
            before, after = random.binomial(256, p), random.binomial(m, p)
            start = time.perf_counter()
            curve_comparison([256] * 5_000, before, [m] * 5_000, after, ks)
            seconds.append(1e3 * (time.perf_counter() - start))
        value = float(np.quantile(seconds[1:], 0.95))
        name = f"whole curves of 5,000 problems x 256, {what}, p95"
        figures.append(Figure(name, value, limit, "lower", " ms"))
    return figures


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=300, help="simulated data sets per cell")
    parser.add_argument("--curves", type=int, default=10_000, help="curves from real counts")
    asked = parser.parse_args()
    sections: list[Callable[[int], Iterator[Cell]]] = [curves, claims, forecasts]
    cells = []
    for section in sections:
        for cell in section(asked.repeats):
            print(cell.line(), flush=True)
            cells.append(cell)
    figures = [*odd_curves(asked.curves), *speed()]
    for what in dict.fromkeys(cell.what for cell in cells):
        mine = [cell for cell in cells if cell.what == what]
        low, high = min(c.share for c in mine), max(c.share for c in mine)
        held = sum(cell.held for cell in mine) / len(mine)
        how = f"{len(mine)} cells, {low:.3f} to {high:.3f}"
        figures.append(Figure(f"cells that hold: {what}", held, 1.0, "higher", "", how))
    details = {"repeats": asked.repeats, "cells": [asdict(cell) for cell in cells]}
    return Report("statistics_new", figures, details).publish()


if __name__ == "__main__":
    sys.exit(main())
