"""Following a job in lines, where nobody watches a terminal."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from evalsvc.cli import waiting


class Told:
    """Stands in for a client: tells of a job that finds 900 of its 1,000 samples there."""

    def wait(self, job_id: str, show: Callable[[Any], None], *, poll_seconds: float) -> Any:
        for state, done in (("queued", 900), ("running", 950), ("done", 1000)):
            job = {"state": state, "progress": {"samples_done": done, "samples_wanted": 1000}}
            CLOCK.now += 10.0
            show(job)
        return job


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


def test_samples_that_were_there_do_not_count_as_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("evalsvc.cli.waiting.time.monotonic", CLOCK)
    job = waiting.follow(Told(), "j-1")  # type: ignore[arg-type]
    lines = capsys.readouterr().err.splitlines()
    assert job["state"] == "done"
    assert [re.findall(r"[\d.,]+ (?=samples/s)", line) for line in lines] == [["0.0 "], ["3.3 "]]
    assert lines[-1] == "j-1: 1,000 of 1,000 samples, 3.3 samples/s"
