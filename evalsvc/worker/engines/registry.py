"""All engines by name: the built-in ones and those of other packages.

Another package adds an engine with an entry point of the group `evalsvc.engines`, whose value is a
subclass of `Engine` with the same name:

    [project.entry-points."evalsvc.engines"]
    my-engine = "my_package.engine:MyEngine"

An engine is imported only when it is asked for. One that cannot be imported does not affect the
others. A built-in name cannot be replaced.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any, Literal

from evalsvc.errors import MissingExtra, UsageError, install_command
from evalsvc.worker.engines.base import Engine
from evalsvc.worker.engines.extra import engine_extra

GROUP = "evalsvc.engines"
REPAIR = "Repair or remove its package. `evalsvc doctor` lists all engines."


@dataclass(frozen=True)
class BuiltIn:
    """An engine of this package: its class, and the package that it needs, if any."""

    module: str
    attribute: str
    needs: str | None = None  # a module of the engine's extra


BUILT_IN: Mapping[str, BuiltIn] = {
    "vllm": BuiltIn("evalsvc.worker.engines.vllm", "VllmEngine", "vllm"),
    "transformers": BuiltIn(
        "evalsvc.worker.engines.transformers", "TransformersEngine", "transformers"
    ),
    "openai": BuiltIn("evalsvc.worker.engines.openai", "OpenAIEngine"),
    "replay": BuiltIn("evalsvc.worker.engines.replay", "ReplayEngine"),
}


class EngineImportError(UsageError):
    """An engine of another package that cannot be imported, or is not an engine."""

    status, kind, title = 501, "engine-import", "The engine cannot be imported"


@dataclass(frozen=True)
class EngineReport:
    """One engine as `evalsvc doctor` lists it. `package` is the distribution it comes from."""

    name: str
    package: str
    state: Literal["ok", "not installed", "broken", "ignored"]
    message: str
    remedy: str = ""


def create_engine(name: str, options: Mapping[str, Any]) -> Engine:
    """Create an engine without starting it.

    Raises:
        UsageError: There is no such engine, or an option is wrong.
        EngineImportError: The engine of another package cannot be imported.
        MissingExtra: The extra that a built-in engine needs is not installed.
    """
    found = engine_class(name)
    try:
        return found(options)
    except ModuleNotFoundError as error:
        if name in BUILT_IN:
            raise _missing(name) from error
        raise EngineImportError(
            f"The engine {name!r} cannot be created: {error}.", REPAIR
        ) from error


def engine_class(name: str) -> type[Engine]:
    """Import the class of an engine. Raises like `create_engine`, but never for an option."""
    if (known := BUILT_IN.get(name)) is not None:
        try:
            found: type[Engine] = getattr(import_module(known.module), known.attribute)
        except ModuleNotFoundError as error:
            raise _missing(name) from error
        return found
    if not (plugins := _plugins(name)):
        raise _unknown(name)
    if len(plugins) > 1:
        packages = " and ".join(_package(entry) for entry in plugins)
        raise EngineImportError(f"Several packages have an engine {name!r}: {packages}.", REPAIR)
    return _load(plugins[0])


def check_engine(name: str) -> None:
    """Raise UsageError if there is no engine `name`. Imports nothing."""
    if name not in BUILT_IN and not _plugins(name):
        raise _unknown(name)


def reads_checkpoint(name: str) -> bool:
    """Whether an engine needs the checkpoint's files. True if its class cannot be imported."""
    try:
        return engine_class(name).reads_checkpoint
    except (UsageError, MissingExtra):
        return True


def list_engines() -> list[EngineReport]:
    """Report every engine. Engines of other packages are imported, built-in ones are not."""
    found = [_report_built_in(name, engine) for name, engine in BUILT_IN.items()]
    return found + [_report_plugin(entry) for entry in entry_points(group=GROUP)]


def _plugins(name: str) -> list[EntryPoint]:
    return list(entry_points(group=GROUP, name=name))


def _load(entry: EntryPoint) -> type[Engine]:
    origin = f"The engine {entry.name!r} of the package {_package(entry)}"
    try:
        found = entry.load()
    except Exception as error:  # any package, any error
        raise EngineImportError(
            f"{origin} cannot be imported: {type(error).__name__}: {error}.", REPAIR
        ) from error
    if not (isinstance(found, type) and issubclass(found, Engine)):
        raise EngineImportError(f"{origin} is not a subclass of Engine: {entry.value}.", REPAIR)
    if getattr(found, "name", None) != entry.name:
        raise EngineImportError(
            f"{origin} has another name in its class: {getattr(found, 'name', None)!r}.", REPAIR
        )
    return found


def _unknown(name: str) -> UsageError:
    reports = list_engines()
    usable = dict.fromkeys(report.name for report in reports if report.state != "broken")
    broken = [report.message for report in reports if report.state == "broken"]
    remedy = " ".join((f"Known: {', '.join(usable)}.", *broken))
    return UsageError(f"There is no engine {name!r}.", remedy)


def _missing(name: str) -> MissingExtra:
    with_server = name in BUILT_IN and BUILT_IN[name].needs is None
    return MissingExtra(f"The engine {name!r}", "server" if with_server else engine_extra())


def _report_built_in(name: str, engine: BuiltIn) -> EngineReport:
    if engine.needs is None or find_spec(engine.needs) is not None:
        return EngineReport(name, "evalsvc", "ok", "installed")
    message = f"the package {engine.needs} is not installed"
    remedy = install_command(engine_extra())
    return EngineReport(name, "evalsvc", "not installed", message, remedy)


def _report_plugin(entry: EntryPoint) -> EngineReport:
    package = _package(entry)
    if entry.name in BUILT_IN:
        message = f"The engine {entry.name!r} of the package {package} has a built-in name."
        return EngineReport(entry.name, package, "ignored", message, "Rename or remove it.")
    try:
        engine_class(entry.name)
    except EngineImportError as error:
        return EngineReport(entry.name, package, "broken", error.message, error.remedy)
    return EngineReport(entry.name, package, "ok", f"installed by {package}")


def _package(entry: EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else "unknown"
