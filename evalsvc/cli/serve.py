"""`evalsvc serve`: the HTTP server and the dashboard, without a dispatcher."""

import typer

from evalsvc.cli.failures import needs
from evalsvc.cli.up import Host, Port
from evalsvc.settings import load_settings

app = typer.Typer()


@app.command("serve")
def serve(host: Host = None, port: Port = None) -> None:
    """Serve API and dashboard; workers are run by `evalsvc dispatch`, here or elsewhere."""
    with needs("server", "`evalsvc serve`"):
        from evalsvc.server.running import changed, run_service  # noqa: PLC0415 - an extra

    settings = changed(load_settings(), host=host, port=port)

    def announce(url: str) -> None:
        typer.echo(
            f"evalsvc listens on {url}; jobs wait for an `evalsvc dispatch`. Ctrl-C stops it."
        )

    run_service(settings, dispatch=False, announce=announce)
    typer.echo("Stopped.")
