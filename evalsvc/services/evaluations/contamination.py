"""The relation of problems to training data, which the catalogue knows and the store does not.

It is read together with the figures, so that a changed line of YAML changes no stored row
(docs/decisions/0904).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evalsvc.catalogue import CatalogueError

if TYPE_CHECKING:
    from evalsvc.catalogue import Benchmark, Catalogue

NO_OVERLAP = "none known"
Trait = Mapping[int, str]  # row index -> value


def contamination_traits(
    catalogue: "Catalogue", data_root: Path, name: str, revision: str, parts: Trait
) -> dict[str, Trait]:
    """Distribution and overlap of the problems of NAME or NAME:PART at `revision`.

    `parts` are the stored parts of the problems. Empty for a benchmark that was removed; without
    an overlap where its rows are missing or have changed.
    """
    try:
        benchmark = catalogue.get(name)
    except CatalogueError:
        return {}
    return {
        "distribution": _distribution(benchmark, parts),
        "overlap": _overlap(catalogue, data_root, benchmark, revision),
    }


def _distribution(benchmark: "Benchmark", parts: Trait) -> Trait:
    """In- or out-of-distribution, for the problems of parts for which that is known."""
    known = {name: p.distribution for name, p in benchmark.parts.items() if p.distribution}
    return {problem: known[part] for problem, part in parts.items() if part in known}


def _overlap(
    catalogue: "Catalogue", data_root: Path, benchmark: "Benchmark", revision: str
) -> Trait:
    """The training set that a problem also belongs to, or a label that none is known."""
    if not benchmark.overlaps:
        return {}
    try:
        dataset = catalogue.load(benchmark.name, data_root, part=benchmark.part)
    except CatalogueError:
        return {}
    if dataset.revision != revision:
        return {}
    return {p.index: dataset.overlap(p) or NO_OVERLAP for p in dataset}
