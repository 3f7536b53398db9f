"""From the rows of a set to the problems of a part: selection, form, overrides, references."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from evalsvc.catalogue import local
from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.golds import Override
from evalsvc.catalogue.model import LETTERS, Benchmark, ImageRef, Part, Problem, matches
from evalsvc.catalogue.rows import Row


def asked_rows(
    kept: Sequence[Row], benchmark: Benchmark, overrides: Mapping[str, Override]
) -> list[Row]:
    """The rows of the selected part as used in prompts: in its form, choices overridden.

    Raises CatalogueError when a row cannot take the form that the part requires.
    """
    part = benchmark.selected
    rows = [_in_form(row, part, benchmark) for row in kept if matches(row.metadata, part.where)]
    return [_with_choices(row, override_of(row, benchmark, overrides)) for row in rows]


def override_of(
    row: Row, benchmark: Benchmark, overrides: Mapping[str, Override]
) -> Override | None:
    """The override of a row, if one matches its gold (none applies to the form of letters)."""
    if benchmark.selected.form == "letter":
        return None
    override = overrides.get(row.cluster if benchmark.golds_by == "cluster" else row.id)
    return override if override is not None and override.fits(row.gold) else None


def make_problem(
    index: int, row: Row, benchmark: Benchmark, override: Override | None, data_root: Path
) -> Problem:
    """One problem; `index` is its position in the dataset."""
    gold, kind = row.gold, _kind(row)
    if override is not None and override.gold is not None:
        gold, kind = override.gold, None
    if override is not None and override.kind is not None:
        kind = override.kind
    return Problem(
        index=index,
        id=row.id,
        question=row.question,
        gold=gold,
        kind=kind,
        choices=row.choices,
        images=_images(row, benchmark, data_root),
        cluster=row.cluster,
        level=row.level,
        subject=row.subject,
        part=_part_of(row, benchmark),
        question_type=row.question_type,
        metadata={**row.metadata, **row.texts},
    )


def _in_form(row: Row, part: Part, benchmark: Benchmark) -> Row:
    """The row in the form of its part: judged by value, or as a choice by its letter."""
    if part.form == "value":
        return replace(row, choices=None, letter=None, question_type="free-form")
    if part.form == "letter":
        if row.choices is None or row.letter is None:
            raise CatalogueError(
                f"Problem {row.id} of {benchmark.name!r} has no choices in the data that are here.",
                "Add data that have them, or use another part.",
            )
        return replace(row, gold=row.letter, question_type="multi-choice")
    return row


def _with_choices(row: Row, override: Override | None) -> Row:
    if override is None or override.choices is None:
        return row
    return replace(row, choices=override.choices)


def _kind(row: Row) -> str | None:
    """`choice` where the gold is the letter of one of the options; otherwise the text decides."""
    if row.choices and row.gold in LETTERS[: len(row.choices)] and len(row.gold) == 1:
        return "choice"
    return None


def _part_of(row: Row, benchmark: Benchmark) -> str | None:
    """The part that a row is reported under: the first matching one that selects rows."""
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
