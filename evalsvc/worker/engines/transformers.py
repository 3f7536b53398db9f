"""The transformers engine: `model.generate` in batches, for where vLLM does not run.

Slow but plain. A sample depends on its seed and not on its batch: the randomness of each row comes
from its own generator, added as Gumbel noise, of which the largest score is a sample (Gumbel 1954).
Options: `batch_size`, `dtype`, `device`.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from evalsvc.errors import EngineError, MissingExtra
from evalsvc.specs import CheckpointSpec
from evalsvc.worker.engines.base import (
    Engine,
    EngineDied,
    RequestRefused,
    Sample,
    SampleRequest,
    read_options,
)
from evalsvc.worker.engines.chat import render_chat

OPTIONS = {"batch_size": int, "dtype": str, "device": str}
GATHER_SECONDS = 0.02


@dataclass(frozen=True)
class _Row:
    request: SampleRequest
    tokens: list[int]
    answer: "asyncio.Future[Sample]"

    @property
    def settings(self) -> tuple[float, float, int]:
        return self.request.temperature, self.request.top_p, self.request.max_tokens


class TransformersEngine(Engine):
    """One model in this process; one batch at a time, in a thread."""

    name: ClassVar[str] = "transformers"
    reads_checkpoint: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(self.name, options, OPTIONS)
        self._batch_size = max(1, int(self._options.get("batch_size", 16)))
        self.max_concurrency = 2 * self._batch_size
        self._model: Any = None
        self._tokenizer: Any = None
        self._waiting: list[_Row] = []
        self._loop: asyncio.Task[None] | None = None

    async def start(self, checkpoint: CheckpointSpec, max_tokens: int) -> None:
        await asyncio.to_thread(self._load, checkpoint)
        self._loop = asyncio.create_task(self._serve())

    async def swap(self, checkpoint: CheckpointSpec) -> None:
        """A new model is loaded beside nothing in flight; the old one is let go."""
        await asyncio.to_thread(self._load, checkpoint)

    async def generate(self, request: SampleRequest) -> Sample:
        if request.images:
            raise RequestRefused("The engine 'transformers' takes no pictures.", "Use vllm.")
        if self._loop is None or self._loop.done():
            raise EngineDied("The engine 'transformers' is not running.")
        text = render_chat(self._tokenizer, request.messages)
        tokens = self._tokenizer.encode(text, add_special_tokens=False)
        context = getattr(self._model.config, "max_position_embeddings", None)
        if context is not None and len(tokens) >= context:
            raise RequestRefused(
                f"The prompt has {len(tokens)} tokens, the model's context only {context}."
            )
        row = _Row(request, tokens, asyncio.get_running_loop().create_future())
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
        }

    def _load(self, checkpoint: CheckpointSpec) -> None:
        try:
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer
        except ModuleNotFoundError as error:
            raise MissingExtra("The engine 'transformers'", "cpu or gpu") from error
        default = "cuda" if torch.cuda.is_available() else "cpu"
        dtype = self._options.get("dtype", "auto" if default == "cuda" else "float32")
        try:
            model = AutoModelForCausalLM.from_pretrained(
                checkpoint.path, dtype=dtype, trust_remote_code=False, local_files_only=True
            )
            tokenizer = AutoTokenizer.from_pretrained(checkpoint.path, local_files_only=True)
        except (OSError, ValueError, RuntimeError) as error:
            raise EngineError(
                f"transformers cannot load {checkpoint.path}: {error}",
                "See the worker's log.",
            ) from error
        self._tokenizer = tokenizer
        self._model = model.to(self._options.get("device", default)).eval()

    async def _serve(self) -> None:
        """Take what waits, a batch of equal settings at a time."""
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
        except Exception as error:  # torch raises whatever its kernels raise
            died = EngineDied(f"transformers failed: {type(error).__name__}: {error}")
            for row in batch:
                if not row.answer.done():
                    row.answer.set_exception(died)
            return
        for row, sample in zip(batch, samples, strict=True):
            if not row.answer.done():
                row.answer.set_result(sample)

    def _generate(self, batch: list[_Row]) -> list[Sample]:
        """One call of `model.generate`. Runs in a thread."""
        import torch
        from transformers import LogitsProcessorList, StoppingCriteriaList

        from evalsvc.worker.engines.row_sampling import RowSampler, stop_when_nobody_waits

        model, padding = self._model, self._tokenizer.pad_token_id or 0
        width = max(len(row.tokens) for row in batch)
        ids = torch.full((len(batch), width), padding)
        mask = torch.zeros_like(ids)
        for number, row in enumerate(batch):
            ids[number, width - len(row.tokens) :] = torch.tensor(row.tokens)
            mask[number, width - len(row.tokens) :] = 1
        temperature, top_p, max_tokens = batch[0].settings
        processors = []
        if temperature > 0:
            processors.append(RowSampler([r.request.seed for r in batch], temperature, top_p))
        with torch.inference_mode():
            output = model.generate(
                input_ids=ids.to(model.device),
                attention_mask=mask.to(model.device),
                do_sample=False,
                temperature=None,
                top_p=None,
                top_k=None,
                max_new_tokens=max_tokens,
                pad_token_id=padding,
                logits_processor=LogitsProcessorList(processors),
                stopping_criteria=StoppingCriteriaList(
                    [stop_when_nobody_waits([row.answer for row in batch])]
                ),
            )
        return [
            self._sample(row, answer[width:].tolist())
            for row, answer in zip(batch, output.cpu(), strict=True)
        ]

    def _sample(self, row: _Row, tokens: list[int]) -> Sample:
        ends = self._model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        stop = next((i for i, token in enumerate(tokens) if token in ends), None)
        kept = tokens if stop is None else tokens[: stop + 1]
        return Sample(
            text=self._tokenizer.decode(kept, skip_special_tokens=True),
            finish_reason="length" if stop is None else "stop",
            output_tokens=len(kept),
            prompt_tokens=len(row.tokens),
        )
