"""Opens the configured database for commands that need no server."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from evalsvc.cli.failures import needs
from evalsvc.settings import Settings, load_settings

if TYPE_CHECKING:
    from evalsvc.store.database import Database


@contextmanager
def open_database(
    settings: Settings | None = None, *, upgrade: bool = False
) -> Iterator["Database"]:
    """The configured database, upgraded to the newest schema if `upgrade`."""
    with needs("server", "The database"):
        from evalsvc.store.database import Database  # noqa: PLC0415 - an extra

    settings = settings or load_settings()
    database = Database(settings.resolved_database_url)
    try:
        if upgrade:
            database.upgrade()
        yield database
    finally:
        database.close()
