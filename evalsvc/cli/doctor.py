"""`evalsvc doctor`: what is missing on this machine, and the command that repairs it."""

import contextlib
import importlib.util
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from evalsvc.cli.printing import Json, print_json, print_table
from evalsvc.errors import EvalsvcError, install_command
from evalsvc.settings import Settings, load_settings
from evalsvc.worker.engines.registry import EngineReport, list_engines

if TYPE_CHECKING:
    from evalsvc.store.database import Database

app = typer.Typer()
LITTLE_SPACE_BYTES = 10 * 2**30
READ_IMAGES = frozenset({"vllm", "transformers"})  # built-in engines for vision-language models
OTHER_ENGINE = "set EVALSVC_ENGINE to another engine"
EXTRAS = {
    "server": ("fastapi", "sqlalchemy", "pyarrow", "scipy"),
    "postgresql": ("psycopg",),
    "ray": ("ray",),
    "s3": ("s3fs",),
    "wandb": ("wandb",),
    "mlflow": ("mlflow",),
}


@dataclass(frozen=True)
class Finding:
    """The result of one check. Only `missing` makes the exit code 1."""

    what: str
    state: Literal["ok", "optional", "missing"]
    words: str
    remedy: str = ""


@app.command("doctor")
def doctor(as_json: Json = False) -> None:
    """Check extras, engine, database, artifact store, workers, benchmark data, disk and server."""
    settings = load_settings()
    findings = [finding for check in CHECKS for finding in _run_check(check, settings)]
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        print_table(
            ("", "what", "found", "what to do"),
            [(f.state, f.what, f.words, f.remedy if f.state != "ok" else "") for f in findings],
        )
    if any(finding.state == "missing" for finding in findings):
        raise typer.Exit(1)


def _run_check(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    """The findings of one check; a check that fails is a finding too."""
    name = check.__name__.strip("_").replace("_", " ")
    try:
        return list(check(settings))
    except ModuleNotFoundError:
        words = "its extra is not installed"
        return [Finding(name, "missing", words, install_command("server"))]
    except EvalsvcError as error:
        return [Finding(name, "missing", error.message, error.remedy)]


def _extras(settings: Settings) -> Iterator[Finding]:
    for extra, modules in EXTRAS.items():
        lacking = [name for name in modules if importlib.util.find_spec(name) is None]
        needed = extra == "server" or (
            extra == "postgresql" and settings.resolved_database_url.startswith("postgresql")
        )
        needed = needed or (extra == "ray" and settings.executor == "ray")
        state: Literal["ok", "optional", "missing"] = "ok"
        if lacking:
            state = "missing" if needed else "optional"
        words = f"lacks {', '.join(lacking)}" if lacking else "installed"
        yield Finding(f"extra {extra}", state, words, install_command(extra))


def _engines(settings: Settings) -> Iterator[Finding]:
    reports = list_engines()
    if settings.engine not in {report.name for report in reports}:
        yield Finding(
            f"engine {settings.engine}", "missing", "there is no such engine", OTHER_ENGINE
        )
    for report in reports:
        yield _engine_finding(report, settings.engine)
    if settings.engine in READ_IMAGES and importlib.util.find_spec(settings.engine) is not None:
        yield _pictures()


def _engine_finding(report: EngineReport, default: str) -> Finding:
    what = f"engine {report.name}"
    if report.state == "ok":
        return Finding(what, "ok", report.message)
    if report.name != default or report.state == "ignored":
        return Finding(what, "optional", report.message, report.remedy)
    return Finding(what, "missing", report.message, f"{report.remedy}; or {OTHER_ENGINE}")


def _pictures() -> Finding:
    from evalsvc.worker.vision_shim import REMEDY, problem  # noqa: PLC0415

    found = problem()
    words = found or "models that see can be run"
    return Finding("pictures", "optional" if found else "ok", words, REMEDY)


def _database(settings: Settings) -> Iterator[Finding]:
    from evalsvc.store.database import Database  # noqa: PLC0415 - an extra

    database = Database(settings.resolved_database_url)
    path = database.sqlite_path
    if path is not None and not path.exists():
        yield Finding("database", "ok", f"{path} will be created when it is first needed")
        return
    try:
        found = database.check()
    finally:
        database.close()
    words = f"revision {found.revision}" if found.ok else f"{found.revision}, needs {found.head}"
    yield Finding("database", "ok" if found.ok else "missing", words, "evalsvc db upgrade")


def _artifact_store(settings: Settings) -> Iterator[Finding]:
    from evalsvc.dispatch.pausing import probe  # noqa: PLC0415 - an extra

    place = settings.resolved_artifacts
    if "://" not in place and not Path(place).exists():
        yield Finding("artifact store", "ok", f"{place} will be created when it is first needed")
        return
    probe(place)
    yield Finding("artifact store", "ok", f"{place} can be written")


def _workers(settings: Settings) -> Iterator[Finding]:
    from evalsvc.dispatch.leader import LeaderLock  # noqa: PLC0415
    from evalsvc.store.database import Database  # noqa: PLC0415

    database = Database(settings.resolved_database_url)
    path = database.sqlite_path
    with contextlib.closing(database):
        if (path is not None and not path.exists()) or not LeaderLock(database).is_held():
            words = "no dispatcher runs on this database: jobs wait"
            yield Finding("workers", "optional", words, "evalsvc up, or evalsvc dispatch")
            return
        yield _dispatching(database)


def _dispatching(database: "Database") -> Finding:
    """What the dispatcher reports about itself and its workers."""
    from evalsvc.store.repositories import workers  # noqa: PLC0415
    from evalsvc.store.repositories.workers import newest_epoch  # noqa: PLC0415

    with database.read() as session:
        epoch = newest_epoch(session)
        states = Counter(worker.state for worker in workers.of_newest_dispatcher(session))
    if epoch is None:
        return Finding("workers", "ok", "the dispatcher has just started")
    words = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none yet"
    if epoch.reason:
        return Finding("workers", "missing", f"paused: {epoch.reason}", epoch.remedy or "")
    return Finding("workers", "ok", f"{words}; dispatcher {epoch.state}: {epoch.holder}")


def _benchmarks(settings: Settings) -> Iterator[Finding]:
    from evalsvc.catalogue import Catalogue  # noqa: PLC0415
    from evalsvc.services.benchmarks.listing import list_benchmarks  # noqa: PLC0415

    for found in list_benchmarks(Catalogue(settings.benchmark_folders), settings.data):
        words = "the data are here" if found.data else "no data here"
        yield Finding(
            f"benchmark {found.name}", "ok" if found.data else "optional", words, found.remedy
        )


def _disk(settings: Settings) -> Iterator[Finding]:
    folder = settings.data.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    enough = free >= LITTLE_SPACE_BYTES
    words = f"{free / 2**30:.1f} GiB free in {folder}"
    yield Finding(
        "disk", "ok" if enough else "optional", words, "free some space, or set EVALSVC_DATA"
    )


def _server(settings: Settings) -> Iterator[Finding]:
    from evalsvc.cli.connection import find_server  # noqa: PLC0415

    found = find_server(settings, None)
    words = f"answers at {found}" if found else "none is running on these data"
    yield Finding("server", "ok" if found else "optional", words, "evalsvc up")


CHECKS = (_extras, _engines, _database, _artifact_store, _workers, _benchmarks, _disk, _server)
