"""Migrations: up and down on both databases, nothing left for autogenerate, found everywhere."""

import re
import shutil
import threading
from pathlib import Path

import pytest
from alembic import command
from typer.testing import CliRunner

from evalsvc.cli.db import app
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


def test_a_column_that_the_schema_lacks_becomes_a_migration(tmp_path: Path) -> None:
    """On a copy of the migrations: write one, run it, and nothing is left to add."""
    folder = tmp_path / "migrations"
    shutil.copytree(schema.migrations_folder(), folder)
    database = Database(f"sqlite:///{tmp_path / 'work.sqlite'}")
    database.upgrade()
    assert database.write_revision("nothing", folder) is None
    with database.connect() as connection:
        connection.exec_driver_sql("ALTER TABLE runs DROP COLUMN base_model")
        connection.commit()
    written = database.write_revision("Give runs a base model", folder)
    assert written is not None
    assert re.fullmatch(r"\d{8}_\d{4}_give_runs_a_base_model\.py", written.name)
    with database.connect() as connection, connection.begin():
        command.upgrade(schema.configuration(connection, folder), "head")
    assert database.check().differences == ()
    database.close()


def test_the_command_finds_nothing_to_add_at_head(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted((schema.migrations_folder() / "versions").glob("*.py"))
    monkeypatch.setenv("EVALSVC_DATABASE_URL", f"sqlite:///{tmp_path / 'mine.sqlite'}")
    done = CliRunner().invoke(app, ["revision", "-m", "Nothing"])
    assert done.exit_code == 0, done.output
    assert "nothing to add" in done.output
    assert sorted((schema.migrations_folder() / "versions").glob("*.py")) == before
    assert not (tmp_path / "mine.sqlite").exists()


def test_a_wheel_is_not_written_to(database: Database, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="checkout"):
        database.write_revision("anything", tmp_path / "_migrations")
