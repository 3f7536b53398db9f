"""`evalsvc serve`: the HTTP server and the dashboard, without a dispatcher."""

import typer

from evalsvc.cli.failures import needs
from evalsvc.cli.up import Host, Port
from evalsvc.settings import load_settings

app = typer.Typer()


@app.command("serve")
def serve(host: Host = None, port: Port = None) -> None:
    """Serve the API and the dashboard; `evalsvc dispatch` runs the workers, here or elsewhere."""
    with needs("server", "`evalsvc serve`"):
        from evalsvc.server.running import changed, run_service  # noqa: PLC0415 - an extra

    settings = changed(load_settings(), host=host, port=port)

    def announce(url: str) -> None:
        typer.echo(
            f"evalsvc listens on {url}; jobs wait until `evalsvc dispatch` runs. Ctrl-C stops it."
        )

    run_service(settings, dispatch=False, announce=announce)
    typer.echo("Stopped.")
