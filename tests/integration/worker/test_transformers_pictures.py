"""The transformers engine with a model that sees: pictures reach it, in batches and alone."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from PIL import Image

from evalsvc.specs import CheckpointSpec
from evalsvc.worker.engines.base import Completion, RequestRefused, SampleRequest
from evalsvc.worker.engines.transformers import TransformersEngine
from tests.tiny_models import random_checkpoint, random_vision_checkpoint

SMALL, WIDE = (56, 56), (280, 84)
Work = Callable[[TransformersEngine], Awaitable[None]]


@pytest.fixture(scope="module")
def seeing(tmp_path_factory: pytest.TempPathFactory) -> CheckpointSpec:
    return random_vision_checkpoint(tmp_path_factory.mktemp("vision"), 0)


def shown(*images: Image.Image, text: str = "What is it?") -> SampleRequest:
    content = [*({"type": "image"} for _ in images), {"type": "text", "text": text}]
    return SampleRequest(
        0, "p", 0, [{"role": "user", "content": content}],
        temperature=0.0, top_p=1.0, max_tokens=16, images=images,
    )  # fmt: skip


def gradient(size: tuple[int, int], turn: int = 0) -> Image.Image:
    return Image.linear_gradient("L").rotate(turn).resize(size).convert("RGB")


def within_engine(checkpoint: CheckpointSpec, work: Work) -> None:
    async def scenario() -> None:
        engine = TransformersEngine({})
        await engine.start(checkpoint, 16)
        try:
            await work(engine)
        finally:
            await engine.close()

    asyncio.run(asyncio.wait_for(scenario(), 120))


async def draw(engine: TransformersEngine, *requests: SampleRequest) -> list[Completion]:
    return list(await asyncio.gather(*(engine.generate(r) for r in requests)))


def test_the_picture_shapes_the_answer_in_a_batch_and_alone(seeing: CheckpointSpec) -> None:
    async def work(engine: TransformersEngine) -> None:
        asked = [
            shown(gradient(SMALL)),
            shown(gradient(SMALL, 90)),
            shown(gradient(WIDE)),
            shown(gradient(SMALL), gradient(WIDE)),
            shown(),
        ]
        batch = await draw(engine, *asked)
        assert len({sample.text for sample in batch}) == len(asked)
        small, turned, wide, both, without = (sample.prompt_tokens for sample in batch)
        assert small == turned  # as large, so as many tokens
        assert wide - small == 30 - 4  # places of 28 x 28 pixels
        assert both == small + wide - without
        for request, together in zip(asked, batch, strict=True):
            assert await draw(engine, request) == [together]

    within_engine(seeing, work)


def test_a_text_with_the_models_own_marks_is_refused(seeing: CheckpointSpec) -> None:
    async def work(engine: TransformersEngine) -> None:
        with pytest.raises(RequestRefused, match="2 image tokens, but 1 images"):
            await engine.generate(shown(gradient(SMALL), text="<|image_pad|> what?"))

    within_engine(seeing, work)


def test_a_picture_that_the_processor_refuses_spoils_no_other(seeing: CheckpointSpec) -> None:
    async def work(engine: TransformersEngine) -> None:
        with pytest.raises(RequestRefused, match="cannot take the picture: absolute aspect"):
            await engine.generate(shown(gradient((2000, 4))))
        assert await draw(engine, shown(gradient(SMALL)))

    within_engine(seeing, work)


def test_a_model_that_reads_only_text_is_shown_nothing(tmp_path: Path) -> None:
    async def work(engine: TransformersEngine) -> None:
        with pytest.raises(RequestRefused, match="reads only text"):
            await engine.generate(shown(gradient(SMALL)))

    within_engine(random_checkpoint(tmp_path, 0), work)
