"""Running the service in this process: HTTP server, dispatcher, or both, until a signal comes.

One service per data folder (its lock is released when the process ends), one dispatcher per
database. The dispatcher has its own thread and event loop, so that neither slows the other. On
SIGTERM and Ctrl-C running shards have some time to finish, the others are put back in the queue,
and no process is left running.
"""

import asyncio
import contextlib
import fcntl
import json
import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from evalsvc import logs
from evalsvc.api.auth import check_may_start
from evalsvc.dispatch.dispatcher import Dispatcher
from evalsvc.errors import Conflict, UsageError
from evalsvc.server.app import create_app
from evalsvc.server.http_server import QuietServer, listen
from evalsvc.settings import SERVER_FILE, Settings
from evalsvc.store.database import Database
from evalsvc.worker.engines.registry import check_engine

WATCH_SECONDS = 0.1
LOCK_FILE = "server.lock"


def changed(settings: Settings, **options: Any) -> Settings:
    """The settings with the options of a command line. Raises UsageError."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings.model_validate({**settings.model_dump(), **given})
    except ValidationError as error:
        first = error.errors()[0]
        option = str(first["loc"][0]).replace("_", "-")
        raise UsageError(f"--{option}: {first['msg']}.", "--help lists the options.") from error


def run_service(
    settings: Settings, *, dispatch: bool, announce: Callable[[str], None] = lambda url: None
) -> None:
    """Serve (and dispatch) until a signal comes. `announce` gets the URL once all is ready.

    Raises Conflict (a second service), UsageError (address, engine), StorageError.
    """
    check_engine(settings.engine)
    logs.configure(settings.log_level, settings.log_format)
    with _only_one(settings.data), contextlib.closing(_database(settings)) as database:
        database.upgrade()
        app = create_app(settings, database)
        check_may_start(settings, app.state.evalsvc)
        listener = listen(settings.host, settings.port)
        url = _url(settings.host, listener)
        service = _Service(settings, database, dispatch=dispatch)
        ready = _ready(settings.data, url, announce)
        asyncio.run(service.run(QuietServer(app, settings.log_level), listener, ready))
    if service.failure is not None:
        raise service.failure


def run_dispatcher(settings: Settings) -> None:
    """Dispatch only, until a signal comes. Raises Conflict when another dispatcher runs."""
    check_engine(settings.engine)
    logs.configure(settings.log_level, settings.log_format)
    with contextlib.closing(_database(settings)) as database:
        database.upgrade()
        asyncio.run(_dispatch(settings, database))


async def _dispatch(settings: Settings, database: Database) -> None:
    stop = threading.Event()
    _on_signals(stop.set)
    await Dispatcher(settings, database).run(stop)


class _Service:
    """A server and, optionally, a dispatcher that start and end together."""

    def __init__(self, settings: Settings, database: Database, *, dispatch: bool) -> None:
        self._settings = settings
        self._database = database
        self._stop = threading.Event()
        self._ready = threading.Event()  # the dispatcher has started
        self._thread = threading.Thread(target=self._dispatch, name="dispatcher")
        self._with_dispatcher = dispatch
        self.failure: Exception | None = None  # what ended the dispatcher

    async def run(
        self,
        server: QuietServer,
        listener: socket.socket,
        ready: Callable[[], contextlib.AbstractContextManager[None]],
    ) -> None:
        _on_signals(self._stop.set)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            if self._with_dispatcher:
                self._thread.start()
            await self._until(lambda: server.started and (self._begun or self._ended), serving)
            if not self._stop.is_set() and not serving.done():
                with ready():
                    await self._until(lambda: self._ended, serving)
        finally:
            self._stop.set()
            if self._with_dispatcher:
                await asyncio.to_thread(self._thread.join)
            server.stop()
            await serving

    @property
    def _begun(self) -> bool:
        return self._ready.is_set() or not self._with_dispatcher

    @property
    def _ended(self) -> bool:
        return self._with_dispatcher and not self._thread.is_alive()

    async def _until(self, condition: Callable[[], bool], serving: "asyncio.Task[None]") -> None:
        # Thread events: one belongs to the dispatcher's thread, one is set by the signal handler.
        while not (self._stop.is_set() or serving.done() or condition()):  # noqa: ASYNC110
            await asyncio.sleep(WATCH_SECONDS)

    def _dispatch(self) -> None:
        try:
            asyncio.run(self._run_dispatcher())
        except Exception as error:  # of any kind: `run_service` raises it
            self.failure = error
        finally:
            self._stop.set()

    async def _run_dispatcher(self) -> None:
        dispatcher = Dispatcher(self._settings, self._database)
        dispatcher.ready = self._ready
        await dispatcher.run(self._stop)


def _on_signals(action: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, action)


def _database(settings: Settings) -> Database:
    return Database(settings.resolved_database_url)


@contextmanager
def _only_one(data: Path) -> Iterator[None]:
    """Lock the data folder. Raises Conflict when another service holds it."""
    data.mkdir(parents=True, exist_ok=True)
    with (data / LOCK_FILE).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(
                f"Another service runs on {data.absolute()}: {_who_runs(data)}.",
                "Use that one, stop it first, or give this one a folder of its own (EVALSVC_DATA).",
            ) from None
        yield


def _who_runs(data: Path) -> str:
    try:
        told = json.loads((data / SERVER_FILE).read_text(encoding="utf-8"))
        return f"process {told['pid']}, {told['url']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it has only just started"


def _ready(
    data: Path, url: str, announce: Callable[[str], None]
) -> Callable[[], contextlib.AbstractContextManager[None]]:
    """Keep the service's address in DATA/server.json while it is ready."""

    @contextmanager
    def hold() -> Iterator[None]:
        path = data / SERVER_FILE
        temporary = path.with_name(f".{SERVER_FILE}.{os.getpid()}")
        temporary.write_text(json.dumps({"url": url, "pid": os.getpid()}), encoding="utf-8")
        temporary.replace(path)
        announce(url)
        try:
            yield
        finally:
            path.unlink(missing_ok=True)

    return hold


def _url(host: str, listener: socket.socket) -> str:
    port = listener.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)  # noqa: S104
    return (
        f"http://[{shown}]:{port}"
        if ":" in shown and "[" not in shown
        else f"http://{shown}:{port}"
    )
