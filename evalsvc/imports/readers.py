"""One reader per format: a path in, typed rows out, in as little memory as the format allows.

`FORMATS` names them as the command line and the API do. Formats that look
alike are told apart by the given name, never guessed.
"""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from evalsvc.imports.lighteval import read_lighteval
from evalsvc.imports.lines import Line, files_of, read_lines
from evalsvc.imports.rows import CountsRow, ImportFileError, ResponseRow


def read_agrae(path: Path) -> Iterator[ResponseRow]:
    """Output of A-GRAE's and RLVR-Decomposed's eval.py: a JSONL file, one line per generation.

    question_id is the row of the data set the script read, so it is the row index here where the
    data are the same (the published MATH folder also held the train split: rows from 5,000 on are
    not of the test set).
    """
    for line in read_lines(path):
        yield ResponseRow(
            problem_id=line.identity("question_id"),
            response=line.text("response", "vanilla_response"),
            gold=line.optional_text("gold_answer"),
            claimed_correct=line.flag("label"),
            where=line.where,
        )


def read_lm_eval(path: Path) -> Iterator[ResponseRow]:
    """lm-eval's `--log_samples`: `samples_TASK_TIME.jsonl`, or a folder holding one task's file.

    A line holds all repeats of a problem (`resps`), and is written once per filter: only the first
    filter met is read. problem_id is doc_id, the row of the task's split.
    """
    files = files_of(path, "samples_*.jsonl")
    if len(files) > 1:
        raise ImportFileError(
            f"{path} holds {len(files)} sample files.", "Import each task's file on its own."
        )
    chosen: str | None = None
    for line in read_lines(files[0]):
        name = str(line.values.get("filter", ""))
        chosen = name if chosen is None else chosen
        if name != chosen:
            continue
        verdict = line.flag("exact_match", "math_verify", "acc")
        texts = _flat_texts(line)
        for text in texts:
            yield ResponseRow(
                problem_id=line.identity("doc_id"),
                response=text,
                gold=line.optional_text("target"),
                claimed_correct=verdict if len(texts) == 1 else None,
                where=line.where,
            )


def read_verl(path: Path) -> Iterator[ResponseRow]:
    """verl's `validation_data_dir`: `STEP.jsonl` files of input, output, score and step.

    The files carry no problem id: a problem is the place at which its prompt was first met, which
    is the row of the validation set where no two rows have the same prompt. A folder with several
    steps is refused, since a step is one checkpoint.
    """
    files = files_of(path, "*.jsonl")
    if len(files) > 1:
        steps = ", ".join(sorted((p.stem for p in files), key=_as_number)[:8])
        raise ImportFileError(
            f"{path} holds {len(files)} steps ({steps}).",
            "Import each step's file with its own --step.",
        )
    places: dict[bytes, int] = {}
    for line in read_lines(files[0]):
        prompt = line.text("input").encode("utf-8", "surrogatepass")
        place = places.setdefault(hashlib.sha256(prompt).digest(), len(places))
        yield ResponseRow(
            problem_id=str(place),
            response=line.text("output"),
            gold=line.optional_text("gts"),
            claimed_correct=line.flag("acc", "score"),
            where=line.where,
        )


def read_plain(path: Path) -> Iterator[ResponseRow]:
    """JSONL of `{"problem_id", "response"}` (or `id`), and as the source has them
    `output_tokens`, `truncated`, and `correct`: the verdict of its own grader.
    """
    for line in read_lines(path):
        truncated = line.values.get("truncated", False)
        if not isinstance(truncated, bool):
            line.refuse("truncated must be true or false")
        yield ResponseRow(
            problem_id=line.identity("problem_id", "id"),
            response=line.text("response"),
            truncated=truncated,
            output_tokens=line.optional_count("output_tokens"),
            claimed_correct=line.flag("correct"),
            where=line.where,
        )


def read_counts(path: Path) -> Iterator[CountsRow]:
    """JSONL of `{"problem_id", "n", "c"}`: n samples of which c are correct, each problem once."""
    met: dict[str, str] = {}
    for line in read_lines(path):
        row = CountsRow(
            problem_id=line.identity("problem_id"),
            n=line.count("n"),
            c=line.count("c"),
            where=line.where,
        )
        if row.c > row.n:
            line.refuse(f"c = {row.c} correct of n = {row.n} samples", "Are n and c swapped?")
        if (first := met.setdefault(row.problem_id, row.where)) != row.where:
            line.refuse(
                f"problem {row.problem_id!r:.80} was already given at {first}",
                "Add its counts up in one line.",
            )
        yield row


ResponseReader = Callable[[Path], Iterator[ResponseRow]]

RESPONSE_FORMATS: dict[str, ResponseReader] = {
    "agrae": read_agrae,
    "lm-eval": read_lm_eval,
    "lighteval": read_lighteval,
    "verl": read_verl,
    "jsonl": read_plain,
}
COUNTS_FORMAT = "counts"
FORMATS = (*RESPONSE_FORMATS, COUNTS_FORMAT)


def import_engine(name: str) -> str:
    """The engine that an evaluation names whose results were imported in this format."""
    return f"import:{name}"


COUNTS_ENGINE = import_engine(COUNTS_FORMAT)


def read(name: str, path: Path) -> Iterator[ResponseRow] | Iterator[CountsRow]:
    """Rows of a file in the named format. ImportFileError on an unknown format or a bad file."""
    if name == COUNTS_FORMAT:
        return read_counts(path)
    if name not in RESPONSE_FORMATS:
        raise ImportFileError(f"there is no format {name!r}.", f"Known: {', '.join(FORMATS)}.")
    return RESPONSE_FORMATS[name](path)


def _flat_texts(line: Line) -> list[str]:
    """`resps` as a flat list of texts: it is a list per request of a list per repeat."""
    texts: list[str] = []
    pending: list[Any] = [line.values.get("resps")]
    while pending:
        value = pending.pop(0)
        if isinstance(value, list):
            pending = value + pending
        elif isinstance(value, str):
            texts.append(value)
        else:
            line.refuse(
                "resps holds something other than texts",
                "Only generated text can be imported, not log-likelihoods; use --log_samples "
                "with a generate_until task.",
            )
    if not texts:
        line.refuse("resps holds no text")
    return texts


def _as_number(stem: str) -> tuple[int, str]:
    return (int(stem), "") if stem.isdecimal() else (0, stem)
