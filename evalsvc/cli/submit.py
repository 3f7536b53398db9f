"""`evalsvc submit`: submit a checkpoint, and optionally wait for its results."""

import json
import re
from typing import Annotated, Any

import typer

from evalsvc.cli.connection import require_server
from evalsvc.cli.jobs import show_job
from evalsvc.cli.printing import Json, Server, print_json
from evalsvc.cli.waiting import wait_with_progress
from evalsvc.client.operations import job_request
from evalsvc.errors import UsageError
from evalsvc.specs import BenchmarkRequest

app = typer.Typer()
HELP = "`evalsvc submit --help` lists the options."
KEY = re.compile(r"[\x21-\x7e]{1,200}")  # what a header can carry


@app.command("submit")
def submit(
    checkpoint: Annotated[str, typer.Argument(help="Its folder, as the server sees it.")],
    run: Annotated[str, typer.Option(help="The training run.")],
    benchmarks: Annotated[
        str, typer.Option(help="Names or NAME:PART, separated by commas.", metavar="A,B")
    ],
    method: Annotated[str, typer.Option(help='For example "GRPO + A-GRAE".')] = "unknown",
    step: Annotated[int, typer.Option(min=0, help="The training step.")] = 0,
    protocol: Annotated[str, typer.Option(help="paper, official, quick or greedy.")] = "quick",
    samples: Annotated[
        int | None, typer.Option(min=1, help="n per problem; the protocol's by default.")
    ] = None,
    k: Annotated[
        list[int] | None, typer.Option(min=1, help="k of pass@k; may be given several times.")
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="New tokens per answer.")] = None,
    temperature: Annotated[float | None, typer.Option(min=0)] = None,
    top_p: Annotated[float | None, typer.Option(min=0, max=1)] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed of the sampling.")] = None,
    prompt: Annotated[str | None, typer.Option(help="A prompt of the benchmark.")] = None,
    first: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many problems.")
    ] = None,
    base_model: Annotated[str | None, typer.Option(help="What the run started from.")] = None,
    train_seed: Annotated[int | None, typer.Option(help="The seed of the training.")] = None,
    priority: Annotated[int, typer.Option(min=-100, max=100, help="Higher goes first.")] = 0,
    engine: Annotated[
        str | None, typer.Option(help="`evalsvc doctor` lists them; default: the server's.")
    ] = None,
    engine_options: Annotated[
        str | None, typer.Option(help='JSON, e.g. {"answers": "answers.jsonl"} for replay.')
    ] = None,
    allow_engine_change: Annotated[
        bool,
        typer.Option(
            "--allow-engine-change",
            help="Add samples to those that another version of the engine drew.",
        ),
    ] = False,
    stop_early: Annotated[
        str | None,
        typer.Option(help="Stop sampling once it is known who is better.", metavar="RUN[@STEP]"),
    ] = None,
    stop_k: Annotated[int, typer.Option(min=1, help="For --stop-early: k of pass@k.")] = 1,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Submitting again under this key returns the same job.")
    ] = None,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the results.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the request; send nothing.")
    ] = False,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Submit a checkpoint for evaluation. Samples that exist already are not drawn again."""
    request = job_request(
        checkpoint,
        run=run,
        method=method,
        step=step,
        benchmarks=_benchmarks(benchmarks, first),
        protocol=protocol,
        samples=samples,
        ks=tuple(k) if k else None,
        max_tokens=max_tokens,
        temperature=temperature,
        top_p=top_p,
        seed=seed,
        prompt=prompt,
        base_model=base_model,
        train_seed=train_seed,
        allow_engine_change=allow_engine_change,
        priority=priority,
        engine=engine,
        engine_options=_options(engine_options),
        stop_early=None if stop_early is None else {"baseline": stop_early, "k": stop_k},
        help_text=HELP,
    )
    if dry_run:
        sampled = request.resolved_protocol()
        print_json(
            {
                "request": request.model_dump(mode="json", exclude_none=True),
                "protocol": sampled.model_dump(mode="json"),
                "protocol_hash": sampled.hash,
            }
        )
        return
    _check_key(idempotency_key)
    with require_server(server) as client:
        job = client.submit_request(request, idempotency_key)
        if wait:
            raise typer.Exit(wait_with_progress(client, job, as_json=as_json))
    if as_json:
        print_json(job.to_dict())
        return
    show_job(job)
    typer.echo(f"Follow it with: evalsvc jobs {job.id}")


def _check_key(key: str | None) -> None:
    if key is not None and not KEY.fullmatch(key):
        raise UsageError(
            f"The idempotency key {key!r} cannot be sent.",
            "Use up to 200 letters, digits and signs of ASCII, without spaces.",
        )


def _benchmarks(text: str, first: int | None) -> tuple[BenchmarkRequest | str, ...]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("--benchmarks names none.", "`evalsvc benchmarks list` lists them.")
    return tuple(BenchmarkRequest(name=name, first=first) if first else name for name in names)


def _options(text: str | None) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        options = json.loads(text)
    except ValueError:
        options = None
    if not isinstance(options, dict):
        raise UsageError(
            "--engine-options is not a JSON object.", 'Write it as \'{"answers": "PATH"}\'.'
        )
    return options
