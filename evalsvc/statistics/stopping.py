"""Sampling that stops a problem after r correct answers, and unbiased estimates from its counts.

A plan draws samples in the order of their seeds, in blocks. After each whole block it stops if at
least r samples are correct, or if n is reached. The usual 1 - C(n-c, k)/C(n, k) is biased for such
counts. The estimators here weigh the orders of right and wrong samples by whether the plan could
have met them (Girshick, Mosteller & Savage 1946), and are exactly unbiased.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import comb, log

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import xlog1py, xlogy

from evalsvc.statistics.counts import (
    FloatArray,
    IntArray,
    broadcast,
    check_counts,
    check_k,
    integers,
)
from evalsvc.statistics.errors import StatisticsError

LARGEST_PLAN = 2_048  # samples: path counts are integers of that many bits


@dataclass(frozen=True, slots=True)
class StoppingPlan:
    """Stop a problem once `stop_after` samples are correct; look after every `block` samples.

    n_max: samples of a problem that never reaches it. If `block` does not divide it, the last block
    is shorter. `stop_after` = n_max is full sampling.
    """

    stop_after: int
    block: int = 16
    n_max: int = 256

    def __post_init__(self) -> None:
        for name in ("stop_after", "block", "n_max"):
            value = integers(getattr(self, name), name)
            if value.ndim != 0:
                raise StatisticsError(f"{name} must be one number.", "A plan is one for all.")
            object.__setattr__(self, name, int(value))
        if not 1 <= self.n_max <= LARGEST_PLAN:
            raise StatisticsError(f"n_max = {self.n_max} is not in 1..{LARGEST_PLAN}.")
        if not 1 <= self.stop_after <= self.n_max:
            raise StatisticsError(
                f"stop_after = {self.stop_after} is not in 1..{self.n_max}.",
                "Stop after at least one correct sample, and at most n of them.",
            )
        if not 1 <= self.block <= self.n_max:
            raise StatisticsError(
                f"block = {self.block} is not in 1..{self.n_max}.", "16 samples are usual."
            )

    @property
    def looks(self) -> tuple[int, ...]:
        """After how many samples the plan decides; the last is n_max."""
        return (*range(self.block, self.n_max, self.block), self.n_max)

    @property
    def always_drawn(self) -> int:
        """The samples that every problem gets: the first look that could stop one."""
        return next(look for look in self.looks if look >= min(self.stop_after, self.n_max))

    def require_always_drawn(self, figure: str, k: int) -> None:
        """StatisticsError unless every problem has k samples, whatever they were.

        For figures that need k samples in a row: pass^k, and maj@k, which `maj_at_k` estimates
        without bias from the first `always_drawn` samples of a problem, and from no others.
        """
        if k > self.always_drawn:
            raise StatisticsError(
                f"{figure} at k = {k} has no unbiased estimate in [0, 1] under this plan ({self}): "
                f"a problem that stopped early never showed {k} samples.",
                f"Ask for k <= {self.always_drawn}, or extend the evaluation to all samples.",
            )

    def __str__(self) -> str:
        return f"stop after {self.stop_after} correct of {self.n_max}, in blocks of {self.block}"


def pass_at_k_stopped(  # noqa: PLR0917 - the order is part of the interface
    n: ArrayLike,
    c: ArrayLike,
    k: ArrayLike,
    stop_after: int,
    block: int = 16,
    n_max: int = 256,
) -> float | FloatArray:
    """pass@k per problem from counts of a stopping plan: 1 - paths_k(n, c) / paths_0(n, c).

    n: samples drawn until the plan stopped; c: correct ones among them; both as scalars or arrays.
    k: up to n_max, also above n. paths_j counts the orders of right and wrong samples that reach
    (n, c) without stopping before, after j wrong ones. Unbiased at every success rate for every k.
    StatisticsError for an (n, c) that the plan cannot end with.

    Source: Girshick, Mosteller & Savage 1946, for block designs.

    Examples:
        >>> round(pass_at_k_stopped(16, 4, 1, stop_after=3, block=4, n_max=16), 3)
        0.157
    """
    plan = StoppingPlan(stop_after, block, n_max)
    return _by_k(n, c, k, plan, lambda one_k: 1.0 - _share_table(plan, one_k, 0))


def pass_hat_k_stopped(  # noqa: PLR0917
    n: ArrayLike,
    c: ArrayLike,
    k: ArrayLike,
    stop_after: int,
    block: int = 16,
    n_max: int = 256,
) -> float | FloatArray:
    """pass^k per problem from counts of a stopping plan: paths that begin with k right samples.

    Unbiased for k up to `StoppingPlan.always_drawn`. Above it StatisticsError: a problem that
    stopped early never showed k samples, and no estimate within [0, 1] is unbiased there.
    """
    plan = StoppingPlan(stop_after, block, n_max)
    plan.require_always_drawn("pass^k", int(integers(k, "k").max(initial=0)))
    return _by_k(n, c, k, plan, lambda one_k: _share_table(plan, one_k, one_k))


@lru_cache(maxsize=64)
def path_counts(plan: StoppingPlan, drawn: int = 0, right: int = 0) -> dict[tuple[int, int], int]:
    """How many orders end at each (n, c), after `drawn` samples of which `right` are correct.

    drawn: at most `plan.always_drawn`, or any number up to n_max if right = 0; so that the plan
    cannot have stopped within them. Whole numbers, without rounding.
    """
    ends: dict[tuple[int, int], int] = {}
    ways, at = {right: 1}, drawn
    for look in plan.looks:
        if look < drawn:
            continue
        step = [comb(look - at, x) for x in range(look - at + 1)]
        reached: dict[int, int] = {}
        for correct, orders in ways.items():
            for more, choices in enumerate(step):
                reached[correct + more] = reached.get(correct + more, 0) + orders * choices
        stops = {c: w for c, w in reached.items() if c >= plan.stop_after or look == plan.n_max}
        ends.update({(look, c): w for c, w in stops.items()})
        ways, at = {c: w for c, w in reached.items() if c not in stops}, look
    return ends


def ending_chances(plan: StoppingPlan, rates: FloatArray) -> tuple[IntArray, FloatArray]:
    """Every (n, c) that the plan can end with, and its chance at each success rate.

    Returns (endings, 2) and (rates, endings); each row of the second sums to 1.
    """
    ends = np.array(list(path_counts(plan)), dtype=np.int64)
    orders = np.array([log(w) for w in path_counts(plan).values()])
    rates = np.asarray(rates, dtype=np.float64)[:, None]
    logs = orders + xlogy(ends[:, 1], rates) + xlog1py(ends[:, 0] - ends[:, 1], -rates)
    return ends, np.asarray(np.exp(logs), dtype=np.float64)


@lru_cache(maxsize=512)
def _share_table(plan: StoppingPlan, drawn: int, right: int) -> FloatArray:
    """Share of the orders ending at (look, c) that begin so: (looks, most correct + 1). Read-only.

    NaN where the plan cannot end.
    """
    whole, part = path_counts(plan), path_counts(plan, drawn, right)
    index = {look: i for i, look in enumerate(plan.looks)}
    table = np.full((len(index), max(c for _, c in whole) + 1), np.nan)
    for (n, c), orders in whole.items():
        table[index[n], c] = part.get((n, c), 0) / orders
    table.setflags(write=False)
    return table


def check_endings(n: ArrayLike, c: ArrayLike, plan: StoppingPlan) -> tuple[IntArray, IntArray]:
    """(n, c) as arrays of one shape; StatisticsError where the plan cannot have ended so."""
    samples, correct = check_counts(n, c)
    looks, table = np.asarray(plan.looks), _share_table(plan, 0, 0)
    look = np.minimum(np.searchsorted(looks, samples), looks.size - 1)
    inside = (looks[look] == samples) & (correct < table.shape[1])
    ended = inside & ~np.isnan(table[look, np.where(inside, correct, 0)])
    if not ended.all():
        bad = int(np.flatnonzero(~ended.ravel())[0])
        raise StatisticsError(
            f"n = {samples.ravel()[bad]}, c = {correct.ravel()[bad]} at index {bad} is no end of "
            f"this plan ({plan}).",
            "Give the counts at which the plan stopped each problem, and the plan they had.",
        )
    return samples, correct


def _by_k(
    n: ArrayLike,
    c: ArrayLike,
    k: ArrayLike,
    plan: StoppingPlan,
    table_of: Callable[[int], FloatArray],
) -> float | FloatArray:
    samples, correct = check_endings(n, c, plan)
    ks = check_k(k, np.asarray(plan.n_max, dtype=np.int64))
    samples, ks = broadcast(samples, ks)
    correct = np.broadcast_to(correct, samples.shape)
    look = np.searchsorted(np.asarray(plan.looks), samples)
    result = np.empty(samples.shape, dtype=np.float64)
    for one_k in np.unique(ks):
        here = ks == one_k
        result[here] = table_of(int(one_k))[look[here], correct[here]]
    return float(result) if result.ndim == 0 else result
