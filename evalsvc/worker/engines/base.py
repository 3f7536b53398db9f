"""The interface of an engine, and the errors it may raise.

One request is one sample. Cancelling the awaitable of `generate` must also abort the request
inside the engine. `swap` is only called when no request is in flight.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from evalsvc.errors import EngineError, EvalsvcError, UsageError
from evalsvc.specs import CheckpointSpec

FinishReason = Literal["stop", "length"]


@dataclass(frozen=True)
class SampleRequest:
    """One sample to draw.

    Attributes:
        problem: Row index of the problem, from 0.
        problem_id: The problem's id in its benchmark.
        sample_index: Number of the sample within its problem, from 0.
        messages: The chat, in order. Each message has `role` (a string) and `content`: a string,
            or a list of parts `{"type": "text", "text": ...}` and `{"type": "image", ...}`.
        temperature: At least 0; 0 is greedy.
        top_p: In (0, 1].
        max_tokens: The most tokens the completion may have; at least 1.
        seed: In [0, 2**31), or None for the engine's own randomness.
        images: PIL images, one for each image part of `messages`, in the same order.
    """

    problem: int
    problem_id: str
    sample_index: int
    messages: Sequence[Mapping[str, Any]]
    temperature: float
    top_p: float
    max_tokens: int
    seed: int | None = None
    images: Sequence[Any] = field(default=())


@dataclass(frozen=True)
class Completion:
    """What the model generated for one request.

    Attributes:
        text: The completion without the prompt and without special tokens.
        finish_reason: "stop" if the model ended it, "length" if it was cut.
        output_tokens: Number of generated tokens, at least 0.
        prompt_tokens: Number of prompt tokens, including those of images.
    """

    text: str
    finish_reason: FinishReason
    output_tokens: int
    prompt_tokens: int


class EngineDied(EngineError):
    """The engine is gone. It must be started again before anything else."""

    kind, title = "engine-died", "The engine died"


class SwapFailed(EngineError):
    """The weights could not be swapped in place. A restarted engine may still load them."""

    kind, title = "swap", "The weights could not be swapped"


class RequestRefused(EvalsvcError):
    """This one problem cannot be sampled (prompt too long, broken image). Others can."""

    kind, title = "request", "The problem could not be sampled"


class Engine(ABC):
    """An engine with one checkpoint loaded at a time.

    The worker creates it with the job's `engine_options` (a mapping from option name to JSON value)
    as the only argument. The constructor checks the options, raises UsageError for a bad one, and
    must be cheap: the server calls it too. All methods are called from one event loop; blocking
    work belongs into a thread. Register an engine of another package as `registry` describes.

    Attributes:
        name: The name under which jobs ask for the engine.
        reads_checkpoint: Whether the checkpoint's files must exist. If not, the checkpoint may be
            a mere label.
        max_concurrency: How many requests are worth having in flight, at least 1. `start` may
            change it.

    Examples:
        An engine that always gives the same completion:

        >>> import asyncio
        >>> class ConstantEngine(Engine):
        ...     name = "constant"
        ...     max_concurrency = 8
        ...     def __init__(self, options: Mapping[str, Any]) -> None:
        ...         self._text = read_options(self.name, options, {"text": str})["text"]
        ...     async def start(self, checkpoint: CheckpointSpec, max_tokens: int) -> None:
        ...         return None
        ...     async def swap(self, checkpoint: CheckpointSpec) -> None:
        ...         return None
        ...     async def generate(self, request: SampleRequest) -> Completion:
        ...         return Completion(self._text, "stop", output_tokens=1, prompt_tokens=1)
        ...     async def close(self) -> None:
        ...         return None
        ...     def info(self) -> dict[str, Any]:
        ...         return {"engine": self.name, "device": "none"}
        >>> engine = ConstantEngine({"text": "4"})
        >>> chat = [{"role": "user", "content": "2 + 2"}]
        >>> request = SampleRequest(0, "p", 0, chat, temperature=0, top_p=1, max_tokens=8)
        >>> asyncio.run(engine.generate(request)).text
        '4'
    """

    name: ClassVar[str]
    reads_checkpoint: ClassVar[bool] = False
    max_concurrency: int = 1

    @abstractmethod
    def __init__(self, options: Mapping[str, Any]) -> None:
        """Check and keep the options; see `read_options`."""

    @abstractmethod
    async def start(self, checkpoint: CheckpointSpec, max_tokens: int) -> None:
        """Load `checkpoint` cold, with room for completions of `max_tokens` tokens.

        Raises:
            EngineError: The engine did not start. The worker tries once more.
            UsageError: A retry would fail again (CheckpointError for a bad checkpoint).
            MissingExtra: A package that the engine needs is not installed.
        """

    def has_room(self, max_tokens: int) -> bool:
        """Whether completions of `max_tokens` tokens fit without a restart. Default: always."""
        return True

    @abstractmethod
    async def generate(self, request: SampleRequest) -> Completion:
        """Draw one sample. Called concurrently, up to `max_concurrency` times.

        Raises:
            RequestRefused: This problem cannot be sampled.
            EngineDied: The engine is gone; the worker starts it again for the next shard.
        """

    @abstractmethod
    async def swap(self, checkpoint: CheckpointSpec) -> None:
        """Replace the weights in place by those of a checkpoint of the same architecture.

        Raises:
            SwapFailed: The state of the weights is unknown; the worker restarts the engine.
        """

    @abstractmethod
    async def close(self) -> None:
        """Stop the engine and its processes. May be called twice, and after a failed start."""

    @abstractmethod
    def info(self) -> dict[str, Any]:
        """Describe what shapes the samples besides the request, as JSON.

        `engine` and `device` are strings; further keys (versions, dtype ...) are up to the engine.
        The result is stored with every evaluation.
        """


def read_options(
    engine: str, options: Mapping[str, Any], known: Mapping[str, type]
) -> dict[str, Any]:
    """Check the options of an engine against their types.

    Args:
        engine: The engine's name, for errors.
        options: The options of the job.
        known: For each option, `str`, `int`, `float` or `bool`. An int is accepted as a float.

    Returns:
        The options as a new dict.

    Raises:
        UsageError: An option is unknown or has the wrong type. The message names it.
    """
    for name, value in options.items():
        if name not in known:
            raise UsageError(
                f"The engine {engine!r} has no option {name!r}.",
                f"Its options: {', '.join(sorted(known)) or 'none'}.",
            )
        wanted = known[name]
        fits = isinstance(value, wanted) or (wanted is float and isinstance(value, int))
        if not fits or (wanted is not bool and isinstance(value, bool)):
            raise UsageError(
                f"The option {name!r} of the engine {engine!r} must be a {wanted.__name__}, "
                f"but is {value!r}.",
                "Correct it in `engine_options`.",
            )
    return dict(options)
