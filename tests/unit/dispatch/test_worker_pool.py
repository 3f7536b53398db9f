"""How many shards a worker is given: enough of them to keep its engine busy."""

import pytest

from evalsvc.dispatch.executors.base import WorkerHandle
from evalsvc.dispatch.limits import MAX_SHARDS_IN_FLIGHT
from evalsvc.dispatch.worker_pool import RunningShard, WorkerSlot
from evalsvc.specs import CheckpointSpec, Protocol, ShardSpec, WorkerState, WorkerStatus
from evalsvc.worker.protocol import Command


class Handle(WorkerHandle):
    """A worker that is only a name: nothing is sent here."""

    worker_id = "1-1"

    async def send(self, command: Command) -> None:
        raise AssertionError(f"nothing was to be sent: {command}")

    async def kill(self) -> None:
        raise AssertionError("nobody was to be killed")


def shard(number: int, problems: int) -> ShardSpec:
    checkpoint = CheckpointSpec(
        path="c", fingerprint="f", architecture="a", architecture_hash="a", tokenizer_hash="t"
    )
    return ShardSpec(
        shard_id=f"s{number}",
        evaluation_id="e",
        epoch=1,
        checkpoint=checkpoint,
        benchmark="smoke",
        benchmark_revision="r",
        protocol=Protocol(),
        problems=tuple(range(problems)),
        sample_start=0,
        sample_stop=4,
        artifact=f"a{number}",
    )


def slot(shards: int, problems: int, wanted: int) -> WorkerSlot:
    status = WorkerStatus(worker_id="1-1", state=WorkerState.RUNNING, requests_wanted=wanted)
    made = WorkerSlot(Handle(), status, progressed_at=0.0, has_started=True)
    for number in range(shards):
        made.shards[f"s{number}"] = RunningShard(shard(number, problems))
    return made


@pytest.mark.parametrize(
    ("shards", "problems", "wanted", "free"),
    [
        (0, 4, 160, 2),  # two are always worth having
        (1, 100, 160, 1),
        (2, 100, 160, 0),  # 800 samples keep an engine of 160 busy
        (2, 4, 160, 1),  # 32 do not
        (19, 4, 160, 1),
        (20, 4, 160, 0),  # 320 do: twice what it wants
        (2, 4, 0, 0),  # it has not started: nobody knows what it wants
        (MAX_SHARDS_IN_FLIGHT, 1, 1000, 0),
    ],
)
def test_a_worker_takes_more_shards_while_they_are_small(
    shards: int, problems: int, wanted: int, free: int
) -> None:
    assert slot(shards, problems, wanted).capacity(2) == free


def test_samples_that_are_done_make_room() -> None:
    full = slot(20, 4, 160)
    full.shards["s0"].done = 15
    assert full.capacity(2) == 1


def test_one_in_flight_means_one() -> None:
    assert slot(1, 1, 160).capacity(1) == 0
