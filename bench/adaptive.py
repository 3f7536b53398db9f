"""Savings and costs of a stopping plan, measured by replaying full samples under it.

`python -m bench.adaptive [--replays N]` draws problems from three laws of difficulty, samples each
256 times in seed order, and stops the same samples under r = 4, 8 and 16. It prints samples and
tokens, the bias in standard errors, the width of both intervals relative to full sampling, their
coverage, and the size of the paired test of a stopped evaluation against a full one.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
from numpy.typing import NDArray

from bench.report import Figure, Report
from evalsvc.statistics import (
    SampledCounts,
    StoppingPlan,
    curve_comparison_stopped,
    estimate,
    estimate_stopped,
    pass_at_k,
    pass_at_k_stopped,
)
from evalsvc.statistics.stopping import path_counts

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

# Share never solved, then Beta(a, b): made up, but shaped like stored counts of such sets.
LAWS = {"MATH-like": (0.03, 0.8, 0.5), "AMC-like": (0.10, 0.6, 0.8), "AIME-like": (0.40, 0.3, 1.5)}
PLANS = (4, 8, 16)
KS = [2**i for i in range(9)]
COVERED = (1, 16, 64)
KINDS = ("population", "fixed")
PROBLEMS = 1_000
TOKENS = (400.0, 1_600.0)  # per sample at rate p: 400 + 1,600 (1 - p); hard problems are long


@dataclass(frozen=True)
class Row:
    """Results of one law under one plan, some relative to full sampling."""

    law: str
    stop_after: int
    samples: float
    tokens: float
    bias: float
    identical: bool
    width_population: dict[int, float]
    width_fixed: dict[int, float]
    coverage: dict[str, float]
    size: dict[str, float]


def rates(law: str, problems: int, random: np.random.Generator) -> Floats:
    never, a, b = LAWS[law]
    drawn = np.where(random.random(problems) < never, 0.0, random.beta(a, b, problems))
    return np.asarray(drawn, dtype=np.float64)


def blocks(p: Floats, random: np.random.Generator, plan: StoppingPlan) -> Ints:
    """Correct samples up to each look, (problems, looks): full sampling in seed order."""
    steps = random.binomial(plan.block, p[:, None], (p.size, plan.n_max // plan.block))
    return np.asarray(np.cumsum(steps, axis=1), dtype=np.int64)


def stopped(seen: Ints, plan: StoppingPlan) -> tuple[Ints, Ints]:
    """Where the plan stops those samples."""
    reached = seen >= plan.stop_after
    reached[:, -1] = True
    look = np.argmax(reached, axis=1)
    return (look + 1) * plan.block, seen[np.arange(len(seen)), look]


def tables(plan: StoppingPlan) -> Floats:
    """pass@k at (k, samples drawn, correct): looked up, because replays ask a million times."""
    ends = np.array(list(path_counts(plan)))
    found = np.full((len(KS), plan.n_max + 1, int(ends[:, 1].max()) + 1), np.nan)
    for i, k in enumerate(KS):
        values = pass_at_k_stopped(ends[:, 0], ends[:, 1], k, plan.stop_after)
        found[i, ends[:, 0], ends[:, 1]] = values
    return found


def bias(law: str, plan: StoppingPlan, replays: int) -> tuple[float, float, float, bool]:
    """Largest bias over k in standard errors; samples, tokens; whether pass@256 never differed."""
    random = np.random.default_rng(1)
    p = rates(law, PROBLEMS, random)
    length, table = TOKENS[0] + TOKENS[1] * (1 - p), tables(plan)
    full_table = np.stack([pass_at_k(256, np.arange(257), k) for k in KS])
    made, drawn, tokens, identical = np.empty((replays, len(KS))), 0.0, 0.0, True
    for i in range(replays):
        seen = blocks(p, random, plan)
        n, c = stopped(seen, plan)
        values = table[:, n, c]
        made[i] = values.mean(axis=1)
        identical &= bool(np.array_equal(values[-1], full_table[-1, seen[:, -1]]))
        drawn += float(n.mean()) / plan.n_max
        tokens += float((n * length).sum() / (plan.n_max * length.sum()))
    truth = np.array([np.mean(1 - (1 - p) ** k) for k in KS])
    error = made.std(axis=0, ddof=1) / np.sqrt(replays)
    # If no replay differed there is no error to scale by: then no deviation is allowed.
    off = np.abs(made.mean(axis=0) - truth)
    distance = np.divide(off, error, out=np.zeros_like(off), where=error > 1e-12)
    return float(distance.max()), drawn / replays, tokens / replays, identical


def measured(law: str, r: int, replays: int, repeats: int) -> Row:
    plan, random = StoppingPlan(r), np.random.default_rng(2)
    worst, samples, tokens, identical = bias(law, plan, replays)
    big = rates(law, 1_000_000, random)
    truth = {k: float(np.mean(1 - (1 - big) ** k)) for k in KS}
    width = {(kind, k): np.zeros(2) for kind in KINDS for k in KS}
    held = {f"{kind} k={k}": 0 for kind in KINDS for k in COVERED}
    rejected = {"stopped against full": 0, "stopped against stopped": 0}
    for seed in range(repeats):
        p = rates(law, PROBLEMS, random)
        seen = blocks(p, random, plan)
        n, c = stopped(seen, plan)
        for k in KS:
            ours = estimate_stopped(n, c, k, plan)
            full = estimate([256] * PROBLEMS, seen[:, -1], k)
            pairs = {"population": (ours.interval_population, full.interval_population)}
            if ours.interval_fixed is not None and full.interval_fixed is not None:
                pairs["fixed"] = (ours.interval_fixed, full.interval_fixed)
            targets = {"population": truth[k], "fixed": float(np.mean(1 - (1 - p) ** k))}
            for kind, (of_plan, of_full) in pairs.items():
                width[kind, k] += [span(of_plan), span(of_full)]
                if k in COVERED:
                    held[f"{kind} k={k}"] += inside(of_plan, targets[kind])
        other = blocks(p, random, plan)
        sides = {
            "stopped against full": SampledCounts([256] * PROBLEMS, other[:, -1]),
            "stopped against stopped": SampledCounts(*stopped(other, plan), plan),
        }
        for name, side in sides.items():
            test = curve_comparison_stopped(SampledCounts(n, c, plan), side, KS, seed=seed)
            rejected[name] += test.p_value <= 0.05
    return Row(
        law=law,
        stop_after=r,
        samples=samples,
        tokens=tokens,
        bias=worst,
        identical=identical,
        width_population={k: ratio(width["population", k]) for k in KS},
        width_fixed={k: ratio(width["fixed", k]) for k in KS[:-1]},
        coverage={name: count / repeats for name, count in held.items()},
        size={name: count / repeats for name, count in rejected.items()},
    )


def span(pair: tuple[float, float]) -> float:
    return pair[1] - pair[0]


def ratio(widths: Floats) -> float:
    return float(widths[0] / widths[1])


def inside(pair: tuple[float, float], value: float) -> bool:
    return pair[0] <= value <= pair[1]


def lines(row: Row) -> Iterator[str]:
    widths = "/".join(f"{row.width_population[k]:.3f}" for k in (1, 16, 256))
    fixed = "/".join(f"{row.width_fixed[k]:.2f}" for k in (1, 16, 64))
    yield (
        f"{row.law:10} r = {row.stop_after:2}: {100 * row.samples:4.1f}% of the samples, "
        f"{100 * row.tokens:4.1f}% of the tokens; bias {row.bias:.1f} s.e.; width at k = 1/16/256 "
        f"population {widths}, at 1/16/64 fixed {fixed}"
    )
    yield "             coverage " + ", ".join(f"{n} {v:.3f}" for n, v in row.coverage.items())
    yield "             size " + ", ".join(f"{n} {v:.3f}" for n, v in row.size.items())


def figures(rows: list[Row], repeats: int) -> list[Figure]:
    goal = next(row for row in rows if row.law == "MATH-like" and row.stop_after == 16)
    width = max(goal.width_population.values())
    noise = 2 * (0.95 * 0.05 / repeats) ** 0.5
    held = [value for row in rows for value in row.coverage.values()]
    kept = np.mean([0.93 - noise <= value <= 0.97 + noise for value in held])
    size = max(value for row in rows for value in row.size.values())
    return [
        Figure("samples, MATH-like, r = 16", 100 * goal.samples, 27.0, "lower", "%"),
        Figure("population interval against full, MATH-like, r = 16", width, 1.02, "lower", "x"),
        Figure("replays with pass@256 identical", min(r.identical for r in rows), 1.0, "higher"),
        Figure("largest bias over k", max(r.bias for r in rows), 3.0, "lower", " s.e."),
        Figure(
            "cells with coverage 93% to 97%", float(kept), 1.0, "higher", "", f"{len(held)} cells"
        ),
        Figure("largest size of the paired test at 5%", size, 0.055 + noise, "lower"),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replays", type=int, default=2_000, help="of one set of problems")
    parser.add_argument("--repeats", type=int, default=100, help="other problems each time")
    asked = parser.parse_args()
    rows = []
    for law in LAWS:
        for r in PLANS:
            rows.append(measured(law, r, asked.replays, asked.repeats))
            print("\n".join(lines(rows[-1])), flush=True)
    details = {"replays": asked.replays, "rows": [asdict(row) for row in rows]}
    return Report("adaptive", figures(rows, asked.repeats), details).publish()


if __name__ == "__main__":
    sys.exit(main())
