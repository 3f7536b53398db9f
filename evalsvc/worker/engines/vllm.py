"""The vLLM engine: AsyncLLM in the worker's process, one request per sample, swaps in place.

vLLM is imported in a thread when the engine starts: that takes seconds, and the worker keeps
answering meanwhile. Its engine core is a child process. A load or a swap is trusted only after the
proof in `vllm_swap`. A swap without proof raises SwapFailed, and the worker restarts the engine.
"""

import asyncio
import itertools
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ValidationError

from evalsvc.errors import CheckpointError, EngineError, MissingExtra, UsageError
from evalsvc.specs import CheckpointSpec, Modality
from evalsvc.worker.engines.base import (
    Completion,
    Engine,
    EngineDied,
    RequestRefused,
    SampleRequest,
    SwapFailed,
    read_options,
)
from evalsvc.worker.engines.chat import adopt_template, prompt_tokens
from evalsvc.worker.engines.children import end_engine_children
from evalsvc.worker.engines.endings import Endings, read_endings
from evalsvc.worker.engines.extra import engine_extra
from evalsvc.worker.engines.pictures import PictureLimits, check_places
from evalsvc.worker.engines.vllm_setup import (
    OPTIONS,
    Device,
    context_limit,
    engine_arguments,
    find_device,
    prepare_environment,
)
from evalsvc.worker.engines.vllm_swap import Swapper

PROMPTS_KEPT = 256
MOST_OF_A_REFUSAL = 400  # characters
SHUTDOWN_SECONDS = 1.0  # nothing is in flight; vLLM waits 5 s, and then kills its processes too
QUEUE_FACTOR = 1.25  # requests beyond the running ones, so that the scheduler always has a next one


class VllmEngine(Engine):
    """One AsyncLLM with one checkpoint."""

    name: ClassVar[str] = "vllm"
    reads_checkpoint: ClassVar[bool] = True

    def __init__(self, options: Mapping[str, Any]) -> None:
        self._options = read_options(self.name, options, OPTIONS)
        self._limits = PictureLimits.from_options(self._options)
        self._llm: Any = None
        self._tokenizer: Any = None
        self._swapper: Swapper | None = None
        self._checkpoint: CheckpointSpec | None = None
        self._endings = Endings()
        self._device = Device("unknown", is_cpu=True)
        self._limit = 0
        self._abandoned = False  # the start took too long; its thread must not go on
        self._numbers = itertools.count()
        self._prompts: OrderedDict[tuple[int, str], list[int]] = OrderedDict()

    async def start(self, checkpoint: CheckpointSpec, max_tokens: int) -> None:
        self._limit = context_limit(checkpoint, max_tokens, self._options.get("max_model_len"))
        self._checkpoint = checkpoint
        try:
            self._llm = await asyncio.to_thread(self._create, checkpoint)
            self._tokenizer = self._llm.get_tokenizer()
            adopt_template(self._tokenizer, Path(checkpoint.path))
            self._endings = read_endings(Path(checkpoint.path), self._tokenizer)
        except (UsageError, EngineError, MissingExtra):
            raise
        except Exception as error:  # vLLM passes on any error of its parts
            raise EngineError(
                f"vLLM cannot start with {checkpoint.path}: {type(error).__name__}: {error}",
                "The end of the log above names the cause; see docs/worker.md.",
            ) from error
        self.max_concurrency = int(self._llm.scheduler_config.max_num_seqs * QUEUE_FACTOR)
        self._swapper = Swapper(self._llm)
        await self._swapper.prove_start(checkpoint)

    def has_room(self, max_tokens: int) -> bool:
        assert self._checkpoint is not None
        wanted = self._options.get("max_model_len")
        return self._limit >= context_limit(self._checkpoint, max_tokens, wanted)

    async def generate(self, request: SampleRequest) -> Completion:
        from vllm.exceptions import VLLMClientError
        from vllm.v1.engine.exceptions import EngineDeadError, EngineGenerateError

        prompt = self._prompt(request)
        try:
            output = await self._draw(prompt, request)
        except EngineDeadError as error:
            raise EngineDied("vLLM's engine core died.", "See the worker's log.") from error
        except (VLLMClientError, ValueError) as error:
            raise RequestRefused(f"vLLM refused the prompt: {error}") from error
        except EngineGenerateError as error:
            if request.images and not self._llm.errored:  # the processor failed, not the engine
                raise RequestRefused(
                    f"The model's processor cannot take the picture: {first_cause(error)}."
                ) from error
            raise EngineDied(f"vLLM failed: {error.__cause__ or error}") from error
        if output is None or output.outputs[0].finish_reason not in {"stop", "length"}:
            raise EngineDied("vLLM gave a request up without an answer.", "See the worker's log.")
        answer = output.outputs[0]
        if answer.finish_reason == "length" and len(answer.token_ids) < request.max_tokens:
            # pictures count only now: their tokens are added by the model's own processor
            self._check_length(len(output.prompt_token_ids), request.max_tokens)
        return Completion(
            text=answer.text,
            finish_reason=answer.finish_reason,
            output_tokens=len(answer.token_ids),
            prompt_tokens=len(output.prompt_token_ids),
        )

    async def swap(self, checkpoint: CheckpointSpec) -> None:
        if self._swapper is None or self._checkpoint is None:
            raise SwapFailed("The engine is not running.")
        self._prompts.clear()
        await self._swapper.swap(checkpoint)
        self._checkpoint = checkpoint

    async def close(self) -> None:
        self._abandoned = True
        llm, self._llm, self._swapper = self._llm, None, None
        if llm is not None:
            await asyncio.to_thread(llm.shutdown, SHUTDOWN_SECONDS)
        await asyncio.to_thread(end_engine_children)

    def info(self) -> dict[str, Any]:
        from vllm import envs

        config = self._llm.model_config if self._llm else None
        return {
            "engine": self.name,
            "device": self._device.name,
            "dtype": str(config.dtype).removeprefix("torch.") if config else "",
            "max_model_len": self._limit,
            "batch_invariant": bool(envs.VLLM_BATCH_INVARIANT),
            "chat_template": bool(self._tokenizer and self._tokenizer.chat_template),
            **self._endings.provenance(),
            **(self._swapper.provenance() if self._swapper else {}),
            **self._seeing(),
        }

    def _seeing(self) -> dict[str, Any]:
        """The settings that affect the pictures of a vision model."""
        if self._checkpoint is None or self._checkpoint.modality is not Modality.IMAGE:
            return {}
        return {"max_pixels": self._limits.pixels, "max_images": self._limits.images}

    def _create(self, checkpoint: CheckpointSpec) -> Any:
        """Create the engine. Runs in a thread; blocks until the engine core is up."""
        prepare_environment()
        try:
            from vllm.engine.arg_utils import AsyncEngineArgs
            from vllm.v1.engine.async_llm import AsyncLLM
        except ModuleNotFoundError as error:
            raise MissingExtra("The engine 'vllm'", engine_extra()) from error
        if self._abandoned:
            raise EngineError("The engine was given up while vLLM was being imported.")
        self._device = find_device()
        arguments = engine_arguments(checkpoint, self._device, self._limit, self._options)
        try:
            config = AsyncEngineArgs(**arguments).create_engine_config()
        except ValueError as error:  # pydantic's errors too
            raise CheckpointError(
                f"vLLM refuses {checkpoint.path}: {refusal(error)}.",
                "Check `architectures` and `model_type` in its config.json and the job's "
                "engine_options; another try would fail again.",
            ) from error
        return AsyncLLM.from_vllm_config(config, disable_log_stats=True)

    def _prompt(self, request: SampleRequest) -> dict[str, Any]:
        """The prompt for vLLM. The text is rendered once for all samples of a problem; pictures
        are not cached here."""
        key = (request.problem, str(request.messages))
        if key not in self._prompts:
            self._prompts[key] = self._render(request)
            if len(self._prompts) > PROMPTS_KEPT:
                self._prompts.popitem(last=False)
        return with_pictures(self._prompts[key], request)

    def _render(self, request: SampleRequest) -> list[int]:
        tokens = prompt_tokens(self._tokenizer, request.messages)
        config = self._llm.model_config.hf_config
        check_places(tokens, getattr(config, "image_token_id", None), len(request.images))
        self._check_length(len(tokens), request.max_tokens)
        return tokens

    def _check_length(self, prompt_tokens: int, max_tokens: int) -> None:
        """Refuse a prompt if our own limit would cut the answer; only the model's context may."""
        assert self._checkpoint is not None
        ours = self._limit != self._checkpoint.context_length
        if ours and prompt_tokens + max_tokens > self._limit:
            raise RequestRefused(
                f"The prompt has {prompt_tokens} tokens; with an answer of {max_tokens} that is "
                f"more than the {self._limit} that the engine was started with.",
                'Give engine_options {"max_model_len": ...}.',
            )
        if prompt_tokens >= self._limit:
            raise RequestRefused(
                f"The prompt has {prompt_tokens} tokens, the model's context only {self._limit}.",
                "This model cannot be asked this problem.",
            )

    async def _draw(self, prompt: Any, request: SampleRequest) -> Any:
        """vLLM's final output for one request; None if vLLM aborted it."""
        from vllm import SamplingParams
        from vllm.sampling_params import RequestOutputKind

        sampling = SamplingParams(
            temperature=request.temperature,
            top_p=request.top_p,
            max_tokens=request.max_tokens,
            seed=request.seed,
            stop_token_ids=self._endings.tokens,
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        number = f"{request.problem}-{request.sample_index}-{next(self._numbers)}"
        last = None
        async for last in self._llm.generate(prompt, sampling, number):  # noqa: B007
            pass
        return last


def with_pictures(tokens: list[int], request: SampleRequest) -> dict[str, Any]:
    """vLLM's form of a prompt; the model's own processor makes tokens of the pictures."""
    prompt: dict[str, Any] = {"prompt_token_ids": tokens}
    if request.images:
        prompt["multi_modal_data"] = {"image": list(request.images)}
    return prompt


def refusal(error: ValueError) -> str:
    """vLLM's message, without its lists of all models and without pydantic's additions."""
    words = str(error)
    if isinstance(error, ValidationError):
        words = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
    paragraph = words.strip().partition("\n")[0].partition(" Supported architectures:")[0]
    return paragraph[:MOST_OF_A_REFUSAL].rstrip(" .")


def first_cause(error: BaseException) -> BaseException:
    """The first exception of a chain."""
    while error.__cause__ is not None:
        error = error.__cause__
    return error
