"""`evalsvc watch DIR`: evaluate each checkpoint that a training writes into a folder."""

import logging
import signal
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from evalsvc.cli.connection import find_server
from evalsvc.cli.printing import Server
from evalsvc.client import Client
from evalsvc.errors import UsageError
from evalsvc.settings import load_settings
from evalsvc.trainers.layouts import AUTO, LAYOUTS
from evalsvc.trainers.watcher import POLL_SECONDS, RunTemplate, Watcher
from evalsvc.trainers.watching import Decision, StepPhase, WatchPolicy

app = typer.Typer()


@app.command("watch")
def watch(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Where the training writes its checkpoints.")
    ],
    layout: Annotated[
        str, typer.Option(help=f"Which trainer writes them: {AUTO}, {', '.join(LAYOUTS)}.")
    ] = AUTO,
    run: Annotated[str | None, typer.Option(help="Name of the run; else the folder's.")] = None,
    method: Annotated[str, typer.Option(help='As in "GRPO + A-GRAE".')] = "unknown",
    benchmarks: Annotated[str, typer.Option(help="Names, separated by commas.")] = "smoke",
    protocol: Annotated[str, typer.Option(help="How to sample.")] = "quick",
    samples: Annotated[int | None, typer.Option(min=1, help="Samples per problem.")] = None,
    base_model: Annotated[str | None, typer.Option(help="What the training started from.")] = None,
    seed: Annotated[int | None, typer.Option(help="The training's seed.")] = None,
    every: Annotated[int, typer.Option(min=1, help="Only steps divisible by this.")] = 1,
    oldest_first: Annotated[
        bool, typer.Option("--oldest-first", help="Evaluate the oldest step first.")
    ] = False,
    max_waiting: Annotated[
        int, typer.Option(min=1, help="Most checkpoints that are pinned and not yet evaluated.")
    ] = 4,
    poll_seconds: Annotated[
        float, typer.Option(min=0.1, help="Time between polls.")
    ] = POLL_SECONDS,
    settle_seconds: Annotated[
        float, typer.Option(min=0, help="Files must be unchanged for so long.")
    ] = 15.0,
    once: Annotated[
        bool, typer.Option("--once", help="Stop when every checkpoint is decided and sent.")
    ] = False,
    trainer_python: Annotated[
        str, typer.Option(help="The Python that has verl, to merge its sharded checkpoints.")
    ] = sys.executable,
    private: Annotated[
        Path | None, typer.Option(help="Where to keep state and pins; else DIR/.evalsvc.")
    ] = None,
    server: Server = None,
) -> None:
    """Watch DIR and have every complete checkpoint evaluated, until stopped.

    Steps that are left out (by the policy, by rotation, half-written) are reported to the server
    with the reason. The training needs no change; docs/trainers.md has the rules.
    """
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    settings = load_settings()
    address = find_server(settings, server) or settings.resolved_server
    watcher = Watcher(
        folder,
        RunTemplate(
            run=run or folder.resolve().name,
            method=method,
            benchmarks=_names(benchmarks),
            protocol=protocol,
            samples=samples,
            base_model=base_model,
            seed=seed,
        ),
        Client(address, settings.key or None, attempts=1),
        layout=layout,
        policy=WatchPolicy(
            every=every,
            newest_first=not oldest_first,
            max_waiting=max_waiting,
            settle_seconds=settle_seconds,
        ),
        private=private,
        trainer_python=trainer_python,
        on_decision=_print,
    )
    stop = _stop_signal()
    watcher.run(poll_seconds, lambda: stop.is_set() or (once and watcher.is_idle()), stop.wait)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise UsageError("No benchmark is named.", "`evalsvc benchmarks list` shows them.")
    return names


def _print(decision: Decision) -> None:
    if decision.phase is StepPhase.ANNOUNCED:
        typer.echo(f"step {decision.step}: announced")
    else:
        typer.echo(f"step {decision.step}: {decision.phase}: {decision.reason}")


def _stop_signal() -> threading.Event:
    """An event that SIGINT and SIGTERM set; the current round is finished first."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    return stop
