"""The schema's versions, by Alembic. The migrations are in `migrations/` of a checkout and in
`evalsvc/_migrations` of an installed wheel; everything runs over the caller's connection.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.operations.ops import MigrationScript
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

from evalsvc.errors import StorageError, UsageError
from evalsvc.store.models import Base


@dataclass(frozen=True)
class SchemaCheck:
    """`revision` is what the database has, `head` what this version needs."""

    revision: str | None
    head: str
    differences: tuple[str, ...]  # between the tables and the models

    @property
    def ok(self) -> bool:
        return self.revision == self.head and not self.differences


def migrations_folder() -> Path:
    """The folder of the migrations. Raises StorageError when the installation lacks them."""
    package = Path(__file__).resolve().parents[1]
    for folder in (package / "_migrations", package.parent / "migrations"):
        if (folder / "env.py").is_file():
            return folder
    raise StorageError(
        "The migrations of the database are not part of this installation.",
        "Install evalsvc from its wheel, or run it from a checkout with its folder migrations/.",
    )


def configuration(connection: Connection | None = None, folder: Path | None = None) -> Config:
    """Alembic's configuration; there is no alembic.ini."""
    config = Config()
    location = str(folder or migrations_folder())
    config.set_main_option("script_location", location.replace("%", "%%"))
    config.set_main_option(
        "file_template", "%%(year)d%%(month).2d%%(day).2d_%%(hour).2d%%(minute).2d_%%(slug)s"
    )
    config.set_main_option("timezone", "UTC")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    return config


def upgrade(connection: Connection, revision: str) -> None:
    """Upgrade the schema to `revision`. Raises UsageError when it does not exist."""
    with _reaching(revision):
        command.upgrade(configuration(connection), revision)


def downgrade(connection: Connection, revision: str) -> None:
    """Downgrade the schema to `revision`. Raises UsageError when it does not exist."""
    with _reaching(revision):
        command.downgrade(configuration(connection), revision)


@contextmanager
def _reaching(revision: str) -> Iterator[None]:
    try:
        yield
    except CommandError as error:
        raise UsageError(
            f"The schema cannot be brought to revision {revision!r}: {error}.",
            'Name a revision, "head" for the newest, "base" for none, or "-1" for one step back; '
            "`evalsvc db check` shows where the database is.",
        ) from error


def head() -> str:
    """The revision that this version needs."""
    newest = ScriptDirectory.from_config(configuration()).get_current_head()
    assert newest is not None, "there is at least one migration"
    return newest


def check(connection: Connection) -> SchemaCheck:
    """Compare the database with the migrations and with the models."""
    context = MigrationContext.configure(connection, opts={"compare_type": True})
    differences = compare_metadata(context, Base.metadata)
    return SchemaCheck(
        revision=context.get_current_revision(),
        head=head(),
        differences=tuple(_in_words(difference) for difference in differences),
    )


def _in_words(difference: Any) -> str:
    """One of Alembic's findings, as in "add column jobs.owner"."""
    if isinstance(difference, list):  # several changes of one column
        return "; ".join(map(_in_words, difference))
    kind, *what = difference
    names = [thing if isinstance(thing, str) else getattr(thing, "name", None) for thing in what]
    return f"{kind.replace('_', ' ')} {'.'.join(name for name in names if isinstance(name, str))}"


def write_revision(connection: Connection, message: str, folder: Path | None = None) -> Path | None:
    """Write a migration for what the models have and the database lacks, and return its file.

    The database must be at head. Without a difference it writes nothing and returns None.
    `folder` holds the migrations; the checkout's own by default.

    Raises:
        UsageError: The installation is a wheel, whose migrations must not be changed.
    """
    folder = folder or migrations_folder()
    if folder.name == "_migrations":
        raise UsageError(
            "New migrations are written in a checkout, and this is an installed wheel.",
            "Clone the project, run `make install-dev`, and run this command in the checkout.",
        )
    written = command.revision(
        configuration(connection, folder),
        message,
        autogenerate=True,
        process_revision_directives=_drop_empty,
    )
    scripts = written if isinstance(written, list) else [written]
    return next((Path(script.path) for script in scripts if script is not None), None)


def _drop_empty(_context: object, _revision: object, directives: list[MigrationScript]) -> None:
    """Alembic's hook before writing: write no file for an empty migration."""
    operations = directives[0].upgrade_ops
    if operations is None or operations.is_empty():
        directives.clear()
