"""`evalsvc results`: evaluations with their pass@k, or one of them in detail."""

from collections.abc import Sequence
from typing import Annotated, Any

import typer

from evalsvc.cli.connection import connect
from evalsvc.cli.printing import (
    Json,
    Metrics,
    Server,
    in_unit,
    interval,
    interval_in_unit,
    percent,
    print_json,
    print_table,
)
from evalsvc.cli.profiles import show_profile
from evalsvc.client import Client, EvaluationResult
from evalsvc.client.operations import metric_figures, notes_of, part
from evalsvc.client.rows import MetricRow, Table
from evalsvc.errors import ServerError, UsageError

app = typer.Typer()
COLUMNS = (
    "checkpoint",
    "method",
    "benchmark",
    "metric",
    "value",
    "95% (these problems)",
    "95% (such problems)",
    "problems",
    "coverage",
    "remarks",
)


@app.command("results")
def results(
    evaluation: Annotated[
        str | None, typer.Argument(help="One evaluation; all by default.")
    ] = None,
    run: Annotated[str | None, typer.Option(help="Only of this run.")] = None,
    step: Annotated[int | None, typer.Option(help="Only of this step.")] = None,
    benchmark: Annotated[str | None, typer.Option(help="Only of this benchmark.")] = None,
    job: Annotated[str | None, typer.Option(help="Only of this job.")] = None,
    profile: Annotated[
        bool,
        typer.Option(
            "--profile", help="For one evaluation: every registered metric, forecasts, tokens ..."
        ),
    ] = False,
    reference: Annotated[
        str | None,
        typer.Option(help="For --profile: an evaluation that says how hard each problem is."),
    ] = None,
    metric: Metrics = None,
    limit: Annotated[int, typer.Option(min=1, max=500, help="How many, newest first.")] = 50,
    server: Server = None,
    as_json: Json = False,
) -> None:
    """Show pass@k or other metrics with intervals. Incomplete evaluations say so."""
    if profile and evaluation is None:
        raise UsageError("--profile needs one evaluation.", "`evalsvc results` lists their ids.")
    if profile and metric:
        raise UsageError("--profile shows every metric.", "Give --profile or --metric, not both.")
    with connect(server, ["evaluations"]) as client:
        if profile:
            path = f"/v1/evaluations/{part(evaluation or '')}/profile"
            show = print_json if as_json else show_profile
            show(client.get(path, {"reference": reference}))
            return
        if evaluation is not None:
            found: Sequence[EvaluationResult] = [client.evaluation(evaluation)]
            reached = None if metric else _confidences(client, found[0].id)
        else:
            reached = None
            found = client.evaluations(run, benchmark, step=step, job=job, limit=limit)
        if metric:
            tables = [(item, client.metrics(item.id, metric)) for item in found]
            show_metrics(tables, as_json=as_json)
            return
    if as_json:
        printed = [item.to_dict() for item in found]
        one = evaluation is not None
        print_json({**printed[0], "confidences": reached} if one else printed)
    else:
        show_results(found)
        if reached is not None and reached["sentence"]:
            typer.echo(f"Note: {reached['sentence']}")


def _confidences(client: Client, evaluation: str) -> dict[str, Any] | None:
    """How its verdicts were reached; None where the transcripts, or the server, do not tell."""
    try:
        found: dict[str, Any] = client.get(f"/v1/evaluations/{part(evaluation)}/confidences")
    except ServerError:
        return None
    return found


def show_metrics(
    tables: Sequence[tuple[EvaluationResult, Table[MetricRow]]], *, as_json: bool
) -> None:
    """Print the figures of registered metrics: a line per evaluation, metric and k."""
    rows = [figure for item, table in tables for figure in metric_figures(item, table)]
    if as_json:
        print_json([row.to_dict() for row in rows])
    else:
        print_table(
            COLUMNS,
            [
                (
                    f"{row.run}@{row.step}",
                    row.method,
                    row.benchmark,
                    row.metric,
                    in_unit(row.value, row.unit),
                    interval_in_unit(row.interval_fixed, row.unit),
                    interval_in_unit(row.interval_population, row.unit),
                    _problems(row.problems, row.problems_total),
                    percent(row.coverage) + ("" if row.complete else " (incomplete)"),
                    _beside(row.remarks.split("; ")),
                )
                for row in rows
            ],
        )
    for note in (*notes_of([item for item, _ in tables]), *(n for _, t in tables for n in t.notes)):
        typer.echo(f"Note: {note}", err=as_json)


def show_results(found: Sequence[EvaluationResult]) -> None:
    """Print the table of results: a line per evaluation and k."""
    rows: list[tuple[Any, ...]] = []
    for item in found:
        head = (f"{item.run}@{item.step}", item.method, item.benchmark)
        coverage = percent(item.coverage) + ("" if item.complete else " (incomplete)")
        rows += [
            (
                *head,
                f"pass@{metric.k}",
                percent(metric.value),
                interval(metric.interval_fixed),
                interval(metric.interval_population),
                _problems(metric.problems, item.problems_total),
                coverage,
                _beside(item.remarks),
            )
            for metric in item.metrics.values()
        ]
        if not item.metrics:
            rows.append((*head, None, None, None, None, 0, item.error or coverage, None))
    print_table(COLUMNS, rows)
    for note in notes_of(found):
        typer.echo(f"Note: {note}")


def _beside(remarks: Sequence[str]) -> str:
    """What stands beside a figure, without the subset, which has its own column."""
    return "; ".join(remark for remark in remarks if not remark.endswith(" problems"))


def _problems(here: int, total: int) -> str:
    """How many problems a figure is over: `10 of 40` where these are not all."""
    return f"{here:,} of {total:,}" if here < total else f"{here:,}"
