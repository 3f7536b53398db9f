"""Check the claims of the statistics: simulated size, power, coverage, width and speed.

`python -m bench.statistics [--repeats N]` prints a table per claim with target and figure, and
lists every cell that misses its target. A width is compared with the narrowest interval of
bench/rivals.py that covers in the same cell. A cell is saturated if the truth is within three
problems' worth of score of 0 or 1: coverage cannot be judged there.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from scipy.special import betaln, expit, logit

from bench import rivals
from bench.report import Figure, Report
from evalsvc.statistics import (
    Comparison,
    DifficultyLaw,
    StatisticsError,
    adjust_family,
    compare_curves,
    estimate,
    fit_difficulty,
    paired_comparison,
    pass_at_k,
    sign_flip_tests,
)
from evalsvc.statistics.power import Design

# Beta laws of success rates
SETS = {"easy": (4.0, 0.8), "hard": (0.4, 4.0), "mixed": (0.5, 0.5), "high": (6.0, 2.0)}
PROBLEMS = (30, 40, 5_000)
SAMPLES = (4, 16, 256)
GAIN, GAIN_SPREAD = 0.5, 0.5  # in log-odds, where two checkpoints differ
COVERAGE = (0.93, 0.97)
SIZE = (0.04, 0.055)
POWER = (0.75, 0.85)
FEW_DISCORDANT = 25  # clusters that differ, up to which an exact test is conservative
WIDEST = 1.15  # of the narrowest interval that covers
FAMILIES = (1, 9, 63, 315)
OURS = "ours"


@dataclass(frozen=True)
class Cell:
    """One simulated share, its target range, and why the range may not apply to this cell.

    excused: "saturated" lifts both ends, "conservative" the lower one. width: mean of our interval,
    narrowest: that of the narrowest one that covers, named by `rival`; 0 if no width is measured.
    """

    what: str
    where: str
    share: float
    runs: int
    target: tuple[float, float]
    excused: str = ""
    width: float = 0.0
    narrowest: float = 0.0
    rival: str = ""

    @property
    def held(self) -> bool:
        """Inside the range, allowing two standard errors of the simulation itself."""
        low, high = self.target
        error = 2 * ((low + high) / 2 * (1 - (low + high) / 2) / self.runs) ** 0.5
        low_enough = self.share <= high + error
        return low_enough and (self.share >= low - error or self.excused == "conservative")

    @property
    def strictly_inside(self) -> bool:
        return self.target[0] <= self.share <= self.target[1]

    @property
    def narrow(self) -> bool:
        return self.width <= WIDEST * self.narrowest + 1e-9


@dataclass
class Tally:
    """Hits and widths of our interval and its rivals in one cell."""

    hits: dict[str, list[bool]] = field(default_factory=dict)
    widths: dict[str, list[float]] = field(default_factory=dict)

    def add(self, intervals: Mapping[str, tuple[float, float]], truth: float) -> None:
        for name, pair in intervals.items():
            self.hits.setdefault(name, []).append(inside(pair, truth))
            self.widths.setdefault(name, []).append(pair[1] - pair[0])

    def cell(self, what: str, where: str, excuse: str) -> Cell:
        runs = len(self.hits[OURS])
        least = COVERAGE[0]
        width = {name: float(np.mean(values)) for name, values in self.widths.items()}
        # A zero-width interval would cover a truth that rounds to 1, but claims too much.
        covering = [n for n, hits in self.hits.items() if np.mean(hits) >= least and width[n] > 0]
        best = min(covering or [OURS], key=width.__getitem__)
        share = float(np.mean(self.hits[OURS]))
        return Cell(what, where, share, runs, COVERAGE, excuse, width[OURS], width[best], best)


def ks_of(n: int) -> list[int]:
    """k = 1, an eighth, a quarter, half of n, and n itself."""
    return sorted({1, max(1, n // 8), n // 4, n // 2, n})


def rates(name: str, size: int | tuple[int, int], random: np.random.Generator) -> np.ndarray:
    return np.clip(random.beta(*SETS[name], size), 1e-12, 1 - 1e-12)


def gained(before: np.ndarray, random: np.random.Generator) -> np.ndarray:
    """Success rates of a better checkpoint on the same problems."""
    return np.asarray(expit(logit(before) + random.normal(GAIN, GAIN_SPREAD, before.shape)))


def excuse_of(problems: int, truth: float) -> str:
    return "saturated" if problems * min(truth, 1 - truth) < 3 else ""


def coverage_of_estimates(repeats: int) -> Iterator[Cell]:
    """Coverage and width of both intervals of one evaluation's pass@k."""
    random = np.random.default_rng(1)
    for problems, n, name in grid():
        runs = repeats if problems < 1_000 else max(repeats // 3, 100)
        for k in ks_of(n):
            mean = -np.expm1(betaln(SETS[name][0], SETS[name][1] + k) - betaln(*SETS[name]))
            fixed, population = Tally(), Tally()
            for _ in range(runs):
                p = rates(name, problems, random)
                c = random.binomial(n, p)
                figure = estimate(np.full(problems, n), c, k)
                population.add(
                    {OURS: figure.interval_population, **rivals.population(n, c, k)}, mean
                )
                if figure.interval_fixed is not None:
                    own = {OURS: figure.interval_fixed, **rivals.fixed(n, c, k)}
                    fixed.add(own, float(np.mean(1 - (1 - p) ** k)))
            where, excuse = f"N={problems} n={n} {name} k={k}", excuse_of(problems, mean)
            if fixed.hits:
                yield fixed.cell("fixed problems, pass@k", where, excuse)
            yield population.cell("population, pass@k", where, excuse)


def coverage_of_differences(repeats: int) -> Iterator[Cell]:
    """Coverage and width of both intervals of a paired difference, the candidate being better."""
    random = np.random.default_rng(2)
    for problems, n, name in grid():
        runs = repeats if problems < 1_000 else max(repeats // 5, 60)
        ks = ks_of(n)
        many = rates(name, 1_000_000, random)
        better = gained(many, random)
        truth = [float(np.mean((1 - many) ** k - (1 - better) ** k)) for k in ks]
        level = [float(np.mean(1 - (1 - better) ** k)) for k in ks]
        tallies: dict[tuple[str, int], Tally] = {}
        samples = np.full(problems, n)
        for _ in range(runs):
            p = rates(name, problems, random)
            q = gained(p, random)
            before, after = random.binomial(n, p), random.binomial(n, q)
            made = compare_curves(samples, before, samples, after, ks)
            for k, whole, c in zip(ks, truth, made, strict=True):
                values = pass_at_k(n, after, k) - pass_at_k(n, before, k)
                own = rivals.population_difference(values, indicator=k == n)
                tally = tallies.setdefault(("population", k), Tally())
                tally.add({OURS: c.interval_population, **own}, whole)
                if c.interval_fixed is not None:
                    here = float(np.mean((1 - p) ** k - (1 - q) ** k))
                    own = rivals.fixed_difference(n, before, after, k)
                    tally = tallies.setdefault(("fixed", k), Tally())
                    tally.add({OURS: c.interval_fixed, **own}, here)
        for (kind, k), tally in tallies.items():
            what = "fixed problems, difference" if kind == "fixed" else "population, difference"
            excuse = excuse_of(problems, level[ks.index(k)])
            yield tally.cell(what, f"N={problems} n={n} {name} k={k}", excuse)


def size_of_the_test(repeats: int) -> Iterator[Cell]:
    """How often equal checkpoints are called different at 5%, with equal and unequal samples."""
    random = np.random.default_rng(3)
    sides = [(n, n) for n in (1, *SAMPLES)] + [(16, 256), (4, 64)]
    for problems in PROBLEMS:
        for (n, other), name in ((side, name) for side in sides for name in SETS):
            runs = 2 * repeats if problems < 1_000 else max(repeats // 5, 60)
            for k in sorted({1, max(n // 4, 1), n}):
                rejected, few = 0, 0
                for i in range(runs):
                    p = rates(name, problems, random)
                    made = paired_comparison(
                        [n] * problems,
                        random.binomial(n, p),
                        [other] * problems,
                        random.binomial(other, p),
                        k,
                        seed=i,
                    )
                    rejected += made.p_value <= 0.05
                    few += made.discordant <= FEW_DISCORDANT
                excuse = "conservative" if few > runs / 2 or n <= 4 or n != other else ""
                against = f"n={n}" if n == other else f"n={n} against {other}"
                where = f"N={problems} {against} {name} k={k}"
                yield Cell("size of the test at 5%", where, rejected / runs, runs, SIZE, excuse)


def size_where_skewed(repeats: int) -> Iterator[Cell]:
    """Some problems lose much and the others gain a little; the true mean difference is 0."""
    random = np.random.default_rng(6)
    for problems, share, loss in (
        (30, 0.05, 0.4),
        (30, 0.1, 0.4),
        (30, 0.2, 0.3),
        (100, 0.03, 0.4),
        (100, 0.1, 0.3),
        (500, 0.02, 0.4),
    ):
        runs, n = 4 * repeats, 64
        rejected, flips, skewness = 0, 0, []
        for i in range(runs):
            losing = random.random(problems) < share
            gain = loss * share / (1 - share)
            p = np.full(problems, 0.5)
            q = p + np.where(losing, -loss, gain)
            before, after = random.binomial(n, p), random.binomial(n, q)
            made = paired_comparison([n] * problems, before, [n] * problems, after, 1, seed=i)
            rejected += made.p_value <= 0.05
            flips += sign_flip_tests(((after - before) / n)[:, None], seed=i)[0].p_value <= 0.05
            skewness.append(abs(made.skewness))
        where = (
            f"N={problems}, {share:.0%} lose {100 * loss:.0f} points "
            f"(sign flips alone {flips / runs:.3f}, skewness {np.mean(skewness):.2f})"
        )
        yield Cell("size where skewed", where, rejected / runs, runs, SIZE, "conservative")


@dataclass
class _Repeats:
    """Repeated comparisons drawn from one law of difficulty."""

    law: DifficultyLaw
    problems: int
    n: int
    k: int
    random: np.random.Generator

    def compare(self, effect: float) -> Comparison:
        moved = self.law if effect == 0 else self.law.shifted(effect, self.k)
        which = self.random.choice(self.law.rates.size, self.problems, p=self.law.weights)
        before = self.random.binomial(self.n, self.law.rates[which])
        after = self.random.binomial(self.n, moved.rates[which])
        samples = np.full(self.problems, self.n)
        return paired_comparison(samples, before, samples, after, self.k)

    def told(self, effect: float, family: int) -> float:
        made = self.compare(effect)
        return adjust_family([made] * family)[0].minimum_detectable_effect


def power_at_the_detectable_effect(repeats: int) -> Iterator[Cell]:
    """Check that the detectable effect is detected in 4 of 5 repeats, at alpha over the family."""
    random = np.random.default_rng(7)
    for problems, n, k, name in (
        (30, 16, 1, "mixed"),
        (30, 16, 16, "hard"),
        (40, 256, 8, "hard"),
        (300, 16, 4, "hard"),
        (300, 1, 1, "mixed"),
        (1_000, 4, 1, "mixed"),
    ):
        law = fit_difficulty(np.full(5_000, 64), random.binomial(64, rates(name, 5_000, random)))
        design = _Repeats(law, problems, n, k, random)
        for family in FAMILIES:
            effect = 0.0
            try:
                for _ in range(3):  # spread and detectable effect depend on each other
                    effect = float(np.mean([design.told(effect, family) for _ in range(30)]))
                design.compare(effect)
            except StatisticsError:
                print(f"no law reaches {100 * effect:.0f} points: N={problems}, family of {family}")
                continue
            detected = 0
            for _ in range(repeats):
                detected += design.compare(effect).p_value <= 0.05 / family
            where = f"N={problems} n={n} {name} k={k} family of {family}, {100 * effect:.1f} points"
            yield Cell("power at the detectable effect", where, detected / repeats, repeats, POWER)


def power_as_planned(repeats: int) -> Iterator[Cell]:
    """Planned power against simulated repeats of the real test."""
    random = np.random.default_rng(4)
    designs = [
        (30, 16, 1, 0.06, "mixed"),
        (30, 16, 4, 0.08, "mixed"),
        (40, 64, 16, 0.10, "hard"),
        (40, 4, 1, 0.06, "easy"),
        (40, 16, 16, 0.15, "hard"),
        (300, 1, 1, 0.06, "mixed"),
        (300, 16, 4, 0.03, "hard"),
        (5_000, 4, 1, 0.005, "easy"),
    ]
    for problems, n, k, effect, name in designs:
        law = fit_difficulty(
            np.full(20_000, 256), random.binomial(256, rates(name, 20_000, random))
        )
        design = Design(law, k, effect, 0.05)
        runs = 2 * repeats if problems < 1_000 else repeats
        rejected, samples = 0, np.full(problems, n)
        for i in range(runs):
            which = random.choice(law.rates.size, problems, p=law.weights)
            before = random.binomial(n, design.before.rates[which])
            after = random.binomial(n, design.after.rates[which])
            made = paired_comparison(samples, before, samples, after, k, seed=i)
            rejected += made.p_value <= 0.05
        planned = design.power(problems, n, 1)
        where = f"N={problems} n={n} {name} k={k} d={effect:g}, planned {planned:.3f}"
        band = (planned - 0.03, planned + 0.03)
        yield Cell("power", where, rejected / runs, runs, band)


def speed() -> list[Figure]:
    """Two evaluations of 5,000 problems at nine ks, as one page requests them."""
    random = np.random.default_rng(5)
    p = rates("mixed", 5_000, random)
    q = gained(p, random)
    ks = [2**i for i in range(9)]
    figures = []
    for what, drawn, target in (
        ("256 samples", np.full((2, 5_000), 256), 150.0),
        ("256 to 512 samples, unequal", random.integers(256, 513, (2, 5_000)), 1_000.0),
    ):
        before, after = random.binomial(drawn[0], p), random.binomial(drawn[1], q)
        seconds = []
        for _ in range(21):
            start = time.perf_counter()
            compare_curves(drawn[0], before, drawn[1], after, ks)
            seconds.append(time.perf_counter() - start)
        rest = 1e3 * np.asarray(seconds[1:])
        figures.append(
            Figure(
                f"compare 5,000 problems x {what} at 9 ks, p95",
                float(np.quantile(rest, 0.95)),
                target,
                "lower",
                " ms",
                f"median {np.median(rest):.0f} ms, first call {1e3 * seconds[0]:.0f} ms",
            )
        )
    return figures


def grid(samples: tuple[int, ...] = SAMPLES) -> Iterator[tuple[int, int, str]]:
    for problems in PROBLEMS:
        for n in samples:
            for name in SETS:
                yield problems, n, name


def inside(pair: tuple[float, float], truth: float) -> bool:
    return pair[0] - 1e-12 <= truth <= pair[1] + 1e-12


def summary(cells: Sequence[Cell]) -> list[Figure]:
    """Two figures per claim: the cells that hold and the widths. Prints what falls short."""
    figures = []
    for what in dict.fromkeys(cell.what for cell in cells):
        mine = [cell for cell in cells if cell.what == what]
        asked = [cell for cell in mine if cell.excused != "saturated"]
        shares = [cell.share for cell in asked]
        low, high = mine[0].target
        target = "planned +-0.03" if what == "power" else f"{low:g}..{high:g}"
        print(f"\n{what}: target {target}")
        print(f"  {sum(c.strictly_inside for c in asked)} of {len(asked)} cells strictly inside, ")
        print(f"  mean {np.mean(shares):.3f}, range {min(shares):.3f}..{max(shares):.3f}")
        for cell in mine:
            if not cell.held:
                note = f"  ({cell.excused})" if cell.excused else ""
                print(f"    outside: {cell.where}: {cell.share:.3f}{note}")
        held = sum(cell.held for cell in asked) / len(asked)
        how = f"{target}, within two standard errors of the simulation; {len(asked)} cells"
        figures.append(Figure(f"cells that hold: {what}", held, 1.0, "higher", "", how))
        if mine[0].width:
            figures.append(_widths(what, mine))
    return figures


def _widths(what: str, cells: Sequence[Cell]) -> Figure:
    """Saturated cells count too: there an interval is easily as wide as the whole range."""
    ratios = [cell.width / cell.narrowest for cell in cells]
    print(f"  width over the narrowest that covers: median {np.median(ratios):.2f}")
    for cell in cells:
        if not cell.narrow:
            print(
                f"    wide: {cell.where}: {cell.width:.4f}, {cell.rival} {cell.narrowest:.4f} "
                f"(coverage {cell.share:.3f}{', ' + cell.excused if cell.excused else ''})"
            )
    narrow = sum(cell.narrow for cell in cells) / len(cells)
    how = f"at most {WIDEST} of the narrowest that covers; {len(cells)} cells, saturated too"
    return Figure(f"cells as narrow: {what}", narrow, 1.0, "higher", "", how)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=400, help="simulated evaluations per cell")
    repeats = parser.parse_args().repeats
    sections: list[Callable[[int], Iterator[Cell]]] = [
        coverage_of_estimates,
        coverage_of_differences,
        size_of_the_test,
        size_where_skewed,
        power_as_planned,
        power_at_the_detectable_effect,
    ]
    print(f"{repeats} repeats: a coverage near 0.95 is known to +-{0.218 / repeats**0.5:.3f}")
    cells = [cell for section in sections for cell in section(repeats)]
    figures = [*summary(cells), *speed()]
    details = {"repeats": repeats, "cells": [asdict(cell) for cell in cells]}
    return Report("statistics", figures, details).publish()


if __name__ == "__main__":
    sys.exit(main())
