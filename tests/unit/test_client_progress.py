"""Following a job: in lines where nobody watches, in a bar in a terminal and in a notebook."""

import contextlib
import os
import pty
import re
import sys
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from evalsvc import client_progress
from evalsvc.client_progress import LogLines, job_progress
from evalsvc.client_rows import Job


def job(state: str, done: int, wanted: int = 1000) -> Job:
    """A job of which so many samples are done."""
    progress = {"samples_done": done, "samples_wanted": wanted, "fraction": 0.0, "shards": {}}
    return Job.model_validate(
        {
            **dict.fromkeys(("id", "owner", "run", "method", "checkpoint"), "x"),
            **dict.fromkeys(("error", "remedy", "started_at", "finished_at")),
            **dict.fromkeys(("evaluations", "reasons"), ()),
            **dict.fromkeys(("priority", "step"), 0),
            "state": state,
            "progress": progress,
            "request": {},
            "created_at": "2026-01-01T00:00:00Z",
        }
    )


JOBS = [job("queued", 900), job("running", 950), job("done", 1000)]


class Clock:
    """Ten seconds pass between two readings."""

    now = 0.0

    def __call__(self) -> float:
        self.now += 10.0
        return self.now


def test_samples_that_were_there_do_not_count_as_speed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("evalsvc.client_progress.time.monotonic", Clock())
    show = LogLines("j-1")
    for each in JOBS:
        show(each)
    lines = capsys.readouterr().err.splitlines()
    assert [re.findall(r"[\d.,]+ (?=samples/s)", line) for line in lines] == [["0.0 "], ["3.3 "]]
    assert lines[-1] == "j-1: 1,000 of 1,000 samples, 3.3 samples/s"


def test_without_a_terminal_there_are_lines_only_where_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with job_progress("j-1") as show:
        assert show is None
    with job_progress("j-1", lines=True) as show:
        assert isinstance(show, LogLines)
    assert capsys.readouterr().err == ""


def _all_of(reader: int) -> str:
    """What was written to a terminal whose other end is closed. One read gives a part of it."""
    parts = []
    with contextlib.suppress(OSError):  # EIO: the end
        while part := os.read(reader, 65536):
            parts.append(part)
    os.close(reader)
    return b"".join(parts).decode()


def test_a_terminal_gets_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    reader, writer = pty.openpty()
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    with os.fdopen(writer, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        with job_progress("grpo@100") as show:
            assert show is not None
            for each in JOBS:
                show(each)
    shown = _all_of(reader)
    assert "grpo@100" in shown
    assert "1000/1000" in shown
    assert "━" in shown


def test_a_notebook_gets_one_bar_that_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    shell = InteractiveShell.instance()
    try:
        with capture_output() as captured, job_progress("grpo<b>") as show:
            assert show is not None
            for each in JOBS:
                show(each)
    finally:
        InteractiveShell.clear_instance()
    outputs: list[Any] = captured.outputs
    assert shell is not None
    assert [output.update for output in outputs] == [False, True, True]
    assert len({output.transient["display_id"] for output in outputs}) == 1
    html = [output.data["text/html"] for output in outputs]
    assert 'value="0.9000"' in html[0]
    assert 'value="1.0000"' in html[2]
    assert "grpo&lt;b&gt;: done, 1,000 of 1,000 samples" in html[2]
    assert outputs[2].data["text/plain"].startswith("grpo<b>: done")


def test_a_job_without_samples_is_full_when_it_has_ended() -> None:
    bar = client_progress.NotebookBar("x")
    bar._show = lambda: None  # type: ignore[method-assign]  # only the figure is looked at
    bar(job("failed", 0, 0))
    assert 'value="1.0000"' in bar._repr_html_()
