"""Results as CSV, JSON, Markdown text and Parquet bytes. Pure: rows in, text or bytes out."""

import csv
import io
import json
from collections.abc import Sequence

from evalsvc.errors import MissingExtra
from evalsvc.exports.layout import Cell, ExportTable, lay_out
from evalsvc.exports.rows import COLUMNS, ResultRow, as_dicts, need_rows

# A cell that begins with one of these is a formula to a spreadsheet; names come from users.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def to_csv(rows: Sequence[ResultRow]) -> str:
    """One line per figure, header first; empty cells for None. Text never starts a formula."""
    need_rows(rows)
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for values in as_dicts(rows):
        writer.writerow([_cell(values[column]) for column in COLUMNS])
    return stream.getvalue()


def to_json(rows: Sequence[ResultRow]) -> str:
    """A list of objects, one per figure."""
    need_rows(rows)
    return json.dumps(as_dicts(rows), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def to_parquet(rows: Sequence[ResultRow]) -> bytes:
    """Parquet bytes with one row per figure and the column types of `ResultRow`."""
    need_rows(rows)
    try:
        import pyarrow as pa  # noqa: PLC0415 - not part of the light core
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("Exporting Parquet", "server") from error
    numbers = {"step", "k", "problems", "samples", "problems_total"}
    texts = {"benchmark", "model", "method", "run", "metric", "protocol", "verifier", "baseline"}
    texts |= {"evaluation", "remarks", "unit"}
    types = {
        name: pa.int64()
        if name in numbers
        else pa.string()
        if name in texts
        else pa.bool_()
        if name == "better"
        else pa.float64()
        for name in COLUMNS
    }
    schema = pa.schema([(name, types[name]) for name in COLUMNS])
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(as_dicts(rows), schema=schema), sink, compression="zstd")
    return sink.getvalue()


def to_markdown(rows: Sequence[ResultRow]) -> str:
    """Tables in the paper's layout, percent, bold only where better than the baseline."""
    return "\n\n".join(_markdown(table) for table in lay_out(rows)) + "\n"


def _markdown(table: ExportTable) -> str:
    lines = [f"**{_escaped(table.title)}**", ""]
    for block in table.blocks:
        header = [block.title, *block.columns]
        lines.append("| " + " | ".join(_escaped(cell) for cell in header) + " |")
        lines.append("|---" + "|--:" * len(block.columns) + "|")
        for label, cells in block.lines:
            shown = ["" if cell is None else _marked(cell) for cell in cells]
            lines.append("| " + " | ".join([_escaped(label), *shown]) + " |")
        lines.append("")
    return "\n".join([*lines, table.note])


def _marked(cell: Cell) -> str:
    return f"**{_escaped(cell.text)}**" if cell.bold else _escaped(cell.text)


def _escaped(text: str) -> str:
    """Text that cannot end a cell or start markup."""
    flat = " ".join(text.split())
    return "".join("\\" + c if c in "\\|*_`<>[]#" else c for c in flat)


def _cell(value: object) -> object:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return "'" + value
    return "" if value is None else value
