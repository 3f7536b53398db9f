"""The catalogue: which benchmarks there are, and loading their problems.

A benchmark is a folder; further catalogue folders are handed in. Loading reads the normalised
local form (or the bundled JSONL), checks its hash again, and applies the overrides of golds.
"""

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evalsvc.catalogue import hub, local, rows
from evalsvc.catalogue.add import AddedData, add_data, convert_record
from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.folders import benchmark_folders, bundled_folder, read_benchmark
from evalsvc.catalogue.golds import Override, read_overrides
from evalsvc.catalogue.model import (
    LETTERS,
    Benchmark,
    Dataset,
    ImageRef,
    Part,
    Problem,
    matches,
)
from evalsvc.catalogue.readers import read_records
from evalsvc.catalogue.rows import Row


class Catalogue:
    """The bundled benchmarks and those of `extra_folders` (the setting EVALSVC_BENCHMARKS)."""

    def __init__(self, extra_folders: Sequence[Path] = ()) -> None:
        self._folders = dict(benchmark_folders(bundled_folder()))
        for folder in extra_folders:
            for name, path in benchmark_folders(folder).items():
                if name in self._folders:
                    raise CatalogueError(
                        f"Two benchmarks are called {name!r}: {self._folders[name]} and {path}.",
                        "Rename one of the folders, and the name in its benchmark.yaml.",
                    )
                self._folders[name] = path

    def names(self) -> list[str]:
        return sorted(self._folders)

    def get(self, name: str) -> Benchmark:
        """The benchmark NAME or NAME:PART. CatalogueError with the nearest names if unknown."""
        base, _, part = name.partition(":")
        if base not in self._folders:
            raise CatalogueError(f"There is no benchmark {base!r}.", _nearest(base, self.names()))
        benchmark = read_benchmark(self._folders[base])
        if not part:
            return benchmark
        if part not in benchmark.parts:
            raise CatalogueError(
                f"The benchmark {base!r} has no part {part!r}.",
                _nearest(part, list(benchmark.parts)),
            )
        return benchmark.model_copy(update={"part": part})

    def overrides(self, name: str) -> Mapping[str, Override]:
        """The overrides of golds.yaml, by id of the problem (by cluster where `golds_by` says)."""
        return read_overrides(self.get(name).folder)

    def load(self, name: str, data_root: Path, *, part: str | None = None) -> Dataset:
        """The problems of a benchmark or part. CatalogueError says what to do when data lack."""
        benchmark = self.get(f"{name}:{part}" if part else name)
        selected = benchmark.selected
        kept = _rows_of_set(benchmark, data_root)
        chosen = [
            _in_form(r, selected, benchmark) for r in kept if matches(r.metadata, selected.where)
        ]
        if not chosen:
            raise CatalogueError(
                f"The data of {benchmark.full_name!r} that are here have no row of this part.",
                f"Add more: {_add_command(benchmark)}",
            )
        overrides = read_overrides(benchmark.folder)
        return Dataset(
            benchmark=benchmark,
            problems=tuple(
                _problem(index, row, benchmark, overrides, data_root)
                for index, row in enumerate(chosen)
            ),
            revision=rows.revision(chosen),
            pinned=benchmark.sets[selected.set].sha256 is not None,
        )

    def add_data(self, name: str, source: Path | None, data_root: Path) -> AddedData:
        """Take in data from a file or folder, or from the hub when `source` is None."""
        benchmark = self.get(name)
        if source is not None:
            return add_data(benchmark, source, data_root)
        with hub.downloaded(benchmark) as folder:
            return add_data(benchmark, folder, data_root)


def _nearest(name: str, known: list[str]) -> str:
    close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f"Did you mean {' or '.join(close)}? " if close else ""
    return f"{hint}Known: {', '.join(known)}."


def _add_command(benchmark: Benchmark) -> str:
    return f"evalsvc benchmarks add-data {benchmark.name} --from PATH"


def _rows_of_set(benchmark: Benchmark, data_root: Path) -> list[Row]:
    set_name = benchmark.selected.set
    row_set = benchmark.sets[set_name]
    if row_set.bundled:
        records = read_records([benchmark.folder / row_set.bundled], row_set.reader)
        kept = [convert_record(r.content, n, row_set.fields) for n, r in enumerate(records)]
    else:
        found = local.read_rows(data_root, benchmark.name, set_name)
        if found is None:
            raise CatalogueError(
                f"The data of {benchmark.full_name!r} are not in {data_root}.",
                f"Add them: {_add_command(benchmark)}",
            )
        kept = found
    if row_set.sha256 is not None and rows.content_hash(kept) != row_set.sha256:
        raise CatalogueError(
            f"The data of {benchmark.full_name!r} differ from what the catalogue records.",
            f"Add them again: {_add_command(benchmark)}",
        )
    return kept


def _in_form(row: Row, part: Part, benchmark: Benchmark) -> Row:
    """The row in the form that a part asks for: judged by value, or as a choice by its letter."""
    if part.form == "value":
        return replace(row, choices=None, letter=None)
    if part.form == "letter":
        if row.choices is None or row.letter is None:
            raise CatalogueError(
                f"Problem {row.id} of {benchmark.name!r} has no choices in the data that are here.",
                "Add data that have them, or use another part.",
            )
        return replace(row, gold=row.letter, question_type="multi-choice")
    return row


def _problem(
    index: int, row: Row, benchmark: Benchmark, overrides: Mapping[str, Override], data_root: Path
) -> Problem:
    key = row.cluster if benchmark.golds_by == "cluster" else row.id
    override = overrides.get(key)
    gold, choices, kind = row.gold, row.choices, _kind(row)
    if override is not None:
        gold = gold if override.gold is None else override.gold
        choices = choices if override.choices is None else override.choices
        kind = override.kind or (None if override.gold is not None else kind)
    return Problem(
        index=index,
        id=row.id,
        question=row.question,
        gold=gold,
        kind=kind,
        choices=choices,
        images=_images(row, benchmark, data_root),
        cluster=row.cluster or row.id,
        level=row.level,
        subject=row.subject,
        part=_part_of(row, benchmark),
        question_type=row.question_type,
        metadata=row.metadata,
    )


def _kind(row: Row) -> str | None:
    """`choice` where the gold is the letter of one of the options; otherwise the text decides."""
    if row.choices and row.gold in LETTERS[: len(row.choices)] and len(row.gold) == 1:
        return "choice"
    return None


def _part_of(row: Row, benchmark: Benchmark) -> str | None:
    """The part that a row is reported under: of those that select rows, the first that fits."""
    for name, part in benchmark.parts.items():
        if part.set == benchmark.selected.set and part.where and matches(row.metadata, part.where):
            return name
    return benchmark.part


def _images(row: Row, benchmark: Benchmark, data_root: Path) -> tuple[ImageRef, ...]:
    root = local.data_folder(data_root, benchmark.name) / "images"
    return tuple(
        ImageRef(
            row=row.id,
            name=image.name,
            path=root / image.file if image.file else None,
            root=root,
            pixels=image.pixels,
            problem=image.problem,
        )
        for image in row.images
    )
