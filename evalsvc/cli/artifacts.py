"""`evalsvc artifacts check|clean`: compare transcripts with the database, remove unused ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from evalsvc.cli.failures import needs
from evalsvc.cli.local import open_database
from evalsvc.cli.printing import Json, print_json, print_table
from evalsvc.settings import load_settings

if TYPE_CHECKING:
    from evalsvc.artifacts import ArtifactStore
    from evalsvc.store.database import Database

app = typer.Typer(help="Transcripts: check them, remove left-over ones.", no_args_is_help=True)


@app.command("check")
def check(
    contents: Annotated[
        bool, typer.Option("--contents", help="Read every file and compare its digest.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check that the transcript of every result exists and is intact; else exit code 1."""
    with _both() as (database, artifacts):
        from evalsvc.store.transcripts import damages  # noqa: PLC0415 - an extra

        found = damages(database, artifacts, read_all=contents)
    if as_json:
        print_json([asdict(damage) for damage in found])
    elif found:
        rows = [(damage.evaluation_id, damage.path, damage.message) for damage in found]
        print_table(("evaluation", "transcript", "it"), rows)
        typer.echo("Restore them from a backup; the counts in the database stay valid.", err=True)
    else:
        typer.echo("Every transcript is in place.")
    if found:
        raise typer.Exit(1)


@app.command("clean")
def clean(
    hours: Annotated[
        float, typer.Option("--older-than-hours", min=1, help="Keep younger files.")
    ] = 24,
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove them; without it they are only listed.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Remove files that no result refers to, left by interrupted attempts or replaced imports."""
    with _both() as (database, artifacts):
        from evalsvc.store.transcripts import leftovers  # noqa: PLC0415

        found = leftovers(database, artifacts, timedelta(hours=hours))
        for file in found if yes else ():
            artifacts.delete(file.path)
    if as_json:
        print_json({"removed": yes, "files": [asdict(file) for file in found]})
        return
    if found and not yes:
        print_table(("file", "bytes"), [(file.path, file.bytes) for file in found])
    size = sum(file.bytes for file in found) / 2**20
    outcome = "removed" if yes else "would be removed with --yes"
    typer.echo(f"{len(found)} files ({size:.1f} MiB) {outcome}.")


@contextmanager
def _both() -> Iterator[tuple["Database", "ArtifactStore"]]:
    """The database and the artifact store that the settings name."""
    settings = load_settings()
    with needs("server", "The artifact store"):
        from evalsvc.artifacts import ArtifactStore  # noqa: PLC0415

    with open_database(settings, upgrade=True) as database:
        yield database, ArtifactStore(settings.resolved_artifacts)
