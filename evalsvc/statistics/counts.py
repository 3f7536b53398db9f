"""Checked counts: n samples and c correct ones per problem, as int64 arrays of one shape.

Every public function of the package passes its input through here, so that a bad count is
refused with a message and the index of the first bad problem, before any arithmetic.
"""

from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from evalsvc.statistics.errors import StatisticsError

IntArray: TypeAlias = NDArray[np.int64]
FloatArray: TypeAlias = NDArray[np.float64]
BoolArray: TypeAlias = NDArray[np.bool_]

MAX_COUNT = 1_000_000  # of samples per problem; above it a column was surely mistaken for another


def integers(values: ArrayLike, name: str) -> IntArray:
    """`values` as int64 of any shape; whole floats pass, fractions, NaN and text do not."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise StatisticsError(
            f"{name} is not a number or a regular array of numbers.",
            "Give one number per problem.",
        ) from error
    if array.dtype.kind not in "buif":
        raise StatisticsError(
            f"{name} must hold numbers, not {array.dtype}.", "Give whole numbers."
        )
    if array.dtype.kind == "f":
        _refuse(~np.isfinite(array) | (array != np.floor(array)), array, f"{name} must be whole")
    _refuse(array < 0, array, f"{name} must not be negative")
    _refuse(array > MAX_COUNT, array, f"{name} must not exceed {MAX_COUNT:,}")
    return array.astype(np.int64)


def check_counts(n: ArrayLike, c: ArrayLike) -> tuple[IntArray, IntArray]:
    """(n, c) broadcast to one shape, with 0 <= c <= n. n = 0 (nothing sampled yet) passes."""
    samples, correct = broadcast(integers(n, "n"), integers(c, "c"))
    _refuse(
        correct > samples,
        correct,
        "c (correct samples) must not exceed n (samples)",
        "Are n and c swapped, or were samples counted twice?",
    )
    return samples, correct


def check_problem_counts(n: ArrayLike, c: ArrayLike) -> tuple[IntArray, IntArray]:
    """Like `check_counts`, for one row of at least one problem, each with at least one sample."""
    samples, correct = check_counts(n, c)
    if samples.ndim > 1:
        raise StatisticsError(
            f"counts have {samples.ndim} dimensions.", "Give one n and one c per problem."
        )
    samples, correct = np.atleast_1d(samples), np.atleast_1d(correct)
    if samples.size == 0:
        raise StatisticsError("there are no problems.", "Give counts of at least one problem.")
    _refuse(
        samples == 0,
        samples,
        "a problem has no samples",
        "Leave it out and report the coverage; a missing sample is not a wrong one.",
    )
    return samples, correct


def check_k(k: ArrayLike, samples: IntArray) -> IntArray:
    """k as int64, at least 1 and at most the smallest n it is used with."""
    ks = integers(k, "k")
    _refuse(ks < 1, ks, "k must be at least 1")
    ks, samples = broadcast(ks, samples)
    _refuse(
        ks > samples,
        ks,
        "k must not exceed n, the samples of the problem",
        "Draw more samples or ask for a smaller k.",
    )
    return ks


def check_one_k(k: int, samples: IntArray) -> int:
    """A single k for all problems, as int."""
    if np.ndim(k) != 0:
        raise StatisticsError("k must be one number here.", "Ask for each k on its own.")
    return int(np.max(check_k(k, samples)))


def broadcast(a: IntArray, b: IntArray) -> tuple[IntArray, IntArray]:
    """Both broadcast to their common shape."""
    try:
        left, right = np.broadcast_arrays(a, b)
    except ValueError as error:
        raise StatisticsError(
            f"lengths differ: {a.shape} and {b.shape}.", "Give one value per problem in each."
        ) from error
    return left, right


def distinct_pairs(n: IntArray, c: IntArray) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """The different (n, c): n, c, the number of problems of each, and each problem's pair."""
    keys = n * (int(c.max(initial=0)) + 1) + c
    _, first, pair_of, times = np.unique(
        keys, return_index=True, return_inverse=True, return_counts=True
    )
    return n[first], c[first], times, pair_of


def check_probability(value: float, name: str) -> float:
    """A number strictly between 0 and 1."""
    if not 0 < value < 1:
        raise StatisticsError(f"{name} = {value} is not between 0 and 1.", "0.95 is usual.")
    return float(value)


def _refuse(
    bad: NDArray[np.bool_], values: NDArray[np.generic], rule: str, remedy: str = ""
) -> None:
    """Raise if any of `bad` is set, naming the first bad value and its index."""
    if not np.any(bad):
        return
    bad, values = np.broadcast_arrays(bad, values)
    where = "" if bad.ndim == 0 else f" at index {int(np.flatnonzero(bad.ravel())[0])}"
    value = values.ravel()[np.flatnonzero(bad.ravel())[0]]
    raise StatisticsError(f"{rule}: got {value}{where}.", remedy)
