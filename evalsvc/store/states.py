"""Every state and every allowed transition. Only repositories write a `state` column."""

from enum import StrEnum


class JobState(StrEnum):
    QUEUED = "queued"  # no shard has started
    RUNNING = "running"  # at least one shard has been sent to a worker
    DONE = "done"  # every evaluation of it is complete
    FAILED = "failed"  # ended, and at least one evaluation is not complete
    CANCELLED = "cancelled"  # by a user


class EvaluationState(StrEnum):
    PENDING = "pending"  # shards wait
    RUNNING = "running"  # shards run
    DONE = "done"  # every sample requested so far is stored
    INCOMPLETE = (
        "incomplete"  # ended with failed or cancelled shards; coverage says how much is there
    )
    FAILED = "failed"  # ended with no result at all


class ShardState(StrEnum):
    READY = "ready"  # waits for a worker
    RUNNING = "running"  # sent to a worker by the dispatcher of `epoch`
    DONE = "done"  # its tallies are in problem_results, in the same transaction
    FAILED = "failed"  # gave a lasting error, or killed its worker three times
    CANCELLED = "cancelled"  # no live job wants it any more


SHARD_TRANSITIONS: dict[ShardState, frozenset[ShardState]] = {
    ShardState.READY: frozenset({ShardState.RUNNING, ShardState.CANCELLED}),
    # back to ready: the worker died or gave it back, or the dispatcher was restarted
    ShardState.RUNNING: frozenset(
        {ShardState.READY, ShardState.DONE, ShardState.FAILED, ShardState.CANCELLED}
    ),
    ShardState.DONE: frozenset(),
    # a new job that wants the samples gives the shard another chance
    ShardState.FAILED: frozenset({ShardState.READY}),
    ShardState.CANCELLED: frozenset({ShardState.READY}),
}

OPEN_SHARDS = (ShardState.READY, ShardState.RUNNING)  # may still produce samples
LOST_SHARDS = (ShardState.FAILED, ShardState.CANCELLED)  # ended without producing theirs

LIVE_JOBS = (JobState.QUEUED, JobState.RUNNING)
ENDED_JOBS = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class DispatcherState(StrEnum):
    RUNNING = "running"
    PAUSED = "paused"  # the artifact store or the database cannot be written; nothing is assigned
    DRAINING = "draining"  # running shards may finish, no new one is assigned
    STOPPED = "stopped"


class CheckpointState(StrEnum):
    COMPLETE = "complete"  # inspected and usable
    WAITING = "waiting"  # announced; files still arriving
    ROTATED = "rotated"  # the trainer removed it before it could be evaluated
    ABANDONED = "abandoned"  # never finished; a newer step is complete
    SKIPPED = "skipped"  # left out by the watcher's policy
    FAILED = "failed"  # cannot be evaluated; the reason says why


class RescoreState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    ACCEPTED = "accepted"  # its verdicts have become the evaluation's
