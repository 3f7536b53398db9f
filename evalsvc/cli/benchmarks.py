"""`evalsvc benchmarks list|show|check|add-data`: the catalogue on the command line.

Works without a server, on the folders that EVALSVC_BENCHMARKS and EVALSVC_DATA name. Exit codes:
0 success, 1 a problem with the data or the folder, 2 a name or option that does not exist.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalsvc.cli.failures import FAILED, USAGE, needs, say
from evalsvc.cli.golds import GoldReport, check_golds
from evalsvc.cli.printed import check_printed
from evalsvc.cli.printing import Json, print_json, print_table
from evalsvc.errors import EvalsvcError, UsageError
from evalsvc.settings import Settings, load_settings

if TYPE_CHECKING:
    from evalsvc.catalogue import AddedData, Benchmark, Catalogue, Dataset

app = typer.Typer(help="List, show and check benchmarks; add their data.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="A benchmark, or NAME:PART.")]


@contextlib.contextmanager
def _reporting() -> Iterator[tuple["Catalogue", Settings]]:
    """The catalogue of this installation; its errors become a sentence and an exit code."""
    try:
        with needs("server", "The catalogue of benchmarks"):
            from evalsvc.catalogue import Catalogue, CatalogueError, UnknownName  # noqa: PLC0415
        settings = load_settings()
        try:
            yield Catalogue(settings.benchmark_folders), settings
        except CatalogueError as error:
            _fail(error.message, error.remedy, USAGE if isinstance(error, UnknownName) else FAILED)
        except OSError as error:
            remedy = "Check the folder that EVALSVC_DATA names, its permissions and its free space."
            _fail(f"{error.filename}: {error.strerror}.", remedy, FAILED)
    except EvalsvcError as error:
        code = USAGE if isinstance(error, UsageError) else FAILED
        _fail(error.message, error.remedy, code)


def _fail(message: str, remedy: str, code: int) -> None:
    say(message, remedy)
    raise typer.Exit(code)


@app.command("list")
def list_benchmarks(as_json: Json = False) -> None:
    """List the benchmarks with their parts, and say which data are here."""
    with _reporting() as (catalogue, settings):
        entries = [
            _overview(catalogue, benchmark, part, settings.data)
            for benchmark in map(catalogue.get, catalogue.names())
            for part in benchmark.parts
        ]
    if as_json:
        print_json(entries)
        return
    columns = ("name", "title", "expected_rows", "needs_images", "data")
    rows = ([entry[column] for column in columns] for entry in entries)
    print_table(("name", "title", "rows", "pictures", "data"), rows)


def _overview(
    catalogue: "Catalogue", benchmark: "Benchmark", part: str, data: Path
) -> dict[str, Any]:
    default = part == benchmark.default_part
    name = benchmark.name if default else f"{benchmark.name}:{part}"
    chosen = benchmark.parts[part]
    dataset, problem = _try_load(catalogue, name, data)
    return {
        "name": name,
        "title": chosen.title or benchmark.title,
        "part": part,
        "expected_rows": chosen.rows or benchmark.sets[chosen.set].rows,
        "needs_images": benchmark.modality == "image" and not chosen.text_only,
        "distribution": chosen.distribution,
        "licence": benchmark.licence.name,
        "rows": len(dataset) if dataset else 0,
        "missing_images": len(dataset.missing_images) if dataset else None,
        "revision": dataset.revision if dataset else None,
        "pinned": dataset.pinned if dataset else None,
        "data": _data_words(dataset),
        "problem": problem,
    }


def _try_load(catalogue: "Catalogue", name: str, data: Path) -> tuple["Dataset | None", str | None]:
    from evalsvc.catalogue import CatalogueError  # noqa: PLC0415 - an extra

    try:
        return catalogue.load(name, data), None
    except CatalogueError as error:
        return None, str(error)


def _data_words(dataset: "Dataset | None") -> str:
    if dataset is None:
        return "not here"
    missing = len({image.row for image in dataset.missing_images})
    lacking = f", {missing:,} without picture" if missing else ""
    return f"{len(dataset):,} {'checked' if dataset.pinned else 'unpinned'}{lacking}"


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show one benchmark: source, licence, parts, prompts, protocols, quirks, data."""
    with _reporting() as (catalogue, settings):
        benchmark = catalogue.get(name)
        wanted = [benchmark.part] if benchmark.part else list(benchmark.parts)
        parts = [_overview(catalogue, benchmark, part, settings.data) for part in wanted]
    described = benchmark.model_dump(mode="json", exclude_none=True, exclude={"sets", "part"})
    described["prompts"] = {
        key: {**described["prompts"][key], "hash": prompt.hash}
        for key, prompt in benchmark.prompts.items()
    }
    described["sets"] = {
        key: row_set.model_dump(mode="json", include={"rows", "sha256", "files", "hub"})
        for key, row_set in benchmark.sets.items()
    }
    described["parts"] = parts
    if as_json:
        print_json(described)
    else:
        _print_benchmark(benchmark, parts)


def _print_benchmark(benchmark: "Benchmark", parts: list[dict[str, Any]]) -> None:
    typer.echo(f"{benchmark.title}  ({benchmark.name})\n{benchmark.description}")
    licence = benchmark.licence
    passing = "may be passed on" if licence.redistributable else "must not be passed on"
    typer.echo(f"\nLicence: {licence.name}; the data {passing}. {licence.note} {licence.source}")
    for key, row_set in benchmark.sets.items():
        pin = row_set.sha256 or "not yet known: the first data added are shown as unpinned"
        typer.echo(f"Set {key}: {row_set.rows:,} rows, sha256 {pin}")
        if row_set.hub:
            typer.echo(
                f"  hub: {row_set.hub.repo} at {row_set.hub.revision or 'its newest revision'}"
            )
    typer.echo("\nParts")
    for part in parts:
        distribution = f", {part['distribution']}" if part["distribution"] else ""
        typer.echo(
            f"  {part['name']}: {part['expected_rows']:,} rows{distribution}; {part['data']}"
        )
    typer.echo("\nPrompts")
    for key, prompt in benchmark.prompts.items():
        default = " (default)" if key == benchmark.default_prompt else ""
        typer.echo(f"  {key}{default} {prompt.hash}: {prompt.source}")
    for overlap in benchmark.overlaps:
        typer.echo(f"\nOverlap with {overlap.training_set}: {overlap.note}")
    if benchmark.quirks:
        typer.echo("\nNotes")
    for quirk in benchmark.quirks:
        typer.echo(f"  - {quirk}")


@app.command()
def check(
    benchmarks: Annotated[
        list[str] | None, typer.Argument(help="Names or folders; all benchmarks by default.")
    ] = None,
    record: Annotated[
        bool, typer.Option("--record", help="Print the hashes of the data that are here.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check a benchmark's folder, its data and its golds."""
    with _reporting() as (catalogue, settings):
        reports = {}
        for asked in benchmarks or catalogue.names():
            folder, local = _folder_of(catalogue, asked)
            if record:
                _record(local, folder.name, settings.data)
            reports[asked] = _report(local, folder, settings.data)
    if as_json:
        print_json({name: asdict(report) for name, report in reports.items()})
    else:
        _print_reports(reports)
    if any(finding.level == "error" for r in reports.values() for finding in r.findings):
        raise typer.Exit(1)


def _folder_of(catalogue: "Catalogue", asked: str) -> tuple[Path, "Catalogue"]:
    """The folder of a name or of a path, and a catalogue that knows it."""
    from evalsvc.catalogue import Catalogue  # noqa: PLC0415 - an extra

    if asked in catalogue.names():
        return catalogue.folder(asked), catalogue
    folder = Path(asked)
    if not folder.is_dir():
        return catalogue.get(asked).folder, catalogue  # raises with the nearest names
    folder = folder.resolve()
    if folder in map(catalogue.folder, catalogue.names()):
        return folder, catalogue
    return folder, Catalogue([folder]) if (folder / "benchmark.yaml").is_file() else catalogue


def _report(catalogue: "Catalogue", folder: Path, data: Path) -> GoldReport:
    """What is wrong with a folder and its data; golds are checked when these are in order."""
    from evalsvc.catalogue import check as check_folder  # noqa: PLC0415 - an extra

    findings = check_folder(folder, data)
    if any(finding.level == "error" for finding in findings):
        return GoldReport(findings=findings)
    benchmark = catalogue.get(folder.name)
    golds = check_golds(catalogue, benchmark, data)
    printed = check_printed(folder, frozenset(benchmark.parts))
    return GoldReport(golds.kinds, [*findings, *golds.findings, *printed])


def _record(catalogue: "Catalogue", name: str, data: Path) -> None:
    from evalsvc.catalogue import record as record_hashes  # noqa: PLC0415 - an extra

    for set_name, digest in record_hashes(catalogue.get(name), data).items():
        typer.echo(
            f'{name}: put into benchmark.yaml, sets.{set_name}: sha256: "{digest}"', err=True
        )


def _print_reports(reports: dict[str, GoldReport]) -> None:
    for name, report in reports.items():
        typer.echo(f"{name}: {'no problems' if not report.findings else ''}")
        for finding in report.findings:
            typer.echo(f"  {finding.level}: {finding.where}: {finding.message}")
        for part, kinds in report.kinds.items():
            counted = ", ".join(f"{kind} {count:,}" for kind, count in kinds.items())
            typer.echo(f"  golds of {part}: {counted}")


@app.command("add-data")
def add_data(
    name: Name,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="File or folder with the data; default: the hub."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Add the data of a benchmark, checked against the recorded hash."""
    with _reporting() as (catalogue, settings):
        added = catalogue.add_data(name, source, settings.data)
    if as_json:
        print_json({**asdict(added), "source": str(source or "the hub")})
    else:
        _print_added(added)


def _print_added(added: "AddedData") -> None:
    for part in added.sets:
        state = "checked against the recorded hash" if part.pinned else "unpinned"
        typer.echo(f"{added.benchmark} ({part.set}): {part.rows:,} rows, {state}; {part.path}")
        if part.images or part.unusable_images:
            typer.echo(
                f"  pictures: {part.images:,} here, {len(part.unusable_images):,} not usable"
            )
        for phrase in part.unusable_images[:10]:
            typer.echo(f"    {phrase}")
        for warning in part.warnings:
            typer.echo(f"  note: {warning}")
