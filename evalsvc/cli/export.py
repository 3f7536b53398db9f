"""`evalsvc export`: results as files, or into experiment trackers."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.limits import MAX_EXPORTED
from evalsvc.cli.printing import FRACTION, Metrics, Server
from evalsvc.client import Client, EvaluationResult
from evalsvc.client.rows import ComparisonRow, MetricRow, MetricValue
from evalsvc.errors import UsageError
from evalsvc.exports import (
    FILE_FORMATS,
    ResultRow,
    render,
    to_mlflow,
    to_tensorboard,
    to_wandb,
    write,
)

app = typer.Typer()
TRACKERS = ("wandb", "tensorboard", "mlflow")


@app.command("export")
def export(
    format: Annotated[
        str, typer.Option(help=f"{', '.join(FILE_FORMATS)}, {', '.join(TRACKERS)}.")
    ] = "csv",
    output: Annotated[
        Path | None,
        typer.Option(help="The file (or folder, for tensorboard); standard output by default."),
    ] = None,
    run: Annotated[str | None, typer.Option(help="Only of this run.")] = None,
    benchmark: Annotated[str | None, typer.Option(help="Only of this benchmark.")] = None,
    baseline: Annotated[
        str | None,
        typer.Option(
            help="Compare pass@k of every other checkpoint with this one; bold where "
            "significantly better.",
            metavar="RUN[@STEP]",
        ),
    ] = None,
    metric: Metrics = None,
    project: Annotated[
        str, typer.Option(help="Project (wandb) or experiment (mlflow).")
    ] = "evalsvc",
    tracking_uri: Annotated[
        str, typer.Option(help="Of MLflow: a server or a file: URL.")
    ] = "file:./mlruns",
    offline: Annotated[
        bool, typer.Option("--offline", help="wandb: write below --output.")
    ] = False,
    server: Server = None,
) -> None:
    """Export pass@k or other metrics: CSV, JSON, Parquet, LaTeX, Markdown, or a tracker."""
    if format not in (*FILE_FORMATS, *TRACKERS):
        known = ", ".join((*FILE_FORMATS, *TRACKERS))
        raise UsageError(f"There is no export format {format!r}.", f"Known: {known}.")
    with connect(server, ["evaluations", "compare"]) as client:
        found = client.evaluations(run, benchmark, limit=MAX_EXPORTED)
        rows = _rows(client, found, baseline, metric)
    if format in TRACKERS:
        _track(format, rows, output, project, tracking_uri, offline=offline)
        return
    content = render(format, rows)
    if output is not None:
        write(output, content)
        typer.echo(f"{len(rows):,} rows are in {output}.", err=True)
    elif isinstance(content, bytes):
        sys.stdout.buffer.write(content)
    else:
        typer.echo(content, nl=not content.endswith("\n"))


def _rows(
    client: Client,
    evaluations: Sequence[EvaluationResult],
    baseline: str | None,
    metrics: Sequence[str] | None,
) -> list[ResultRow]:
    compared = _comparisons(client, evaluations, baseline) if baseline else {}
    return [
        _row(item, figure, compared.get((item.id, figure.metric, figure.k)))
        for item in evaluations
        for figure in _figures(client, item, metrics)
    ]


def _figures(
    client: Client, item: EvaluationResult, metrics: Sequence[str] | None
) -> Iterable[MetricValue | MetricRow]:
    if not metrics:
        return item.metrics.values()
    found = client.metrics(item.id, metrics)
    for note in found.notes:
        typer.echo(f"Note: {note}", err=True)
    return found


def _row(
    item: EvaluationResult, metric: MetricValue | MetricRow, compared: ComparisonRow | None
) -> ResultRow:
    fixed = metric.interval_fixed or (None, None)
    population = metric.interval_population or (None, None)
    return ResultRow(
        benchmark=item.benchmark,
        model=item.base_model or "",
        method=item.method,
        run=item.run,
        step=item.step,
        metric=metric.metric,
        k=metric.k,
        value=metric.value,
        low_fixed=fixed[0],
        high_fixed=fixed[1],
        low_population=population[0],
        high_population=population[1],
        problems=metric.problems,
        samples=metric.samples,
        coverage=item.coverage,
        protocol=str(item.protocol.get("name", "")),
        verifier=item.verifier or "",
        baseline=compared.baseline_method if compared else None,
        difference=compared.difference if compared else None,
        p_adjusted=compared.p_adjusted if compared else None,
        better=bool(compared and compared.significant and compared.difference > 0),
        evaluation=item.id,
        problems_total=item.problems_total,
        remarks="; ".join(item.remarks),
        unit=metric.unit if isinstance(metric, MetricRow) else FRACTION,
    )


def _comparisons(
    client: Client, evaluations: Sequence[EvaluationResult], baseline: str
) -> dict[tuple[str, str, int | None], ComparisonRow]:
    """(candidate's evaluation, metric, k) -> comparison with the baseline, Holm over all of them.

    A candidate that cannot be compared stays in the export without a comparison, with a note.
    """
    sides = dict.fromkeys(f"{item.run}@{item.step}" for item in evaluations)
    candidates = [side for side in sides if baseline not in (side, side.rpartition("@")[0])]
    if not candidates:
        return {}
    found = client.compare(baseline, candidates)
    for note in found.notes:
        typer.echo(f"Note: {note}", err=True)
    return {(item.candidate_evaluation, item.metric, item.k): item for item in found}


def _track(
    format: str,
    rows: Sequence[ResultRow],
    output: Path | None,
    project: str,
    tracking_uri: str,
    *,
    offline: bool,
) -> None:
    if format == "wandb":
        made = to_wandb(rows, project=project, folder=output, offline=offline)
    elif format == "mlflow":
        made = to_mlflow(rows, experiment=project, tracking_uri=tracking_uri)
    else:
        made = [str(path) for path in to_tensorboard(rows, output or Path("runs"))]
    typer.echo(f"{format}: {', '.join(made)}", err=True)
