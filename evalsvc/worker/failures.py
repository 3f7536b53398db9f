"""Turn the error of a shard into the event for the dispatcher, and decide whether to retry."""

from evalsvc.errors import EvalsvcError, MissingExtra, UsageError
from evalsvc.specs import ShardSpec
from evalsvc.worker.protocol import FailedEvent, FailureKind


class ShardCancelled(EvalsvcError):
    """The shard was stopped on request."""

    kind, title = FailureKind.CANCELLED, "The shard was cancelled"


class WorkerDraining(EvalsvcError):
    """The worker takes no more shards."""

    kind, title = FailureKind.DRAINING, "The worker takes no more shards"


class InternalError(EvalsvcError):
    """An unexpected error."""

    kind, title = FailureKind.INTERNAL, "The worker failed"


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Choose the error to report: the first EvalsvcError, or else the first error of any kind."""
    leaves: list[BaseException] = []
    waiting: list[BaseException] = [group]
    while waiting:
        error = waiting.pop()
        if isinstance(error, BaseExceptionGroup):
            waiting.extend(error.exceptions)
        else:
            leaves.append(error)
    return next((error for error in leaves if isinstance(error, EvalsvcError)), leaves[0])


def failure(spec: ShardSpec, error: Exception) -> FailedEvent:
    """Describe `error` for the dispatcher. Errors in the request itself are not retryable."""
    if not isinstance(error, EvalsvcError):
        error = InternalError(f"{type(error).__name__}: {error}", "See the worker's log.")
    return FailedEvent(
        shard_id=spec.shard_id,
        epoch=spec.epoch,
        kind=failure_kind(error),
        message=error.message,
        remedy=error.remedy,
        retryable=not isinstance(error, UsageError | MissingExtra),
    )


def failure_kind(error: EvalsvcError) -> FailureKind:
    """The kind of the error's class, or of its nearest base class that has one.

    Engines of other packages may define errors of their own.
    """
    known = {kind.value for kind in FailureKind}
    for base in type(error).__mro__:
        if (kind := vars(base).get("kind")) in known:
            return FailureKind(kind)
    return FailureKind.INTERNAL
