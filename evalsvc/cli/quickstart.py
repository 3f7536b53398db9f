"""`make quickstart` (`python -m evalsvc.cli.quickstart`): run a whole job on this machine.

It trains two tiny demo checkpoints (once), starts the service in its own process, submits a job for
each checkpoint over REST, and prints and compares the results. No process stays behind; the data
stay, and `make serve` shows them.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import typer

from evalsvc.cli.failures import explain
from evalsvc.cli.local import open_database
from evalsvc.cli.results import show_results
from evalsvc.cli.waiting import follow
from evalsvc.client import Client, Job
from evalsvc.errors import EngineError, MissingExtra
from evalsvc.settings import SERVER_FILE, Settings, load_settings
from evalsvc.worker.engines.extra import engine_extra

BENCHMARK = "smoke"
RUN, METHOD = "demo", "supervised"
SAMPLES = 8
MAX_TOKENS = 32  # the demo answers in a few characters
START_SECONDS = 120.0
STOP_SECONDS = 60.0
LOG = "quickstart.log"


def main() -> int:
    """Run the quickstart; 0 if every job is done."""
    try:
        return quickstart(load_settings())
    except Exception as error:
        code = explain(error)
        if code is None:
            raise
        return code


def quickstart(settings: Settings) -> int:
    """Evaluate the demo checkpoints and compare them. Returns the exit code."""
    with open_database(settings, upgrade=True):
        typer.echo(f"The data are in {settings.data.absolute()}.")
    checkpoints = make_checkpoints(settings.data / "demo")
    with running_service(settings) as url, Client(url, key="") as client:
        typer.echo(f"The service listens on {url}.")
        jobs = [submit(client, step, path) for step, path in checkpoints]
        ended = [follow(client, job, f"{RUN}@{job.step}") for job in jobs]
        show(client, ended)
        if len(checkpoints) > 1 and all(job.state == "done" for job in ended):
            compare(client, checkpoints[0][0], checkpoints[-1][0])
    _say_where(settings)
    return 0 if all(job.state == "done" for job in ended) else 1


def make_checkpoints(folder: Path) -> list[tuple[int, str]]:
    """(step, path) of the demo checkpoints, trained now if they are not there."""
    if any(find_spec(module) is None for module in ("torch", "transformers")):
        raise MissingExtra("The demo (a tiny model that is trained here)", engine_extra())
    typer.echo("Making the demo checkpoints (about a minute the first time).")
    made = subprocess.run(
        [sys.executable, "-m", "evalsvc.demo", "--out", str(folder)],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise EngineError("The demo checkpoints could not be made.", "The lines above say why.")
    found = {
        int(name.removeprefix("step-")): path for name, path in json.loads(made.stdout).items()
    }
    return [(step, str(Path(path).absolute())) for step, path in sorted(found.items())]


@contextmanager
def running_service(settings: Settings) -> Iterator[str]:
    """Run `evalsvc up` on a free port; it ends, with its workers, when the block ends."""
    log = settings.data / LOG
    environ = {**os.environ, "EVALSVC_DATA": str(settings.data.absolute())}
    command = [sys.executable, "-c", "from evalsvc.cli import main; main()", "up", "--port", "0"]
    with log.open("w") as stream:
        service = subprocess.Popen(command, env=environ, stdout=stream, stderr=subprocess.STDOUT)
    try:
        yield _wait_until_ready(service, settings.data / SERVER_FILE, log)
    finally:
        service.send_signal(signal.SIGTERM)
        try:
            service.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            service.kill()
            service.wait()


def _wait_until_ready(service: "subprocess.Popen[bytes]", file: Path, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if service.poll() is not None:
            ending = log.read_text(errors="replace").strip().splitlines()[-3:]
            raise EngineError(
                f"The service ended before it was ready: {' '.join(ending)}",
                f"See {log}; `evalsvc doctor` finds what is missing.",
            )
        try:
            answer = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            answer = {}
        if answer.get("pid") == service.pid:
            return str(answer["url"])
        time.sleep(0.1)
    raise EngineError(f"The service was not ready within {START_SECONDS:.0f} s.", f"See {log}.")


def submit(client: Client, step: int, path: str) -> Job:
    """Submit one checkpoint over REST. Samples that exist are not generated again."""
    return client.submit(
        path,
        run=RUN,
        method=METHOD,
        step=step,
        benchmarks=(BENCHMARK,),
        protocol="quick",
        samples=SAMPLES,
        ks=(1, 2, 4, 8),
        max_tokens=MAX_TOKENS,
    )


def show(client: Client, jobs: list[Job]) -> None:
    """Print the table of results, and the reasons of what failed."""
    for job in jobs:
        for reason in job.reasons:
            typer.echo(f"{job.id}: {reason}", err=True)
    show_results([client.evaluation(part.id) for job in jobs for part in job.evaluations])


def compare(client: Client, baseline: int, candidate: int) -> None:
    """Print how the two checkpoints compare."""
    for row in client.compare(f"{RUN}@{baseline}", f"{RUN}@{candidate}", k=1):
        typer.echo(f"\n{RUN}@{baseline} against {RUN}@{candidate}: {row.sentence}")


def _say_where(settings: Settings) -> None:
    data = settings.data.absolute()
    typer.echo("")
    typer.echo(f"Database     {settings.resolved_database_url}")
    typer.echo(f"Transcripts  {settings.resolved_artifacts} (every sample, as Parquet)")
    typer.echo(f"Checkpoints  {data / 'demo'}")
    typer.echo(f"Logs         {data / LOG}, {data / 'logs'}")
    typer.echo("`make serve` keeps the service up and shows all of this in a browser.")


if __name__ == "__main__":
    sys.exit(main())
