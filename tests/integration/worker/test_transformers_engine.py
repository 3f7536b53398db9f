"""The transformers engine on a tiny random model: seeds, batches, lengths, swaps, cancelling."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.errors import CheckpointError, EngineError
from evalsvc.specs import CheckpointSpec
from evalsvc.worker.engines.base import Completion, RequestRefused, SampleRequest, SwapFailed
from evalsvc.worker.engines.row_sampling import RowSampler
from evalsvc.worker.engines.transformers import TransformersEngine
from tests.tiny_models import random_checkpoint


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory: pytest.TempPathFactory) -> list[CheckpointSpec]:
    folder = tmp_path_factory.mktemp("checkpoints")
    return [random_checkpoint(folder / str(seed), seed) for seed in (0, 1)]


def request(sample: int, question: str = "1 + 1 = ?", **changes: float) -> SampleRequest:
    settings = {"temperature": 1.0, "top_p": 0.9, "max_tokens": 12, **changes}
    messages = [{"role": "user", "content": question}]
    return SampleRequest(0, "p", sample, messages, seed=1000 + sample, **settings)  # type: ignore[arg-type]


def within_engine(
    checkpoint: CheckpointSpec, work: Callable[[TransformersEngine], Awaitable[None]]
) -> None:
    async def scenario() -> None:
        engine = TransformersEngine({"batch_size": 8})
        await engine.start(checkpoint, 12)
        try:
            await work(engine)
        finally:
            await engine.close()

    asyncio.run(asyncio.wait_for(scenario(), 60))


async def draw(engine: TransformersEngine, *requests: SampleRequest) -> list[Completion]:
    return list(await asyncio.gather(*(engine.generate(r) for r in requests)))


def test_a_sample_alone_is_the_sample_in_the_batch(checkpoints: list[CheckpointSpec]) -> None:
    async def work(engine: TransformersEngine) -> None:
        longer = request(50, question="What is 1234 + 4321, please?")
        batch = await draw(engine, *(request(i) for i in range(7)), longer)
        assert len({s.text for s in batch}) > 4
        assert await draw(engine, request(3)) == [batch[3]]
        assert await draw(engine, longer) == [batch[7]]
        assert {s.finish_reason for s in batch} <= {"stop", "length"}
        assert all(s.output_tokens == 12 for s in batch if s.finish_reason == "length")

    within_engine(checkpoints[0], work)


def test_rows_are_drawn_from_the_distribution_of_the_scores() -> None:
    scores = torch.tensor([[2.0, 1.0, 0.0, -1.0]]).repeat(4000, 1)
    expected = torch.softmax(scores[0] / 0.5, dim=-1)
    drawn = RowSampler(range(4000), 0.5, 1.0)(torch.zeros(4000, 1), scores).argmax(dim=-1)
    found = torch.bincount(drawn, minlength=4) / 4000
    assert (found - expected).abs().max() < 0.03  # over four standard errors
    nucleus = RowSampler(range(4000), 0.5, 0.8)(torch.zeros(4000, 1), scores).argmax(dim=-1)
    assert set(nucleus.tolist()) == {0}  # alone it has 0.86 of the probability


def test_swapping_there_and_back(checkpoints: list[CheckpointSpec]) -> None:
    async def work(engine: TransformersEngine) -> None:
        greedy = request(0, temperature=0.0, top_p=1.0)
        first = await draw(engine, greedy)
        await engine.swap(checkpoints[1])
        assert await draw(engine, greedy) != first
        await engine.swap(checkpoints[0])
        assert await draw(engine, greedy) == first
        assert engine.info()["dtype"] == "float32"

    within_engine(checkpoints[0], work)


def test_a_swap_to_what_cannot_be_loaded_asks_for_a_restart(
    checkpoints: list[CheckpointSpec], tmp_path: Path
) -> None:
    async def work(engine: TransformersEngine) -> None:
        with pytest.raises(SwapFailed, match="transformers cannot load"):
            await engine.swap(checkpoints[0].model_copy(update={"path": str(tmp_path)}))

    within_engine(checkpoints[0], work)


def test_too_long_a_prompt_is_refused(checkpoints: list[CheckpointSpec]) -> None:
    async def work(engine: TransformersEngine) -> None:
        with pytest.raises(RequestRefused, match="the model's context only 8192"):
            await engine.generate(request(0, question="x" * 9000))

    within_engine(checkpoints[0], work)


def test_a_cancelled_batch_stops(checkpoints: list[CheckpointSpec]) -> None:
    async def work(engine: TransformersEngine) -> None:
        endless = asyncio.create_task(draw(engine, request(0, max_tokens=8000, temperature=5.0)))
        await asyncio.sleep(0.5)
        endless.cancel()
        began = time.monotonic()
        await draw(engine, request(1))
        assert time.monotonic() - began < 5

    within_engine(checkpoints[0], work)


def test_a_checkpoint_that_cannot_be_loaded_says_so(
    checkpoints: list[CheckpointSpec], tmp_path: Path
) -> None:
    broken = checkpoints[0].model_copy(update={"path": str(tmp_path)})

    async def work() -> None:
        await TransformersEngine({}).start(broken, 12)

    with pytest.raises(EngineError, match="transformers cannot load"):
        asyncio.run(work())


def damaged(checkpoint: CheckpointSpec, folder: Path, change: Callable[[dict], None]) -> Path:  # type: ignore[type-arg]
    """A copy of a checkpoint whose tensors were changed."""
    shutil.copytree(checkpoint.path, folder)
    tensors = load_file(folder / "model.safetensors")
    change(tensors)
    save_file(tensors, folder / "model.safetensors", {"format": "pt"})
    return folder


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda held: held.pop("model.norm.weight"), "no tensor.* for model.norm.weight"),
        (
            lambda held: held.update({"model.norm.scale": torch.ones(3)}),
            "holds model.norm.scale, which LlamaForCausalLM does not have",
        ),
    ],
)
def test_missing_and_foreign_weights_are_refused(
    checkpoints: list[CheckpointSpec],
    tmp_path: Path,
    change: Callable[[dict], None],
    words: str,  # type: ignore[type-arg]
) -> None:
    folder = damaged(checkpoints[0], tmp_path / "damaged", change)
    with pytest.raises(CheckpointError, match=words):
        asyncio.run(TransformersEngine({}).start(inspect_checkpoint(folder), 8))


def test_diverged_weights_are_named(checkpoints: list[CheckpointSpec], tmp_path: Path) -> None:
    def diverge(held: dict[str, torch.Tensor]) -> None:
        held["model.norm.weight"][3] = torch.inf

    folder = damaged(checkpoints[0], tmp_path / "damaged", diverge)
    with pytest.raises(CheckpointError, match=r"NaN or infinity in model\.norm\.weight"):
        asyncio.run(TransformersEngine({}).start(inspect_checkpoint(folder), 8))
