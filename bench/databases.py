"""The databases that benches run on: an empty SQLite file, or a separate PostgreSQL server.

PostgreSQL waits for the disk at each commit, as in production; the service configures SQLite.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from evalsvc.settings import Settings
from tests.support.postgresql import running_postgresql

NAMES = ("sqlite", "postgresql")


@contextlib.contextmanager
def settings_on(name: str) -> Iterator[Settings]:
    """Settings with an empty data folder and database, removed afterwards."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="evalsvc-bench-"))
        settings = Settings(data=Path(folder))
        if name == "postgresql":
            server = stack.enter_context(running_postgresql(durable=True))
            settings = settings.model_copy(update={"database_url": server.url(server.create())})
        yield settings
