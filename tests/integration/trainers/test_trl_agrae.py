"""The mix-in inside TRL's own training loop, for the losses that the paper trains with."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from evalsvc.trainers.agrae import asymmetric_advantages
from tests.integration.trainers.tiny_training import GROUP_SIZE, make_trainer, tiny_model
from tests.support.scripted_server import Answer, scripted_server

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.mark.parametrize(
    ("loss", "scale", "normalise"),
    [("grpo", "group", True), ("dapo", "group", True), ("dr_grpo", "none", False)],
)
def test_training_uses_our_advantages(
    tmp_path: Path, model: Path, loss: str, scale: str, normalise: bool
) -> None:
    trainer = make_trainer(
        model, tmp_path, loss_type=loss, scale_rewards=scale, agrae_alpha=0.5, logging_steps=1
    )
    before = {name: tensor.clone() for name, tensor in trainer.model.state_dict().items()}
    trainer.train()
    assert len(trainer.batches) == 2
    for rewards, advantages in trainer.batches:
        expected = asymmetric_advantages(rewards[:, 0], GROUP_SIZE, 0.5, normalise_std=normalise)
        torch.testing.assert_close(advantages, expected.float())
        assert advantages.abs().sum() > 0
    after = trainer.model.state_dict()
    assert any(not torch.equal(before[name], after[name]) for name in before)
    assert list(trainer._logs["advantages"]) == trainer.batches[-1][1].tolist()


def test_two_processes_share_one_batch_and_one_announces(tmp_path: Path, model: Path) -> None:
    """ω is the whole batch's, each process trains on its own answers, and one of them tells."""
    output = tmp_path / "run"
    with scripted_server() as server:
        server.answer = lambda r: Answer(201, {"job_id": None})
        command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
        command += ["--nproc_per_node", "2", "-m", "tests.integration.trainers.two_processes"]
        done = subprocess.run(
            [*command, str(model), str(output), server.url],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        assert [r.body["step"] for r in server.requests] == [1, 2]
    first, second = (json.loads((output / f"{rank}.json").read_text()) for rank in (0, 1))
    assert len(first) == 2
    for (rewards, own), (same, others) in zip(first, second, strict=True):
        np.testing.assert_equal(rewards, same)
        expected = asymmetric_advantages(np.array(rewards), GROUP_SIZE)
        np.testing.assert_allclose(own + others, expected, rtol=1e-6)


def test_level_none_is_trls_grpo_with_the_populations_deviation(
    tmp_path: Path, model: Path
) -> None:
    trainer = make_trainer(model, tmp_path, loss_type="grpo", agrae_level="none", max_steps=1)
    trainer.train()
    [(rewards, advantages)] = trainer.batches
    groups = rewards[:, 0].view(-1, GROUP_SIZE).numpy()
    mean, std = np.nanmean(groups, axis=1), np.nanstd(groups, axis=1)
    safe = np.where(std > 0, std, 1)
    expected = np.nan_to_num((groups - mean[:, None]) / safe[:, None])
    np.testing.assert_allclose(
        advantages.view_as(rewards[:, 0]).numpy(), expected.ravel(), atol=1e-6
    )


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"scale_rewards": "batch"}, "scale_rewards"),
        ({"multi_objective_aggregation": "normalize_then_sum"}, "sum_then_normalize"),
    ],
)
def test_settings_that_contradict_the_method(
    tmp_path: Path, model: Path, options: dict[str, str], words: str
) -> None:
    with pytest.raises(ValueError, match=words):
        make_trainer(model, tmp_path, **options)
