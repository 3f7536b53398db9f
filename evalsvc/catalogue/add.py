"""Adding data: find the files, convert the rows, check them, and only then keep them.

Data pinned in the catalogue are refused if any row differs, and the error names those rows. Data
that are not pinned yet are accepted and reported as unpinned.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.catalogue import local, rows
from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.fields import take
from evalsvc.catalogue.limits import MAX_ID_CHARACTERS
from evalsvc.catalogue.model import LETTERS, Benchmark, FieldMap, RowSet, matches
from evalsvc.catalogue.pictures import PictureFinder, keep_pictures, listed
from evalsvc.catalogue.pins import pixels_by_key, recorded_pixels, recorded_rows
from evalsvc.catalogue.readers import SUFFIXES, read_records
from evalsvc.catalogue.rows import Row

SHOWN = 10  # rows named in an error


@dataclass(frozen=True)
class AddedSet:
    """The data added for one set of a benchmark."""

    set: str
    rows: int
    expected_rows: int
    content_hash: str
    pinned: bool
    images: int
    unusable_images: tuple[str, ...]  # one phrase each, by row
    warnings: tuple[str, ...]
    path: Path


@dataclass(frozen=True)
class AddedData:
    benchmark: str
    source: Path
    sets: tuple[AddedSet, ...]


def add_data(benchmark: Benchmark, source: Path, data_root: Path) -> AddedData:
    """Convert and keep the data of a benchmark (or, as NAME:PART, of one part's set).

    `source` is a file or a folder; a folder may also hold the benchmark's data in a subfolder of
    its name. Raises CatalogueError when nothing fits or when rows differ from the pinned ones.
    """
    found = _find_sets(benchmark, source)
    converted = {}
    for set_name, (root, paths) in found.items():
        row_set = benchmark.sets[set_name]
        with PictureFinder(root, row_set.image_search) as finder:
            converted[set_name] = _convert(benchmark, row_set, paths, finder, data_root)
        _check(benchmark, set_name, converted[set_name])
    return AddedData(
        benchmark.name,
        source,
        tuple(_keep(benchmark, name, kept, data_root) for name, kept in converted.items()),
    )


def _find_sets(benchmark: Benchmark, source: Path) -> dict[str, tuple[Path, list[Path]]]:
    """Set -> (folder given, files) for every set whose files exist."""
    wanted = {n: s for n, s in benchmark.sets.items() if s.files}
    if benchmark.part:
        wanted = {n: s for n, s in wanted.items() if n == benchmark.selected.set}
    if not wanted:
        raise CatalogueError(f"The benchmark {benchmark.name!r} brings its own data.")
    if not source.exists():
        raise CatalogueError(f"{source} does not exist.", "Name a file or a folder with the data.")
    if source.is_file():
        return {_set_of_file(benchmark, wanted, source): (source.parent, [source])}
    found = {}
    for name, row_set in wanted.items():
        for root in (source / benchmark.name, source):
            if paths := _first_match(root, row_set.files):
                found[name] = (root, paths)
                break
    if not found:
        patterns = sorted({p for s in wanted.values() for p in s.files})
        raise CatalogueError(
            f"{source} holds no data of {benchmark.name!r}.",
            f"Looked for {', '.join(patterns)}, there and in {benchmark.name}/.",
        )
    return found


def _first_match(root: Path, patterns: Iterable[str]) -> list[Path]:
    for pattern in patterns:
        if paths := sorted((p for p in root.glob(pattern) if p.is_file()), key=_natural):
            return paths
    return []


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sort key in which folder 9 comes before folder 10."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in path.parts]


def _set_of_file(benchmark: Benchmark, wanted: Mapping[str, RowSet], file: Path) -> str:
    if file.suffix not in SUFFIXES:
        raise CatalogueError(
            f"{file} is not a {', '.join(SUFFIXES)} file.", "Name the data file or its folder."
        )
    fits = [n for n, s in wanted.items() if any(file.match(p) for p in s.files)]
    if len(fits) == 1 or len(wanted) == 1:
        return (fits or list(wanted))[0]
    choices = ", ".join(f"{benchmark.name}:{part}" for part in benchmark.parts)
    raise CatalogueError(
        f"{file.name} could be any of several sets of {benchmark.name!r}.",
        f"Say which: one of {choices}.",
    )


def _convert(
    benchmark: Benchmark,
    row_set: RowSet,
    paths: list[Path],
    finder: PictureFinder,
    data_root: Path,
) -> list[Row]:
    store = (data_root, benchmark.name)
    converted = []
    for number, record in enumerate(read_records(paths, row_set.reader)):
        row = convert_record(record.content, number, row_set.fields)
        named = take(record.content, row_set.fields.images)
        embedded = take(record.content, row_set.fields.embedded)
        images = keep_pictures(row.id, listed(named, embedded), record.folder, finder, store)
        if not row.question and not images:
            raise CatalogueError(f"Problem {row.id} has neither a question nor a picture.")
        converted.append(Row(**{**row.__dict__, "images": images}))
    if not converted:
        raise CatalogueError(f"{paths[0]} has no rows.")
    return converted


def convert_record(record: Mapping[str, Any], number: int, fields: FieldMap) -> Row:
    """One record as a row without its pictures. CatalogueError names the row and the field."""
    row_id = _text(take(record, fields.id)) or str(number)
    if len(row_id) > MAX_ID_CHARACTERS or not row_id.isprintable():
        raise CatalogueError(f"Record {number} has an unusable id: {row_id[:40]!r}.")
    try:
        question, gold = take(record, fields.question), take(record, fields.gold)
        choices = take(record, fields.choices)
    except (CatalogueError, TypeError, AttributeError) as error:
        raise CatalogueError(f"Problem {row_id}: {error}") from error
    needed = {"question": (question, fields.question), "gold": (gold, fields.gold)}
    for field, (value, paths) in needed.items():
        if value is None:
            raise CatalogueError(
                f"Problem {row_id} has no {field}: none of {', '.join(paths)} is there.",
                f"The record has: {', '.join(map(str, record))}.",
            )
    if choices is not None and (not isinstance(choices, list) or len(choices) > len(LETTERS)):
        raise CatalogueError(
            f"Problem {row_id}: its choices are no list of at most {len(LETTERS)}."
        )
    return Row(
        id=row_id,
        question=str(question),
        gold=str(gold),
        choices=tuple(str(choice) for choice in choices) if choices else None,
        letter=_text(take(record, fields.letter)),
        cluster=_text(take(record, fields.cluster)) or row_id,
        level=_text(take(record, fields.level)),
        subject=_text(take(record, fields.subject)),
        question_type=_text(take(record, fields.question_type)) or _question_type(fields, choices),
        texts=_texts(record, fields.texts),
        metadata=_texts(record, fields.metadata),
    )


def _question_type(fields: FieldMap, choices: Any) -> str | None:
    """Whether this problem has choices, if only some problems do."""
    if not fields.choices:
        return None
    return "multi-choice" if choices else "free-form"


def _texts(record: Mapping[str, Any], described: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    found = {key: _text(take(record, paths)) for key, paths in described.items()}
    return {key: value for key, value in found.items() if value is not None}


def _text(value: Any) -> str | None:
    if isinstance(value, list):
        value = value[0] if value else None
    return None if value is None or value == "" else str(value)


def _check(benchmark: Benchmark, set_name: str, found: list[Row]) -> None:
    """Raise CatalogueError naming the rows that differ from what the catalogue records."""
    name = f"{benchmark.name} ({set_name})"
    if doubled := rows.duplicated_ids(found):
        raise CatalogueError(f"{name}: these ids occur more than once: {_shown(doubled)}.")
    pinned = benchmark.sets[set_name].sha256
    if pinned is not None and rows.content_hash(found) != pinned:
        differing = rows.differences(found, recorded_rows(benchmark, set_name))
        raise CatalogueError(
            f"{name}: the rows are not the ones that the catalogue records "
            f"({_shown(differing) or 'the same rows in another order'}).",
            "Use the revision that `evalsvc benchmarks show` names, or copy the benchmark's folder "
            "under another name and record this version there.",
        )
    known = recorded_pixels(benchmark)
    found_pixels = pixels_by_key(found)
    wrong = [key for key, pixels in found_pixels.items() if known.get(key, pixels) != pixels]
    if wrong:
        raise CatalogueError(
            f"{name}: the pictures of these problems are not the recorded ones: {_shown(wrong)}.",
            "Get them from the benchmark's own archive.",
        )


def _shown(phrases: list[str]) -> str:
    more = f" and {len(phrases) - SHOWN} more" if len(phrases) > SHOWN else ""
    return ", ".join(phrases[:SHOWN]) + more


def _keep(benchmark: Benchmark, set_name: str, kept: list[Row], data_root: Path) -> AddedSet:
    row_set = benchmark.sets[set_name]
    images = [(row, image) for row in kept for image in row.images]
    path = local.write_rows(data_root, benchmark.name, set_name, kept)
    return AddedSet(
        set=set_name,
        rows=len(kept),
        expected_rows=row_set.rows,
        content_hash=rows.content_hash(kept),
        pinned=row_set.sha256 is not None,
        images=sum(image.file is not None for _, image in images),
        unusable_images=tuple(f"{r.id}: {i.problem}" for r, i in images if not i.file),
        warnings=_warnings(row_set, kept),
        path=path,
    )


def _warnings(row_set: RowSet, kept: list[Row]) -> tuple[str, ...]:
    warnings = []
    if len(kept) != row_set.rows:
        warnings.append(f"{len(kept)} of {row_set.rows} rows are here")
    if row_set.sha256 is None:
        warnings.append("nobody has recorded the hash of this set yet: it is shown as unpinned")
    others = [row.id for row in kept if not matches(row.metadata, row_set.expect)]
    if others:
        expected = ", ".join(f"{k} = {v}" for k, v in row_set.expect.items())
        warnings.append(f"these rows are not from {expected}: {_shown(others)}")
    return tuple(warnings)
