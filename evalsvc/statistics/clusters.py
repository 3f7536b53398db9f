"""Clusters: problems that share something (a MathVerse question's five versions, a medical image).

Samples of one problem are always one cluster; problems of one cluster move together, so every
population interval and every sign flip works on cluster totals. By default a problem is its own
cluster.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import ArrayLike

from evalsvc.statistics.counts import FloatArray, IntArray
from evalsvc.statistics.errors import StatisticsError


@dataclass(frozen=True, slots=True)
class Partition:
    """Which cluster each problem is in: `index` (problems,) in 0..count-1, `sizes` (count,)."""

    index: IntArray
    sizes: FloatArray

    @property
    def count(self) -> int:
        return int(self.sizes.size)

    @property
    def problems(self) -> int:
        return int(self.index.size)

    def totals(self, values: FloatArray) -> FloatArray:
        """Sums of `values` (problems,) or (problems, columns) over each cluster."""
        if self.count == self.problems:
            return values[np.argsort(self.index, kind="stable")]
        totals = np.zeros((self.count, *values.shape[1:]))
        np.add.at(totals, self.index, values)
        return totals


def partition(clusters: Sequence[object] | ArrayLike | None, problems: int) -> Partition:
    """The partition that `clusters` (one label per problem, text or numbers) describes.

    StatisticsError where labels and problems differ in number, or a label is missing.

    >>> partition(["a", "b", "a"], 3).sizes.tolist()
    [2.0, 1.0]
    """
    if clusters is None:
        return Partition(np.arange(problems, dtype=np.int64), np.ones(problems))
    labels = np.asarray(clusters)
    if labels.shape != (problems,):
        raise StatisticsError(
            f"clusters has shape {labels.shape} for {problems} problems.",
            "Give one cluster label per problem.",
        )
    # Check the labels as given: numpy makes the text "nan" of a NaN among texts.
    missing = [_is_missing(label) for label in np.asarray(clusters, dtype=object)]
    if any(missing):
        raise StatisticsError(
            f"the cluster label at index {missing.index(True)} is missing (None or NaN).",
            "Give every problem a label; one that shares nothing gets one of its own.",
        )
    if labels.dtype.kind == "O":
        labels = labels.astype(str)
    _, index, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    return Partition(index.astype(np.int64), sizes.astype(np.float64))


def _is_missing(label: object) -> bool:
    return label is None or (isinstance(label, float | np.floating) and isnan(label))
