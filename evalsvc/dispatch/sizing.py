"""Resize ready shards once the measured sampling rate is known."""

from evalsvc.dispatch import planner
from evalsvc.specs import CheckpointSpec
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation, Shard
from evalsvc.store.repositories import shards, throughputs
from evalsvc.store.repositories.shards import Slice

TOO_LARGE = 2.0  # times the target: a crash would lose too much, and progress would look stuck
TOO_SMALL = 0.25  # times the target: the fixed cost of a shard would matter
SHARDS_PER_SLOT = 4  # never merge into fewer: the last worker must not run alone for long


def kind_of(evaluation: Evaluation, checkpoint: CheckpointSpec) -> throughputs.ShardKind:
    """The properties that an evaluation's sampling rate depends on."""
    return throughputs.ShardKind(
        engine=evaluation.engine,
        architecture_hash=checkpoint.architecture_hash,
        benchmark=evaluation.benchmark,
        max_tokens=int(evaluation.protocol["max_tokens"]),
    )


def recut_if_needed(
    session: Session,
    evaluation: Evaluation,
    checkpoint: CheckpointSpec,
    first: Shard,
    *,
    target_seconds: float,
    slots: int,
) -> bool:
    """Cut the ready shards of a locked evaluation again if they are far from the target size.

    `first` is its first ready shard. `slots` is how many shards all workers together run at a
    time. Returns whether the shards were replaced.
    """
    rate = throughputs.measured_rate(session, kind_of(evaluation, checkpoint))
    if rate is None:
        return False
    target = planner.target_for(rate, target_seconds)
    if first.size < TOO_SMALL * target:
        waiting = shards.ready_samples(session, evaluation.id)
        target = min(target, planner.share_of(waiting, SHARDS_PER_SLOT * slots))
        if first.size >= TOO_SMALL * target:
            return False
    elif first.size <= TOO_LARGE * target:
        return False
    ready = shards.first_ready(session, evaluation.id, None)
    pieces = [Slice(tuple(s.problems), s.sample_start, s.sample_stop) for s in ready]
    anew = planner.recut(pieces, target)
    if len(anew) == len(pieces):
        return False
    shards.replace_ready(session, evaluation.id, anew)
    return True
