"""The database: engine, sessions, and the two kinds of transaction (read, write).

A transaction is opened and committed here, never inside a repository. The same code runs on
SQLite (WAL; one writer at a time, first come first served) and on PostgreSQL. Events recorded
during a write are inserted just before the commit, so that their ids are in the order of commits
and a reader with a cursor misses none.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import Session

from evalsvc.errors import MissingExtra, StorageError, UsageError
from evalsvc.store.repositories import events

if TYPE_CHECKING:
    from evalsvc.store.schema import SchemaCheck

# The layers above import what they need of SQLAlchemy from here.
__all__ = ["DBAPIError", "DataError", "Database", "SQLAlchemyError", "Session"]

BUSY_SECONDS = 30.0
CONNECT_SECONDS = 10
POOL_SIZE = 20
MIGRATION_LOCK = 0x6576616C_00000001  # advisory lock of PostgreSQL: one migration at a time
WRITES = "evalsvc_writes"  # execution option of connections that write


class Database:
    """One database, named by a SQLAlchemy URL. Safe to share between threads, not across a fork."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._turn = _Turn()
        self._engine = _create_engine(url)
        self._writing: Engine = self._engine
        self._reading: Engine = self._engine
        if self.is_sqlite:
            event.listen(self._engine, "connect", _prepare_sqlite)
            event.listen(self._engine, "begin", self._begin_sqlite)
            self._writing = self._engine.execution_options(**{WRITES: True})
        else:
            self._reading = self._engine.execution_options(
                isolation_level="REPEATABLE READ", postgresql_readonly=True
            )

    @property
    def is_sqlite(self) -> bool:
        return self._engine.dialect.name == "sqlite"

    @property
    def sqlite_path(self) -> Path | None:
        """The database's file; None on PostgreSQL."""
        return Path(str(self._engine.url.database)) if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that sees one consistent snapshot and writes nothing."""
        with _explained(self._engine), Session(self._reading, autoflush=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session that is committed when the block succeeds, and rolled back otherwise.

        The transaction begins with the first statement: work done before it holds no lock.
        """
        with (
            _explained(self._engine),
            self._turn,
            Session(self._writing, expire_on_commit=False) as session,
        ):
            yield session
            recorded = events.flush(session)
            session.commit()
        events.write_log(recorded)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """A plain connection, for locks and maintenance."""
        with _explained(self._engine), self._engine.connect() as connection:
            yield connection

    def upgrade(self, revision: str = "head") -> None:
        """Upgrade the schema to `revision`; safe when several processes do so at once."""
        from evalsvc.store import schema  # noqa: PLC0415 - Alembic takes 0.2 s to import

        with self._migrating() as connection:
            schema.upgrade(connection, revision)

    def downgrade(self, revision: str) -> None:
        """Downgrade the schema to `revision` ("base": an empty database)."""
        from evalsvc.store import schema  # noqa: PLC0415

        with self._migrating() as connection:
            schema.downgrade(connection, revision)

    def check(self) -> "SchemaCheck":
        """Whether the schema is at head and equals the models."""
        from evalsvc.store import schema  # noqa: PLC0415

        with self.connect() as connection:
            return schema.check(connection)

    def write_revision(self, message: str, folder: Path | None = None) -> Path | None:
        """Write a migration for what the models have and this database lacks; None if equal."""
        from evalsvc.store import schema  # noqa: PLC0415

        with self._migrating() as connection:
            return schema.write_revision(connection, message, folder)

    def close(self) -> None:
        self._engine.dispose()

    @contextmanager
    def _migrating(self) -> Iterator[Connection]:
        with _explained(self._engine), self._turn, self._writing.connect() as connection:
            if self.is_sqlite:
                # Changing a table copies and drops it; that must not cascade. The switch works only
                # outside a transaction, hence the driver's own connection.
                driver: Any = connection.connection.driver_connection
                driver.execute("PRAGMA foreign_keys=OFF")
            try:
                with connection.begin():
                    if not self.is_sqlite:
                        connection.exec_driver_sql(
                            f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"
                        )
                    yield connection
            finally:
                if self.is_sqlite:
                    driver.execute("PRAGMA foreign_keys=ON")

    def _begin_sqlite(self, connection: Connection) -> None:
        if connection.get_execution_options().get(WRITES):
            self._turn.take()
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.exec_driver_sql("BEGIN")


class _Turn:
    """A queue for the writers of this process; SQLite itself waits by sleeping, which is unfair.

    Used as a context around a write; taken only when the transaction begins.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._held = threading.local()

    def take(self) -> None:
        if not self._lock.acquire(timeout=BUSY_SECONDS):
            raise StorageError(
                f"The database was busy for {BUSY_SECONDS:.0f} seconds.",
                "Try again; for many writers use PostgreSQL (EVALSVC_DATABASE_URL).",
            )
        self._held.value = True

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        if getattr(self._held, "value", False):
            self._held.value = False
            self._lock.release()


def _create_engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise UsageError(
            "The database URL is not understood.",
            "Set EVALSVC_DATABASE_URL to postgresql://USER@HOST/NAME or sqlite:///PATH.",
        ) from error
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError(
            f"The database {parsed.get_backend_name()!r} is not supported.",
            "Use SQLite or PostgreSQL.",
        )
    options: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": POOL_SIZE}
    if parsed.get_backend_name() == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise UsageError(
                "An SQLite database in memory would be lost, and is not shared by threads.",
                "Name a file: sqlite:///PATH.",
            )
        path = Path(str(parsed.database)).absolute()
        path.parent.mkdir(parents=True, exist_ok=True)
        parsed = parsed.set(database=str(path))
        options["connect_args"] = {"timeout": BUSY_SECONDS, "check_same_thread": False}
    else:
        options["pool_pre_ping"] = True  # a restarted server must not cost a request
        options["connect_args"] = {"connect_timeout": CONNECT_SECONDS}
    try:
        return create_engine(parsed, **options)
    except ModuleNotFoundError as error:
        raise MissingExtra("A PostgreSQL database", "postgresql") from error


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # `_begin_sqlite` begins transactions, not pysqlite
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",  # safe against a killed process; a power cut may lose the last second
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-4000",  # KiB of each connection; the system keeps the file in memory as well
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


@contextmanager
def _explained(engine: Engine) -> Iterator[None]:
    """Turn failures of the database itself into a StorageError with a readable message."""
    try:
        yield
    except DBAPIError as error:
        text = str(error.orig).strip()
        missing = ("no such table", "no such column", "does not exist")
        if any(words in text for words in missing):
            raise StorageError(
                f"The database has not the schema that this version needs: {text}.",
                "Run: evalsvc db upgrade",
            ) from error
        if not isinstance(error, OperationalError) and not error.connection_invalidated:
            raise
        where = engine.url.render_as_string(hide_password=True)
        raise StorageError(
            f"The database {where} cannot be used: {text}.",
            "Free disk space, or check that the database runs and may be reached.",
        ) from error
