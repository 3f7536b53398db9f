"""Reading source files: Parquet, JSON and JSONL files, and folders of one record each.

A reader turns a file into records (dictionaries). Each record keeps the folder that its picture
names are relative to. If a source spreads one field over several columns, a named adapter in
ADAPTERS combines them; benchmark.yaml selects it with `reader`.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.limits import MAX_FILE_BYTES
from evalsvc.catalogue.model import LETTERS

SUFFIXES = (".parquet", ".jsonl", ".json")


@dataclass(frozen=True)
class SourceRecord:
    """One record of a source, with the folder to search for its pictures."""

    content: Mapping[str, Any]
    folder: Path


def read_records(paths: list[Path], adapter: str | None) -> Iterator[SourceRecord]:
    """All records of the files, in order. CatalogueError names the file and what is wrong."""
    if adapter is not None and adapter not in ADAPTERS:
        raise CatalogueError(f"reader {adapter!r} is none of {', '.join(ADAPTERS)}.")
    adapt = ADAPTERS[adapter] if adapter else dict
    for path in paths:
        if path.suffix not in _READERS:
            raise CatalogueError(f"{path} is not a {', '.join(_READERS)} file.")
        if path.stat().st_size > MAX_FILE_BYTES:
            raise CatalogueError(f"{path} is larger than {MAX_FILE_BYTES} bytes.")
        for number, content in enumerate(_READERS[path.suffix](path)):
            if not isinstance(content, Mapping):
                raise CatalogueError(f"{path}, record {number} is no set of named fields.")
            yield SourceRecord(adapt(content), path.parent)


def _parquet(path: Path) -> Iterator[Any]:
    try:
        import pyarrow as pa  # noqa: PLC0415 - an extra
        import pyarrow.parquet as pq  # noqa: PLC0415
    except ImportError as error:
        raise CatalogueError(
            "Reading Parquet needs pyarrow.", 'Install it: pip install "evalsvc[server]"'
        ) from error
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(batch_size=256):
                yield from batch.to_pylist()
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{path} is not a readable Parquet file: {error}") from error


def _jsonl(path: Path) -> Iterator[Any]:
    number = 0
    with path.open(encoding="utf-8") as lines:
        try:
            for line in lines:
                number += 1
                if line.strip():
                    yield json.loads(line)
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise CatalogueError(f"{path}, line {number}, is not JSON: {error}") from error


def _json(path: Path) -> Iterator[Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise CatalogueError(f"{path} is not JSON: {error}") from error
    yield from content if isinstance(content, list) else [content]


def _geometry3k(record: Mapping[str, Any]) -> dict[str, Any]:
    """InterGPS's data.json, or the hub's columns unchanged.

    InterGPS gives the letter and the choices; the value is the choice that the letter names.
    """
    if "annotat_text" not in record:
        return dict(record)
    choices, letter = record.get("choices") or [], str(record.get("answer", ""))
    position = LETTERS.find(letter)
    if len(letter) != 1 or not 0 <= position < len(choices):
        raise CatalogueError(f"Problem {record.get('id')}: answer {letter!r} names no choice.")
    return {
        "id": str(record.get("id", "")),
        "problem": record["annotat_text"],
        "answer": choices[position],
        "choices": choices,
        "ground_truth": letter,
        "images": ["img_diagram.png"],
        "split": record.get("data_type"),
        "goal": ", ".join(record.get("problem_type_goal") or []),
    }


_READERS: Mapping[str, Callable[[Path], Iterator[Any]]] = {
    ".parquet": _parquet,
    ".jsonl": _jsonl,
    ".json": _json,
}
ADAPTERS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {"geometry3k": _geometry3k}
