"""What the dispatcher learns of a failed shard: its kind, and whether a retry makes sense."""

from pathlib import Path

import pytest

from evalsvc.errors import (
    BenchmarkError,
    CheckpointError,
    Conflict,
    EngineError,
    EvalsvcError,
    MissingExtra,
    PermissionDenied,
    ProtocolError,
    StorageError,
    UsageError,
)
from evalsvc.worker.engines.base import EngineDied, RequestRefused, SwapFailed
from evalsvc.worker.engines.registry import EngineImportError
from evalsvc.worker.failures import InternalError, ShardCancelled, WorkerDraining, failure
from evalsvc.worker.protocol import FailureKind, WireError, decode_event, encode
from tests.worker_process import smoke_shard


class PluginError(EngineError):
    """An error that an engine of another package defines."""

    kind, title = "plugin", "Something of its own"


class PluginUsageError(UsageError):
    """One whose kind is inherited."""


ERRORS: list[tuple[EvalsvcError, FailureKind, bool]] = [
    (UsageError("m"), FailureKind.USAGE, False),
    (CheckpointError("m"), FailureKind.CHECKPOINT, False),
    (BenchmarkError("m"), FailureKind.BENCHMARK, False),
    (ProtocolError("m"), FailureKind.PROTOCOL, False),
    (MissingExtra("It", "gpu"), FailureKind.MISSING_EXTRA, False),
    (EngineImportError("m"), FailureKind.ENGINE_IMPORT, False),
    (EngineError("m"), FailureKind.ENGINE, True),
    (EngineDied("m"), FailureKind.ENGINE_DIED, True),
    (SwapFailed("m"), FailureKind.SWAP, True),
    (RequestRefused("m"), FailureKind.REQUEST, True),
    (StorageError("m"), FailureKind.STORAGE, True),
    (Conflict("m"), FailureKind.CONFLICT, True),
    (WireError("m"), FailureKind.WIRE, True),
    (ShardCancelled("m"), FailureKind.CANCELLED, True),
    (WorkerDraining("m"), FailureKind.DRAINING, True),
    (InternalError("m"), FailureKind.INTERNAL, True),
    (PluginError("m"), FailureKind.ENGINE, True),
    (PluginUsageError("m"), FailureKind.USAGE, False),
    (PermissionDenied("m"), FailureKind.INTERNAL, True),
]


@pytest.mark.parametrize(("error", "kind", "retryable"), ERRORS, ids=lambda v: type(v).__name__)
def test_kinds_survive_the_wire(
    error: EvalsvcError, kind: FailureKind, retryable: bool, tmp_path: Path
) -> None:
    event = failure(smoke_shard("s", tmp_path), error)
    assert (event.kind, event.retryable) == (kind, retryable)
    line = encode(event)
    assert f'"kind":"{kind.value}"'.encode() in line
    assert decode_event(line) == event


def test_every_kind_is_listed_here() -> None:
    assert {kind for _, kind, _ in ERRORS} == set(FailureKind)


def test_an_error_that_is_not_ours_is_internal_and_named(tmp_path: Path) -> None:
    event = failure(smoke_shard("s", tmp_path), ZeroDivisionError("by zero"))
    assert (event.kind, event.retryable) == (FailureKind.INTERNAL, True)
    assert event.message == "ZeroDivisionError: by zero"


def test_an_unknown_kind_is_refused() -> None:
    with pytest.raises(WireError, match="kind"):
        decode_event(b'{"event":"failed","shard_id":"s","epoch":1,"kind":"odd","message":"m"}\n')
