"""Writes an export to a temporary file and renames it, so that no partial file is ever seen."""

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from evalsvc.exports.latex import to_latex
from evalsvc.exports.rows import ExportError, ResultRow
from evalsvc.exports.tables import to_csv, to_json, to_markdown, to_parquet

Renderer = Callable[[Sequence[ResultRow]], str | bytes]

FILE_FORMATS: dict[str, Renderer] = {
    "csv": to_csv,
    "json": to_json,
    "parquet": to_parquet,
    "latex": to_latex,
    "markdown": to_markdown,
}


def render(name: str, rows: Sequence[ResultRow]) -> str | bytes:
    """The rows in a named format. ExportError for an unknown one."""
    if name not in FILE_FORMATS:
        raise ExportError(
            f"there is no export format {name!r}.", f"Known: {', '.join(FILE_FORMATS)}."
        )
    return FILE_FORMATS[name](rows)


def write(path: Path, content: str | bytes) -> None:
    """Write all of the content or nothing."""
    data = content.encode("utf-8") if isinstance(content, str) else content
    try:
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise ExportError(
            f"{path} cannot be written: {error.strerror}.", "Choose a folder that exists."
        ) from error
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise ExportError(f"{path} cannot be written: {error.strerror}.") from error
