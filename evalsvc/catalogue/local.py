"""The data folder: `benchmarks/NAME/SET.parquet` and `images/HASH`, written then renamed.

Pictures are kept under the hash of their file, so a name from a data set never becomes a path.
The Parquet file is renamed into place last: a reader sees the old rows or the new ones.
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.rows import Row, StoredImage

_FORMAT = 1  # of the local Parquet files; data in another format must be added again


def data_folder(data_root: Path, name: str) -> Path:
    return data_root / "benchmarks" / name


def image_path(data_root: Path, name: str, file: str) -> Path:
    return data_folder(data_root, name) / "images" / file


def rows_path(data_root: Path, name: str, set_name: str) -> Path:
    return data_folder(data_root, name) / f"{set_name}.parquet"


@contextlib.contextmanager
def replaced_when_written(path: Path) -> Iterator[Path]:
    """A path to write to; renamed to `path` if the block succeeds, removed if it fails."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def store_image(data_root: Path, name: str, content: bytes) -> str:
    """Keep a picture; return the hash that it is kept under."""
    file = hashlib.sha256(content).hexdigest()
    path = image_path(data_root, name, file)
    if not path.is_file():
        with replaced_when_written(path) as temporary:
            temporary.write_bytes(content)
    return file


def write_rows(data_root: Path, name: str, set_name: str, rows: Sequence[Row]) -> Path:
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    text = pa.string()
    schema = pa.schema(
        [
            *((column, text) for column in ("id", "question", "gold")),
            ("choices", pa.list_(text)),
            ("letter", text),
            ("images", pa.list_(pa.struct([(f, text) for f in StoredImage.__dataclass_fields__]))),
            *((column, text) for column in ("cluster", "level", "subject", "question_type")),
            ("texts", text),
            ("metadata", text),
        ],
        metadata={"evalsvc_format": str(_FORMAT)},
    )
    records = [
        {**asdict(r), "texts": json.dumps(r.texts), "metadata": json.dumps(r.metadata)}
        for r in rows
    ]
    path = rows_path(data_root, name, set_name)
    with replaced_when_written(path) as temporary:
        pq.write_table(pa.Table.from_pylist(records, schema), temporary, compression="zstd")
    return path


def read_rows(data_root: Path, name: str, set_name: str) -> list[Row] | None:
    """The rows that were added, or None if none were. CatalogueError when damaged."""
    path = rows_path(data_root, name, set_name)
    if not path.is_file():
        return None
    import pyarrow as pa  # noqa: PLC0415 - an extra
    import pyarrow.parquet as pq  # noqa: PLC0415

    try:
        table = pq.read_table(path)
        if (table.schema.metadata or {}).get(b"evalsvc_format") != str(_FORMAT).encode():
            raise ValueError("written by another version")
        return [_row(record) for record in table.to_pylist()]
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise CatalogueError(
            f"The data of {name} in {path} cannot be read: {error}.",
            f"Add them again: evalsvc benchmarks add-data {name} --from PATH",
        ) from error


def _row(record: dict[str, Any]) -> Row:
    choices = record["choices"]
    return Row(
        **{
            **record,
            "choices": None if choices is None else tuple(choices),
            "images": tuple(StoredImage(**image) for image in record["images"]),
            "texts": json.loads(record["texts"]),
            "metadata": json.loads(record["metadata"]),
        }
    )
