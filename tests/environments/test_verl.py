"""The hooks beside verl 0.9.1, in an environment of its own."""

import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.trainers.layouts import LAYOUTS
from evalsvc.trainers.preparation import merge
from tests.environments.conftest import ROOT, Environment
from tests.support.scripted_server import Answer, ScriptedServer
from tests.support.service import running_service

pytestmark = pytest.mark.timeout(3600)  # the first test may install the environment

ROOT3 = math.sqrt(3)
STEP = 10


@pytest.fixture(scope="session")
def sharded_run(
    verl: Environment, tiny_model: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A run with one step, saved by verl's own FSDP checkpoint manager from two processes."""
    run = tmp_path_factory.mktemp("sharded") / "run"
    verl.run("fsdp_checkpoint.py", str(tiny_model), str(run), str(STEP))
    return run


def test_our_wheel_moves_no_other_package(verl: Environment) -> None:
    assert verl.before <= verl.after
    names = {line.partition("==")[0] for line in verl.after - verl.before}
    assert names <= {"httpx", "pydantic", "typer", "rich"}


def test_the_estimator_gives_the_hand_computed_numbers(verl: Environment) -> None:
    found = verl.run("verl_advantages.py", VERL_USE_EXTERNAL_MODULES="evalsvc.trainers.verl_agrae")
    mask = np.array([[1, 1, 1], [1, 1, 0]] * 4)
    plain = np.array([ROOT3, 1, -1, 1, -1, 1, -1, -3]) / np.array([1, *[ROOT3] * 7])
    weight = 0.5 + 0.5 / ROOT3  # equation 12 for p = 1/4 and 3/4 at ω = 1/2, see test_agrae.py
    damped = np.where(plain > 0, plain / 2, plain)
    deviation = np.array([3, 1, -1, 1, -1, 1, -1, -3]) / 4
    for name, expected in {
        "full": weight * damped,
        "half": weight * plain,
        "sample": weight * plain,
        "dr": deviation,
    }.items():
        np.testing.assert_allclose(found[name], expected[:, None] * mask, rtol=1e-6, err_msg=name)


def test_verls_merger_turns_its_shards_into_the_same_model(
    verl: Environment, sharded_run: Path, tiny_model: Path, tmp_path: Path
) -> None:
    [look] = LAYOUTS["verl"].snapshots(sharded_run)
    assert (look.complete, look.merge) == (True, "fsdp")
    assert look.model is not None
    merged = merge(look.model, tmp_path / "merged", "fsdp", str(verl.python))
    assert inspect_checkpoint(merged).architecture == "LlamaForCausalLM"
    assert [p.name for p in tmp_path.iterdir()] == ["merged"]

    original = AutoModelForCausalLM.from_pretrained(tiny_model).state_dict()
    again = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).state_dict()
    for name, tensor in original.items():
        torch.testing.assert_close(again[name], tensor.bfloat16().float())


def test_the_watcher_merges_verls_shards_and_the_service_evaluates_them(
    verl: Environment, sharded_run: Path, tmp_path: Path
) -> None:
    with running_service(tmp_path / "service", EVALSVC_ENGINE="transformers") as service:
        command = [sys.executable, "-c", "from evalsvc.cli import main; main()", "watch"]
        command += [str(sharded_run), "--private", str(tmp_path / "private"), "--run", "sharded"]
        command += ["--once", "--settle-seconds", "0", "--poll-seconds", "0.5", "--samples", "1"]
        command += ["--trainer-python", str(verl.python)]
        command += ["--server", str(service.client.base_url)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
        assert done.returncode == 0, done.stderr
        assert done.stdout == f"step {STEP}: announced\n"
        [job] = service.get("/v1/jobs")["items"]
        assert service.finish(job, seconds=280)["state"] == "done"
        [evaluation] = service.get("/v1/evaluations?run=sharded")["items"]
        assert (evaluation["step"], evaluation["complete"]) == (STEP, True)
        assert evaluation["samples_seen"] == 200


def test_the_callback_merges_and_announces_and_never_holds_up_or_raises(
    verl: Environment, sharded_run: Path, server: ScriptedServer
) -> None:
    server.answer = lambda _: Answer(201, {"job_id": "7"})
    seconds = verl.run("verl_callback.py", str(sharded_run), str(STEP), server.url)
    assert max(seconds) < 1
    posts = [r.body for r in server.requests if r.method == "POST"]
    assert [p.get("state", "announced") for p in posts] == ["announced", "rotated"]
    assert posts[0] | {"path": ""} == {
        "path": "",
        "run": "tiny",
        "method": "GRPO + A-GRAE",
        "step": STEP,
        "base_model": "Qwen/Qwen2.5-Math-7B",
        "trainer": "verl",
        "benchmarks": ["aime2025", "amc23"],
        "samples": 4,
    }
    assert inspect_checkpoint(Path(posts[0]["path"])).dtype == "bfloat16"


def test_the_ready_configuration_passes_verls_own_checks(verl: Environment) -> None:
    folder = ROOT / "examples" / "qwen2_5_math_7b"
    modules = {"VERL_USE_EXTERNAL_MODULES": "evalsvc.trainers.verl_agrae"}
    assert verl.run("verl_configuration.py", str(folder), "verl", **modules) == {
        "batch": 1024,
        "mini_batch": 256,
        "group": 8,
        "rate": 1e-6,
        "temperature": 1.0,
        "tokens": 2048,
        "epochs": 20,
        "alpha": 1.0,
        "kl": False,
        "callback": "EvaluationCallback",
    }
