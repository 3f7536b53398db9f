"""`evalsvc up`: server, dispatcher, workers and dashboard in one process."""

from typing import Annotated

import typer

from evalsvc.cli.failures import needs
from evalsvc.settings import load_settings

app = typer.Typer()

Host = Annotated[str | None, typer.Option(help="Address to listen on; EVALSVC_HOST.")]
Port = Annotated[
    int | None, typer.Option(min=0, max=65535, help="Port; 0 takes a free one. EVALSVC_PORT.")
]
Engine = Annotated[
    str | None, typer.Option(help="Default engine; `evalsvc doctor` lists them. EVALSVC_ENGINE.")
]
Executor = Annotated[str | None, typer.Option(help="local or ray. EVALSVC_EXECUTOR.")]
Workers = Annotated[
    int | None, typer.Option(min=0, help="Number; 0: one per GPU, or one. EVALSVC_WORKERS.")
]


@app.command("up")
def up(
    host: Host = None,
    port: Port = None,
    engine: Engine = None,
    executor: Executor = None,
    workers: Workers = None,
) -> None:
    """Start server, dispatcher, workers and dashboard on this machine; Ctrl-C stops them."""
    with needs("server", "`evalsvc up`"):
        from evalsvc.server.running import changed, run_service  # noqa: PLC0415 - an extra

    settings = changed(
        load_settings(), host=host, port=port, engine=engine, executor=executor, workers=workers
    )

    def announce(url: str) -> None:
        typer.echo(f"evalsvc listens on {url}; the data are in {settings.data.absolute()}")
        typer.echo(f"  dashboard  {url}/    API  {url}/docs")
        typer.echo("  submit     evalsvc submit CHECKPOINT --run NAME --benchmarks smoke --wait")
        typer.echo("Ctrl-C stops it.")

    run_service(settings, dispatch=True, announce=announce)
    typer.echo("Stopped.")
