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
from evalsvc.imports.tables import read_table

PER_SAMPLE = ("truncated", "output_tokens", "correct")
QUESTION_FIELDS = ("problem", "question", "Problem", "Question", "query")  # of lm-eval's documents


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
            question=_text_or_none(line.values.get("question")),
            sample=line.optional_identity("generation_id"),
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
        for i, text in enumerate(texts):
            yield ResponseRow(
                problem_id=line.identity("doc_id"),
                response=text,
                gold=line.optional_text("target"),
                claimed_correct=verdict if len(texts) == 1 else None,
                where=line.where,
                question=_asked(line),
                sample=str(i),
            )


def read_verl(path: Path) -> Iterator[ResponseRow]:
    """verl's `validation_data_dir`: `STEP.jsonl` files of input, output, score and step.

    The files carry no problem id: a problem is the place at which its prompt was first met in its
    step. A folder gives all of its steps, one after the other.
    """
    files = sorted(files_of(path, "*.jsonl"), key=lambda file: _as_number(file.stem))
    met: dict[int | None, Path] = {}
    for file in files:
        step: int | None = None
        for number, row in enumerate(_verl_step(file)):
            step = row.step if number == 0 else step
            if row.step != step:
                raise ImportFileError(
                    f"{row.where}: step {row.step} in a file of step {step}.",
                    "A file holds one step; were two files joined?",
                )
            yield row
        if (first := met.setdefault(step, file)) != file:
            raise ImportFileError(
                f"{first.name} and {file.name} are both of step {step}.",
                "Give the folder of one training only, or one of the files.",
            )


def _verl_step(file: Path) -> Iterator[ResponseRow]:
    places: dict[bytes, int] = {}
    named = int(file.stem) if file.stem.isdecimal() else None
    for line in read_lines(file):
        prompt = line.text("input")
        digest = hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).digest()
        yield ResponseRow(
            problem_id=str(places.setdefault(digest, len(places))),
            response=line.text("output"),
            gold=line.optional_text("gts"),
            claimed_correct=line.flag("acc", "score"),
            where=line.where,
            question=_text_or_none(prompt),
            step=line.count("step") if "step" in line.values else named,
        )


def read_plain(path: Path) -> Iterator[ResponseRow]:
    """JSONL of `{"problem_id", "response"}` (or `id`), one line per sample, or `responses`: a list
    of all samples of the problem.

    Where the source has them: `question`, `gold`, `sample` (the number of the sample),
    `output_tokens`, `truncated`, and `correct`: the verdict of its own grader. Beside `responses`
    the last three are lists of the same length.
    """
    for line in read_lines(path):
        if "responses" in line.values:
            yield from _plain_list(line)
        else:
            yield _plain_row(line, line.optional_identity("sample"))


def _plain_list(line: Line) -> Iterator[ResponseRow]:
    """One row per text of `responses`; what is said of each stands in lists of the same length."""
    texts = line.values["responses"]
    if "response" in line.values:
        line.refuse("there are both response and responses", "Give one of them.")
    if not isinstance(texts, list) or not texts:
        line.refuse("responses must be a list of texts, with at least one")
    lists = {name: line.values[name] for name in PER_SAMPLE if name in line.values}
    for name, values in lists.items():
        if not isinstance(values, list) or len(values) != len(texts):
            line.refuse(f"{name} must be a list of {len(texts)} values, one per response")
    shared = {k: v for k, v in line.values.items() if k not in {"responses", "sample", *lists}}
    for i, text in enumerate(texts):
        own = {name: values[i] for name, values in lists.items()}
        # A list has no numbers of samples: a second line of the problem would repeat them.
        yield _plain_row(Line({**shared, "response": text, **own}, line.where), None)


def _plain_row(line: Line, sample: str | None) -> ResponseRow:
    truncated = line.values.get("truncated", False)
    if not isinstance(truncated, bool):
        line.refuse("truncated must be true or false")
    return ResponseRow(
        problem_id=line.identity("problem_id", "id"),
        response=line.text("response"),
        truncated=truncated,
        output_tokens=line.optional_count("output_tokens"),
        gold=line.optional_text("gold"),
        claimed_correct=line.flag("correct"),
        where=line.where,
        question=_text_or_none(line.values.get("question")),
        sample=sample,
    )


def read_counts(path: Path) -> Iterator[CountsRow]:
    """`problem_id`, `n`, `c`: n samples of which c are correct, each problem once.

    JSONL, or CSV with these names in its first line where the file is called `.csv`.
    """
    met: dict[str, str] = {}
    for line in read_table(path) if path.suffix.lower() == ".csv" else read_lines(path):
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
#: Logs that number the problems by the rows of the data that the tool read.
ROW_FORMATS = frozenset({"agrae", "lm-eval", "lighteval", "verl"})


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


def _asked(line: Line) -> str | None:
    """The question of lm-eval's document, else the prompt of its first request."""
    document = line.values.get("doc")
    if isinstance(document, dict):
        for name in QUESTION_FIELDS:
            if (found := _text_or_none(document.get(name))) is not None:
                return found
    value = line.values.get("arguments")
    while isinstance(value, list | dict) and value:
        value = value[0] if isinstance(value, list) else next(iter(value.values()))
    return _text_or_none(value)


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) and value.strip() else None


def _as_number(stem: str) -> tuple[int, str]:
    return (int(stem), "") if stem.isdecimal() else (0, stem)
