"""Fixtures for all tests: an empty data folder, a migrated database on SQLite and PostgreSQL."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from evalsvc.store.database import Database
from tests.support.postgresql import PostgreSQL, running_postgresql

BACKENDS = (
    pytest.param("sqlite"),
    pytest.param("postgresql", marks=pytest.mark.postgresql),
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Fast tests first; among the others those that start an engine, which take longest.

    Two files run at a time, and at the end neither should be waiting for the other.
    """
    stages = ("unit", "integration", "e2e")

    def turn(item: pytest.Item) -> tuple[int, bool]:
        stage = next((i for i, name in enumerate(stages) if name in item.path.parts), len(stages))
        return stage, item.get_closest_marker("vllm") is None

    items.sort(key=turn)


@pytest.fixture
def data_folder(tmp_path: Path) -> Path:
    """An empty folder for EVALSVC_DATA."""
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSQL]:
    """One PostgreSQL for the whole run, started when the first test asks for it."""
    with running_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def _postgresql_template(postgresql: PostgreSQL) -> str:
    """A migrated database that tests get copies of."""
    name = postgresql.create()
    _migrate(postgresql.url(name))
    return name


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "evalsvc.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=BACKENDS)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a migrated database of its own, once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        copy = tmp_path / "evalsvc.db"
        shutil.copy(request.getfixturevalue("_sqlite_template"), copy)
        yield f"sqlite:///{copy}"
        return
    server: PostgreSQL = request.getfixturevalue("postgresql")
    name = server.create(request.getfixturevalue("_postgresql_template"))
    yield server.url(name)
    server.drop(name)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """A migrated database, on either backend."""
    opened = Database(database_url)
    yield opened
    opened.close()


def _migrate(url: str) -> None:
    database = Database(url)
    database.upgrade()
    database.close()  # on SQLite this also folds the write-ahead log into the file
