"""How many shards a worker is given: enough of them to keep its engine busy."""

import pytest

from evalsvc.dispatch.executors.base import WorkerHandle
from evalsvc.dispatch.fleet import MOST_IN_FLIGHT, Flight, Member
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


def member(shards: int, problems: int, wanted: int) -> Member:
    status = WorkerStatus(worker_id="1-1", state=WorkerState.RUNNING, requests_wanted=wanted)
    made = Member(Handle(), status, moved_at=0.0, is_up=True)
    for number in range(shards):
        made.flights[f"s{number}"] = Flight(shard(number, problems))
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
        (MOST_IN_FLIGHT, 1, 1000, 0),
    ],
)
def test_a_worker_takes_more_shards_while_they_are_small(
    shards: int, problems: int, wanted: int, free: int
) -> None:
    assert member(shards, problems, wanted).slots(2) == free


def test_samples_that_are_done_make_room() -> None:
    full = member(20, 4, 160)
    full.flights["s0"].done = 15
    assert full.slots(2) == 1


def test_one_in_flight_means_one() -> None:
    assert member(1, 1, 160).slots(1) == 0
