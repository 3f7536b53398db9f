"""The engines `vllm` and `transformers` give the same greedy texts on odd checkpoints.

And both give what a plain loop over the model's logits gives. Each checkpoint is odd in several
ways at once, since every one of them costs a start of vLLM.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.architectures import architecture_checkpoint, architecture_model, randomise
from bench.integrity import QUESTIONS, TOKENS, asked, greedy
from bench.mutations import GENERATION, SETTINGS, add_bos
from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.demo.model import CONTEXT, save
from evalsvc.demo.tokenizer import build_tokenizer
from evalsvc.specs import CheckpointSpec
from evalsvc.worker.engines.base import Engine
from evalsvc.worker.engines.transformers import TransformersEngine
from evalsvc.worker.engines.vllm import VllmEngine

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]
OBEYED_BY_GENERATE = {
    "suppress_tokens": list(range(6, 60)),
    "min_new_tokens": 20,
    "repetition_penalty": 1.9,
    "no_repeat_ngram_size": 2,
    "temperature": 1.7,
    "do_sample": True,
}


@dataclass(frozen=True)
class Odd:
    """A checkpoint, the prompts it must be given, and the tokens at which its answers must end."""

    folder: Path
    prompts: list[list[int]]
    ends: list[int]
    stop_tokens: dict[str, list[int]]
    ignored: dict[str, str]


def free_answers(folder: Path, prompts: list[list[int]]) -> list[list[int]]:
    """What the model goes on with, token by token, where nothing ends it."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return [greedy(model, prompt, ()) for prompt in prompts]


def chats(folder: Path) -> list[list[int]]:
    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [tokenizer.encode(f"<user>{q}<end><assistant>") for q in QUESTIONS]


def edit(path: Path, **changes: Any) -> None:
    settings = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(settings | changes))


def bfloat16_with_two_ends(folder: Path) -> Odd:
    """Tied, saved in bfloat16; generation_config names two EOS and much that is not obeyed."""
    model = architecture_model("llama-tied", 4)
    randomise(model, 4)
    save(model.to(torch.bfloat16), folder)
    prompts = chats(folder)
    first, second, _ = free_answers(folder, prompts)
    ends = [first[9], next(token for token in second[3:] if token != first[9])]
    edit(folder / GENERATION, eos_token_id=ends, **OBEYED_BY_GENERATE)
    ignored = {name: str(value)[:200] for name, value in OBEYED_BY_GENERATE.items()}
    return Odd(folder, prompts, [2, *ends], {"tokenizer": [2], GENERATION: ends}, ignored)


def resized_with_the_tokenizers_end(folder: Path) -> Odd:
    """Untied, more rows than tokens; the tokenizer's EOS is not config.json's."""
    model = architecture_model("qwen2-untied", 5, vocab_size=128)
    randomise(model, 5)
    save(model, folder)
    (folder / GENERATION).unlink()
    prompts = chats(folder)
    first, second, _ = free_answers(folder, prompts)
    token = AutoTokenizer.from_pretrained(folder).convert_ids_to_tokens(first[7])
    edit(folder / SETTINGS, eos_token=token)
    edit(folder / "config.json", eos_token_id=second[5])
    stop_tokens = {"tokenizer": [first[7]], "config.json": [second[5]]}
    return Odd(folder, prompts, [first[7], second[5]], stop_tokens, {})


def base_with_a_beginning(folder: Path) -> Odd:
    """A base model: no template, and a post-processor that sets a BOS before and an EOS after."""
    architecture_checkpoint(folder, "gemma-tied", 6)
    add_bos(folder)
    (folder / GENERATION).write_text(json.dumps({"eos_token_id": 2}))
    tokenizer = build_tokenizer(CONTEXT)
    prompts = [[4, *tokenizer.encode(f"{q}\n", add_special_tokens=False)] for q in QUESTIONS]
    assert free_answers(folder, prompts) != free_answers(folder, [p[1:] for p in prompts])
    return Odd(folder, prompts, [2], {"tokenizer": [2], GENERATION: [2]}, {})


def answers(engine: Engine, checkpoint: CheckpointSpec) -> tuple[list[Any], dict[str, Any]]:
    async def scenario() -> tuple[list[Any], dict[str, Any]]:
        await engine.start(checkpoint, TOKENS)
        try:
            found = await asyncio.gather(*map(engine.generate, asked()))
            return list(found), engine.info()
        finally:
            await engine.close()

    return asyncio.run(asyncio.wait_for(scenario(), 300))


@pytest.mark.parametrize(
    "make", [bfloat16_with_two_ends, resized_with_the_tokenizers_end, base_with_a_beginning]
)
def test_both_engines_answer_as_the_logits_say(tmp_path: Path, make: Callable[[Path], Odd]) -> None:
    odd = make(tmp_path / "odd")
    checkpoint = inspect_checkpoint(odd.folder)
    model = AutoModelForCausalLM.from_pretrained(odd.folder, dtype=torch.float32)
    tokens = [greedy(model, prompt, odd.ends) for prompt in odd.prompts]
    tokenizer = AutoTokenizer.from_pretrained(odd.folder)
    texts = [tokenizer.decode(found, skip_special_tokens=True) for found in tokens]
    for engine in (TransformersEngine({}), VllmEngine({"dtype": "float32"})):
        samples, info = answers(engine, checkpoint)
        assert [sample.text for sample in samples] == texts
        assert [s.finish_reason == "stop" for s in samples] == [len(t) < TOKENS for t in tokens]
        assert [s.prompt_tokens for s in samples] == [len(prompt) for prompt in odd.prompts]
        assert info["stop_tokens"] == odd.stop_tokens
        assert odd.ignored.items() <= info["generation_config_ignored"].items()
