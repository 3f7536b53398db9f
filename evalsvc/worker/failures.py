"""What became of a shard that gave no result: the one error to tell, and whether to try again."""

from evalsvc.errors import EvalsvcError, MissingExtra, UsageError
from evalsvc.specs import ShardSpec
from evalsvc.worker.protocol import FailedEvent


class ShardCancelled(EvalsvcError):
    """The shard was given up because somebody asked for it."""

    kind, title = "cancelled", "The shard was cancelled"


class WorkerDraining(EvalsvcError):
    """The worker takes no more shards."""

    kind, title = "draining", "The worker takes no more shards"


class InternalError(EvalsvcError):
    """Something that nobody thought of."""

    kind, title = "internal", "The worker failed"


def first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one error to be told of several: one of ours if there is one, otherwise the first."""
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
    """`error` as the dispatcher is told it. What is wrong with the request fails again."""
    if not isinstance(error, EvalsvcError):
        error = InternalError(f"{type(error).__name__}: {error}", "See the worker's log.")
    return FailedEvent(
        shard_id=spec.shard_id,
        epoch=spec.epoch,
        kind=error.kind,
        message=error.message,
        remedy=error.remedy,
        retryable=not isinstance(error, UsageError | MissingExtra),
    )
