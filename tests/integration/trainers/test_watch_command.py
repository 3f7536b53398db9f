"""`evalsvc watch` as a process: what a person sees, exit codes, and stopping it."""

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkpoint_builder import write_checkpoint
from tests.support.scripted_server import Answer, ScriptedServer, scripted_server

WATCH = [sys.executable, "-c", "from evalsvc.cli import main; main()", "watch"]
QUICK = ["--poll-seconds", "0.1", "--settle-seconds", "0.2"]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*WATCH, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as script:
        script.answer = lambda r: Answer(
            201, {"job_id": None if r.method == "POST" and r.body.get("state") else "7"}
        )
        yield script


def test_once_announces_what_is_there_and_ends(tmp_path: Path, server: ScriptedServer) -> None:
    for step in (10, 15, 20):
        write_checkpoint(tmp_path / f"step-{step}", fill=step)
    options = [
        "--once",
        "--every",
        "10",
        "--run",
        "mine",
        "--method",
        "GRPO",
        "--benchmarks",
        "a, b",
    ]
    done = run(str(tmp_path), *options, *QUICK, "--server", server.url)
    assert done.returncode == 0, done.stderr
    assert "step 15: skipped: the policy takes every step divisible by 10" in done.stdout
    assert done.stdout.index("step 20: announced") < done.stdout.index("step 10: announced")
    bodies = [r.body for r in server.requests if r.method == "POST"]
    assert {b["run"] for b in bodies} == {"mine"}
    assert [b["benchmarks"] for b in bodies if "state" not in b] == [["a", "b"]] * 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["/nowhere"], "no folder"),
        ([".", "--layout", "nonsense"], "no layout"),
        ([".", "--benchmarks", ","], "No benchmark"),
    ],
)
def test_misuse_is_told_with_exit_code_2(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert words in done.stderr


def test_a_signal_ends_it_and_a_second_watcher_is_refused(
    tmp_path: Path, server: ScriptedServer
) -> None:
    arguments = [str(tmp_path), *QUICK, "--server", server.url]
    first = subprocess.Popen([*WATCH, *arguments])
    try:
        write_checkpoint(tmp_path / "step-1")
        server.wait_for(1, seconds=30)
        second = run(*arguments)
        assert second.returncode == 1
        assert "Another watcher" in second.stderr
    finally:
        first.send_signal(signal.SIGTERM)
        begin = time.monotonic()
        assert first.wait(10) == 0
    assert time.monotonic() - begin < 5
