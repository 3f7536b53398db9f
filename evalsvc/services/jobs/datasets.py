"""The problems of benchmarks, kept between submissions and read again when their files change."""

import threading
from pathlib import Path

from cachetools import LRUCache

from evalsvc.catalogue import Catalogue, CatalogueError, Dataset
from evalsvc.errors import BenchmarkError

Signature = tuple[tuple[str, int, int], ...]
MOST_DATASETS = 16


class DatasetCache:
    """Datasets of one catalogue and data folder. Safe to share between threads."""

    def __init__(self, catalogue: Catalogue, data_root: Path) -> None:
        self._catalogue = catalogue
        self._data_root = data_root
        # A dataset takes a few megabytes; all seven benchmarks with a part of each fit.
        self._kept: LRUCache[str, tuple[Signature, Dataset]] = LRUCache(MOST_DATASETS)
        self._lock = threading.Lock()

    def load(self, name: str) -> Dataset:
        """The problems of NAME or NAME:PART. Raises BenchmarkError with a remedy."""
        with self._lock:
            if (known := self._kept.get(name)) is not None:
                signature, dataset = known
                if signature == _signature(dataset, self._data_root):
                    return dataset
            try:
                dataset = self._catalogue.load(name, self._data_root)
            except CatalogueError as error:
                raise BenchmarkError(error.message, error.remedy) from error
            self._kept[name] = (_signature(dataset, self._data_root), dataset)
            return dataset


def canonical_name(dataset: Dataset) -> str:
    """NAME or NAME:PART; the default part is omitted, so that both forms are one evaluation."""
    benchmark = dataset.benchmark
    return benchmark.name if benchmark.part == benchmark.default_part else benchmark.full_name


def _signature(dataset: Dataset, data_root: Path) -> Signature:
    benchmark = dataset.benchmark
    return folder_signature(benchmark.folder) + folder_signature(
        data_root / "benchmarks" / benchmark.name
    )


def folder_signature(folder: Path) -> Signature:
    """(name, time of change, size) of each file directly in a folder; empty without files."""
    if not folder.is_dir():
        return ()
    files = ((path.name, path.stat()) for path in folder.iterdir())
    return tuple(sorted((name, stat.st_mtime_ns, stat.st_size) for name, stat in files))
