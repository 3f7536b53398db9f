"""Hashes of rows and pixels that the catalogue records for data it may not contain.

`rows-SET.sha256` and `images.sha256` are in a benchmark's folder and hold `HASH  NAME` lines. The
sha256 of the whole set, in benchmark.yaml, decides; these files identify the rows that differ.
"""

from pathlib import Path

from evalsvc.catalogue import local, rows
from evalsvc.catalogue.errors import CatalogueError
from evalsvc.catalogue.local import replaced_when_written
from evalsvc.catalogue.model import Benchmark
from evalsvc.catalogue.rows import Row

_IMAGES = "images.sha256"


def recorded_rows(benchmark: Benchmark, set_name: str) -> dict[str, str]:
    """Row ids and their short hashes, in order; empty if nothing is recorded."""
    return _read(benchmark.folder / f"rows-{set_name}.sha256")


def recorded_pixels(benchmark: Benchmark) -> dict[str, str]:
    """Key of a picture -> sha256 of its pixels, for those that the catalogue records."""
    return _read(benchmark.folder / _IMAGES)


def pixels_by_key(kept: list[Row]) -> dict[str, str]:
    """ROW/NAME -> sha256 of the pixels, for the pictures present."""
    return {f"{r.id}/{i.name}": i.pixels for r in kept for i in r.images if i.pixels}


def record(benchmark: Benchmark, data_root: Path) -> dict[str, str]:
    """Record the hashes of the added data: set -> sha256 for benchmark.yaml.

    Raises CatalogueError when there are no data.
    """
    sums: dict[str, str] = {}
    pixels = recorded_pixels(benchmark)
    for name in benchmark.sets:
        kept = local.read_rows(data_root, benchmark.name, name)
        if kept is None:
            continue
        sums[name] = rows.content_hash(kept)
        pixels |= pixels_by_key(kept)
        _write(
            benchmark.folder / f"rows-{name}.sha256", {row.id: rows.row_hash(row) for row in kept}
        )
    if not sums:
        raise CatalogueError(
            f"There are no data of {benchmark.name!r} in {data_root} to record.",
            f"Add them first: evalsvc benchmarks add-data {benchmark.name} --from PATH",
        )
    if pixels:
        _write(benchmark.folder / _IMAGES, pixels)
    return sums


def _read(path: Path) -> dict[str, str]:
    if not path.is_file():
        return {}
    try:
        pairs = [line.split("  ", 1) for line in path.read_text(encoding="utf-8").splitlines()]
        return {name: digest for digest, name in pairs}
    except (ValueError, UnicodeDecodeError) as error:
        raise CatalogueError(
            f"{path} must hold lines `HASH  NAME`.", "Restore it, or record it again."
        ) from error


def _write(path: Path, digests: dict[str, str]) -> None:
    with replaced_when_written(path) as temporary:
        text = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
        temporary.write_text(text, encoding="utf-8")
