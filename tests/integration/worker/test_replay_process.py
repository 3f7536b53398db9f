"""The whole worker over its socket, with answers from a file: results, failures, endings."""

import asyncio
import json
import os
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import pytest

from evalsvc.artifacts import ArtifactStore
from evalsvc.catalogue import Catalogue
from evalsvc.specs import CheckpointSpec
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.protocol import (
    CancelCommand,
    CancelledEvent,
    DrainCommand,
    FailedEvent,
    ProgressEvent,
    ResultEvent,
    StatusEvent,
)
from tests.worker_process import NAMED_CHECKPOINT, WorkerProcess, group_ends, smoke_shard


@pytest.fixture
def config(tmp_path: Path) -> WorkerConfig:
    return WorkerConfig(
        data=str(tmp_path), artifacts=str(tmp_path / "artifacts"), verifier_processes=1
    )


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """Right, wrong, no answer, right, for every problem but the last, which has no line."""
    path = tmp_path / "answers.jsonl"
    with path.open("w") as lines:
        for problem in Catalogue().load("smoke", tmp_path).problems[:-1]:
            good = f"so \\boxed{{{problem.gold}}}"
            responses = [good, "\\boxed{-77}", "I do not know", good]
            lines.write(json.dumps({"problem_id": problem.id, "responses": responses}) + "\n")
    return path


def replay(answers: Path, **options: Any) -> dict[str, Any]:
    return {"engine": "replay", "engine_options": {"answers": str(answers), **options}}


def within(work: Coroutine[Any, Any, None], seconds: float = 40) -> None:
    asyncio.run(asyncio.wait_for(work, seconds))


def test_a_shard_comes_back_with_tallies_and_its_transcript(
    config: WorkerConfig, answers: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            worker.run(smoke_shard("s1", tmp_path, **replay(answers)))
            event = await worker.outcome("s1")
            assert isinstance(event, ResultEvent)
            result = event.result
            assert [t.n for t in result.tallies] == [4, 4, 4]
            assert {t.correct for t in result.tallies} == {"9"}  # samples 0 and 3
            assert {t.no_answer for t in result.tallies} == {"4"}
            assert {t.sampled for t in result.tallies} == {"f"}
            assert result.provenance["checkpoint_fingerprint"] == "f1"
            assert result.provenance["weights"] == "cold"
            page = ArtifactStore(config.artifacts).read_samples(result.artifact, 1)
            assert [s["verdict"] for s in page.samples] == [
                "correct", "wrong", "no_answer", "correct",
            ]  # fmt: skip
            assert page.samples[0]["span_start"] == 10
            assert await worker.shut_down() == 0
            assert await group_ends(worker.process.pid)

    within(scenario())


def test_two_checkpoints_take_turns_and_swap(
    config: WorkerConfig, answers: Path, tmp_path: Path
) -> None:
    other = NAMED_CHECKPOINT.model_copy(update={"fingerprint": "f2"})
    third = CheckpointSpec(
        path="/third", fingerprint="f3", architecture="B", architecture_hash="b", tokenizer_hash="t"
    )

    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            chosen = replay(answers, seconds_per_sample=0.02, concurrency=2)
            for name, checkpoint in (
                ("a1", NAMED_CHECKPOINT), ("a2", NAMED_CHECKPOINT), ("b1", other), ("c1", third),
            ):  # fmt: skip
                worker.run(smoke_shard(name, tmp_path, checkpoint=checkpoint, **chosen))
            how = {}
            for name in ("a1", "a2", "b1", "c1"):
                event = await worker.outcome(name)
                assert isinstance(event, ResultEvent)
                how[name] = event.result.provenance["weights"]
            assert how == {"a1": "cold", "a2": "cold", "b1": "swapped", "c1": "cold"}
            status = [e for e in worker.events if isinstance(e, StatusEvent)][-1].status
            assert (status.swaps, status.cold_starts, status.checkpoint) == (1, 2, "f3")
            assert status.samples_done == 48
        assert "weights swapped in place in" in worker.log.read_text()

    within(scenario())


def test_one_unanswerable_problem_spoils_no_other(
    config: WorkerConfig, answers: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            worker.run(smoke_shard("s1", tmp_path, problems=(0, 199), **replay(answers)))
            event = await worker.outcome("s1")
            assert isinstance(event, ResultEvent)
            good, bad = event.result.tallies
            assert (good.n, good.error) == (4, None)
            assert bad.n == 0
            assert "has no answer to problem 'smoke-199'" in (bad.error or "")

    within(scenario())


@pytest.mark.parametrize(
    ("changes", "kind", "words"),
    [
        ({"benchmark_revision": "0" * 64}, "benchmark", "Give all machines the same data"),
        ({"problems": (5000,)}, "benchmark", "has no problem 5000"),
        ({"engine": "vlm"}, "usage", "There is no engine 'vlm'"),
        ({"engine": "replay", "engine_options": {"answer": "x"}}, "usage", "no option 'answer'"),
        ({"engine": "replay", "engine_options": {"answers": "/no"}}, "usage", "no file of answers"),
        ({"engine": "vllm"}, "checkpoint", "There is no checkpoint at /nowhere"),
    ],
)
def test_what_must_fail_again_is_said_to(
    config: WorkerConfig, tmp_path: Path, changes: dict[str, Any], kind: str, words: str
) -> None:
    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            worker.run(smoke_shard("s1", tmp_path, **changes))
            event = await worker.outcome("s1")
            assert isinstance(event, FailedEvent)
            assert (event.kind, event.retryable, event.epoch) == (kind, False, 1)
            assert words in f"{event.message} {event.remedy}"

    within(scenario())


def test_cancelling_is_quick_and_leaves_the_others_alone(
    config: WorkerConfig, answers: Path, tmp_path: Path
) -> None:
    slow = replay(answers, seconds_per_sample=30.0)

    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            worker.run(smoke_shard("slow", tmp_path, **slow))
            await worker.wait_for(
                lambda e: isinstance(e, StatusEvent) and "slow" in e.status.shards_in_flight
            )
            worker.send(CancelCommand(shard_id="slow"))
            worker.send(CancelCommand(shard_id="never-there"))
            assert isinstance(await worker.outcome("slow", 3), CancelledEvent)
            assert isinstance(await worker.outcome("never-there", 3), CancelledEvent)
            worker.run(smoke_shard("next", tmp_path, **replay(answers)))
            assert isinstance(await worker.outcome("next"), ResultEvent)
        assert list(ArtifactStore(config.artifacts).list()) == ["e1/next.parquet"]

    within(scenario())


def test_draining_ends_what_runs_and_takes_no_more(
    config: WorkerConfig, answers: Path, tmp_path: Path
) -> None:
    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            slow = replay(answers, seconds_per_sample=0.6, concurrency=4)
            worker.run(smoke_shard("s1", tmp_path, **slow))
            await worker.wait_for(
                lambda e: isinstance(e, StatusEvent) and "s1" in e.status.shards_in_flight
            )
            worker.send(DrainCommand())
            worker.run(smoke_shard("s2", tmp_path, **replay(answers)))
            refused = await worker.outcome("s2")
            assert isinstance(refused, FailedEvent)
            assert (refused.kind, refused.retryable) == ("draining", True)
            assert isinstance(await worker.outcome("s1"), ResultEvent)
            assert any(isinstance(e, ProgressEvent) for e in worker.events)

    within(scenario())


def test_a_full_store_fails_the_shard_with_a_remedy(
    config: WorkerConfig, answers: Path, tmp_path: Path
) -> None:
    (tmp_path / "artifacts").write_text("a file where the folder should be")

    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            worker.run(smoke_shard("s1", tmp_path, **replay(answers)))
            event = await worker.outcome("s1")
            assert isinstance(event, FailedEvent)
            assert (event.kind, event.retryable) == ("storage", True)
            assert "Check that the artifact store exists" in event.remedy

    within(scenario())


@pytest.mark.parametrize("how", ["the dispatcher dies", "the worker is killed"])
def test_nothing_is_left_behind(
    config: WorkerConfig, answers: Path, tmp_path: Path, how: str
) -> None:
    async def scenario() -> None:
        async with WorkerProcess.start(config, tmp_path / "log") as worker:
            worker.run(smoke_shard("s1", tmp_path, **replay(answers, seconds_per_sample=30.0)))
            await worker.wait_for(
                lambda e: isinstance(e, StatusEvent) and "s1" in e.status.shards_in_flight
            )
            if how == "the dispatcher dies":
                worker.hang_up()
            else:
                os.kill(worker.process.pid, signal.SIGKILL)
            await asyncio.to_thread(worker.process.wait, 5)
            assert await group_ends(worker.process.pid)

    within(scenario())
