"""Stored rows, and the hashes that decide whether they are the right ones.

A row's hash covers the prompt's content and what its answer is judged by: id, question, gold,
choices, further texts, names of pictures. The content hash covers all rows in order. A revision
adds the decoded pixels of the pictures present.
"""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from evalsvc.catalogue.model import canonical_json

SHORT = 12  # hexadecimal digits of a row's hash in rows-SET.sha256


@dataclass(frozen=True)
class StoredImage:
    """A stored picture: the hash of its file and the hash of its pixels."""

    name: str
    file: str | None = None
    pixels: str | None = None
    problem: str = ""


@dataclass(frozen=True)
class Row:
    """One normalised row. `letter` is the letter of the gold if the source gives both."""

    id: str
    question: str
    gold: str
    choices: tuple[str, ...] | None = None
    letter: str | None = None
    images: tuple[StoredImage, ...] = ()
    cluster: str = ""
    level: str | None = None
    subject: str | None = None
    question_type: str | None = None
    texts: Mapping[str, str] = field(default_factory=dict)
    metadata: Mapping[str, str] = field(default_factory=dict)


def _canonical(row: Row) -> dict[str, Any]:
    content: dict[str, Any] = {"id": row.id, "question": row.question, "gold": row.gold}
    if row.choices is not None:
        content["choices"] = list(row.choices)
    if row.letter is not None:
        content["letter"] = row.letter
    if row.texts:
        content["texts"] = dict(row.texts)
    if row.images:
        content["images"] = [image.name for image in row.images]
    return content


def _sha256(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode("utf-8", "surrogatepass")).hexdigest()


def row_hash(row: Row) -> str:
    """Short hash of one row, to name the rows that differ; it cannot be turned back into text."""
    return _sha256(_canonical(row))[:SHORT]


def content_hash(rows: Sequence[Row]) -> str:
    """sha256 over the canonical JSON of all rows in order, without pixels."""
    return _sha256([_canonical(row) for row in rows])


def revision(rows: Sequence[Row]) -> str:
    """Content hash including the pixels of the pictures present."""
    content = content_hash(rows)
    pixels = {f"{r.id}/{i.name}": i.pixels for r in rows for i in r.images if i.pixels}
    return _sha256([content, pixels]) if pixels else content


def duplicated_ids(rows: Sequence[Row]) -> list[str]:
    return [name for name, count in Counter(row.id for row in rows).items() if count > 1]


def differences(rows: Sequence[Row], known: Mapping[str, str]) -> list[str]:
    """Differences from the recorded rows, one phrase per row."""
    found = {row.id: row_hash(row) for row in rows}
    changed = [f"{row} differs" for row, short in found.items() if known.get(row, short) != short]
    missing = [f"{row} is missing" for row in known if row not in found]
    extra = [f"{row} is unknown" for row in found if row not in known]
    return changed + missing + extra
