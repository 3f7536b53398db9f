"""Cut the missing samples of an evaluation into shards. Pure and deterministic.

Shards cover all problems one block of samples at a time. So a half-finished evaluation has as many
samples of the last problem as of the first, and its figures are already meaningful.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from evalsvc.dispatch.limits import MAX_SHARD_SAMPLES
from evalsvc.store.repositories.shards import Slice

SAMPLE_BLOCK = 16  # consecutive samples of a problem that stay together to share its prefill


def range_mask(start: int, stop: int) -> int:
    """The bit mask of samples [start, stop)."""
    return (1 << stop) - (1 << start) if stop > start else 0


def plan(
    problems: Iterable[int],
    samples: int,
    covered: Mapping[int, int],
    target_samples: int,
) -> list[Slice]:
    """Cut the missing samples into slices, each sample once, in the order they should run.

    Samples [0, samples) of each of `problems` (row indices) are wanted. `covered` is, for each
    problem, the mask of samples that exist or are planned already (bit i: sample i). A slice holds
    at most about `target_samples` samples and at least one.
    """
    target = max(1, target_samples)
    block = min(SAMPLE_BLOCK, target)
    slices = []
    missing = _missing(problems, samples, covered)
    for start, stop in sorted({piece for pieces in missing.values() for piece in pieces}):
        rows = [problem for problem, pieces in missing.items() if (start, stop) in pieces]
        slices += [
            Slice(chunk, begin, end)
            for begin, end in _blocks(start, stop, block)
            for chunk in _chunks(rows, max(1, target // (end - begin)))
        ]
    return sorted(slices, key=lambda piece: (piece.sample_start, piece.problems[0]))


def covered_by(slices: Iterable[Slice], covered: Mapping[int, int]) -> dict[int, int]:
    """`covered` plus the samples of `slices`."""
    union = dict(covered)
    for piece in slices:
        mask = range_mask(piece.sample_start, piece.sample_stop)
        for problem in piece.problems:
            union[problem] = union.get(problem, 0) | mask
    return union


def recut(slices: Iterable[Slice], target_samples: int) -> list[Slice]:
    """Cut the same samples into slices of about `target_samples`."""
    wanted = covered_by(slices, {})
    samples = max((mask.bit_length() for mask in wanted.values()), default=0)
    everything = range_mask(0, samples)
    covered = {problem: everything & ~mask for problem, mask in wanted.items()}
    return plan(wanted, samples, covered, target_samples)


def target_for(rate: float, seconds: float) -> int:
    """Samples in a shard that takes about `seconds` at `rate` samples per second."""
    return max(1, min(round(rate * seconds), MAX_SHARD_SAMPLES))


def share_of(total_samples: int, pieces: int) -> int:
    """Samples in a shard when `total_samples` are cut into `pieces`; at least one block."""
    return max(SAMPLE_BLOCK, -(-total_samples // max(1, pieces)))


def _missing(
    problems: Iterable[int], samples: int, covered: Mapping[int, int]
) -> dict[int, list[tuple[int, int]]]:
    wanted = range_mask(0, samples)
    intervals: dict[int, list[tuple[int, int]]] = {}  # many problems share a few masks
    found: dict[int, list[tuple[int, int]]] = {}
    for problem in sorted(set(problems)):
        mask = wanted & ~covered.get(problem, 0)
        if mask not in intervals:
            intervals[mask] = list(_runs(mask))
        if mask:
            found[problem] = intervals[mask]
    return found


def _runs(mask: int) -> Iterator[tuple[int, int]]:
    """The runs of set bits, each as (start, stop)."""
    position = 0
    for bit, run in groupby(reversed(bin(mask)[2:])):
        length = sum(1 for _ in run)
        if bit == "1":
            yield position, position + length
        position += length


def _blocks(start: int, stop: int, block: int) -> Iterator[tuple[int, int]]:
    """Cut [start, stop) at the multiples of `block`."""
    while start < stop:
        end = min(stop, (start // block + 1) * block)
        yield start, end
        start = end


def _chunks(rows: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(rows), size):
        yield tuple(rows[start : start + size])
