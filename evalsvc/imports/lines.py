"""JSON objects line by line from an untrusted file, in memory bounded by the longest line.

Every error names file and line. Values are taken out of the objects with their type checked, so
that no reader repeats it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from evalsvc.imports.limits import MAX_LINE_BYTES
from evalsvc.imports.rows import ImportFileError


@dataclass(frozen=True, slots=True)
class Line:
    """One JSON object and its place in the file."""

    values: dict[str, Any]
    where: str

    def text(self, *names: str) -> str:
        """The first of the fields that exists, as text."""
        value = self._first(names)
        if not isinstance(value, str):
            self.refuse(f"{' or '.join(names)} must be text, not {_kind(value)}")
        return value

    def identity(self, *names: str) -> str:
        """A problem's name: text or a whole number, not empty."""
        value = self._first(names)
        if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
            self.refuse(f"{' or '.join(names)} must be text or a whole number, not {_kind(value)}")
        return str(value)

    def count(self, name: str) -> int:
        """A whole number of at least 0."""
        value = self._first((name,))
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.refuse(f"{name} must be a whole number of at least 0, not {value!r:.50}")
        return value

    def flag(self, *names: str) -> bool | None:
        """A verdict as true/false or a score (true from 1 on), or None where there is none."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, bool):
                return value
            if isinstance(value, int | float):
                return value >= 1
        return None

    def optional_text(self, *names: str) -> str | None:
        """The first of the fields that holds text or a number, as text; else None."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, str | int | float) and not isinstance(value, bool):
                return str(value)
        return None

    def optional_identity(self, *names: str) -> str | None:
        """The first of the fields that is text or a whole number, as text; else None."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and value != "":
                return str(value)
        return None

    def optional_count(self, *names: str) -> int:
        """The first of the fields that is a whole number of at least 0, else 0."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
                return value
        return 0

    def refuse(self, reason: str, remedy: str = "") -> NoReturn:
        """Raises ImportFileError for this line."""
        raise ImportFileError(f"{self.where}: {reason}.", remedy)

    def _first(self, names: tuple[str, ...]) -> Any:
        present = [name for name in names if name in self.values]
        if not present:
            self.refuse(
                f"there is no {' or '.join(names)}",
                f"The line has: {', '.join(sorted(self.values)[:12]) or 'nothing'}.",
            )
        return self.values[present[0]]


def read_lines(path: Path) -> Iterator[Line]:
    """The JSON objects of a file, one per line; empty lines are skipped.

    ImportFileError where the file is missing or empty, a line is no UTF-8, no JSON object or above
    64 MiB.
    """
    found = False
    for number, raw in enumerate(_raw_lines(path), 1):
        if not raw.strip():
            continue
        found = True
        where = f"{path.name}:{number}"
        try:
            values = json.loads(raw)
        except (UnicodeDecodeError, ValueError, RecursionError) as error:
            reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)
            raise ImportFileError(
                f"{where}: not a JSON object ({reason:.120}).", "Give one JSON object per line."
            ) from error
        if not isinstance(values, dict):
            raise ImportFileError(
                f"{where}: {_kind(values)} instead of an object.", "Give one JSON object per line."
            )
        yield Line(values, where)
    if not found:
        raise ImportFileError(f"{path.name} is empty.", "Is this the right file?")


def files_of(path: Path, pattern: str) -> list[Path]:
    """The file itself, or a folder's files that match, sorted by name. ImportFileError if none."""
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise ImportFileError(f"there is no file or folder {path}.", "Check the path.")
    found = sorted(p for p in path.rglob(pattern) if p.is_file())
    if not found:
        raise ImportFileError(f"{path} holds no {pattern}.", "Give the file itself.")
    return found


def _raw_lines(path: Path) -> Iterator[bytes]:
    if not path.is_file():
        raise ImportFileError(f"there is no file {path}.", "Check the path.")
    try:
        with path.open("rb") as stream:
            number = 0
            while raw := stream.readline(MAX_LINE_BYTES + 1):
                number += 1
                if len(raw) > MAX_LINE_BYTES:
                    raise ImportFileError(
                        f"{path.name}:{number}: the line is above {MAX_LINE_BYTES // 2**20} MiB.",
                        "Is this a JSONL file?",
                    )
                yield raw
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}.", "") from error


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "text", bool: "true/false", type(None): "null"}
    return names.get(type(value), "a number" if isinstance(value, int | float) else "nothing")
