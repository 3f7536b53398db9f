"""`evalsvc db upgrade|downgrade|check`: the schema of the database."""

from dataclasses import asdict
from typing import Annotated

import typer

from evalsvc.cli.local import open_database
from evalsvc.cli.printing import Json, print_json

app = typer.Typer(help="The database's schema.", no_args_is_help=True)


@app.command("upgrade")
def upgrade(
    revision: Annotated[str, typer.Argument(help="The newest by default.")] = "head",
    as_json: Json = False,
) -> None:
    """Bring the schema to the newest revision. Doing it twice is no error."""
    with open_database() as database:
        database.upgrade(revision)
        found = database.check()
    if as_json:
        print_json({**asdict(found), "ok": found.ok})
    else:
        typer.echo(f"The database is at revision {found.revision}.")


@app.command("downgrade")
def downgrade(
    revision: Annotated[
        str, typer.Argument(help='A revision, "-1" for one step back, "base" for nothing.')
    ],
    yes: Annotated[
        bool, typer.Option("--yes", help="Do not ask: what the older schema lacks is lost.")
    ] = False,
) -> None:
    """Take the schema back to an older revision."""
    if not yes:
        typer.confirm("What the older schema cannot hold is lost. Go on?", abort=True)
    with open_database() as database:
        database.downgrade(revision)
    typer.echo(f"The database is at revision {revision}.")


@app.command("check")
def check(as_json: Json = False) -> None:
    """Whether the schema is the one that this version needs; exit code 1 if not."""
    with open_database() as database:
        found = database.check()
    if as_json:
        print_json({**asdict(found), "ok": found.ok})
    elif found.ok:
        typer.echo(f"In order: revision {found.revision}.")
    else:
        typer.echo(f"Not in order: revision {found.revision}, this version needs {found.head}.")
        for difference in found.differences:
            typer.echo(f"  {difference}")
        typer.echo("Run: evalsvc db upgrade", err=True)
    if not found.ok:
        raise typer.Exit(1)
