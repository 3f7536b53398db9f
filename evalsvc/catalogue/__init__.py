"""The catalogue of benchmarks: their descriptions, data sources and prompts.

One folder per benchmark (`benchmark.yaml`, `golds.yaml`, `published.csv`). This package imports
no other package of ours; pictures, Parquet and the hub are imported only when used.
"""

from pathlib import Path

from evalsvc.catalogue.add import AddedData, AddedSet
from evalsvc.catalogue.catalogue import Catalogue
from evalsvc.catalogue.check import Finding, check
from evalsvc.catalogue.errors import CatalogueError, ImageError, UnknownName
from evalsvc.catalogue.golds import Override
from evalsvc.catalogue.images import load_image, pixel_hash
from evalsvc.catalogue.model import (
    Benchmark,
    Dataset,
    ImagePart,
    ImageRef,
    Message,
    Problem,
    Prompt,
    TextPart,
)
from evalsvc.catalogue.pins import record
from evalsvc.catalogue.prompts import render

__all__ = [
    "AddedData",
    "AddedSet",
    "Benchmark",
    "Catalogue",
    "CatalogueError",
    "Dataset",
    "Finding",
    "ImageError",
    "ImagePart",
    "ImageRef",
    "Message",
    "Override",
    "Problem",
    "Prompt",
    "TextPart",
    "UnknownName",
    "add_data",
    "check",
    "get",
    "load",
    "load_image",
    "names",
    "pixel_hash",
    "record",
    "render",
]


def names() -> list[str]:
    """Names of the bundled benchmarks."""
    return Catalogue().names()


def get(name: str) -> Benchmark:
    """The bundled benchmark NAME or NAME:PART."""
    return Catalogue().get(name)


def load(name: str, data_root: Path, *, part: str | None = None) -> Dataset:
    """The problems of a bundled benchmark, from the data folder `data_root`."""
    return Catalogue().load(name, data_root, part=part)


def add_data(name: str, source: Path | None, data_root: Path) -> AddedData:
    """Add the data of a bundled benchmark; from the hub when `source` is None."""
    return Catalogue().add_data(name, source, data_root)
