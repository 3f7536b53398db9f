"""Results into Weights & Biases, TensorBoard and MLflow, through their own libraries.

Each is an extra and imported only here, when it is asked for. Metric names are the same everywhere
(`aime2025/pass_at_16`, with `_low` and `_high` of the population interval), the step is that of
the training, so that evaluations appear on the curves of the training run.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path

from evalsvc.errors import MissingExtra
from evalsvc.exports.rows import ResultRow, need_rows


def metric_key(row: ResultRow) -> str:
    """A name that all three accept: letters, digits, underscore and slash."""
    metric = row.metric.replace("@k", f"_at_{row.k}").replace("^k", f"_hat_{row.k}")
    return "".join(c if c.isalnum() or c in "_/-." else "_" for c in f"{row.benchmark}/{metric}")


def to_wandb(
    rows: Sequence[ResultRow], *, project: str, folder: Path | None = None, offline: bool = False
) -> list[str]:
    """One W&B run per training run; returns their ids. offline: written below `folder` only."""
    try:
        import wandb  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("Exporting to Weights & Biases", "wandb") from error
    identifiers = []
    for run, own in _by_run(rows):
        with wandb.init(
            project=project,
            name=run,
            job_type="evaluation",
            config=_parameters(own[0]),
            dir=None if folder is None else str(folder),
            mode="offline" if offline else "online",
            reinit="create_new",
        ) as tracked:
            tracked.define_metric("training_step")
            tracked.define_metric("*", step_metric="training_step")
            for step, values in _by_step(own):
                tracked.log({"training_step": step, **values})
            identifiers.append(str(tracked.id))
    if wandb.run is None:  # no other run is open
        wandb.teardown()  # W&B's process keeps writing after a run ends: wait for it
    return identifiers


def to_tensorboard(rows: Sequence[ResultRow], folder: Path) -> list[Path]:
    """Event files below `folder`, a subfolder per run; returns these subfolders."""
    try:
        from torch.utils.tensorboard import SummaryWriter  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("Exporting to TensorBoard", "tensorboard") from error
    folders = []
    for run, own in _by_run(rows):
        place = folder / "".join(c if c.isalnum() or c in "_-" else "_" for c in run)
        with SummaryWriter(log_dir=str(place)) as writer:
            for step, values in _by_step(own):
                for name, value in values.items():
                    writer.add_scalar(name, value, step)
        folders.append(place)
    return folders


def to_mlflow(rows: Sequence[ResultRow], *, experiment: str, tracking_uri: str) -> list[str]:
    """One MLflow run per training run; returns their ids."""
    try:
        from mlflow.tracking import MlflowClient  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise MissingExtra("Exporting to MLflow", "mlflow") from error
    client = MlflowClient(tracking_uri=tracking_uri)
    found = client.get_experiment_by_name(experiment)
    home = found.experiment_id if found is not None else client.create_experiment(experiment)
    identifiers = []
    for run, own in _by_run(rows):
        tracked = client.create_run(home, run_name=run).info.run_id
        for name, setting in _parameters(own[0]).items():
            client.log_param(tracked, name, setting)
        for step, values in _by_step(own):
            for name, value in values.items():
                client.log_metric(tracked, name, value, step=step)
        client.set_terminated(tracked)
        identifiers.append(str(tracked))
    return identifiers


def _parameters(row: ResultRow) -> dict[str, str]:
    return {
        "method": row.method,
        "model": row.model,
        "protocol": row.protocol,
        "verifier": row.verifier,
    }


def _by_run(rows: Sequence[ResultRow]) -> Iterable[tuple[str, list[ResultRow]]]:
    need_rows(rows)
    runs: dict[str, list[ResultRow]] = defaultdict(list)
    for row in rows:
        runs[row.run].append(row)
    return runs.items()


def _by_step(rows: Sequence[ResultRow]) -> Iterable[tuple[int, dict[str, float]]]:
    """Metrics of each step, by rising step (W&B refuses to go back)."""
    steps: dict[int, dict[str, float]] = defaultdict(dict)
    for row in rows:
        values, key = steps[row.step], metric_key(row)
        values[key] = row.value
        if row.low_population is not None and row.high_population is not None:
            values[f"{key}_low"] = row.low_population
            values[f"{key}_high"] = row.high_population
    return sorted(steps.items())
