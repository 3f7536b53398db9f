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
class CheckResult:
    """The result of one check. Only `missing` makes the exit code 1."""

    what: str
    state: Literal["ok", "optional", "missing"]
    message: str
    remedy: str = ""


@app.command("doctor")
def doctor(as_json: Json = False) -> None:
    """Check extras, engine, database, artifact store, workers, benchmark data, disk and server."""
    settings = load_settings()
    results = [result for check in CHECKS for result in _run_check(check, settings)]
    if as_json:
        print_json([asdict(result) for result in results])
    else:
        print_table(
            ("", "what", "found", "what to do"),
            [(f.state, f.what, f.message, f.remedy if f.state != "ok" else "") for f in results],
        )
    if any(result.state == "missing" for result in results):
        raise typer.Exit(1)


def _run_check(
    check: Callable[[Settings], Iterator[CheckResult]], settings: Settings
) -> list[CheckResult]:
    """The results of one check; a check that fails is a result too."""
    name = check.__name__.strip("_").replace("_", " ")
    try:
        return list(check(settings))
    except ModuleNotFoundError:
        message = "its extra is not installed"
        return [CheckResult(name, "missing", message, install_command("server"))]
    except EvalsvcError as error:
        return [CheckResult(name, "missing", error.message, error.remedy)]


def _extras(settings: Settings) -> Iterator[CheckResult]:
    for extra, modules in EXTRAS.items():
        lacking = [name for name in modules if importlib.util.find_spec(name) is None]
        needed = extra == "server" or (
            extra == "postgresql" and settings.resolved_database_url.startswith("postgresql")
        )
        needed = needed or (extra == "ray" and settings.executor == "ray")
        state: Literal["ok", "optional", "missing"] = "ok"
        if lacking:
            state = "missing" if needed else "optional"
        message = f"lacks {', '.join(lacking)}" if lacking else "installed"
        yield CheckResult(f"extra {extra}", state, message, install_command(extra))


def _engines(settings: Settings) -> Iterator[CheckResult]:
    reports = list_engines()
    if settings.engine not in {report.name for report in reports}:
        yield CheckResult(
            f"engine {settings.engine}", "missing", "there is no such engine", OTHER_ENGINE
        )
    for report in reports:
        yield _engine_result(report, settings.engine)
    if settings.engine in READ_IMAGES and importlib.util.find_spec(settings.engine) is not None:
        yield _pictures()


def _engine_result(report: EngineReport, default: str) -> CheckResult:
    what = f"engine {report.name}"
    if report.state == "ok":
        return CheckResult(what, "ok", report.message)
    if report.name != default or report.state == "ignored":
        return CheckResult(what, "optional", report.message, report.remedy)
    return CheckResult(what, "missing", report.message, f"{report.remedy}; or {OTHER_ENGINE}")


def _pictures() -> CheckResult:
    from evalsvc.worker.vision_shim import REMEDY, problem  # noqa: PLC0415

    found = problem()
    message = found or "models that see can be run"
    return CheckResult("pictures", "optional" if found else "ok", message, REMEDY)


def _database(settings: Settings) -> Iterator[CheckResult]:
    from evalsvc.store.database import Database  # noqa: PLC0415 - an extra

    database = Database(settings.resolved_database_url)
    path = database.sqlite_path
    if path is not None and not path.exists():
        yield CheckResult("database", "ok", f"{path} will be created when it is first needed")
        return
    try:
        found = database.check()
    finally:
        database.close()
    message = f"revision {found.revision}" if found.ok else f"{found.revision}, needs {found.head}"
    yield CheckResult("database", "ok" if found.ok else "missing", message, "evalsvc db upgrade")


def _artifact_store(settings: Settings) -> Iterator[CheckResult]:
    from evalsvc.dispatch.pausing import probe  # noqa: PLC0415 - an extra

    place = settings.resolved_artifacts
    if "://" not in place and not Path(place).exists():
        yield CheckResult(
            "artifact store", "ok", f"{place} will be created when it is first needed"
        )
        return
    probe(place)
    yield CheckResult("artifact store", "ok", f"{place} can be written")


def _workers(settings: Settings) -> Iterator[CheckResult]:
    from evalsvc.dispatch.leader import LeaderLock  # noqa: PLC0415
    from evalsvc.store.database import Database  # noqa: PLC0415

    database = Database(settings.resolved_database_url)
    path = database.sqlite_path
    with contextlib.closing(database):
        if (path is not None and not path.exists()) or not LeaderLock(database).is_held():
            message = "no dispatcher runs on this database: jobs wait"
            yield CheckResult("workers", "optional", message, "evalsvc up, or evalsvc dispatch")
            return
        yield _dispatching(database)


def _dispatching(database: "Database") -> CheckResult:
    """What the dispatcher reports about itself and its workers."""
    from evalsvc.store.repositories import workers  # noqa: PLC0415
    from evalsvc.store.repositories.workers import newest_epoch  # noqa: PLC0415

    with database.read() as session:
        epoch = newest_epoch(session)
        states = Counter(worker.state for worker in workers.of_newest_dispatcher(session))
    if epoch is None:
        return CheckResult("workers", "ok", "the dispatcher has just started")
    message = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none yet"
    if epoch.reason:
        return CheckResult("workers", "missing", f"paused: {epoch.reason}", epoch.remedy or "")
    return CheckResult("workers", "ok", f"{message}; dispatcher {epoch.state}: {epoch.holder}")


def _benchmarks(settings: Settings) -> Iterator[CheckResult]:
    from evalsvc.catalogue import Catalogue  # noqa: PLC0415
    from evalsvc.services.benchmarks.listing import list_benchmarks  # noqa: PLC0415

    for found in list_benchmarks(Catalogue(settings.benchmark_folders), settings.data):
        message = "the data are here" if found.data else "no data here"
        yield CheckResult(
            f"benchmark {found.name}", "ok" if found.data else "optional", message, found.remedy
        )


def _disk(settings: Settings) -> Iterator[CheckResult]:
    folder = settings.data.absolute()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    enough = free >= LITTLE_SPACE_BYTES
    message = f"{free / 2**30:.1f} GiB free in {folder}"
    yield CheckResult(
        "disk", "ok" if enough else "optional", message, "free some space, or set EVALSVC_DATA"
    )


def _server(settings: Settings) -> Iterator[CheckResult]:
    from evalsvc.cli.connection import find_server  # noqa: PLC0415

    found = find_server(settings, None)
    message = f"answers at {found}" if found else "none is running on these data"
    yield CheckResult("server", "ok" if found else "optional", message, "evalsvc up")


CHECKS = (_extras, _engines, _database, _artifact_store, _workers, _benchmarks, _disk, _server)
