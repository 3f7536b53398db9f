"""The catalogue: the known benchmarks, and loading their problems.

A benchmark is a folder; callers may pass further catalogue folders. Loading reads the normalised
local form (or the bundled JSONL), checks its hash again, and applies the gold overrides.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path

from evalsvc.catalogue import hub, local, pins, rows
from evalsvc.catalogue.add import AddedData, add_data, convert_record
from evalsvc.catalogue.errors import CatalogueError, UnknownName
from evalsvc.catalogue.folders import FILE, benchmark_folders, bundled_folder, read_benchmark
from evalsvc.catalogue.golds import FILE as GOLDS
from evalsvc.catalogue.golds import Override, read_overrides
from evalsvc.catalogue.model import Benchmark, Dataset
from evalsvc.catalogue.problems import asked_rows, make_problem, override_of
from evalsvc.catalogue.readers import read_records
from evalsvc.catalogue.rows import Row


class Catalogue:
    """The bundled benchmarks and those of `extra_folders` (the setting EVALSVC_BENCHMARKS)."""

    def __init__(self, extra_folders: Sequence[Path] = ()) -> None:
        self._known: dict[str, tuple[int, Benchmark]] = {}  # name -> (time of change, benchmark)
        self._loaded: dict[tuple[str, Path], tuple[tuple[int, ...], Dataset]] = {}
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

    def folder(self, name: str) -> Path:
        """The folder of a benchmark that `names` lists."""
        return self._folders[name].resolve()

    def get(self, name: str) -> Benchmark:
        """The benchmark NAME or NAME:PART; the default part is the same as no part.

        Raises UnknownName with the nearest names, CatalogueError for a folder that is broken.
        """
        base, _, part = name.partition(":")
        if base not in self._folders:
            raise UnknownName(f"There is no benchmark {base!r}.", _nearest(base, self.names()))
        benchmark = self._read(base)
        if not part or part == benchmark.default_part:
            return benchmark
        if part not in benchmark.parts:
            raise UnknownName(
                f"The benchmark {base!r} has no part {part!r}.",
                _nearest(part, list(benchmark.parts)),
            )
        return benchmark.model_copy(update={"part": part})

    def _read(self, name: str) -> Benchmark:
        """The description of a benchmark, read again only when its file has changed."""
        folder = self._folders[name]
        changed = _changed(folder / FILE)
        known = self._known.get(name)
        if known is None or known[0] != changed:
            known = (changed, read_benchmark(folder))
            self._known[name] = known
        return known[1]

    def overrides(self, name: str) -> Mapping[str, Override]:
        """The overrides of golds.yaml, by id of the problem (by cluster where `golds_by` says)."""
        return read_overrides(self.get(name).folder)

    def row_ids(self, name: str, data_root: Path) -> tuple[tuple[str, ...], ...]:
        """The ids of the rows of each set that NAME can mean, in order, without unknown sets.

        They come from the recorded hashes, the bundled rows or the data. Empty where overrides are
        keyed by cluster, because those keys are not ids.
        """
        benchmark = self.get(name)
        if benchmark.golds_by == "cluster":
            return ()
        chosen = [benchmark.selected.set] if benchmark.part else list(benchmark.sets)
        found = (_ids_of_set(benchmark, set_name, data_root) for set_name in chosen)
        return tuple(ids for ids in found if ids)

    def load(self, name: str, data_root: Path, *, part: str | None = None) -> Dataset:
        """The problems of a benchmark or part. CatalogueError says what to do if data are missing.

        A dataset is kept in memory and read again only when one of its files has changed.
        """
        benchmark = self.get(f"{name}:{part}" if part else name)
        key = (benchmark.full_name, data_root)
        stamp = tuple(_changed(path) for path in _files(benchmark, data_root))
        known = self._loaded.get(key)
        if known is None or known[0] != stamp:
            known = (stamp, _load(benchmark, data_root))
            self._loaded[key] = known
        return known[1]

    def add_data(self, name: str, source: Path | None, data_root: Path) -> AddedData:
        """Add data from a file or folder, or from the hub when `source` is None."""
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


def _changed(path: Path) -> int:
    """When a file was last changed, in nanoseconds; 0 if it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _files(benchmark: Benchmark, data_root: Path) -> tuple[Path, ...]:
    """The files that a dataset is made from."""
    set_name = benchmark.selected.set
    bundled = benchmark.sets[set_name].bundled
    rows_file = (
        benchmark.folder / bundled
        if bundled
        else local.rows_path(data_root, benchmark.name, set_name)
    )
    return (benchmark.folder / FILE, benchmark.folder / GOLDS, rows_file)


def _load(benchmark: Benchmark, data_root: Path) -> Dataset:
    overrides = read_overrides(benchmark.folder)
    asked = asked_rows(
        _rows_of_set(benchmark, data_root, benchmark.selected.set), benchmark, overrides
    )
    if not asked:
        raise CatalogueError(
            f"The data of {benchmark.full_name!r} that are here have no row of this part.",
            f"Add more: {_add_command(benchmark)}",
        )
    return Dataset(
        benchmark=benchmark,
        problems=tuple(
            make_problem(i, row, benchmark, override_of(row, benchmark, overrides), data_root)
            for i, row in enumerate(asked)
        ),
        revision=rows.revision(asked),
        pinned=benchmark.sets[benchmark.selected.set].sha256 is not None,
    )


def _ids_of_set(benchmark: Benchmark, set_name: str, data_root: Path) -> tuple[str, ...]:
    if recorded := pins.recorded_rows(benchmark, set_name):
        return tuple(recorded)
    try:
        kept = _rows_of_set(benchmark, data_root, set_name)
    except CatalogueError:
        return ()
    return tuple(row.id for row in kept)


def _rows_of_set(benchmark: Benchmark, data_root: Path, set_name: str) -> list[Row]:
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
