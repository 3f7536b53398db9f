"""The planner: which samples are missing, and how they are cut into shards. Pure and deterministic.

Shards go through all problems a block of samples at a time, so that an evaluation that is half
done has as many samples of the last problem as of the first, and its figures can be read.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from evalsvc.store.repositories.shards import Slice

SAMPLE_BLOCK = 16  # samples of a problem that stay together: they share the prompt's prefill
MAX_SHARD_SAMPLES = 65_536  # bounds the message of a result and what one crash can cost


def range_mask(start: int, stop: int) -> int:
    """The bits of samples [start, stop)."""
    return (1 << stop) - (1 << start) if stop > start else 0


def plan(
    problems: Iterable[int],
    samples: int,
    covered: Mapping[int, int],
    target_samples: int,
) -> list[Slice]:
    """Slices that hold each missing sample once, in the order in which they should run.

    Wanted are samples [0, samples) of each of `problems` (row indices). `covered` says which of a
    problem's samples are there or planned already (bit i: sample i). A slice holds at most about
    `target_samples` samples, but never less than one.
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
    """`covered` and all that `slices` will bring."""
    union = dict(covered)
    for piece in slices:
        mask = range_mask(piece.sample_start, piece.sample_stop)
        for problem in piece.problems:
            union[problem] = union.get(problem, 0) | mask
    return union


def recut(slices: Iterable[Slice], target_samples: int) -> list[Slice]:
    """The same samples in slices of about `target_samples`."""
    wanted = covered_by(slices, {})
    samples = max((mask.bit_length() for mask in wanted.values()), default=0)
    everything = range_mask(0, samples)
    covered = {problem: everything & ~mask for problem, mask in wanted.items()}
    return plan(wanted, samples, covered, target_samples)


def target_for(rate: float, seconds: float) -> int:
    """Samples of a shard that takes about `seconds` at `rate` samples a second."""
    return max(1, min(round(rate * seconds), MAX_SHARD_SAMPLES))


def share_of(total_samples: int, pieces: int) -> int:
    """Samples of a shard when `total_samples` are cut into `pieces`, but at least one block."""
    return max(SAMPLE_BLOCK, -(-total_samples // max(1, pieces)))


def _missing(
    problems: Iterable[int], samples: int, covered: Mapping[int, int]
) -> dict[int, list[tuple[int, int]]]:
    wanted = range_mask(0, samples)
    intervals: dict[int, list[tuple[int, int]]] = {}  # few masks occur, on many problems each
    found: dict[int, list[tuple[int, int]]] = {}
    for problem in sorted(set(problems)):
        mask = wanted & ~covered.get(problem, 0)
        if mask not in intervals:
            intervals[mask] = list(_runs(mask))
        if mask:
            found[problem] = intervals[mask]
    return found


def _runs(mask: int) -> Iterator[tuple[int, int]]:
    """The runs of set bits, as [start, stop)."""
    position = 0
    for bit, run in groupby(reversed(bin(mask)[2:])):
        length = sum(1 for _ in run)
        if bit == "1":
            yield position, position + length
        position += length


def _blocks(start: int, stop: int, block: int) -> Iterator[tuple[int, int]]:
    """[start, stop) cut at the multiples of `block`."""
    while start < stop:
        end = min(stop, (start // block + 1) * block)
        yield start, end
        start = end


def _chunks(rows: Sequence[int], size: int) -> Iterator[tuple[int, ...]]:
    for start in range(0, len(rows), size):
        yield tuple(rows[start : start + size])
