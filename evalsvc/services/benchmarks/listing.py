"""The benchmarks for readers, with whether their data are present."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from evalsvc.catalogue import Benchmark, Catalogue


@dataclass(frozen=True)
class PartView:
    """A part of a benchmark, submitted as NAME:PART."""

    name: str
    title: str
    problems: int | None
    text_only: bool
    data: bool  # whether its problems can be read on this server


@dataclass(frozen=True)
class BenchmarkView:
    """A benchmark of the catalogue. `data`: whether its default part can be evaluated now."""

    name: str
    title: str
    description: str
    modality: str
    problems: int
    default_part: str
    parts: list[PartView]
    prompts: list[str]
    licence: str
    redistributable: bool
    homepage: str
    paper: str
    quirks: list[str]
    data: bool
    remedy: str


def list_benchmarks(catalogue: "Catalogue", data_root: Path) -> list[BenchmarkView]:
    """Every benchmark of the catalogue."""
    return [view(catalogue.get(name), data_root) for name in catalogue.names()]


def view(benchmark: "Benchmark", data_root: Path) -> BenchmarkView:
    """One benchmark; its rows are not read."""
    here = {name: _has_data(benchmark, name, data_root) for name in benchmark.sets}
    default = benchmark.parts[benchmark.default_part]
    return BenchmarkView(
        name=benchmark.name,
        title=benchmark.title,
        description=benchmark.description,
        modality=benchmark.modality,
        problems=default.rows or benchmark.sets[default.set].rows,
        default_part=benchmark.default_part,
        parts=[
            PartView(
                name=name,
                title=part.title or name,
                problems=part.rows or (None if part.where else benchmark.sets[part.set].rows),
                text_only=part.text_only or benchmark.modality == "text",
                data=here[part.set],
            )
            for name, part in benchmark.parts.items()
        ],
        prompts=list(benchmark.prompts),
        licence=benchmark.licence.name,
        redistributable=benchmark.licence.redistributable,
        homepage=benchmark.homepage,
        paper=benchmark.paper,
        quirks=list(benchmark.quirks),
        data=here[default.set],
        remedy=""
        if here[default.set]
        else f"evalsvc benchmarks add-data {benchmark.name} --from PATH",
    )


def _has_data(benchmark: "Benchmark", set_name: str, data_root: Path) -> bool:
    if benchmark.sets[set_name].bundled:
        return True
    return (data_root / "benchmarks" / benchmark.name / f"{set_name}.parquet").is_file()
