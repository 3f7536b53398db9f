"""`evalsvc keys create|list|revoke`: manage API keys directly in the database."""

from typing import Annotated, Any

import typer

from evalsvc.cli.local import open_database
from evalsvc.cli.printing import Json, print_json, print_table

app = typer.Typer(help="API keys: create, list, revoke.", no_args_is_help=True)


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="Whose key, e.g. alice or trainer-7.")],
    scopes: Annotated[
        str, typer.Option(help="read, submit, admin; separated by commas.")
    ] = "read,submit",
    as_json: Json = False,
) -> None:
    """Create a key. It is shown once; only a digest is stored."""
    wanted = [scope.strip() for scope in scopes.split(",") if scope.strip()]
    with open_database(upgrade=True) as database:
        from evalsvc.store.repositories import keys  # noqa: PLC0415 - an extra

        with database.write() as session:
            made = keys.create_key(session, name, wanted, by="command line")
    if as_json:
        print_json({"name": made.name, "scopes": made.scopes, "key": made.key})
        return
    typer.echo(made.key)
    typer.echo("Save it now: it is not shown again. Clients take it as EVALSVC_KEY.", err=True)


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """List the keys with their scopes, without the keys themselves."""
    with open_database(upgrade=True) as database:
        from evalsvc.store.repositories import keys  # noqa: PLC0415

        with database.read() as session:
            found: list[dict[str, Any]] = [
                {
                    "name": row.name,
                    "prefix": row.prefix,
                    "scopes": row.scopes,
                    "created_at": row.created_at,
                    "last_used_at": row.last_used_at,
                    "revoked_at": row.revoked_at,
                }
                for row in keys.list_keys(session)
            ]
    if as_json:
        print_json(found)
        return
    print_table(
        ("name", "prefix", "scopes", "created", "last used", "revoked"),
        [
            (
                row["name"],
                row["prefix"],
                ", ".join(row["scopes"]),
                row["created_at"],
                row["last_used_at"],
                row["revoked_at"],
            )
            for row in found
        ],
    )


@app.command("revoke")
def revoke(
    name: Annotated[str, typer.Argument(help="The key's name or prefix.")],
    as_json: Json = False,
) -> None:
    """Revoke a key immediately and permanently."""
    with open_database(upgrade=True) as database:
        from evalsvc.store.repositories import keys  # noqa: PLC0415

        with database.write() as session:
            row = keys.revoke_key(session, name, by="command line")
            revoked = {"name": row.name, "prefix": row.prefix, "revoked_at": row.revoked_at}
    if as_json:
        print_json(revoked)
    else:
        typer.echo(f"{revoked['name']} is revoked.")
