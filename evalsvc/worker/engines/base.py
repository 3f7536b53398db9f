"""The small interface behind which every engine stands, and the ways in which it may fail.

One request is one sample. Cancelling the awaitable that `generate` returned aborts the request
inside the engine too. `swap` is only called with nothing in flight.
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
    """One sample to be drawn. `seed` is None for the engine's own randomness."""

    problem: int  # row index
    problem_id: str
    sample: int
    messages: Sequence[Mapping[str, Any]]
    temperature: float
    top_p: float
    max_tokens: int
    seed: int | None = None
    images: Sequence[Any] = field(default=())  # PIL images, in the order of the image parts


@dataclass(frozen=True)
class Sample:
    """One answer: its text, why it ended, and its size in tokens."""

    text: str
    finish_reason: FinishReason
    output_tokens: int
    prompt_tokens: int


class EngineDied(EngineError):
    """The engine is gone; it has to be started again before anything else."""

    kind, title = "engine-died", "The engine died"


class SwapFailed(EngineError):
    """The weights could not be exchanged in place; a restarted engine can still load them."""

    kind, title = "swap", "The weights could not be exchanged"


class RequestRefused(EvalsvcError):
    """This one problem cannot be asked (too long a prompt, a broken image); the others can."""

    kind, title = "request", "The problem could not be asked"


class Engine(ABC):
    """An engine with one checkpoint loaded at a time."""

    name: ClassVar[str]
    reads_checkpoint: ClassVar[bool] = False  # whether the checkpoint's files must be there
    max_concurrency: int = 1  # requests that are worth having in flight; may change in `start`

    @abstractmethod
    async def start(self, checkpoint: CheckpointSpec, max_tokens: int) -> None:
        """Load `checkpoint` cold, with room for answers of `max_tokens`.

        Raises EngineError, or UsageError (CheckpointError) where another try must fail again.
        """

    def has_room(self, max_tokens: int) -> bool:
        """Whether answers of `max_tokens` fit, or the engine must be started with more room."""
        return True

    @abstractmethod
    async def generate(self, request: SampleRequest) -> Sample:
        """Draw one sample. Raises RequestRefused or EngineDied."""

    @abstractmethod
    async def swap(self, checkpoint: CheckpointSpec) -> None:
        """Exchange the weights in place. Raises SwapFailed: then the engine must be restarted."""

    @abstractmethod
    async def close(self) -> None:
        """End the engine and its processes. May be called twice, and after a failed start."""

    @abstractmethod
    def info(self) -> dict[str, Any]:
        """What determines the samples beside the request: versions, device, dtype ..."""


def read_options(
    engine: str, options: Mapping[str, Any], known: Mapping[str, type]
) -> dict[str, Any]:
    """The options of an engine, checked. Raises UsageError that names the option at fault."""
    for name, value in options.items():
        if name not in known:
            raise UsageError(
                f"The engine {engine!r} has no option {name!r}.",
                f"It knows: {', '.join(sorted(known)) or 'none'}.",
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
