"""The worker with a real vLLM engine: one engine start for all tests of this file.

The tests run in order and share the engine; each leaves it able to go on. The last one kills it.
"""

import asyncio
import json
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from evalsvc.artifacts import ArtifactStore
from evalsvc.catalogue import Catalogue
from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.demo.model import build_model, save
from evalsvc.specs import CheckpointSpec, Protocol, ShardResult
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.engines.chat import render_chat
from evalsvc.worker.protocol import (
    CancelCommand,
    CancelledEvent,
    FailedEvent,
    ProgressEvent,
    ResultEvent,
    StatusEvent,
)
from tests.tiny_models import random_checkpoint
from tests.worker_process import WorkerProcess, group_ends, group_members, smoke_shard

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]
START_SECONDS = 240
SAMPLED = Protocol(samples=8, temperature=0.6, top_p=0.95, max_tokens=24, seed=5)
GREEDY = Protocol(samples=1, temperature=0, top_p=1, max_tokens=24)
LONG_BENCHMARK = """\
name: long
title: Long
description: One problem that is longer than the context, and one that is not.
modality: text
licence: {name: Apache-2.0, redistributable: true}
sets:
  test:
    rows: 2
    bundled: problems.jsonl
    fields: {id: [id], question: [question], gold: [gold]}
parts:
  test: {set: test}
default_part: test
prompts:
  plain: {user: "{{question}}"}
default_prompt: plain
"""


class Session:
    """A worker with its event loop, and two checkpoints of one architecture."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.runner = asyncio.Runner()
        self.checkpoints = [random_checkpoint(folder / f"seed-{seed}", seed) for seed in (0, 1)]
        self.config = WorkerConfig(
            data=str(folder),
            artifacts=str(folder / "artifacts"),
            benchmarks=(str(make_benchmark(folder / "benchmarks").parent),),
            verifier_processes=1,
            log_file=str(folder / "log"),
            engine_start_seconds=START_SECONDS,
        )
        self._context = WorkerProcess.start(self.config, folder / "log")
        self.worker = self.runner.run(self._context.__aenter__())

    def close(self) -> None:
        self.runner.run(self._context.__aexit__(None, None, None))
        self.runner.close()

    def run(self, shard_id: str, checkpoint: int, **changes: Any) -> ShardResult:
        """The result of one shard."""
        spec = smoke_shard(
            shard_id, self.folder, checkpoint=self.checkpoints[checkpoint], engine="vllm", **changes
        )
        self.worker.run(spec)
        event = self.runner.run(self.worker.outcome(shard_id, 2 * START_SECONDS))
        assert isinstance(event, ResultEvent), event
        return event.result

    def texts(self, result: ShardResult) -> dict[tuple[int, int], str]:
        """Responses by (problem, sample)."""
        rows = ArtifactStore(self.config.artifacts).read_all(result.artifact)
        return {(row["problem"], row["sample"]): row["response"] for row in rows}

    @property
    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")


def greedy_by_transformers(checkpoint: CheckpointSpec, question: str, tokens: int) -> str:
    """What the checkpoint answers, by another implementation."""
    model = AutoModelForCausalLM.from_pretrained(checkpoint.path, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.path)
    text = render_chat(tokenizer, [{"role": "user", "content": question}])
    prompt = tokenizer(text, add_special_tokens=False, return_tensors="pt")
    output = model.generate(
        prompt["input_ids"], do_sample=False, max_new_tokens=tokens, pad_token_id=0
    )
    return str(
        tokenizer.decode(output[0, prompt["input_ids"].shape[1] :], skip_special_tokens=True)
    )


def make_benchmark(root: Path) -> Path:
    folder = root / "long"
    folder.mkdir(parents=True)
    (folder / "benchmark.yaml").write_text(LONG_BENCHMARK)
    questions = [("a", "x" * 9000), ("b", "1 + 1 = ?")]
    lines = [json.dumps({"id": i, "question": q, "gold": "2"}) for i, q in questions]
    (folder / "problems.jsonl").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    session = Session(tmp_path_factory.mktemp("vllm"))
    yield session
    session.close()


@pytest.fixture(scope="module")
def first(session: Session) -> dict[tuple[int, int], str]:
    """Four problems x eight samples of the first checkpoint, loaded cold."""
    result = session.run("cold", 0, protocol=SAMPLED, problems=(0, 1, 2, 3), sample_stop=8)
    assert result.provenance["weights"] == "cold"
    assert [t.n for t in result.tallies] == [8, 8, 8, 8]
    assert result.output_tokens == sum(t.tokens for t in result.tallies)
    return session.texts(result)


def test_the_samples_of_a_problem_differ(first: dict[tuple[int, int], str]) -> None:
    assert len(first) == 32
    assert len({text for (problem, _), text in first.items() if problem == 0}) > 4


def test_provenance_names_what_shaped_the_samples(session: Session) -> None:
    result = session.run("provenance", 0, protocol=GREEDY, sample_stop=1)
    found = result.provenance
    assert {"vllm", "torch", "transformers", "python", "evalsvc"} <= set(found["versions"])
    assert found["engine"]["device"].startswith("cpu")
    assert found["engine"]["dtype"] in {"float32", "bfloat16"}
    assert found["engine"]["batch_invariant"] is False
    assert found["checkpoint_fingerprint"] == session.checkpoints[0].fingerprint


def test_weights_are_swapped_and_swapping_back_gives_the_same_samples(
    session: Session, first: dict[tuple[int, int], str]
) -> None:
    greedy = session.texts(session.run("greedy-0", 0, protocol=GREEDY, sample_stop=1))
    other = session.run("other", 1, protocol=GREEDY, sample_stop=1)
    assert other.provenance["weights"] == "swapped"
    assert session.texts(other) != greedy
    problems = Catalogue().load("smoke", session.folder).problems
    for (problem, _), text in session.texts(other).items():
        expected = greedy_by_transformers(session.checkpoints[1], problems[problem].question, 24)
        assert text == expected
    assert "weights swapped in place in" in session.log
    assert other.provenance["engine"]["weights_proved"] is True
    assert "layers compute with the tensors of the files" in session.log
    again = session.run("again", 0, protocol=SAMPLED, problems=(0, 1, 2, 3), sample_stop=8)
    assert again.provenance["weights"] == "swapped"
    assert session.texts(again) == first
    status = [e for e in session.worker.events if isinstance(e, StatusEvent)][-1].status
    assert (status.cold_starts, status.swaps) == (1, 2)
    assert status.last_swap_seconds is not None
    assert status.last_swap_seconds < 5


def test_a_sample_alone_is_the_sample_in_the_batch(
    session: Session, first: dict[tuple[int, int], str]
) -> None:
    alone = session.run("alone", 0, protocol=SAMPLED, problems=(2,), sample_start=5, sample_stop=6)
    assert session.texts(alone) == {(2, 5): first[2, 5]}


def test_too_long_a_prompt_spoils_no_other(session: Session) -> None:
    catalogue = Catalogue([session.folder / "benchmarks"])
    result = session.run(
        "long", 0, protocol=GREEDY, sample_stop=1, problems=(0, 1), benchmark="long",
        benchmark_revision=catalogue.load("long", session.folder).revision,
    )  # fmt: skip
    too_long, fine = result.tallies
    assert (too_long.n, fine.n) == (0, 1)
    assert "The prompt has 9" in (too_long.error or "")
    assert "the model's context only 8192" in (too_long.error or "")


def test_a_checkpoint_that_changed_since_its_submission_is_refused(session: Session) -> None:
    stale = session.checkpoints[0].model_copy(update={"fingerprint": "0" * 64})
    session.worker.run(smoke_shard("stale", session.folder, checkpoint=stale, engine="vllm"))
    event = session.runner.run(session.worker.outcome("stale"))
    assert isinstance(event, FailedEvent)
    assert (event.kind, event.retryable) == ("checkpoint", False)
    assert "has changed since it was submitted" in event.message


def test_cancelling_takes_the_requests_out_of_the_engine(session: Session) -> None:
    endless = Protocol(samples=64, temperature=2.0, max_tokens=4000)
    spec = smoke_shard(
        "endless", session.folder, checkpoint=session.checkpoints[0], engine="vllm",
        protocol=endless, problems=tuple(range(20)), sample_stop=64,
    )  # fmt: skip
    session.worker.run(spec)

    def begun(event: object) -> bool:
        return isinstance(event, ProgressEvent) and event.progress.shard_id == "endless"

    session.runner.run(session.worker.wait_for(begun, 60))
    began = time.monotonic()
    session.worker.send(CancelCommand(shard_id="endless"))
    assert isinstance(session.runner.run(session.worker.outcome("endless", 10)), CancelledEvent)
    assert time.monotonic() - began < 5
    session.run("after", 0, protocol=GREEDY, sample_stop=1)
    assert time.monotonic() - began < 15  # the engine did not go on with the endless one


def test_a_swap_that_went_wrong_becomes_a_restart(session: Session) -> None:
    """A checkpoint that claims the same architecture, but lacks a layer: vLLM only warns of it."""
    folder = session.folder / "one-layer"
    save(build_model(5, layers=1), folder)
    claimed = session.checkpoints[0].architecture_hash
    session.checkpoints.append(
        inspect_checkpoint(folder).model_copy(update={"architecture_hash": claimed})
    )
    result = session.run("restart", 2, protocol=GREEDY, sample_stop=1)
    assert result.provenance["weights"] == "cold"
    assert "the swap failed, the engine is restarted" in session.log
    assert "nothing was written to model.layers.1" in session.log


def test_no_engine_outlives_a_worker_that_is_killed(session: Session) -> None:
    group = session.worker.process.pid
    assert any(is_engine(process) for process in group_members(group))
    os.kill(group, signal.SIGKILL)
    session.worker.process.wait(5)
    assert session.runner.run(group_ends(group))


def is_engine(process: int) -> bool:
    return b"EngineCore" in Path(f"/proc/{process}/cmdline").read_bytes()


def test_an_engine_that_does_not_start_in_time_is_tried_twice_and_explained(
    tmp_path: Path, session: Session
) -> None:
    config = session.config.model_copy(
        update={"engine_start_seconds": 1.0, "log_file": str(tmp_path / "log")}
    )

    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            shard = smoke_shard(
                "late", session.folder, checkpoint=session.checkpoints[0], engine="vllm"
            )
            worker.run(shard)
            event = await worker.outcome("late", 60)
            assert isinstance(event, FailedEvent)
            assert (event.kind, event.retryable) == ("engine", True)
            assert "did not start within 1 s" in event.message
            assert "EVALSVC_ENGINE_START_SECONDS" in event.remedy
            assert "trying once more" in (tmp_path / "log").read_text()
            assert await worker.shut_down() == 0
            assert await group_ends(worker.process.pid)

    session.runner.run(scenario())


def test_an_unknown_architecture_is_refused_in_a_sentence(tmp_path: Path, session: Session) -> None:
    folder = tmp_path / "odd"
    shutil.copytree(session.checkpoints[0].path, folder)
    settings = json.loads((folder / "config.json").read_text())
    settings["architectures"] = ["OddForCausalLM"]
    (folder / "config.json").write_text(json.dumps(settings))

    async def scenario() -> None:
        async with WorkerProcess.start(session.config, tmp_path / "log") as worker:
            odd = inspect_checkpoint(folder)
            worker.run(smoke_shard("odd", session.folder, checkpoint=odd, engine="vllm"))
            event = await worker.outcome("odd", START_SECONDS)
            assert isinstance(event, FailedEvent)
            assert (event.kind, event.retryable) == ("checkpoint", False)
            assert "OddForCausalLM" in event.message
            assert len(event.message) < 600
            assert "config.json" in event.remedy
            assert await worker.shut_down() == 0

    session.runner.run(scenario())
