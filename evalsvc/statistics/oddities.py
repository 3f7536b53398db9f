"""Impossible arithmetic in printed tables, found by rules.

Each rule checks whether any counts at all could have given the printed figures, allowing for their
rounding. A finding is a reason to ask the authors, not an accusation: another procedure or a typing
error explains most of them, and the message says which.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import ceil, floor, sqrt

from evalsvc.statistics.feasibility import feasibility
from evalsvc.statistics.published import PublishedRow

ROUNDING = 0.05 + 1e-9  # percent: figures are printed with one decimal
FEWEST_SHARED = 3  # equal figures at fewer k than this may be chance


@dataclass(frozen=True, slots=True)
class Oddity:
    """One finding: the message, the rule and the rows concerned."""

    rule: str
    message: str
    rows: tuple[PublishedRow, ...]


def find_oddities(rows: Sequence[PublishedRow]) -> tuple[Oddity, ...]:
    """Every oddity of the rows, by rule; the rows of all benchmarks may be given at once."""
    found: list[Oddity] = []
    for row in rows:
        found += _spread_too_large(row)
    for curve in _curves(rows).values():
        found += _no_counts(curve)
    found += _two_values(rows)
    found += _copied(rows)
    return tuple(found)


def _spread_too_large(row: PublishedRow) -> Iterable[Oddity]:
    """Values in [0, 100] with mean m over R runs deviate at most sqrt(m(100-m)R/(R-1))."""
    if row.plus_minus_percent is None or row.runs is None or row.runs < 2:
        return
    bound = max(sqrt(m * (100 - m) * row.runs / (row.runs - 1)) for m in _possible_means(row))
    if row.plus_minus_percent <= bound + ROUNDING:
        return
    yield Oddity(
        "spread above its bound",
        f"{_cell(row)} = {row.value_percent:g} ± {row.plus_minus_percent:g}: no {row.runs} runs of "
        f"a score bounded by 100 with this mean deviate by more than {bound:.2f}; ± must mean "
        "something else.",
        (row,),
    )


def _possible_means(row: PublishedRow) -> list[float]:
    """Means that round to the printed value; at k = n only those on the lattice 1/(N R)."""
    low, high = max(row.value_percent - 0.05, 0.0), min(row.value_percent + 0.05, 100.0)
    if row.problems is not None and row.runs is not None and row.k == row.samples:
        step = 100.0 / (row.problems * row.runs)
        lattice = range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)
        on_lattice = [min(i * step, 100.0) for i in lattice]
        if on_lattice:
            return on_lattice
    return [low, high, min(max(50.0, low), high)]


def _no_counts(curve: Sequence[PublishedRow]) -> Iterable[Oddity]:
    """Curves that no counts of the stated n give; without a stated n, curves that fall."""
    first = curve[0]
    samples = {row.samples for row in curve}
    if first.metric != "pass@k" or not 1 < len({row.k for row in curve}) == len(curve):
        return
    if len(samples) > 1 or first.samples is None or curve[-1].k > first.samples:
        yield from _not_increasing(curve)
        return
    found = feasibility({row.k: row.value_percent for row in curve}, first.samples)
    if found.feasible:
        return
    yield Oddity(
        "no counts give the curve",
        f"{_curve_name(first)}: no counts of {first.samples} samples per problem give the printed "
        f"pass@k at all {len(curve)} k; the nearest miss one by {found.slack:.2g} points beyond "
        "rounding. Averaging over runs does not explain it; another number of samples at some k, "
        "another estimator, or a slip in rounding or copying does.",
        tuple(curve),
    )


def _not_increasing(curve: Sequence[PublishedRow]) -> Iterable[Oddity]:
    for low, high in pairwise(curve):
        if high.value_percent < low.value_percent - 2 * ROUNDING:
            yield Oddity(
                "pass@k falls with k",
                f"{_cell(high)} = {high.value_percent:g} is below {low.value_percent:g} at "
                f"k = {low.k}; more attempts cannot solve fewer problems.",
                (low, high),
            )


def _two_values(rows: Sequence[PublishedRow]) -> Iterable[Oddity]:
    cells: dict[tuple[str, str, str, str, int], list[PublishedRow]] = defaultdict(list)
    for row in rows:
        cells[(row.benchmark, row.model, row.method, row.metric, row.k)].append(row)
    for same in cells.values():
        values = sorted({row.value_percent for row in same})
        if len(values) > 1:
            listed = ", ".join(f"{r.value_percent:g} (table {r.source_table})" for r in same)
            yield Oddity("two values for one cell", f"{_cell(same[0])} is {listed}.", tuple(same))


def _copied(rows: Sequence[PublishedRow]) -> Iterable[Oddity]:
    """Two methods with the same figures at every k, not all of them at the bounds."""
    curves = _curves(rows)
    for (left_key, left), (right_key, right) in combinations(curves.items(), 2):
        same_place = left_key[:3] == right_key[:3] and left_key[3] != right_key[3]
        if not same_place or [r.k for r in left] != [r.k for r in right]:
            continue
        values = [r.value_percent for r in left]
        inner = sum(0 < value < 100 for value in values)
        if inner >= FEWEST_SHARED and values == [r.value_percent for r in right]:
            yield Oddity(
                "row equal to another",
                f"{left[0].benchmark} {left[0].model}: {left[0].method} (table "
                f"{left[0].source_table}) and {right[0].method} (table {right[0].source_table}) "
                f"agree at all {len(left)} k; one may be a copy of the other.",
                (*left, *right),
            )


_CurveKey = tuple[str, str, str, str, str]


def _curves(rows: Iterable[PublishedRow]) -> dict[_CurveKey, list[PublishedRow]]:
    """Rows of one method in one table, by rising k."""
    curves: dict[_CurveKey, list[PublishedRow]] = defaultdict(list)
    for row in rows:
        key = (row.benchmark, row.model, row.metric, row.method, row.source_table)
        curves[key].append(row)
    return {key: sorted(curve, key=lambda r: r.k) for key, curve in curves.items()}


def _cell(row: PublishedRow) -> str:
    metric = row.metric.replace("k", str(row.k))
    return f"{row.benchmark} {row.model} {row.method} {metric} (table {row.source_table})"


def _curve_name(row: PublishedRow) -> str:
    return f"{row.benchmark} {row.model} {row.method} (table {row.source_table})"
