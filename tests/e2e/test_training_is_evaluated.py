"""A real TRL training beside a real service: every saved step is evaluated, exactly once."""

from pathlib import Path

from evalsvc.trainers.trl import EvaluationCallback
from tests.integration.trainers.tiny_training import make_trainer, terse_model
from tests.support.service import Service, running_service

STEPS = (1, 2, 3)


def test_every_saved_step_is_evaluated_exactly_once(tmp_path: Path) -> None:
    quiet = {"EVALSVC_ENGINE": "transformers", "OMP_WAIT_POLICY": "PASSIVE"}
    with running_service(tmp_path / "service", **quiet) as service:
        train_and_check(tmp_path, service)


def train_and_check(tmp_path: Path, service: Service) -> None:
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
        server=str(service.client.base_url),
        poll_seconds=0.5,
        wait_at_end_seconds=240,
    ).attach(trainer)
    trainer.train()
    checkpoints = service.get("/v1/checkpoints?run=tiny")["items"]
    evaluations = service.get("/v1/evaluations?run=tiny")["items"]
    curve = service.get("/v1/runs/tiny/curve?k=1")["points"]
    assert sorted(c["step"] for c in checkpoints) == list(STEPS)
    assert sorted(e["step"] for e in evaluations) == list(STEPS)
    assert all(e["complete"] and e["samples_seen"] == 200 for e in evaluations)
    assert [p["step"] for p in curve] == list(STEPS)
    logged = [r for r in trainer.state.log_history if "eval_smoke_pass@1" in r]
    assert sorted(r["eval_checkpoint_step"] for r in logged) == list(STEPS)
