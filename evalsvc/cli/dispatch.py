"""`evalsvc dispatch`: the dispatcher and its workers, without a server."""

import typer

from evalsvc.cli.failures import needs
from evalsvc.cli.up import Engine, Executor, Workers
from evalsvc.settings import load_settings

app = typer.Typer()


@app.command("dispatch")
def dispatch(engine: Engine = None, executor: Executor = None, workers: Workers = None) -> None:
    """Run the shards of the configured database; Ctrl-C lets running ones finish."""
    with needs("server", "`evalsvc dispatch`"):
        from evalsvc.server.running import changed, run_dispatcher  # noqa: PLC0415 - an extra

    settings = changed(load_settings(), engine=engine, executor=executor, workers=workers)
    typer.echo("Starting the dispatcher; Ctrl-C stops it.")
    run_dispatcher(settings)
    typer.echo("Stopped.")
