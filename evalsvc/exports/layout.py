"""The paper's table layout without markup: a row per method, a column per k or benchmark.

Several k: a block per benchmark with a column per k (tables 2, 5, 6, 7). One k: a single block with
a column per benchmark (table 4). A table per model. Bold is only what is significantly better than
its baseline; the note says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from evalsvc.exports.rows import FRACTION, ExportError, ResultRow, metric_name, need_rows

NOTE = (
    "Percent. Bold: better than the baseline after Holm's correction at 5%; "
    "anything not bold is not resolved."
)


@dataclass(frozen=True, slots=True)
class Cell:
    text: str
    bold: bool


@dataclass(frozen=True, slots=True)
class Block:
    """lines: a label and one cell per column, None where there is no figure."""

    title: str
    columns: tuple[str, ...]
    lines: tuple[tuple[str, tuple[Cell | None, ...]], ...]


@dataclass(frozen=True, slots=True)
class ExportTable:
    title: str
    blocks: tuple[Block, ...]
    note: str


def lay_out(rows: Sequence[ResultRow]) -> tuple[ExportTable, ...]:
    """One table per model, in the order of the rows. ExportError where two rows claim one cell."""
    need_rows(rows)
    return tuple(
        _table(model, [r for r in rows if r.model == model])
        for model in _distinct([r.model for r in rows])
    )


def _table(model: str, rows: Sequence[ResultRow]) -> ExportTable:
    metrics = _distinct([metric_name(r) for r in sorted(rows, key=lambda r: (r.metric, r.k or 0))])
    benchmarks = _distinct([r.benchmark for r in rows])
    labels = _labels(rows)
    remarks = _distinct([r.remarks for r in rows if r.remarks])
    cells: dict[tuple[str, str, str], Cell] = {}
    for row in rows:
        key = (labels[(row.method, row.run, row.step)], row.benchmark, metric_name(row))
        if key in cells:
            raise ExportError(
                f"two results for {key[0]} on {row.benchmark} at {key[2]}.",
                "Export one evaluation of each checkpoint and benchmark.",
            )
        mark = f" [{remarks.index(row.remarks) + 1}]" if row.remarks else ""
        cells[key] = Cell(_shown(row) + mark, row.better)
    names = _distinct([labels[(r.method, r.run, r.step)] for r in rows])
    if len(metrics) == 1:
        columns = [(benchmark, metrics[0]) for benchmark in benchmarks]
        blocks = [_block(metrics[0], benchmarks, columns, names, cells)]
    else:
        blocks = []
        for benchmark in benchmarks:
            own = [m for m in metrics if any((n, benchmark, m) in cells for n in names)]
            columns = [(benchmark, metric) for metric in own]
            blocks.append(_block(benchmark, own, columns, names, cells))
    incomplete = sorted({r.benchmark for r in rows if r.coverage < 1})
    units = " A figure with a unit is not in percent." if _has_units(rows) else ""
    note = NOTE + units + (f" Incomplete: {', '.join(incomplete)}." if incomplete else "")
    note += "".join(f" [{i}] {remark}." for i, remark in enumerate(remarks, start=1))
    return ExportTable(model or "Results", tuple(blocks), note)


def _has_units(rows: Sequence[ResultRow]) -> bool:
    return any(row.unit != FRACTION for row in rows)


def _shown(row: ResultRow) -> str:
    return f"{100 * row.value:.1f}" if row.unit == FRACTION else f"{row.value:.1f} {row.unit}"


def _block(
    title: str,
    headings: Sequence[str],
    columns: Sequence[tuple[str, str]],
    names: Sequence[str],
    cells: dict[tuple[str, str, str], Cell],
) -> Block:
    lines = [(name, tuple(cells.get((name, *column)) for column in columns)) for name in names]
    filled = tuple(line for line in lines if any(cell is not None for cell in line[1]))
    return Block(title, tuple(headings), filled)


def _labels(rows: Sequence[ResultRow]) -> dict[tuple[str, str, int], str]:
    """The method alone where it has one checkpoint, else with its run and step."""
    checkpoints = {(r.method, r.run, r.step) for r in rows}
    counts: dict[str, int] = {}
    for method, _, _ in checkpoints:
        counts[method] = counts.get(method, 0) + 1
    return {
        key: key[0] if counts[key[0]] == 1 else f"{key[0]} ({key[1]}@{key[2]})"
        for key in checkpoints
    }


def _distinct(values: Sequence[str]) -> list[str]:
    return list(dict.fromkeys(values))
