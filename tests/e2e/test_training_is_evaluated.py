"""A real TRL training beside a real service: every saved step is evaluated, exactly once."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import AutoTokenizer, GenerationConfig

from evalsvc.trainers.client import Client
from evalsvc.trainers.trl import EvaluationCallback
from tests.integration.trainers.tiny_training import make_trainer, tiny_model

START_SECONDS = 60
STEPS = (1, 2, 3)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """`evalsvc up` in a process of its own, with the transformers engine."""
    data = tmp_path / "service"
    data.mkdir()
    process = subprocess.Popen(
        [sys.executable, "-c", "from evalsvc.cli import main; main()", "up", "--port", "0"],
        env={
            **os.environ,
            "EVALSVC_DATA": str(data),
            "EVALSVC_ENGINE": "transformers",
            "OMP_WAIT_POLICY": "PASSIVE",
        },
    )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not (data / "server.json").exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        yield json.loads((data / "server.json").read_text())["url"]
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def terse_model(folder: Path) -> Path:
    """A tiny model whose every token ends the answer: 200 problems then take seconds."""
    tiny_model(folder)
    ends = list(range(len(AutoTokenizer.from_pretrained(folder))))
    GenerationConfig(eos_token_id=ends, pad_token_id=0).save_pretrained(folder)
    return folder


def test_every_saved_step_is_evaluated_exactly_once(tmp_path: Path, server: str) -> None:
    trainer = make_trainer(
        terse_model(tmp_path / "model"),
        tmp_path / "run",
        max_steps=len(STEPS),
        save_strategy="steps",
        save_steps=1,
        save_total_limit=1,
    )
    EvaluationCallback(
        run="tiny",
        method="GRPO",
        benchmarks=["smoke"],
        samples=1,
        server=server,
        poll_seconds=0.5,
        wait_at_end_seconds=240,
    ).attach(trainer)
    trainer.train()
    with Client(server) as client:
        checkpoints = client.get("/v1/checkpoints", {"run": "tiny"})["items"]
        evaluations = client.get("/v1/evaluations", {"run": "tiny"})["items"]
        curve = client.get("/v1/runs/tiny/curve", {"k": 1})["points"]
    assert sorted(c["step"] for c in checkpoints) == list(STEPS)
    assert sorted(e["step"] for e in evaluations) == list(STEPS)
    assert all(e["complete"] and e["samples_seen"] == 200 for e in evaluations)
    assert [p["step"] for p in curve] == list(STEPS)
    logged = [r for r in trainer.state.log_history if "eval_smoke_pass@1" in r]
    assert sorted(r["eval_checkpoint_step"] for r in logged) == list(STEPS)
