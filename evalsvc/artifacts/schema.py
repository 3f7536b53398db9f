"""The columns of a transcript, and how rows are converted to Parquet.

Parquet's texts are UTF-8: NUL and every assigned character are kept unchanged, but a lone surrogate
(half of a pair, which a replayed JSON file may contain) cannot be encoded in UTF-8. Each is
replaced by U+FFFD, and `replaced_characters` counts them.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

_DICTIONARY = pa.dictionary(pa.int32(), pa.string())

SCHEMA = pa.schema(
    [
        ("evaluation_id", _DICTIONARY),
        ("problem", pa.int32()),
        ("problem_id", _DICTIONARY),
        ("sample", pa.int32()),
        ("prompt", _DICTIONARY),
        ("response", pa.large_string()),
        ("finish_reason", _DICTIONARY),
        ("output_tokens", pa.int32()),
        ("prompt_tokens", pa.int32()),
        ("extracted", pa.string()),
        ("span_start", pa.int32()),
        ("span_end", pa.int32()),
        ("verdict", _DICTIONARY),
        ("correct", pa.bool_()),
        ("rule", _DICTIONARY),
        ("verifier", _DICTIONARY),
        ("verify_ms", pa.float32()),
        ("answer_key", pa.string()),
        ("seed", pa.int64()),
        ("replaced_characters", pa.int32()),
        ("confidence", _DICTIONARY),
    ],
    metadata={b"evalsvc.transcript": b"1"},
)


@dataclass(frozen=True)
class TranscriptRow:
    """One judged sample. `prompt` is the chat; `seed` is None for unseeded sampling.

    `span_start` and `span_end` are character offsets of the extracted answer in `response`.
    `confidence` says how the rule decided; None if nothing was decided, and in transcripts from
    before verifier 2.0.0, which lack the column.
    """

    evaluation_id: str
    problem: int
    problem_id: str
    sample: int
    prompt: Sequence[Mapping[str, Any]]
    response: str
    finish_reason: str
    output_tokens: int
    prompt_tokens: int
    extracted: str | None
    span_start: int | None
    span_end: int | None
    verdict: str
    correct: bool
    rule: str
    verifier: str
    verify_ms: float
    answer_key: str | None
    seed: int | None
    confidence: str | None = None

    @property
    def weight(self) -> int:
        """Rough size in memory, in characters."""
        return len(self.response) + len(self.extracted or "") + 200


def to_table(rows: Iterable[TranscriptRow]) -> pa.Table:
    """The rows as one table of `SCHEMA`, in the same order."""
    return pa.Table.from_pylist([_to_record(row) for row in rows], schema=SCHEMA)


def from_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """A stored record for display: the prompt is a list of messages again."""
    return {"confidence": None, **record, "prompt": json.loads(record["prompt"])}


def _to_record(row: TranscriptRow) -> dict[str, Any]:
    record: dict[str, Any] = dict(vars(row))
    record["prompt"] = json.dumps(list(row.prompt), ensure_ascii=False)
    replaced = 0
    for name, value in record.items():
        if isinstance(value, str):
            record[name], count = replace_surrogates(value)
            replaced += count
    record["replaced_characters"] = replaced
    return record


def replace_surrogates(text: str) -> tuple[str, int]:
    """`text` with each lone surrogate replaced by U+FFFD, and their number. Offsets stay valid."""
    try:
        text.encode()
    except UnicodeEncodeError:
        count = sum("\ud800" <= character <= "\udfff" for character in text)
        clean = "".join("\ufffd" if "\ud800" <= c <= "\udfff" else c for c in text)
        return clean, count
    return text, 0
