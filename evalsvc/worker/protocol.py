"""What dispatcher and worker say to each other: one JSON object a line over a socket.

Every line is one of the types below, told apart by its field `op` (commands, dispatcher to worker)
or `event` (worker to dispatcher). A line is bounded; a longer or unknown one raises WireError.
Standard output is never used: engines print there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from evalsvc.errors import EvalsvcError
from evalsvc.specs import ShardProgress, ShardResult, ShardSpec, Spec, WorkerStatus

MAX_LINE_BYTES = (
    64 * 2**20
)  # 5,000 problems x 16,384 samples in five hexadecimal masks: about 100 MB;
# a shard is far smaller (1-3 minutes of work), so that a longer line is a mistake and not a result


class WireError(EvalsvcError):
    """A line that is too long, or that is none of the messages below."""

    kind, title = "wire", "Dispatcher and worker do not understand each other"


class RunCommand(Spec):
    """Generate and verify this shard; answered by `result`, `failed` or `cancelled`."""

    op: Literal["run"] = "run"
    shard: ShardSpec


class CancelCommand(Spec):
    """Give this shard up; answered by `cancelled`, also when it is not (or no longer) here."""

    op: Literal["cancel"] = "cancel"
    shard_id: str


class DrainCommand(Spec):
    """Let the running shards end and take no more: a further `run` is answered by `failed`."""

    op: Literal["drain"] = "drain"


class ShutdownCommand(Spec):
    """Close the engine and end the process with code 0; running shards are given up."""

    op: Literal["shutdown"] = "shutdown"


class StatusEvent(Spec):
    event: Literal["status"] = "status"
    status: WorkerStatus


class ProgressEvent(Spec):
    event: Literal["progress"] = "progress"
    progress: ShardProgress


class ResultEvent(Spec):
    event: Literal["result"] = "result"
    result: ShardResult


class FailedEvent(Spec):
    """A shard that could not be done. `retryable` is false where another try must fail again."""

    event: Literal["failed"] = "failed"
    shard_id: str
    epoch: int
    kind: str  # of the error, as in `evalsvc.errors`: engine, checkpoint, benchmark, storage ...
    message: str
    remedy: str = ""
    retryable: bool = True


class CancelledEvent(Spec):
    event: Literal["cancelled"] = "cancelled"
    shard_id: str


Command = Annotated[
    RunCommand | CancelCommand | DrainCommand | ShutdownCommand, Field(discriminator="op")
]
Event = Annotated[
    StatusEvent | ProgressEvent | ResultEvent | FailedEvent | CancelledEvent,
    Field(discriminator="event"),
]
Message = TypeVar("Message")

_commands: TypeAdapter[Command] = TypeAdapter(Command)
_events: TypeAdapter[Event] = TypeAdapter(Event)


def encode(message: Command | Event) -> bytes:
    """One line, with its newline. Raises WireError if it is longer than `MAX_LINE_BYTES`."""
    line = message.model_dump_json().encode() + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise WireError(
            f"A message of {len(line)} bytes is longer than a line may be ({MAX_LINE_BYTES}).",
            "Cut the evaluation into smaller shards (EVALSVC_SHARD_TARGET_SECONDS).",
        )
    return line


def decode_command(line: bytes) -> Command:
    """The command in `line`. Raises WireError if it is none."""
    return _decode(_commands, line)


def decode_event(line: bytes) -> Event:
    """The event in `line`. Raises WireError if it is none."""
    return _decode(_events, line)


async def messages(
    reader: asyncio.StreamReader, decode: Callable[[bytes], Message]
) -> AsyncIterator[Message]:
    """The messages until the other side closes. `reader` needs `limit=MAX_LINE_BYTES`.

    A last line without its newline was cut off by the death of the other side and is dropped.
    """
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except asyncio.LimitOverrunError as error:
            raise WireError(
                f"A line of more than {MAX_LINE_BYTES} bytes came.",
                "Server and worker must be of the same version.",
            ) from error
        yield decode(line)


def _decode(adapter: TypeAdapter[Message], line: bytes) -> Message:
    try:
        return adapter.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise WireError(
            f"A message cannot be understood: {first['msg']} at {first['loc']}.",
            "Server and worker must be of the same version.",
        ) from error
