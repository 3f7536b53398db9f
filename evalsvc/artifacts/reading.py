"""Reading one problem's samples out of a transcript without reading the others.

The statistics of each row group say which problems it holds. Within a group the samples of a
problem are contiguous, and the long texts are decoded only for the samples shown.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, NamedTuple

import pyarrow.parquet as pq

from evalsvc.artifacts.schema import from_record


@dataclass(frozen=True)
class SamplePage:
    """A page of one problem's samples, ordered by sample; `total` counts all in this transcript."""

    samples: tuple[dict[str, Any], ...]
    total: int


class JudgedSample(NamedTuple):
    """The small columns of one sample."""

    problem: int
    correct: bool
    rule: str
    extracted: str | None


class ReachedVerdict(NamedTuple):
    """A verdict and how its rule decided; `confidence` is None where that is not recorded."""

    problem: int
    sample: int
    verdict: str
    confidence: str | None


class AnsweredSample(NamedTuple):
    """The fields of one sample for voting; answer_key: canonical form, None for no answer."""

    problem: int
    sample: int
    answer_key: str | None


def read_page(stream: BinaryIO, problem: int, offset: int, limit: int | None) -> SamplePage:
    """The samples `offset` .. `offset + limit` of `problem` (row index) in an open transcript."""
    with pq.ParquetFile(stream) as file:
        found = _locate(file, problem)
        chosen = found[offset : None if limit is None else offset + limit]
        rows = _take(file, chosen)
    return SamplePage(tuple(from_record(rows[sample]) for sample, _, _ in chosen), len(found))


def iterate(stream: BinaryIO) -> Iterator[dict[str, Any]]:
    """Every row in file order, with one row group in memory at a time."""
    with pq.ParquetFile(stream) as file:
        for group in range(file.num_row_groups):
            for record in file.read_row_group(group).to_pylist():
                yield from_record(record)


def iterate_verdicts(stream: BinaryIO) -> Iterator[JudgedSample]:
    """Extracted answers and verdicts in file order; prompts and responses are not read."""
    yield from map(JudgedSample._make, _columns(stream, JudgedSample._fields))


def iterate_reached(stream: BinaryIO, problem: int | None = None) -> Iterator[ReachedVerdict]:
    """Every verdict, or those of one problem, in the order of the file; nothing else is read."""
    with pq.ParquetFile(stream) as file:
        names = [name for name in ReachedVerdict._fields if name in file.schema_arrow.names]
        everywhere = problem is None
        groups = range(file.num_row_groups) if problem is None else _candidate_groups(file, problem)
        for group in groups:
            table = file.read_row_group(group, columns=names)
            for row in zip(*(table[name].to_pylist() for name in names), strict=True):
                read = dict(zip(names, row, strict=True))
                if everywhere or read["problem"] == problem:
                    yield ReachedVerdict(**{"confidence": None, **read})


def iterate_answers(stream: BinaryIO) -> Iterator[AnsweredSample]:
    """The answers in file order; nothing else is read."""
    yield from map(AnsweredSample._make, _columns(stream, AnsweredSample._fields))


def _columns(stream: BinaryIO, names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    with pq.ParquetFile(stream) as file:
        for batch in file.iter_batches(columns=list(names)):
            columns = (batch.column(name).to_pylist() for name in names)
            yield from zip(*columns, strict=True)


def _locate(file: pq.ParquetFile, problem: int) -> list[tuple[int, int, int]]:
    """(sample, row group, row within it) of each sample of `problem`, ordered by sample."""
    places: list[tuple[int, int, int]] = []
    for group in _candidate_groups(file, problem):
        keys = file.read_row_group(group, columns=["problem", "sample"])
        # Plain lists: pyarrow's kernels would import pandas (40 MB) to inspect their arguments.
        found = zip(keys["problem"].to_pylist(), keys["sample"].to_pylist(), strict=True)
        places.extend((sample, group, row) for row, (p, sample) in enumerate(found) if p == problem)
    return sorted(places)


def _candidate_groups(file: pq.ParquetFile, problem: int) -> Iterator[int]:
    column = file.schema_arrow.get_field_index("problem")
    for group in range(file.num_row_groups):
        statistics = file.metadata.row_group(group).column(column).statistics
        known = statistics is not None and statistics.has_min_max
        if not known or statistics.min <= problem <= statistics.max:
            yield group


def _take(file: pq.ParquetFile, places: list[tuple[int, int, int]]) -> dict[int, dict[str, Any]]:
    """The records at `places`, by sample."""
    records: dict[int, dict[str, Any]] = {}
    for group in sorted({group for _, group, _ in places}):
        table = file.read_row_group(group)
        for row in (row for _, g, row in places if g == group):
            record = table.slice(row, 1).to_pylist()[0]
            records[record["sample"]] = record
    return records
