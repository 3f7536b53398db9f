"""Readable checks of a benchmark's folder, for users who add one by copying."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from evalsvc.catalogue import local, rows
from evalsvc.catalogue.add import convert_record
from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.fields import TRANSFORMS, check_paths
from evalsvc.catalogue.folders import FILE, read_benchmark
from evalsvc.catalogue.golds import Override, read_overrides
from evalsvc.catalogue.model import Benchmark, RowSet
from evalsvc.catalogue.pins import recorded_rows
from evalsvc.catalogue.prompts import CHOICES, PLACEHOLDER, QUESTION
from evalsvc.catalogue.readers import ADAPTERS, read_records
from evalsvc.catalogue.references import dangling
from evalsvc.catalogue.rows import Row


@dataclass(frozen=True)
class Finding:
    """One mistake (`error`: it will not work) or remark (`warning`) about a benchmark's folder."""

    level: Literal["error", "warning"]
    where: str
    message: str


def check(folder: Path, data_root: Path | None = None) -> list[Finding]:
    """All findings about a benchmark's folder; with `data_root` also about the data added."""
    if not (folder / FILE).is_file():
        return [Finding("error", str(folder), f"There is no {FILE} in it.")]
    try:
        benchmark = read_benchmark(folder)
    except CatalogueError as error:
        return [Finding("error", FILE, str(error))]
    findings = [*_prompts(benchmark), *_licence(benchmark)]
    findings += [Finding("error", where, message) for where, message in dangling(benchmark)]
    known: list[Row] = []
    for name, row_set in benchmark.sets.items():
        findings += _fields(name, row_set)
        try:
            found = _rows(benchmark, row_set, name, data_root)
        except CatalogueError as error:
            findings.append(Finding("error", f"sets.{name}", str(error)))
            continue
        if found is None and data_root is not None:
            remark = "its data are not here: rows and golds could not be checked"
            findings.append(Finding("warning", f"sets.{name}", remark))
        findings += _set(benchmark, name, row_set, found)
        known += found or []
    return [*findings, *_overrides(benchmark, known)]


def _prompts(benchmark: Benchmark) -> Iterator[Finding]:
    texts = {text for row_set in benchmark.sets.values() for text in row_set.fields.texts}
    for name, prompt in benchmark.prompts.items():
        where = f"prompts.{name}"
        templates = [t for t in (prompt.user, prompt.user_choice) if t]
        for template in templates:
            used = set(PLACEHOLDER.findall(template))
            for unknown in sorted(used - {QUESTION, CHOICES} - texts):
                yield Finding("error", where, f"{{{{{unknown}}}}} is no placeholder.")
            if not used & {QUESTION, *texts}:
                yield Finding("error", where, "{{question}} is missing: nothing would be asked.")
        if "{text}" not in prompt.choice:
            yield Finding("error", where, "`choice` must contain {text}.")
        if "{letter}" not in prompt.choice:
            yield Finding("warning", where, "`choice` has no {letter}: options cannot be named")
        if prompt.extraction == "answer_tag" and "<answer>" not in "".join(templates):
            yield Finding("warning", where, "answers are taken from <answer>, not asked for here")


def _licence(benchmark: Benchmark) -> Iterator[Finding]:
    licence = benchmark.licence
    if not licence.source and not licence.note:
        yield Finding("error", "licence", "Say where the licence is stated: `source` or `note`.")
    if not licence.redistributable and any(s.bundled for s in benchmark.sets.values()):
        yield Finding("error", "licence", "Data that may not be passed on must not be bundled.")


def _fields(name: str, row_set: RowSet) -> Iterator[Finding]:
    where = f"sets.{name}"
    if row_set.reader is not None and row_set.reader not in ADAPTERS:
        yield Finding(
            "error", where, f"reader {row_set.reader!r} is none of {', '.join(ADAPTERS)}."
        )
    plain = row_set.fields.model_dump(exclude={"metadata", "texts"})
    maps = {**plain, **row_set.fields.metadata, **row_set.fields.texts}
    for field, paths in maps.items():
        for transform in check_paths(tuple(paths)):
            known = ", ".join(TRANSFORMS)
            yield Finding("error", f"{where}.fields.{field}", f"{transform!r} is none of {known}.")


def _rows(
    benchmark: Benchmark, row_set: RowSet, name: str, data_root: Path | None
) -> list[Row] | None:
    """The rows of a set, or None if there are no data."""
    if row_set.reader is not None and row_set.reader not in ADAPTERS:
        return None
    if not row_set.bundled:
        return local.read_rows(data_root, benchmark.name, name) if data_root else None
    path = benchmark.folder / row_set.bundled
    if not path.is_file():
        raise CatalogueError(f"The bundled file {row_set.bundled} is missing.")
    records = read_records([path], row_set.reader)
    return [convert_record(r.content, n, row_set.fields) for n, r in enumerate(records)]


def _set(
    benchmark: Benchmark, name: str, row_set: RowSet, found: list[Row] | None
) -> Iterator[Finding]:
    where = f"sets.{name}"
    if row_set.sha256 is None:
        yield Finding("warning", where, "no sha256 is recorded: data of this set are unpinned")
    elif not row_set.bundled and len(recorded_rows(benchmark, name)) != row_set.rows:
        yield Finding("error", where, f"rows-{name}.sha256 does not list {row_set.rows} rows.")
    if found is None:
        return
    if not found:
        yield Finding("error", where, "There are no rows.")
        return
    if len(found) != row_set.rows:
        level: Literal["error", "warning"] = "error" if row_set.sha256 else "warning"
        yield Finding(level, where, f"{len(found)} rows are here, {row_set.rows} are announced.")
    if doubled := rows.duplicated_ids(found):
        yield Finding("error", where, f"These ids occur more than once: {', '.join(doubled[:10])}.")
    actual = rows.content_hash(found)
    if row_set.sha256 not in (None, actual):
        yield Finding("error", where, f"The rows have the sha256 {actual}, another is recorded.")


def _overrides(benchmark: Benchmark, known: list[Row]) -> Iterator[Finding]:
    try:
        overrides = read_overrides(benchmark.folder)
    except CatalogueError as error:
        yield Finding("error", "golds.yaml", str(error))
        return
    golds: dict[str, list[str]] = {}
    for row in known:
        key = row.cluster if benchmark.golds_by == "cluster" else row.id
        golds.setdefault(key, []).append(row.gold)
    keys = set(golds) | _recorded_keys(benchmark)
    for key, override in overrides.items():
        if keys and key not in keys:
            yield Finding("error", "golds.yaml", f"There is no problem {key!r} to override.")
        if other := [gold for gold in golds.get(key, []) if not override.fits(gold)]:
            message = f"{key!r}: written for {override.raw!r}, the data have {other[0]!r}."
            yield Finding("error", "golds.yaml", message)
        yield from _override(key, override)


def _recorded_keys(benchmark: Benchmark) -> set[str]:
    """Ids of pinned sets, known without the data."""
    if benchmark.golds_by == "cluster":
        return set()
    return {row for name in benchmark.sets for row in recorded_rows(benchmark, name)}


def _override(key: str, override: Override) -> Iterator[Finding]:
    if override.gold is None and override.kind is None and override.choices is None:
        yield Finding("warning", "golds.yaml", f"The override of {key!r} changes nothing.")
