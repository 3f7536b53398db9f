"""Engines that need no model: options, the replay file, choosing vLLM's settings, log tails."""

import asyncio
import json
from pathlib import Path
from typing import Any, Self

import pytest
from pydantic import BaseModel, ValidationError, model_validator

from evalsvc.errors import CheckpointError, UsageError
from evalsvc.specs import CheckpointSpec, Modality
from evalsvc.worker.engines.base import Completion, RequestRefused, SampleRequest
from evalsvc.worker.engines.chat import plain_text
from evalsvc.worker.engines.registry import create_engine
from evalsvc.worker.engines.replay import ReplayEngine
from evalsvc.worker.engines.vllm import MOST_OF_A_REFUSAL, refusal
from evalsvc.worker.engines.vllm_setup import Device, context_limit, cpu_dtype, engine_arguments
from evalsvc.worker.logtail import LogTail

CHECKPOINT = CheckpointSpec(
    path="/c", fingerprint="f", architecture="A", architecture_hash="a", tokenizer_hash="t"
)


def request(problem: int = 0, sample: int = 0) -> SampleRequest:
    messages = [{"role": "user", "content": "x" * 40}]
    return SampleRequest(problem, f"p{problem}", sample, messages, 0.6, 0.95, 100)


def replayed(path: Path, *requests: SampleRequest) -> list[Completion]:
    async def scenario() -> list[Completion]:
        engine = ReplayEngine({"answers": str(path)})
        await engine.start(CHECKPOINT, 100)
        return [await engine.generate(r) for r in requests]

    return asyncio.run(scenario())


def write(path: Path, *rows: Any) -> Path:
    path.write_text("\n".join(json.dumps(row) for row in rows) + "\n")
    return path


def test_replay_answers_by_id_or_row_and_repeats_its_responses(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        {"problem_id": "p0", "responses": ["a", "b"], "finish_reason": "length"},
        {"problem": 1, "response": "c" * 9},
    )
    found = replayed(path, request(0, 0), request(0, 3), request(1, 5))
    assert [s.text for s in found] == ["a", "b", "c" * 9]
    assert [s.finish_reason for s in found] == ["length", "length", "stop"]
    assert (found[2].output_tokens, found[2].prompt_tokens) == (3, 10)
    with pytest.raises(RequestRefused, match=r"no answer to problem 'p7' \(row 7\)"):
        replayed(path, request(7))


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"response": "a"}, "line 1 has neither"),
        ({"problem": 0}, "line 1 has no `response`"),
        ({"problem": 0, "responses": []}, "line 1 has no `response`"),
        ({"problem": 0, "responses": "text"}, "line 1 has no `response`"),
        ({"problem": 0, "response": "a", "finish_reason": "bored"}, "finish_reason 'bored'"),
        ([1], "not a JSON object"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, row: Any, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        replayed(write(tmp_path / "a.jsonl", row), request())


@pytest.mark.parametrize(
    ("engine", "options", "words"),
    [
        ("nothing", {}, "There is no engine 'nothing'. Known: vllm"),
        ("replay", {}, "needs a file of answers"),
        ("replay", {"answers": 3}, "must be a str, but is 3"),
        ("replay", {"answers": "a", "concurrency": True}, "must be a int, but is True"),
        ("vllm", {"trust_remote_code": True}, "no option 'trust_remote_code'"),
        ("openai", {"model": "m"}, "needs base_url"),
        ("openai", {"model": "m", "base_url": "file:///etc"}, "not an HTTP address"),
        (
            "openai",
            {"model": "m", "base_url": "http://h/v1", "api_key_env": "AWS_SECRET_ACCESS_KEY"},
            "may not be 'AWS_SECRET_ACCESS_KEY'",
        ),
    ],
)
def test_options_are_checked_before_anything_starts(
    engine: str, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        create_engine(engine, options)


def test_the_context_is_what_is_needed_and_what_the_model_has() -> None:
    small = CHECKPOINT.model_copy(update={"context_length": 4096})
    large = CHECKPOINT.model_copy(update={"context_length": 131_072})
    assert context_limit(small, 64, None) == 4096
    assert context_limit(large, 4096, None) == 4096 + 8192
    assert context_limit(large, 4096, 6000) == 6000
    assert context_limit(CHECKPOINT, 100, None) == 8292


def test_on_the_cpu_prefill_is_never_split() -> None:
    arguments = engine_arguments(CHECKPOINT, Device("cpu", is_cpu=True), 20_000, {})
    assert arguments["enable_chunked_prefill"] is False
    assert arguments["max_num_batched_tokens"] >= 20_000
    assert arguments["trust_remote_code"] is False


def test_on_a_gpu_vllm_decides_and_options_win() -> None:
    vision = CHECKPOINT.model_copy(update={"modality": Modality.IMAGE})
    options = {"tensor_parallel_size": 2, "kv_cache_gib": 1.5, "dtype": "float16"}
    arguments = engine_arguments(vision, Device("H200", is_cpu=False), 4096, options)
    assert "enable_chunked_prefill" not in arguments
    assert (arguments["tensor_parallel_size"], arguments["dtype"]) == (2, "float16")
    assert arguments["kv_cache_memory_bytes"] == 1.5 * 2**30
    assert arguments["limit_mm_per_prompt"]["image"]["count"] >= 1


@pytest.mark.parametrize(
    ("flags", "dtype"),
    [("avx2 avx512f", "float32"), ("avx512f amx_bf16 amx_tile", "bfloat16"), ("", "float32")],
)
def test_the_dtype_follows_the_processor(tmp_path: Path, flags: str, dtype: str) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(f"processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu {flags}\n")
    assert cpu_dtype(path) == dtype


def test_without_a_chat_template_only_a_plain_question_can_be_asked() -> None:
    assert plain_text([{"role": "user", "content": "1 + 1"}]) == "1 + 1\n"
    chat = [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}]
    with pytest.raises(CheckpointError, match="no chat template"):
        plain_text(chat)


def test_the_log_is_quoted_from_the_moment_on(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("old\n")
    tail = LogTail(str(path))
    assert tail.quote() == ""
    with path.open("a") as log:
        log.write("".join(f"new {n}\n" for n in range(40)))
    assert tail.quote().endswith("new 38\nnew 39")
    assert "old" not in tail.quote()
    assert "new 20\n" not in tail.quote()
    assert LogTail(None).quote() == ""


def test_a_refusal_is_told_without_lists_and_wrapping() -> None:
    class Asked(BaseModel):
        @model_validator(mode="after")
        def _refuse(self) -> Self:
            raise ValueError(
                "Model architectures ['Odd'] are not supported for now. "
                "Supported architectures: dict_keys(['A', 'B'])"
            )

    with pytest.raises(ValidationError) as caught:
        Asked()
    assert refusal(caught.value) == "Model architectures ['Odd'] are not supported for now"
    assert refusal(ValueError("No room.\n\nRead on at ...")) == "No room"
    assert len(refusal(ValueError("x" * 10_000))) == MOST_OF_A_REFUSAL
