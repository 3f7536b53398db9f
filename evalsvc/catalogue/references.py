"""Check that the names inside a description exist: parts, forms, overlaps, pictures.

Such a mistake is valid YAML, and would show only as a part without rows or an unused picture.
"""

from collections.abc import Iterator, Mapping

from evalsvc.catalogue.model import Benchmark, RowSet

Mistake = tuple[str, str]  # where, and the message


def dangling(benchmark: Benchmark) -> Iterator[Mistake]:
    """All mistakes of this kind, with their keys."""
    for name, row_set in benchmark.sets.items():
        yield from _unknown(f"sets.{name}.expect", row_set.expect, row_set)
        if benchmark.modality == "text" and _shows(row_set):
            yield f"sets.{name}.fields.images", "`modality: text` shows no pictures; say `image`."
    for name, part in benchmark.parts.items():
        where, row_set = f"parts.{name}", benchmark.sets[part.set]
        yield from _unknown(f"{where}.where", part.where, row_set)
        if part.form == "letter" and not (row_set.fields.choices and row_set.fields.letter):
            yield where, "`form: letter` needs the fields `choices` and `letter` of its set."
        if benchmark.modality == "image" and not part.text_only and not _shows(row_set):
            yield where, f"The set {part.set!r} has no field `images`: say `text_only: true`."
    for overlap in benchmark.overlaps:
        known = {key for row_set in benchmark.sets.values() for key in row_set.fields.metadata}
        for key in sorted(overlap.where.keys() - known):
            yield f"overlaps.{overlap.training_set}", f"No set has the metadata {key!r}."


def _shows(row_set: RowSet) -> bool:
    return bool(row_set.fields.images or row_set.fields.embedded)


def _unknown(where: str, wanted: Mapping[str, str], row_set: RowSet) -> Iterator[Mistake]:
    known = ", ".join(row_set.fields.metadata) or "none"
    for key in sorted(wanted.keys() - row_set.fields.metadata.keys()):
        yield where, f"There is no metadata {key!r}; the set's fields give: {known}."
