"""The problems of a shard: loaded once per benchmark, checked, and rendered into chats.

A worker refuses a shard if its rows differ from those the server planned with: completions for
other problems must never be counted.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.catalogue import (
    Catalogue,
    CatalogueError,
    Dataset,
    ImagePart,
    ImageRef,
    Message,
    Problem,
    Prompt,
    TextPart,
    load_image,
    render,
)
from evalsvc.errors import BenchmarkError
from evalsvc.specs import ShardSpec
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.engines.base import RequestRefused
from evalsvc.worker.engines.pictures import PictureLimits


@dataclass(frozen=True)
class RenderedProblem:
    """One problem as an engine receives it. `messages` are JSON; `images` are PIL images."""

    messages: list[dict[str, Any]]
    images: tuple[Any, ...]


@dataclass(frozen=True)
class ShardProblems:
    """The problems of a shard and the prompt they are rendered with."""

    dataset: Dataset
    problems: tuple[Problem, ...]
    prompt_name: str
    limits: PictureLimits

    @property
    def prompt(self) -> Prompt:
        return self.dataset.benchmark.prompts[self.prompt_name]

    async def render(self, problem: Problem) -> RenderedProblem:
        """Render one problem. Raises RequestRefused if that fails (for example a broken image).

        Images are read only now, and are released with the problem's requests.
        """
        try:
            chat = render(self.dataset.benchmark, problem, self.prompt_name)
            images = [image for message in chat for image in message.images]
            self.limits.check_count(len(images))
            loaded = [await asyncio.to_thread(self._image, image) for image in images]
        except CatalogueError as error:
            raise RequestRefused(error.message, error.remedy) from error
        return RenderedProblem([_as_json(message) for message in chat], tuple(loaded))

    def _image(self, reference: ImageRef) -> Any:
        return self.limits.shrunk(load_image(reference))


class ProblemSource:
    """Loads benchmarks from the data folder and caches them for the next shard."""

    def __init__(self, config: WorkerConfig) -> None:
        self._data = Path(config.data)
        self._extra_folders = [Path(folder) for folder in config.benchmarks]
        self._datasets: dict[tuple[str, str], Dataset] = {}
        self._lock = asyncio.Lock()

    async def load(self, spec: ShardSpec) -> ShardProblems:
        """Load the problems of `spec`. Raises BenchmarkError if the rows differ from the plan."""
        async with self._lock:
            dataset = self._datasets.get((spec.benchmark, spec.benchmark_revision))
            if dataset is None:
                dataset = await asyncio.to_thread(self._read, spec)
                self._datasets[spec.benchmark, spec.benchmark_revision] = dataset
        protocol = spec.protocol
        try:
            prompt_name = dataset.benchmark.prompt_name(protocol.prompt, protocol.name)
        except CatalogueError as error:
            raise _as_ours(error) from error
        limits = PictureLimits.from_options(spec.engine_options)
        return ShardProblems(dataset, _select(dataset, spec.problems), prompt_name, limits)

    def _read(self, spec: ShardSpec) -> Dataset:
        try:
            dataset = Catalogue(self._extra_folders).load(spec.benchmark, self._data)
        except CatalogueError as error:
            raise _as_ours(error) from error
        if dataset.revision != spec.benchmark_revision:
            raise BenchmarkError(
                f"The rows of {spec.benchmark!r} on this worker (revision {dataset.revision[:12]}) "
                f"differ from those of the evaluation (revision {spec.benchmark_revision[:12]}).",
                "Give all machines the same data, or submit the job again with the current data.",
            )
        return dataset


def _select(dataset: Dataset, indices: Sequence[int]) -> tuple[Problem, ...]:
    for index in indices:
        if not 0 <= index < len(dataset):
            raise BenchmarkError(
                f"{dataset.benchmark.full_name!r} has no problem {index}; it has {len(dataset)}.",
                "Rows count from 0.",
            )
    return tuple(dataset.problems[index] for index in indices)


def _as_ours(error: CatalogueError) -> BenchmarkError:
    return BenchmarkError(error.message, error.remedy)


def _as_json(message: Message) -> dict[str, Any]:
    """A text-only message has a string as content; one with images has a list of parts."""
    if not message.images:
        return {"role": message.role, "content": message.text}
    return {"role": message.role, "content": [_part(part) for part in message.content]}


def _part(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image", "name": part.image.name, "pixels": part.image.pixels}
