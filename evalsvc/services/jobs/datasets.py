"""The problems of benchmarks, kept between submissions and read again when their files change."""

import threading
from pathlib import Path

from evalsvc.catalogue import Catalogue, CatalogueError, Dataset
from evalsvc.errors import BenchmarkError

Signature = tuple[tuple[str, int, int], ...]


class DatasetCache:
    """Datasets of one catalogue and data folder. Safe to share between threads."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str, str], tuple[Signature, Dataset]] = {}
        self._lock = threading.Lock()

    def load(self, catalogue: Catalogue, name: str, data_root: Path) -> Dataset:
        """The problems of NAME or NAME:PART. Raises BenchmarkError with what to do."""
        key = (id(catalogue), name, str(data_root))
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                signature, dataset = known
                if signature == _signature(dataset, data_root):
                    return dataset
            try:
                dataset = catalogue.load(name, data_root)
            except CatalogueError as error:
                raise BenchmarkError(error.message, error.remedy) from error
            self._kept[key] = (_signature(dataset, data_root), dataset)
            return dataset


def canonical_name(dataset: Dataset) -> str:
    """NAME or NAME:PART; the default part goes without saying, so that both are one evaluation."""
    benchmark = dataset.benchmark
    return benchmark.name if benchmark.part == benchmark.default_part else benchmark.full_name


def _signature(dataset: Dataset, data_root: Path) -> Signature:
    benchmark = dataset.benchmark
    return folder_signature(benchmark.folder) + folder_signature(
        data_root / "benchmarks" / benchmark.name
    )


def folder_signature(folder: Path) -> Signature:
    """(name, time of change, size) of each file directly in a folder; empty if there is none."""
    if not folder.is_dir():
        return ()
    files = ((path.name, path.stat()) for path in folder.iterdir())
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))
