"""Our side of the speed benches: `evalsvc up` as a process, jobs over REST, and their times.

Time runs from just before the first submission to the last job's `finished_at`, which the server
writes in the transaction of the last result: both are readings of the same clock.
"""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from bench.workload import Sampling
from evalsvc.cli.quickstart import running_service
from evalsvc.client import Client
from evalsvc.settings import load_settings
from evalsvc.specs import BenchmarkRequest, JobRequest

JOB_SECONDS = 1800.0
POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Ran:
    """The outcome of a set of jobs."""

    seconds: float  # from submission to the last result
    output_tokens: int
    samples: int


@dataclass
class Service:
    """A running service."""

    client: Client
    engine_options: Mapping[str, Any] = field(default_factory=dict)

    def evaluate(
        self,
        checkpoints: Sequence[Path],
        benchmarks: Mapping[str, int],
        sampling: Sampling,
        seed: int,
        since: float | None = None,
    ) -> Ran:
        """Submit one job per checkpoint, all at once, and wait for the last result.

        `since` (Unix time) is when the clock started; by default just before the submission.
        """
        began = time.time() if since is None else since
        jobs = [
            self.client.submit_request(
                JobRequest(
                    checkpoint=str(checkpoint.absolute()),
                    run=f"bench-{checkpoint.name}",
                    benchmarks=tuple(
                        BenchmarkRequest(name=name, first=first)
                        for name, first in benchmarks.items()
                    ),
                    protocol=sampling.protocol(seed),
                    engine_options=dict(self.engine_options),
                )
            )
            for checkpoint in checkpoints
        ]
        ended = [
            self.client.wait(
                job, progress=False, timeout_seconds=JOB_SECONDS, poll_seconds=POLL_SECONDS
            )
            for job in jobs
        ]
        if failed := [job for job in ended if job.state != "done"]:
            raise RuntimeError(f"A job of the bench ended as {failed[0].state}: {failed[0]}")
        finished = max(job.finished_at.timestamp() for job in ended if job.finished_at is not None)
        parts = [part for job in ended for part in job.evaluations]
        found = [self.client.evaluation(part.id) for part in parts]
        return Ran(
            seconds=finished - began,
            output_tokens=sum(row.output_tokens for row in found),
            samples=sum(row.samples_seen for row in found),
        )

    def worker(self) -> dict[str, Any]:
        """The status that the one live worker reports."""
        items = self.client.get("/v1/workers")["items"]
        live = [item["status"] for item in items if item["state"] != "dead"]
        return dict(live[-1]) if live else {}


@contextmanager
def service(
    data: Path, engine_options: Mapping[str, Any] = MappingProxyType({})
) -> Iterator[Service]:
    """Run `evalsvc up` with its defaults on `data`; stop it and its worker after the block."""
    settings = load_settings({}).model_copy(update={"data": data})
    with running_service(settings) as url, Client(url, key="") as client:
        yield Service(client, engine_options)


@dataclass
class FillWatch:
    """Reads, once a second, how many requests the engine has against how many it could have.

    It could have all waiting samples, up to its batch. Below 90% of that the engine is underfed.
    """

    service: Service
    batch: int
    total: int  # samples to draw
    readings: list[float] = field(default_factory=list)

    def __enter__(self) -> "FillWatch":
        self._stop = threading.Event()
        self._done = int(self.service.worker().get("samples_done", 0))
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    @property
    def share_below(self) -> float:
        """Share of the busy time in which the batch was below 90% of what it could be."""
        return sum(fill < 0.9 for fill in self.readings) / max(1, len(self.readings))

    def _watch(self) -> None:
        with Client(self.service.client.server, key="") as client:
            own = Service(client)
            while not self._stop.wait(1.0):
                status = own.worker()
                waiting = self.total - (int(status.get("samples_done", 0)) - self._done)
                could = min(self.batch, waiting)
                if could > 0:
                    self.readings.append(int(status.get("requests_in_flight", 0)) / could)
