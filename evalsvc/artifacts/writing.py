"""Writing a transcript: bounded memory, to a temporary file first, complete or not at all.

Rows arrive one problem at a time, so that a problem's samples are contiguous and a reader can skip
the row groups of the others. A row group is closed at `GROUP_ROWS` rows or `GROUP_CHARACTERS`.
"""

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow.parquet as pq

from evalsvc.artifacts.schema import SCHEMA, TranscriptRow, to_table

GROUP_ROWS = 1024
GROUP_CHARACTERS = 8 * 2**20
READ_BYTES = 2**20


@dataclass(frozen=True)
class Written:
    """The written file: size in bytes and sha256."""

    bytes: int
    sha256: str


class TranscriptWriter:
    """Collects rows into row groups of one local Parquet file. Not safe for two threads at once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer = pq.ParquetWriter(
            path, SCHEMA, compression="zstd", use_dictionary=_dictionary_columns()
        )
        self._rows: list[TranscriptRow] = []
        self._characters = 0

    def write(self, rows: Sequence[TranscriptRow]) -> None:
        """Add the samples of one problem (all that this transcript will hold of it)."""
        self._rows.extend(sorted(rows, key=lambda row: row.sample))
        self._characters += sum(row.weight for row in rows)
        if len(self._rows) >= GROUP_ROWS or self._characters >= GROUP_CHARACTERS:
            self._flush()

    def close(self) -> Written:
        """Finish the file and measure it."""
        self._flush()
        self._writer.close()
        with self._path.open("rb") as stream:
            return Written(self._path.stat().st_size, digest_of(stream))

    def abandon(self) -> None:
        """Close the file, which its creator removes; errors of a full disk are ignored."""
        self._rows.clear()
        with suppress(OSError):
            self._writer.close()

    def _flush(self) -> None:
        if self._rows:
            self._rows.sort(key=lambda row: (row.problem, row.sample))
            self._writer.write_table(to_table(self._rows), row_group_size=GROUP_ROWS)
            self._rows.clear()
            self._characters = 0


def digest_of(stream: BinaryIO) -> str:
    """The sha256 of the rest of the file, in bounded memory."""
    digest = hashlib.sha256()
    while block := stream.read(READ_BYTES):
        digest.update(block)
    return digest.hexdigest()


def _dictionary_columns() -> list[str]:
    return [f.name for f in SCHEMA if str(f.type).startswith("dictionary")]
