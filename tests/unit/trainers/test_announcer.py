"""Announcements against servers that are down, slow, broken or refuse, and against a full disk."""

import errno
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from evalsvc.specs import Announcement
from evalsvc.trainers import outbox as outbox_module
from evalsvc.trainers import preparation
from evalsvc.trainers.announcer import Announcer
from evalsvc.trainers.outbox import Entry, Outbox, exclusive
from tests.checkpoint_builder import write_checkpoint
from tests.support.scripted_server import Answer, Request, ScriptedServer, scripted_server

NOWHERE = "http://127.0.0.1:9"


def announced(folder: Path, step: int) -> Announcement:
    return Announcement(path=str(folder), run="r", method="GRPO", step=step, benchmarks=("smoke",))


def eventually(condition: Callable[[], Any], seconds: float = 5) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as script:
        yield script


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Announcer]]:
    started = []

    def make(server: str, **options: Any) -> Announcer:
        announcer = Announcer(server, None, tmp_path / "private", poll_seconds=0.02, **options)
        started.append(announcer)
        return announcer

    yield make
    for announcer in started:
        announcer.close()


def jobs_end_at_once(request: Request) -> Answer:
    if request.method == "POST":
        return Answer(201, {"job_id": f"job-{request.body['step']}"})
    if request.path.startswith("/v1/evaluations/"):
        return Answer(body={"benchmark": "smoke", "metrics": {"pass@1": {"value": 0.25}}})
    return Answer(body={"state": "done", "id": "j", "evaluations": [{"id": "e-5"}]})


def announced_steps(server: ScriptedServer) -> list[int]:
    return [r.body["step"] for r in server.requests if r.method == "POST"]


def test_a_checkpoint_is_pinned_announced_and_its_result_comes_back(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer]
) -> None:
    server.answer = jobs_end_at_once
    results: list[tuple[int, dict[str, float]]] = []
    announcer = start(server.url, on_result=lambda a, scores: results.append((a.step, scores)))
    announcer.announce(announced(write_checkpoint(tmp_path / "checkpoint-1"), 1))
    assert announcer.wait_until_idle(5)
    assert results == [(1, {"eval_smoke_pass@1": 0.25})]
    sent = server.requests[0]
    assert sent.path == "/v1/checkpoints"
    assert "pins/step-1-" in sent.body["path"]
    assert list((tmp_path / "private" / "pins").iterdir()) == []


def test_announcing_the_same_checkpoint_twice_uses_one_key(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer]
) -> None:
    server.answer = jobs_end_at_once
    announcer = start(server.url)
    folder = write_checkpoint(tmp_path / "checkpoint-1")
    announcer.announce(announced(folder, 1))
    announcer.announce(announced(folder, 1))
    write_checkpoint(folder, fill=1)  # the step is written again with other weights
    announcer.announce(announced(folder, 1))
    assert announcer.wait_until_idle(5)
    keys = [r.headers["Idempotency-Key"] for r in server.requests if r.method == "POST"]
    assert len(keys) == 3
    assert keys[0] == keys[1] != keys[2]


def test_offline_then_online_in_order_after_a_restart(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer]
) -> None:
    offline = start(NOWHERE)
    for step in (1, 2, 3):
        folder = write_checkpoint(tmp_path / f"checkpoint-{step}", fill=step)
        offline.announce(announced(folder, step))
        shutil.rmtree(folder)  # rotated at once: the pin must hold
    eventually(lambda: len(offline.outbox.waiting()) == 3)
    offline.close()
    server.answer = jobs_end_at_once
    online = start(server.url)
    assert online.wait_until_idle(10)
    assert announced_steps(server) == [1, 2, 3]


def test_a_hanging_server_does_not_hold_the_training_up(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer]
) -> None:
    server.answer = lambda _: Answer(delay_seconds=3)
    announcer = start(server.url)
    slowest = 0.0
    for step in range(5):
        folder = write_checkpoint(tmp_path / f"checkpoint-{step}", fill=step)
        begin = time.monotonic()
        announcer.announce(announced(folder, step))
        slowest = max(slowest, time.monotonic() - begin)
    assert slowest < 0.5
    eventually(lambda: len(announcer.outbox.waiting()) == 5)


def test_the_end_of_a_training_does_not_wait_for_a_hanging_server(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer]
) -> None:
    hangs = threading.Event()

    def answer(request: Request) -> Answer:
        hangs.wait(20)
        return jobs_end_at_once(request)

    server.answer = answer
    announcer = start(server.url)
    announcer.announce(announced(write_checkpoint(tmp_path / "checkpoint-1"), 1))
    begin = time.monotonic()
    announcer.finish()
    assert time.monotonic() - begin < 0.1
    hangs.set()  # the server is back before the program ends: the announcement still goes out
    eventually(lambda: not announcer.outbox.waiting())
    assert announced_steps(server) == [1]


def test_a_hanging_disk_costs_less_than_a_second(
    tmp_path: Path, start: Callable[..., Announcer], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preparation, "inspect_checkpoint", lambda _: time.sleep(2))
    announcer = start(NOWHERE)
    begin = time.monotonic()
    announcer.announce(announced(tmp_path, 1))
    assert time.monotonic() - begin < 1


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_passing_trouble_keeps_the_announcement(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer], status: int
) -> None:
    troubled = iter([Answer(status, {"detail": "no"})] * 2)
    server.answer = lambda request: next(troubled, None) or jobs_end_at_once(request)
    announcer = start(server.url)
    announcer.announce(announced(write_checkpoint(tmp_path / "checkpoint-1"), 1))
    assert announcer.wait_until_idle(5)
    assert announced_steps(server) == [1, 1, 1]


def test_two_wishes_for_one_checkpoint_share_its_pin_until_both_have_ended(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer]
) -> None:
    ended: set[str] = set()

    def answer(request: Request) -> Answer:
        if request.method == "POST":
            return Answer(201, {"job_id": request.body["protocol"]})
        job = request.path.rpartition("/")[2]
        return Answer(body={"id": job, "state": "done" if job in ended else "running"})

    server.answer = answer
    announcer = start(server.url)
    folder = write_checkpoint(tmp_path / "checkpoint-1")
    for protocol in ("quick", "paper"):
        announcer.announce(announced(folder, 1).model_copy(update={"protocol": protocol}))
    pins = tmp_path / "private" / "pins"
    eventually(lambda: len(announcer.outbox.sent()) == 2)
    ended.add("quick")
    eventually(lambda: len(announcer.outbox.sent()) == 1)
    assert len(list(pins.iterdir())) == 1
    ended.add("paper")
    assert announcer.wait_until_idle(5)
    eventually(lambda: not list(pins.iterdir()))


def test_a_lasting_refusal_lets_the_next_ones_pass(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer]
) -> None:
    def answer(request: Request) -> Answer:
        if request.method == "POST" and request.body["step"] == 1:
            return Answer(422, {"detail": "There is no benchmark smoke.", "remedy": "List them."})
        return jobs_end_at_once(request)

    server.answer = answer
    announcer = start(server.url)
    for step in (1, 2):
        announcer.announce(announced(write_checkpoint(tmp_path / f"c-{step}", fill=step), step))
    assert announcer.wait_until_idle(5)
    [(_, entry)] = announcer.outbox.refused()
    assert entry.announcement.step == 1
    assert "List them" in str(entry.reason)
    assert list((tmp_path / "private" / "pins").iterdir()) == []


def test_a_checkpoint_that_cannot_be_evaluated_becomes_a_row_with_the_reason(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer]
) -> None:
    server.answer = lambda _: Answer(201, {"id": 1, "job_id": None})
    announcer = start(server.url)
    broken = write_checkpoint(tmp_path / "checkpoint-1")
    (broken / "model.safetensors").unlink()
    announcer.announce(announced(broken, 1))
    announcer.announce(announced(tmp_path / "gone", 2))
    assert announcer.wait_until_idle(5)
    first, second = (r.body for r in server.requests)
    assert (first["state"], first["benchmarks"]) == ("failed", [])
    assert "no weights" in first["reason"]
    assert "no checkpoint at" in second["reason"]


def test_only_so_many_wait_and_the_oldest_gives_way_visibly(
    tmp_path: Path, start: Callable[..., Announcer]
) -> None:
    announcer = start(NOWHERE, max_waiting=2)
    for step in (1, 2, 3):
        announcer.announce(announced(write_checkpoint(tmp_path / f"c-{step}", fill=step), step))
    eventually(lambda: len(announcer.outbox.waiting()) == 3)
    states = [(e.announcement.step, e.announcement.state) for _, e in announcer.outbox.waiting()]
    assert states == [(1, "skipped"), (2, None), (3, None)]
    assert len(list((tmp_path / "private" / "pins").iterdir())) == 2


def test_a_full_disk_keeps_announcements_in_memory_until_there_is_room(
    tmp_path: Path,
    server: ScriptedServer,
    start: Callable[..., Announcer],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.answer = jobs_end_at_once
    write = outbox_module.write_atomically
    full = [True]

    def refusing(path: Path, value: Any) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, value)

    monkeypatch.setattr(outbox_module, "write_atomically", refusing)
    announcer = start(server.url)
    announcer.announce(announced(write_checkpoint(tmp_path / "checkpoint-1"), 1))
    time.sleep(0.1)
    assert not server.requests
    full[0] = False
    assert announcer.wait_until_idle(5)
    assert announced_steps(server) == [1]


def test_damaged_files_in_the_outbox_are_put_aside(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    path = outbox.add(Entry(announcement=announced(tmp_path, 1)))
    (path.parent / "00.json").write_text('{"announ')
    assert [e.announcement.step for _, e in outbox.waiting()] == [1]
    assert (path.parent / "00.unreadable").exists()


def test_one_process_sends(tmp_path: Path) -> None:
    with exclusive(tmp_path / "lock") as first, exclusive(tmp_path / "lock") as second:
        assert (first, second) == (True, False)
    with exclusive(tmp_path / "lock") as again:
        assert again


def test_an_answer_of_another_version_does_not_keep_the_pin(
    tmp_path: Path, server: ScriptedServer, start: Callable[..., Announcer]
) -> None:
    def answer(request: Request) -> Answer:
        if request.method == "POST":
            return jobs_end_at_once(request)
        return Answer(body={"id": "j", "state": "done", "evaluations": [{"unexpected": 1}]})

    server.answer = answer
    announcer = start(server.url)
    announcer.announce(announced(write_checkpoint(tmp_path / "checkpoint-1"), 1))
    assert announcer.wait_until_idle(5)
    assert list((tmp_path / "private" / "pins").iterdir()) == []
