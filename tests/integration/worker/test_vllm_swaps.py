"""Swaps of a real vLLM: right for every architecture, and every stale layer is found.

One engine for each architecture. Its answers are compared with those of transformers, in float32,
and with its own after the cold start.
"""

import asyncio
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForImageTextToText,
    AutoProcessor,
    AutoTokenizer,
)

from bench.architectures import architecture_checkpoint
from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.errors import CheckpointError
from evalsvc.specs import CheckpointSpec, Modality
from evalsvc.worker.engines import vllm_setup
from evalsvc.worker.engines.base import SampleRequest, SwapFailed
from evalsvc.worker.engines.chat import render_chat
from evalsvc.worker.engines.vllm import VllmEngine
from evalsvc.worker.engines.vllm_proof import Proof
from tests.support.stale_weights import EXTENSION

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]
QUESTIONS = ("1 + 1 = ?", "What is 17 * 3?", "Name a prime above 90.")
TOKENS = 24
TESTED = ("llama-tied", "llama-untied", "qwen2-tied", "gemma-tied", "qwen2.5-vl")


class Engine:
    """An engine on three checkpoints of one architecture, whose reloads can be made faulty."""

    def __init__(self, folder: Path, architecture: str) -> None:
        self.checkpoints = [
            architecture_checkpoint(folder / f"seed-{seed}", architecture, seed)
            for seed in range(3)
        ]
        self.runner = asyncio.Runner()
        self.vllm = VllmEngine({"dtype": "float32"})
        self.runner.run(self.vllm.start(self.checkpoints[0], TOKENS))
        self.present = 0

    def close(self) -> None:
        self.runner.run(self.vllm.close())
        self.runner.close()

    def swap(self, checkpoint: CheckpointSpec) -> None:
        self.runner.run(self.vllm.swap(checkpoint))

    def texts(self) -> list[str]:
        return self.runner.run(self._texts())

    async def _texts(self) -> list[str]:
        requests = asked(self.checkpoints[0].modality)
        return [sample.text for sample in await asyncio.gather(*map(self.vllm.generate, requests))]

    def found(self) -> Proof:
        """What the latest proof says."""
        assert self.vllm._swapper is not None
        assert self.vllm._swapper.proof is not None
        return self.vllm._swapper.proof

    def call(self, method: str, *args: Any) -> Any:
        return self.runner.run(self.vllm._llm.collective_rpc(method, args=args))[0]


def asked(modality: Modality) -> list[SampleRequest]:
    images = ()
    if modality is Modality.IMAGE:
        images = (Image.linear_gradient("L").resize((84, 56)).convert("RGB"),)
    return [
        SampleRequest(
            number, str(number), 0, [{"role": "user", "content": content(question, images)}],
            temperature=0.0, top_p=1.0, max_tokens=TOKENS, images=images,
        )
        for number, question in enumerate(QUESTIONS)
    ]  # fmt: skip


def content(question: str, images: Sequence[Any]) -> Any:
    parts = [{"type": "image"} for _ in images]
    return [*parts, {"type": "text", "text": question}] if images else question


def by_transformers(checkpoint: CheckpointSpec) -> list[str]:
    """The greedy answers of plain transformers, one at a time, in float32."""
    if checkpoint.modality is Modality.IMAGE:
        kind, reader = AutoModelForImageTextToText, AutoProcessor.from_pretrained(checkpoint.path)
        tokenizer = reader.tokenizer
    else:
        kind, tokenizer = AutoModelForCausalLM, AutoTokenizer.from_pretrained(checkpoint.path)
    model = kind.from_pretrained(checkpoint.path, dtype=torch.float32)
    found = []
    for request in asked(checkpoint.modality):
        text = render_chat(tokenizer, request.messages)
        if request.images:
            inputs = reader(text=[text], images=list(request.images), return_tensors="pt")
        else:
            inputs = tokenizer(text, add_special_tokens=False, return_tensors="pt")
            inputs.pop("token_type_ids", None)
        output = model.generate(**inputs, do_sample=False, max_new_tokens=TOKENS)
        answer = output[0, inputs["input_ids"].shape[1] :]
        found.append(tokenizer.decode(answer, skip_special_tokens=True))
    return found


@pytest.fixture(scope="module", params=TESTED)
def engine(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vllm_setup, "EXTENSION", EXTENSION)
        engine = Engine(tmp_path_factory.mktemp("swaps"), request.param)
    yield engine
    engine.close()


def test_answers_after_swaps_are_those_of_transformers_and_of_the_cold_start(
    engine: Engine,
) -> None:
    expected = [by_transformers(checkpoint) for checkpoint in engine.checkpoints]
    assert len({tuple(texts) for texts in expected}) == 3
    assert engine.texts() == expected[0]  # cold
    for number in (1, 2, 0, 2, 1, 0):  # three in a row, and both orders
        engine.swap(engine.checkpoints[number])
        assert engine.texts() == expected[number]
    assert engine.vllm.info()["weights_proved"] is True


def test_every_stale_layer_is_found(engine: Engine) -> None:
    places = engine.call("list_places")
    assert len(places) > 15
    assert any(what == "cpu_linear" for _, what in places)
    number = 0
    for layer, what in places:
        number = (number + 1) % 3
        engine.call("leave_stale", layer, what)
        with pytest.raises(SwapFailed, match="The weights are not those of"):
            engine.swap(engine.checkpoints[number])
        assert layer in engine.found()["different"]
        engine.call("leave_stale", None, "")
        engine.swap(engine.checkpoints[number])  # sound again
    engine.call("leave_stale", None, "")


def test_one_element_that_differs_in_its_last_place_is_found(
    engine: Engine, tmp_path: Path
) -> None:
    """A step of training may change little: no tolerance may hide it."""
    first = Path(engine.checkpoints[0].path)
    tensors = load_file(first / "model.safetensors")
    name = next(n for n in tensors if n.endswith("layers.1.mlp.down_proj.weight"))
    row = tensors[name][3]
    row[5] = torch.nextafter(row[5], torch.tensor(torch.inf))
    for source in first.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    nearly = inspect_checkpoint(tmp_path)
    engine.swap(engine.checkpoints[0])
    layer = next(n for n, w in engine.call("list_places") if "layers.1.mlp.down_proj" in n)
    engine.call("leave_stale", layer, "cpu_linear")
    with pytest.raises(SwapFailed, match="multiplies by another matrix than the file's"):
        engine.swap(nearly)
    engine.call("leave_stale", None, "")
    engine.swap(nearly)


def test_diverged_weights_are_named(engine: Engine, tmp_path: Path) -> None:
    first = Path(engine.checkpoints[0].path)
    tensors = load_file(first / "model.safetensors")
    name = next(n for n in tensors if n.endswith("1.mlp.down_proj.weight"))
    tensors[name][0, 0] = torch.nan
    for source in first.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    save_file(tensors, tmp_path / "model.safetensors", {"format": "pt"})
    with pytest.raises(CheckpointError, match="weights contain NaN") as refused:
        engine.swap(inspect_checkpoint(tmp_path))
    assert name in str(refused.value)
    assert "diverged" in str(refused.value)
    engine.swap(engine.checkpoints[0])
