"""The way of a job on a real vLLM through REST: swaps, resumption, and a worker that is killed.

One service for the whole file; the engine starts once, and once more after the kill.
"""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.service import Service, running_service
from tests.tiny_models import random_checkpoint

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]
SECONDS = 400
PROBLEMS = 20


class Place:
    """The service and two checkpoints of one architecture."""

    def __init__(self, service: Service, data: Path, checkpoints: list[str]) -> None:
        self.service, self.data, self.checkpoints = service, data, checkpoints

    def submit(self, step: int, samples: int, **changes: Any) -> Any:
        """A job of checkpoint `step` on the first smoke problems."""
        return self.service.submit(
            checkpoint=self.checkpoints[step], run="tiny", method="GRPO", step=step,
            benchmarks=[{"name": "smoke", "first": PROBLEMS}], samples=samples,
            **{"max_tokens": 16, **changes},
        )  # fmt: skip

    def samples(self, job: Any) -> dict[tuple[int, int], str]:
        """The responses of an ended job by (problem, sample), as REST gives them."""
        ended = self.service.finish(job, SECONDS)
        assert ended["state"] == "done", ended
        (part,) = ended["evaluations"]
        found: dict[tuple[int, int], str] = {}
        for problem in range(PROBLEMS):
            path = f"/v1/evaluations/{part['id']}/rows/{problem}/samples?limit=256"
            for item in self.service.get(path)["items"]:
                assert (problem, item["sample"]) not in found, "a sample is there twice"
                found[problem, item["sample"]] = item["response"]
        return found

    def worker(self) -> Any:
        """What the only living worker says of itself."""
        alive = [w for w in self.service.get("/v1/workers")["items"] if w["state"] != "dead"]
        return alive[0]["status"] if alive else {"samples_done": 0, "state": "dead"}

    def idle(self, samples_done: int) -> Any:
        """The worker's word after so many samples: it reaches the database within seconds."""
        deadline = time.monotonic() + 30
        while (said := self.worker())["samples_done"] != samples_done or said["state"] != "idle":
            assert time.monotonic() < deadline, said
            time.sleep(0.2)
        return said


def expected(samples: int) -> set[tuple[int, int]]:
    return {(problem, sample) for problem in range(PROBLEMS) for sample in range(samples)}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("spine")
    checkpoints = [random_checkpoint(folder / f"step-{seed}", seed).path for seed in (0, 1)]
    with running_service(folder / "data", EVALSVC_SHARD_TARGET_SECONDS="2") as service:
        yield Place(service, folder / "data", checkpoints)


@pytest.fixture(scope="module")
def first(place: Place) -> dict[tuple[int, int], str]:
    """Four samples a problem of the first checkpoint."""
    return place.samples(place.submit(0, 4))


def test_weights_are_swapped_and_every_sample_is_readable(
    place: Place, first: dict[tuple[int, int], str]
) -> None:
    assert set(first) == expected(4)
    other = place.samples(place.submit(1, 4))
    assert set(other) == expected(4)
    assert other != first
    said = place.idle(8 * PROBLEMS)
    assert (said["cold_starts"], said["swaps"]) == (1, 1)
    assert said["tokens_per_second"] == 0
    (log,) = (place.data / "logs").glob("worker-*.log")
    assert "weights swapped in place in" in log.read_text(errors="replace")


def test_the_same_again_draws_nothing_and_more_draws_what_is_missing(
    place: Place, first: dict[tuple[int, int], str]
) -> None:
    assert place.samples(place.submit(0, 4)) == first
    place.idle(8 * PROBLEMS)
    more = place.samples(place.submit(0, 8))
    assert set(more) == expected(8)
    assert {key: more[key] for key in first} == first
    place.idle(12 * PROBLEMS)


def test_a_killed_worker_loses_and_doubles_nothing(place: Place) -> None:
    before = place.idle(12 * PROBLEMS)
    job = place.submit(1, 48, max_tokens=48)
    deadline = time.monotonic() + 60
    while place.worker()["samples_done"] <= before["samples_done"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    os.kill(before["pid"], signal.SIGKILL)
    assert place.service.get(f"/v1/jobs/{job['id']}")["state"] == "running"
    assert set(place.samples(job)) == expected(48)
    assert place.worker()["pid"] != before["pid"]
