"""The callback in real TRL trainings: each saved step once, results logged, never in the way."""

import doctest
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from transformers import TrainerCallback

from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.trainers.outbox import PRIVATE_FOLDER, Outbox
from evalsvc.trainers.trl import EvaluationCallback
from tests.integration.trainers.tiny_training import make_trainer, tiny_model
from tests.support.scripted_server import Answer, Request, ScriptedServer, scripted_server

SAVING = {"max_steps": 4, "save_strategy": "steps", "save_steps": 1, "save_total_limit": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_model(tmp_path_factory.mktemp("tiny") / "model")


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as script:
        yield script


def answer_at_once(request: Request) -> Answer:
    if request.method == "POST":
        return Answer(201, {"job_id": f"j-{request.body['step']}"})
    if request.path.startswith("/v1/evaluations/"):
        return Answer(body={"benchmark": "smoke", "metrics": {"pass@1": {"value": 0.5}}})
    return Answer(body={"state": "done", "id": "j", "evaluations": [{"id": "e"}]})


def test_the_example_in_the_docstring_runs(tmp_path: Path, model: Path) -> None:
    names = {"trainer": make_trainer(model, tmp_path, **SAVING)}
    finder = doctest.DocTestFinder(recurse=False)
    runner = doctest.DocTestRunner()
    for example in finder.find(EvaluationCallback, "EvaluationCallback", globs=names):
        runner.run(example)
    assert (runner.failures, runner.tries) == (0, 3)


def test_every_saved_step_once_and_its_result_in_the_log(
    tmp_path: Path, model: Path, server: ScriptedServer
) -> None:
    seen: list[Path] = []

    def answer(request: Request) -> Answer:
        if request.method == "POST":  # rotation keeps one checkpoint only: the pin must hold
            inspect_checkpoint(Path(request.body["path"]))
            seen.append(Path(request.body["path"]))
        return answer_at_once(request)

    server.answer = answer
    trainer = make_trainer(model, tmp_path, **SAVING)
    callback = EvaluationCallback(
        run="r",
        method="GRPO + A-GRAE",
        server=server.url,
        poll_seconds=0.05,
        wait_at_end_seconds=30,
    )
    callback.attach(trainer)
    trainer.train()
    posts = [r.body for r in server.requests if r.method == "POST"]
    assert [p["step"] for p in posts] == [1, 2, 3, 4]
    assert {(p["run"], p["method"], p["trainer"], p["seed"]) for p in posts} == {
        ("r", "GRPO + A-GRAE", "trl", 0)
    }
    logged = [row for row in trainer.state.log_history if "eval_smoke_pass@1" in row]
    assert sorted(row["eval_checkpoint_step"] for row in logged) == [1, 2, 3, 4]
    assert not any(path.exists() for path in seen)  # unpinned when evaluated


def test_a_trouble_of_the_service_never_reaches_the_training(
    tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(model, tmp_path, **SAVING)
    trainer.add_callback(EvaluationCallback(server="not an address"))
    trainer.add_callback(EvaluationCallback(server="http://127.0.0.1:9", run="r"))
    trainer.train()
    assert trainer.state.global_step == 4
    waiting = Outbox(tmp_path / PRIVATE_FOLDER / "outbox").waiting()
    assert [entry.announcement.step for _, entry in waiting] == [1, 2, 3, 4]


def test_only_the_main_process_announces(tmp_path: Path, server: ScriptedServer) -> None:
    class State:
        is_world_process_zero = False

    callback = EvaluationCallback(server=server.url)
    for event in (callback.on_train_begin, callback.on_save, callback.on_train_end):
        event(None, State(), None)
    assert not (tmp_path / PRIVATE_FOLDER).exists()
    assert server.requests == []


class Stopwatch(TrainerCallback):
    """Times what the callback adds: it is the only other listener of the events that it takes."""

    def __init__(self, watched: EvaluationCallback) -> None:
        self.seconds: list[float] = []
        for name in ("on_save", "on_step_end"):
            setattr(watched, name, self._timed(getattr(watched, name)))

    def _timed(self, event):
        def call(*arguments, **options):
            begin = time.perf_counter()
            event(*arguments, **options)
            self.seconds.append(time.perf_counter() - begin)

        return call


@pytest.mark.parametrize("hangs", [False, True], ids=["answers", "hangs"])
def test_the_time_that_the_hook_takes_from_the_training(
    tmp_path: Path, model: Path, server: ScriptedServer, hangs: bool
) -> None:
    """The hook's own time on the training's thread, a step's time beside it, in one run."""
    server.answer = (lambda _: Answer(delay_seconds=60)) if hangs else answer_at_once
    trainer = make_trainer(model, tmp_path, **{**SAVING, "max_steps": 8})
    callback = EvaluationCallback(run="r", server=server.url, poll_seconds=0.05)
    callback.attach(trainer)
    stopwatch = Stopwatch(callback)
    trainer.train()
    assert len(stopwatch.seconds) == 16
    assert max(stopwatch.seconds) < 1
    assert statistics.median(stopwatch.seconds) < 0.25
