"""Rows of an untrusted CSV file as the objects that JSON Lines would hold."""

import csv
from collections.abc import Iterator
from pathlib import Path

from evalsvc.imports.lines import Line
from evalsvc.imports.rows import ImportFileError

COUNTED = ("n", "c")


def read_table(path: Path) -> Iterator[Line]:
    """The rows of a CSV file whose first line names the columns; `n` and `c` become numbers.

    ImportFileError where the file is missing, empty or no UTF-8, or a row has another number of
    fields than the first.
    """
    if not path.is_file():
        raise ImportFileError(f"there is no file {path}.", "Check the path.")
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            yield from _rows(path.name, csv.reader(stream, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise ImportFileError(
            f"{path.name} is not a CSV file in UTF-8 ({error!s:.120}).", "Save it as CSV, UTF-8."
        ) from error
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}.", "") from error


def _rows(name: str, reader: "Iterator[list[str]]") -> Iterator[Line]:
    header = [field.strip() for field in next(reader, [])]
    if not header:
        raise ImportFileError(f"{name} is empty.", "Is this the right file?")
    if len(set(header)) != len(header):
        raise ImportFileError(f"{name}:1: a column is named twice.", "Name each column once.")
    found = False
    for number, fields in enumerate(reader, 2):
        if not any(field.strip() for field in fields):
            continue
        found = True
        where = f"{name}:{number}"
        if len(fields) != len(header):
            raise ImportFileError(
                f"{where}: {len(fields)} fields, but the first line names {len(header)}.",
                "Is the file whole, and separated by commas?",
            )
        values = dict(zip(header, (field.strip() for field in fields), strict=True))
        yield Line({k: _value(k, v) for k, v in values.items()}, where)
    if not found:
        raise ImportFileError(f"{name} holds no rows.", "Is this the right file?")


def _value(name: str, text: str) -> str | int:
    whole = name in COUNTED and text.isdecimal() and text.isascii() and len(text) < 10
    return int(text) if whole else text
