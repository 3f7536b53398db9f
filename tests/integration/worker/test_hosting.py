"""Which checkpoint an engine holds after a swap went wrong: none, rather than parts of two."""

import asyncio
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.errors import CheckpointError
from evalsvc.specs import CheckpointSpec
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.engines.base import SampleRequest
from evalsvc.worker.hosting import EngineHost
from tests.tiny_models import random_checkpoint
from tests.worker_process import smoke_shard

QUESTION = SampleRequest(0, "p", 0, [{"role": "user", "content": "1 + 1 = ?"}], 0.0, 1.0, 12)


def diverged(checkpoint: CheckpointSpec, folder: Path) -> CheckpointSpec:
    shutil.copytree(checkpoint.path, folder)
    tensors = load_file(folder / "model.safetensors")
    tensors["model.norm.weight"][0] = torch.nan
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return inspect_checkpoint(folder)


def test_a_refused_swap_leaves_no_engine(tmp_path: Path) -> None:
    sound = random_checkpoint(tmp_path / "sound", 0)
    broken = diverged(sound, tmp_path / "broken")
    assert broken.architecture_hash == sound.architecture_hash

    async def answer(host: EngineHost, checkpoint: CheckpointSpec) -> tuple[str, str]:
        shard = smoke_shard("s", tmp_path, checkpoint=checkpoint, engine="transformers")
        async with host.serving(shard) as loaded:
            return (await loaded.engine.generate(QUESTION)).text, loaded.by

    async def scenario() -> None:
        host = EngineHost(
            WorkerConfig(data=str(tmp_path), artifacts=str(tmp_path / "artifacts")),
            lambda state, message: None,
        )
        try:
            before = await answer(host, sound)
            with pytest.raises(CheckpointError, match="NaN"):
                await answer(host, broken)
            assert host.loaded is None
            assert await answer(host, sound) == before == (before[0], "cold")
        finally:
            await host.close()

    asyncio.run(asyncio.wait_for(scenario(), 120))
