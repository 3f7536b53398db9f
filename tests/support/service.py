"""A real `evalsvc up` in a process of its own, and jobs put to it over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

# Generous: other work on the machine must not fail a test.
START_SECONDS = 200
STOP_SECONDS = 200
ENDED = {"done", "failed", "cancelled"}


class Service:
    """A running service; `client` speaks to it."""

    def __init__(self, client: httpx.Client) -> None:
        self.client = client

    def get(self, path: str) -> Any:
        """The JSON at `path`."""
        response = self.client.get(path)
        assert response.status_code == 200, response.text
        return response.json()

    def submit(self, **request: Any) -> Any:
        """A job that was accepted."""
        response = self.client.post("/v1/jobs", json=request)
        assert response.status_code in {200, 201, 202}, response.text
        return response.json()

    def finish(self, job: Mapping[str, Any], seconds: float) -> Any:
        """The job once it has ended."""
        deadline = time.monotonic() + seconds
        while (found := self.get(f"/v1/jobs/{job['id']}"))["state"] not in ENDED:
            assert time.monotonic() < deadline, found
            time.sleep(0.2)
        return found

    def problems(self, evaluation: str) -> list[Any]:
        """All problems of an evaluation, in their order."""
        return list(self.get(f"/v1/evaluations/{evaluation}/problems?limit=200")["items"])

    def answers(self, evaluation: str) -> dict[int, str]:
        """The first sample of each problem that has one, by row index."""
        return {
            p["problem"]: self.get(f"/v1/evaluations/{evaluation}/rows/{p['problem']}/samples")[
                "items"
            ][0]["response"]
            for p in self.problems(evaluation)
            if p["n"]
        }


@contextmanager
def running_service(data: Path, **environ: str) -> Iterator[Service]:
    """`evalsvc up` on a free port with its data in `data`; ended in order with the block."""
    log = data.parent / f"{data.name}-up.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", "from evalsvc.cli import main; main()", "up", "--port", "0"],
            env={**os.environ, "EVALSVC_DATA": str(data), **environ},
            stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    try:
        with httpx.Client(base_url=_url(data, process, log), timeout=30) as client:
            yield Service(client)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    assert code == 0, log.read_text(errors="replace")


def _url(data: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not (data / "server.json").exists():
        assert process.poll() is None, log.read_text(errors="replace")
        assert time.monotonic() < deadline, log.read_text(errors="replace")
        time.sleep(0.1)
    return str(json.loads((data / "server.json").read_text())["url"])
