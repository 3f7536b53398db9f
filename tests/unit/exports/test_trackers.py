"""W&B, TensorBoard and MLflow through their own libraries, offline, read back."""

from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from evalsvc.exports import ExportError, ResultRow, to_mlflow, to_tensorboard, to_wandb


def rows() -> list[ResultRow]:
    return [
        ResultRow(
            benchmark="math",
            model="Qwen2.5-Math-7B",
            method="GRPO",
            run="grpo-0",
            step=step,
            metric="pass@k",
            k=16,
            value=value,
            low_population=value - 0.1,
            high_population=value + 0.1,
            protocol="paper",
        )
        for step, value in ((200, 0.6), (100, 0.5))
    ]


def test_tensorboard(tmp_path: Path) -> None:
    (folder,) = to_tensorboard(rows(), tmp_path)
    events = EventAccumulator(str(folder)).Reload()
    points = [(e.step, round(e.value, 3)) for e in events.Scalars("math/pass_at_16")]
    assert points == [(100, 0.5), (200, 0.6)]
    assert "math/pass_at_16_low" in events.Tags()["scalars"]


def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    address = tmp_path.as_uri()
    (identifier,) = to_mlflow(rows(), experiment="agrae", tracking_uri=address)
    client = MlflowClient(tracking_uri=address)
    history = client.get_metric_history(identifier, "math/pass_at_16")
    assert sorted((m.step, m.value) for m in history) == [(100, 0.5), (200, 0.6)]
    assert client.get_run(identifier).data.params["protocol"] == "paper"
    to_mlflow(rows(), experiment="agrae", tracking_uri=address)
    assert len(client.search_runs([client.get_run(identifier).info.experiment_id])) == 2


def test_wandb_offline(tmp_path: Path) -> None:
    (identifier,) = to_wandb(rows(), project="agrae", folder=tmp_path, offline=True)
    (written,) = tmp_path.glob(f"wandb/offline-run-*-{identifier}/run-{identifier}.wandb")
    content = written.read_bytes()
    assert b"math/pass_at_16" in content
    assert b"training_step" in content


def test_nothing_to_track(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="no results"):
        to_tensorboard([], tmp_path)
