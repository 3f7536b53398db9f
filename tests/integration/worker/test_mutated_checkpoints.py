"""Mutated checkpoints through the real vLLM: refused with a reason, or answered as transformers.

A part of `bench.integrity`, which runs all mutations of three architectures: here those that need
no second start of the engine.
"""

import asyncio
import json
from collections import Counter
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file

from bench.architectures import architecture_checkpoint
from bench.integrity import POISONED, Loader, by_transformers, judge, loads_cold
from bench.mutations import CONFIG, WEIGHTS, mutations

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]
ARCHITECTURE = "qwen2-untied"


def test_none_is_evaluated_with_other_weights_in_silence(tmp_path: Path) -> None:
    sound = tmp_path / "sound"
    first = architecture_checkpoint(sound, ARCHITECTURE, seed=1)

    async def scenario() -> None:
        loader = Loader(tmp_path)
        try:
            texts, by = await loader.answers(first)
            assert (texts, by) == (by_transformers(sound), "cold")
            outcomes = []
            for number, mutation in enumerate(mutations(sound, seed=0)):
                folder = mutation.copy_of(sound, tmp_path / f"{number}")
                if not loads_cold(first, folder) and not mutation.name.startswith(POISONED):
                    outcomes.append(await judge(loader, ARCHITECTURE, mutation.name, folder))
            counts = Counter(outcome.verdict for outcome in outcomes)
            wrong = [o for o in outcomes if o.verdict not in {"refused", "same"}]
            assert wrong == []
            assert counts["same"] >= 8
            assert counts["refused"] >= 25
            assert all(outcome.said for outcome in outcomes if outcome.verdict == "refused")
        finally:
            await loader.close()

    asyncio.run(asyncio.wait_for(scenario(), 500))


def test_a_head_that_is_nowhere_is_named(tmp_path: Path) -> None:
    """vLLM says nothing of it: its head would be whatever the memory held."""
    folder = tmp_path / "headless"
    architecture_checkpoint(folder, ARCHITECTURE, seed=1)
    tensors = load_file(folder / WEIGHTS)
    del tensors["lm_head.weight"]
    save_file(tensors, folder / WEIGHTS, {"format": "pt"})
    config = json.loads((folder / CONFIG).read_text())
    del config["tie_word_embeddings"]  # so that only the engine knows that a head is needed
    (folder / CONFIG).write_text(json.dumps(config))

    async def scenario() -> None:
        loader = Loader(tmp_path)
        try:
            outcome = await judge(loader, ARCHITECTURE, "no head", folder)
        finally:
            await loader.close()
        assert (outcome.verdict, outcome.by) == ("refused", "engine")
        assert "no tensor, or not one of the right shape, for lm_head.weight" in outcome.said

    asyncio.run(asyncio.wait_for(scenario(), 500))
