"""Migrations: up and down on both databases, nothing left for autogenerate, found everywhere."""

import threading
from pathlib import Path

import pytest

from evalsvc.errors import StorageError, UsageError
from evalsvc.store import schema
from evalsvc.store.database import Database
from evalsvc.store.models import Run
from evalsvc.store.repositories import runs


def test_autogenerate_finds_nothing_to_add(database: Database) -> None:
    found = database.check()
    assert found.differences == ()
    assert found.revision == found.head == schema.head()
    assert found.ok


def test_down_to_nothing_and_up_again(database: Database) -> None:
    database.downgrade("base")
    emptied = database.check()
    assert emptied.revision is None
    assert not emptied.ok
    database.upgrade()
    assert database.check().ok


def test_a_database_without_its_schema_says_what_to_do(database: Database) -> None:
    database.downgrade("base")
    with pytest.raises(StorageError, match="evalsvc db upgrade"), database.read() as session:
        session.query(Run).all()


def test_two_processes_may_upgrade_at_once(database_url: str, database: Database) -> None:
    database.downgrade("base")
    others = [Database(database_url) for _ in range(4)]
    threads = [threading.Thread(target=other.upgrade) for other in others]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.check().ok
    for other in others:
        other.close()


def test_upgrade_keeps_what_is_there(database: Database) -> None:
    with database.write() as session:
        runs.find_or_create(session, "kept")
    database.upgrade()
    with database.read() as session:
        assert session.query(Run).one().name == "kept"


def test_the_migrations_are_found(tmp_path: Path) -> None:
    assert (schema.migrations_folder() / "versions").is_dir()


@pytest.mark.parametrize(
    ("url", "error"),
    [
        ("no url", UsageError),
        ("oracle://localhost/x", UsageError),
        ("sqlite://", UsageError),
        ("sqlite:///:memory:", UsageError),
    ],
)
def test_an_unusable_url_is_refused_in_words(url: str, error: type[Exception]) -> None:
    with pytest.raises(error) as caught:
        Database(url)
    assert caught.value.remedy  # type: ignore[attr-defined]


def test_an_unreachable_database_is_a_storage_error(tmp_path: Path) -> None:
    database = Database(f"postgresql+psycopg://nobody:secret@/none?host={tmp_path}")
    with pytest.raises(StorageError) as caught, database.read() as session:
        session.query(Run).all()
    assert "secret" not in str(caught.value)
