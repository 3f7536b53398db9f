"""lighteval's details: Parquet files with a row per problem and all its generations.

Columns `doc` (with `id`), `model_response` (with `text` and `output_tokens`) and `metric`, as
lighteval 0.8 and later write them. Read in batches; pyarrow is of the server extra and imported
late.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from evalsvc.errors import MissingExtra
from evalsvc.imports.lines import files_of
from evalsvc.imports.rows import ImportFileError, ResponseRow

BATCH_ROWS = 64
NEEDED = ("doc", "model_response")


def read_lighteval(path: Path) -> Iterator[ResponseRow]:
    """Rows of a `details_TASK_TIME.parquet`, or of a folder holding one task's file.

    problem_id is the id of the doc, the row of the task's split. A verdict is only taken over for
    one generation per problem: the metric is of the problem, not of each of several generations.
    """
    try:
        import pyarrow  # noqa: PLC0415 - not part of the light core
        import pyarrow.parquet  # noqa: PLC0415
    except ImportError as error:
        raise MissingExtra("Importing Parquet files", "server") from error
    files = files_of(path, "details_*.parquet")
    if len(files) > 1:
        raise ImportFileError(
            f"{path} holds {len(files)} details files.", "Import each task's file on its own."
        )
    number = 0
    try:
        with pyarrow.parquet.ParquetFile(files[0]) as parquet:
            names = set(parquet.schema_arrow.names)
            if not set(NEEDED) <= names:
                raise ImportFileError(
                    f"{files[0].name} has no columns {' and '.join(NEEDED)}.",
                    "Details of lighteval 0.8 or later are read; the file has: "
                    f"{', '.join(sorted(names)[:10])}.",
                )
            columns = [*NEEDED, *({"metric"} & names)]
            for batch in parquet.iter_batches(batch_size=BATCH_ROWS, columns=columns):
                for values in batch.to_pylist():
                    number += 1
                    yield from _rows(values, f"{files[0].name}:{number}", number - 1)
    except (pyarrow.ArrowException, OSError) as error:
        raise ImportFileError(
            f"{files[0].name} is not a readable Parquet file ({error!s:.120}).",
            "Was it copied completely?",
        ) from error
    if number == 0:
        raise ImportFileError(f"{files[0].name} is empty.", "Is this the right file?")


def _rows(values: dict[str, Any], where: str, index: int) -> Iterator[ResponseRow]:
    document, response = values["doc"], values["model_response"]
    texts = response.get("text") if isinstance(response, dict) else None
    if not isinstance(document, dict) or not isinstance(texts, list) or not texts:
        raise ImportFileError(
            f"{where}: there is no generated text.", "Only generative tasks can be imported."
        )
    tokens = response.get("output_tokens") or []
    named = document.get("id")
    identity = str(index if named in (None, "") else named)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise ImportFileError(f"{where}: a generation is not text.", "Was the file changed?")
        counted = tokens[i] if i < len(tokens) else None
        yield ResponseRow(
            problem_id=identity,
            response=text,
            output_tokens=len(counted) if isinstance(counted, list) else 0,
            gold=_gold(document),
            claimed_correct=_verdict(values.get("metric")) if len(texts) == 1 else None,
            where=where,
            question=_question(document),
            sample=str(i),
        )


def _question(document: dict[str, Any]) -> str | None:
    """The text that was asked; it holds the instruction, too."""
    query = document.get("query")
    return query if isinstance(query, str) and query.strip() else None


def _gold(document: dict[str, Any]) -> str | None:
    """The one right choice; None where there are several or none."""
    choices, index = document.get("choices"), document.get("gold_index")
    places = index if isinstance(index, list) else [index]
    if not isinstance(choices, list) or len(places) != 1:
        return None
    place = places[0]
    if not isinstance(place, int) or isinstance(place, bool) or not 0 <= place < len(choices):
        return None
    gold = choices[place]
    return gold.strip() if isinstance(gold, str) and gold.strip() else None


def _verdict(metric: object) -> bool | None:
    """The one metric of the problem, if it is a score."""
    scores = list(metric.values()) if isinstance(metric, dict) else []
    if len(scores) != 1 or not isinstance(scores[0], int | float):
        return None
    return scores[0] >= 1
