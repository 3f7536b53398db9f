"""The transformers engine: `model.generate` in batches, for machines without vLLM.

Slow but simple. A sample depends on its seed and not on its batch: each row has its own generator,
whose Gumbel noise is added to the scores; the largest sum is then a sample (Gumbel 1954).
Options: `batch_size`, `dtype`, `device`, `max_pixels`, `max_images`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from evalsvc.errors import EngineError, MissingExtra
from evalsvc.specs import CheckpointSpec, Modality
from evalsvc.worker.engines.base import (
    Completion,
    Engine,
    EngineDied,
    SampleRequest,
    SwapFailed,
    read_options,
)
from evalsvc.worker.engines.endings import Endings, read_endings
from evalsvc.worker.engines.extra import engine_extra
from evalsvc.worker.engines.loaded_weights import diverged, incomplete, left_over
from evalsvc.worker.engines.pictures import PICTURE_OPTIONS, PictureLimits
from evalsvc.worker.engines.transformers_prompts import PromptReader, TokenizedPrompt

OPTIONS = {"batch_size": int, "dtype": str, "device": str, **PICTURE_OPTIONS}
GATHER_SECONDS = 0.02


@dataclass(frozen=True)
class _Row:
    request: SampleRequest
    prompt: TokenizedPrompt
    answer: "asyncio.Future[Completion]"

    @property
    def settings(self) -> tuple[float, float, int, bool]:
        """The settings; rows with equal settings may share a batch."""
        request = self.request
        return request.temperature, request.top_p, request.max_tokens, bool(request.images)


class TransformersEngine(Engine):
    """One model in this process; one batch at a time, in a thread."""

    name: ClassVar[str] = "transformers"
    reads_checkpoint: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(self.name, options, OPTIONS)
        self._limits = PictureLimits.from_options(self._options)
        self._batch_size = max(1, int(self._options.get("batch_size", 16)))
        self.max_concurrency = 2 * self._batch_size
        self._model: Any = None
        self._reader: PromptReader
        self._endings = Endings()
        self._waiting: list[_Row] = []
        self._loop: asyncio.Task[None] | None = None

    async def start(self, checkpoint: CheckpointSpec, max_tokens: int) -> None:
        await asyncio.to_thread(self._load, checkpoint)
        self._loop = asyncio.create_task(self._serve())

    async def swap(self, checkpoint: CheckpointSpec) -> None:
        """Swap the model. The old one is freed first: a device seldom has room for two."""
        self._model = None
        try:
            await asyncio.to_thread(self._load, checkpoint)
        except EngineError as error:
            raise SwapFailed(error.message, error.remedy) from error

    async def generate(self, request: SampleRequest) -> Completion:
        if self._loop is None or self._loop.done():
            raise EngineDied("The engine 'transformers' is not running.")
        text_config = self._model.config.get_text_config()
        context = getattr(text_config, "max_position_embeddings", None)
        prompt = self._reader.read(request, context)
        row = _Row(request, prompt, asyncio.get_running_loop().create_future())
        self._waiting.append(row)
        return await row.answer

    async def close(self) -> None:
        if self._loop is not None:
            self._loop.cancel()
        self._model = None

    def info(self) -> dict[str, Any]:
        model = self._model
        return {
            "engine": self.name,
            "device": str(model.device) if model is not None else "",
            "dtype": str(model.dtype).removeprefix("torch.") if model is not None else "",
            "batch_invariant": False,
            "max_pixels": self._limits.pixels,
            "max_images": self._limits.images,
            **self._endings.provenance(),
        }

    def _load(self, checkpoint: CheckpointSpec) -> None:
        try:
            import torch
            from transformers import (
                AutoModelForCausalLM,
                AutoModelForImageTextToText,
                GenerationConfig,
            )
        except ModuleNotFoundError as error:
            raise MissingExtra("The engine 'transformers'", engine_extra()) from error
        default = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = self._options.get("dtype", "auto" if default == "cuda" else "float32")
        sees = checkpoint.modality is Modality.IMAGE
        kind = AutoModelForImageTextToText if sees else AutoModelForCausalLM
        try:
            model, loading = kind.from_pretrained(
                checkpoint.path,
                dtype=dtype,
                trust_remote_code=False,
                local_files_only=True,
                output_loading_info=True,
            )
            refuse_incomplete(checkpoint, loading, model)
            model = model.to(self._options.get("device", default)).eval()
            self._reader = PromptReader(checkpoint)
            self._endings = read_endings(Path(checkpoint.path), self._reader.tokenizer)
            # generate() uses this object even if it is called with other settings
            model.generation_config = GenerationConfig(
                eos_token_id=self._endings.tokens or None, pad_token_id=self._reader.padding
            )
        except (OSError, ValueError, RuntimeError, ImportError) as error:
            raise EngineError(
                f"transformers cannot load {checkpoint.path}: {error}",
                "See the worker's log.",
            ) from error
        self._model = model

    async def _serve(self) -> None:
        """Process waiting requests, one batch of equal settings at a time."""
        while True:
            await asyncio.sleep(GATHER_SECONDS)
            self._waiting = [row for row in self._waiting if not row.answer.done()]
            if not self._waiting:
                continue
            settings = self._waiting[0].settings
            batch = [row for row in self._waiting if row.settings == settings][: self._batch_size]
            self._waiting = [row for row in self._waiting if row not in batch]
            await self._answer(batch)

    async def _answer(self, batch: list[_Row]) -> None:
        try:
            samples = await asyncio.to_thread(self._generate, batch)
        except Exception as error:  # torch passes on any error of its kernels
            died = EngineDied(f"transformers failed: {type(error).__name__}: {error}")
            for row in batch:
                if not row.answer.done():
                    row.answer.set_exception(died)
            return
        for row, sample in zip(batch, samples, strict=True):
            if not row.answer.done():
                row.answer.set_result(sample)

    def _generate(self, batch: list[_Row]) -> list[Completion]:
        """One call of `model.generate`. Runs in a thread."""
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        from evalsvc.worker.engines.row_sampling import RowSampler, stop_when_nobody_waits

        model = self._model
        inputs = self._reader.batch([row.prompt for row in batch])
        width = inputs["input_ids"].shape[1]
        temperature, top_p, max_tokens, _ = batch[0].settings
        processors = []
        if temperature > 0:
            processors.append(RowSampler([r.request.seed for r in batch], temperature, top_p))
        with torch.inference_mode():
            output = model.generate(
                **{name: value.to(model.device) for name, value in inputs.items()},
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                max_new_tokens=max_tokens,
                pad_token_id=self._reader.padding,
                logits_processor=LogitsProcessorList(processors),
                stopping_criteria=StoppingCriteriaList(
                    [stop_when_nobody_waits([row.answer for row in batch])]
                ),
            )
        return [
            self._sample(row, answer[width:].tolist())
            for row, answer in zip(batch, output.cpu(), strict=True)
        ]

    def _sample(self, row: _Row, tokens: list[int]) -> Completion:
        ends = set(self._endings.tokens)
        stop = next((i for i, token in enumerate(tokens) if token in ends), None)
        return Completion(
            text=self._reader.tokenizer.decode(tokens[:stop], skip_special_tokens=True),
            finish_reason="length" if stop is None else "stop",
            output_tokens=len(tokens) if stop is None else stop + 1,
            prompt_tokens=row.prompt.length,
        )


def refuse_incomplete(checkpoint: CheckpointSpec, loading: Mapping[str, Any], model: Any) -> None:
    """Raise CheckpointError unless the checkpoint has every tensor of the model, all finite.

    transformers fills missing tensors with random numbers and only warns.
    """
    import torch

    unlike = {str(entry[0]) for entry in loading["mismatched_keys"]}
    if absent := unlike | set(loading["missing_keys"]):
        raise incomplete(checkpoint, absent)
    if loading["unexpected_keys"]:
        raise left_over(checkpoint, loading["unexpected_keys"])
    broken = [n for n, p in model.named_parameters() if not bool(torch.isfinite(p).all())]
    if broken:
        raise diverged(checkpoint, broken)
