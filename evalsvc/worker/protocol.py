"""The messages between dispatcher and worker: one JSON object per line over a socket.

Every line is one of the types below. Its field `op` (commands, dispatcher to worker) or `event`
(worker to dispatcher) names the type. Lines have a maximum length; a longer or unknown line raises
WireError. Standard output is not used because engines print there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from enum import StrEnum
from typing import Annotated, Literal, TypeVar

from pydantic import Field, TypeAdapter, ValidationError

from evalsvc.errors import EvalsvcError
from evalsvc.specs import ShardProgress, ShardResult, ShardSpec, Spec, WorkerStatus
from evalsvc.worker.limits import MAX_LINE_BYTES


class FailureKind(StrEnum):
    """Why a shard failed. The values are the `kind` of the errors in `evalsvc.errors`."""

    USAGE = "usage"
    CHECKPOINT = "checkpoint"
    BENCHMARK = "benchmark"
    PROTOCOL = "protocol"
    MISSING_EXTRA = "missing-extra"
    ENGINE_IMPORT = "engine-import"  # an engine of another package cannot be imported
    ENGINE = "engine"
    ENGINE_DIED = "engine-died"
    SWAP = "swap"
    REQUEST = "request"
    STORAGE = "storage"  # the artifact store cannot be written
    CONFLICT = "conflict"
    WIRE = "wire"
    CANCELLED = "cancelled"
    DRAINING = "draining"
    INTERNAL = "internal"  # anything else


class WireError(EvalsvcError):
    """A line that is too long, or that is not one of the messages below."""

    kind, title = FailureKind.WIRE, "Dispatcher and worker do not understand each other"


class RunCommand(Spec):
    """Sample and verify this shard. Answered by `result`, `failed` or `cancelled`."""

    op: Literal["run"] = "run"
    shard: ShardSpec


class CancelCommand(Spec):
    """Cancel this shard. Answered by `cancelled`, even if the worker does not have it."""

    op: Literal["cancel"] = "cancel"
    shard_id: str


class DrainCommand(Spec):
    """Finish the running shards and take no more. Further `run` commands get `failed`."""

    op: Literal["drain"] = "drain"


class ShutdownCommand(Spec):
    """Cancel running shards, close the engine and exit with code 0."""

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
    """A shard failed. `retryable` is false if a retry would fail again."""

    event: Literal["failed"] = "failed"
    shard_id: str
    epoch: int
    kind: FailureKind
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
M = TypeVar("M")

_commands: TypeAdapter[Command] = TypeAdapter(Command)
_events: TypeAdapter[Event] = TypeAdapter(Event)


def encode(message: Command | Event) -> bytes:
    """Encode a message as one line with its newline. Raises WireError if it is too long."""
    line = message.model_dump_json().encode() + b"\n"
    if len(line) > MAX_LINE_BYTES:
        raise WireError(
            f"A message of {len(line)} bytes exceeds the limit of {MAX_LINE_BYTES}.",
            "Cut the evaluation into smaller shards (EVALSVC_SHARD_TARGET_SECONDS).",
        )
    return line


def decode_command(line: bytes) -> Command:
    """Decode a command. Raises WireError if `line` is not one."""
    return _decode(_commands, line)


def decode_event(line: bytes) -> Event:
    """Decode an event. Raises WireError if `line` is not one."""
    return _decode(_events, line)


async def messages(reader: asyncio.StreamReader, decode: Callable[[bytes], M]) -> AsyncIterator[M]:
    """Yield messages until the other side closes. `reader` needs `limit=MAX_LINE_BYTES`.

    A last line without a newline is dropped: the other side died while it wrote the line.
    """
    while True:
        try:
            line = await reader.readuntil(b"\n")
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except asyncio.LimitOverrunError as error:
            raise WireError(
                f"Received a line of more than {MAX_LINE_BYTES} bytes.",
                "Server and worker must have the same version.",
            ) from error
        yield decode(line)


def _decode(adapter: TypeAdapter[M], line: bytes) -> M:
    try:
        return adapter.validate_json(line)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise WireError(
            f"Received an invalid message: {first['msg']} at {first['loc']}.",
            "Server and worker must have the same version.",
        ) from error
