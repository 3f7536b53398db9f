"""`evalsvc db upgrade|downgrade|check|revision`: the schema of the database."""

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalsvc.cli.local import open_database
from evalsvc.cli.printing import Json, print_json
from evalsvc.errors import NotFound
from evalsvc.settings import Settings

if TYPE_CHECKING:
    from evalsvc.store.schema import SchemaCheck

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command("upgrade")
def upgrade(
    revision: Annotated[str, typer.Argument(help="The newest by default.")] = "head",
    as_json: Json = False,
) -> None:
    """Bring the schema to the newest revision. Running it twice is safe."""
    with open_database() as database:
        database.upgrade(revision)
        found = database.check()
    _print_revision(found, as_json)


@app.command("downgrade")
def downgrade(
    revision: Annotated[
        str, typer.Argument(help='A revision, "-1" for one step back, "base" for nothing.')
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: what the older schema lacks is lost.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take the schema back to an older revision."""
    if not yes:
        typer.confirm("What the older schema cannot hold is lost. Go on?", abort=True)
    with open_database() as database:
        database.downgrade(revision)
        found = database.check()
    _print_revision(found, as_json)


@app.command("check")
def check(as_json: Json = False) -> None:
    """Check that the schema is the one this version needs; exit code 1 if not."""
    with open_database() as database:
        path = database.sqlite_path
        if path is not None and not path.exists():  # opening it would create an empty one
            raise NotFound(f"There is no database at {path}.", "Make it: evalsvc db upgrade")
        found = database.check()
    if as_json:
        print_json({**asdict(found), "ok": found.ok})
    elif found.ok:
        typer.echo(f"In order: revision {found.revision}.")
    else:
        at = found.revision or "none"
        typer.echo(f"Not in order: revision {at}, this version needs {found.head}.")
        for difference in found.differences:
            typer.echo(f"  {difference}")
        typer.echo("Run: evalsvc db upgrade", err=True)
    if not found.ok:
        raise typer.Exit(1)


@app.command("revision")
def revision(
    message: Annotated[
        str, typer.Option("--message", "-m", help="What changes; becomes part of the file's name.")
    ],
    as_json: Json = False,
) -> None:
    """Write a migration for what the models have and the newest schema lacks (for developers).

    Works in a checkout, on an empty temporary database: your own database is not touched.
    """
    with tempfile.TemporaryDirectory(prefix="evalsvc-revision-") as folder:
        settings = Settings(data=Path(folder), database_url="")
        with open_database(settings, upgrade=True) as database:
            written = database.write_revision(message)
    if as_json:
        print_json({"written": None if written is None else str(written)})
    elif written is None:
        typer.echo("The models and the newest schema agree: nothing to add.")
    else:
        typer.echo(f"Written: {written}. Read it, then run: evalsvc db upgrade")


def _print_revision(found: "SchemaCheck", as_json: bool) -> None:
    if as_json:
        print_json({**asdict(found), "ok": found.ok})
    else:
        typer.echo(f"The database is at revision {found.revision or 'none'}.")
