"""The watcher on real folders and a real HTTP server: never before the last byte, always after."""

import errno
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalsvc.client import Client
from evalsvc.errors import Conflict, UsageError
from evalsvc.trainers import outbox as outbox_module
from evalsvc.trainers.outbox import PRIVATE_FOLDER, exclusive
from evalsvc.trainers.watcher import RunTemplate, Watcher
from evalsvc.trainers.watching import WatchPolicy
from tests.checkpoint_builder import write_checkpoint
from tests.support.scripted_server import Answer, Request, ScriptedServer, scripted_server
from tests.unit.trainers.layout_builder import Written, below, every_layout, fsdp_actor

TEMPLATE = RunTemplate(run="r", method="GRPO + A-GRAE", benchmarks=("smoke",))
SETTLE_SECONDS = 15.0


class Watch:
    """A watcher whose clock the test moves, and what its server has been told."""

    def __init__(self, root: Path, server: ScriptedServer, **options) -> None:
        self.root, self.server, self.options = root, server, options
        self.now = 1000.0
        self.jobs_end = True
        server.answer = self._answer
        self.restart()

    def restart(self) -> None:
        self.watcher = Watcher(
            self.root, TEMPLATE, Client(self.server.url, attempts=1), **self.options
        )

    def _answer(self, request: Request) -> Answer:
        if request.method == "POST":
            return Answer(201, {"job_id": None if request.body.get("state") else "7"})
        return Answer(body={"id": "7", "state": "done" if self.jobs_end else "running"})

    def poll(self, times: int = 1, seconds: float = 5) -> None:
        for _ in range(times):
            self.watcher.poll(self.now)
            self.now += seconds

    def told(self) -> list[tuple[int, str]]:
        bodies = [r.body for r in self.server.requests if r.method == "POST"]
        return [(b["step"], b.get("state", "announced")) for b in bodies]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Watch]]:
    root = tmp_path / "run"
    root.mkdir()
    with scripted_server() as server:
        yield lambda **options: Watch(root, server, **options)


def write_in_pieces(
    path: Path, data: bytes, between: Callable[[], None], rng: random.Random
) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if not data:
        between()
        path.touch()
        return
    cuts = sorted(rng.randrange(len(data) + 1) for _ in range(2))
    with path.open("wb", buffering=0) as stream:
        for piece in (data[: cuts[0]], data[cuts[0] : cuts[1]], data[cuts[1] :]):
            between()
            stream.write(piece)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize("written", every_layout(), ids=lambda w: w.layout)
def test_file_by_file_in_random_order_with_pauses(
    watch: Callable[..., Watch], written: Written, seed: int
) -> None:
    """Pauses between pieces are shorter than the settle time, now and then far longer."""
    rng = random.Random(seed)
    watched = watch(layout=written.layout)
    vital = [*written.required]
    rng.shuffle(vital)
    # Long pauses only while a file is missing that a reader can know of; see docs/trainers.md.
    knowable = [n for n in vital if not n.endswith(("tokenizer_config.json", "training_info.json"))]
    early = [n for n in (*vital, *written.optional) if n != knowable[-1]]
    rng.shuffle(early)
    order = [*early, knowable[-1], *written.last]
    files = {**written.required, **written.optional, **written.last}
    marked = written.layout == "prime-rl"

    def pause() -> None:
        long = rng.random() < 0.1 and (marked or not whole(knowable[-1]))
        times = 10 if long else 1
        watched.poll(times, seconds=SETTLE_SECONDS / 4)
        assert watched.told() == []

    def whole(name: str) -> bool:
        path = watched.root / name
        return path.exists() and path.stat().st_size == len(files[name])

    for name in order:
        write_in_pieces(watched.root / name, files[name], pause, rng)
    assert watched.told() == []
    watched.poll(6)
    assert watched.told() == [(10, "announced")]
    watched.poll(6)
    assert watched.told() == [(10, "announced")]


def test_the_pin_outlives_rotation_until_the_job_has_ended(watch: Callable[..., Watch]) -> None:
    watched = watch()
    watched.jobs_end = False
    folder = write_checkpoint(watched.root / "checkpoint-10")
    (folder / "trainer_state.json").write_text("{}")
    watched.poll(5)
    [sent] = [r for r in watched.server.requests if r.method == "POST"]
    shutil.rmtree(folder)
    watched.poll(3)
    assert (Path(sent.body["path"]) / "model.safetensors").exists()
    assert (sent.body["method"], sent.body["trainer"]) == ("GRPO + A-GRAE", "trl")
    watched.jobs_end = True
    watched.poll(2)
    assert not Path(sent.body["path"]).exists()
    assert watched.told() == [(10, "announced")]


def test_a_restart_announces_nothing_twice_and_misses_nothing(watch: Callable[..., Watch]) -> None:
    watched = watch(layout="hf")
    write_checkpoint(watched.root / "step-1", fill=1)
    watched.poll(5)
    watched.restart()
    write_checkpoint(watched.root / "step-2", fill=2)
    watched.poll(5)
    assert watched.told() == [(1, "announced"), (2, "announced")]
    (watched.root / PRIVATE_FOLDER / "state.json").write_text('{"step-1": 3')
    watched.restart()
    watched.poll(5)
    keys = [r.headers["Idempotency-Key"] for r in watched.server.requests if r.method == "POST"]
    assert set(keys[2:]) == set(keys[:2])  # told again, under the same keys: nothing happens twice


def test_a_step_written_again_with_other_weights(watch: Callable[..., Watch]) -> None:
    watched = watch(layout="hf")
    write_checkpoint(watched.root / "step-1", fill=1)
    watched.poll(5)
    shutil.rmtree(watched.root / "step-1")
    write_checkpoint(watched.root / "step-1", fill=2)
    watched.poll(5)
    keys = {r.headers["Idempotency-Key"] for r in watched.server.requests if r.method == "POST"}
    assert (watched.told(), len(keys)) == ([(1, "announced")] * 2, 2)


def test_rotated_abandoned_and_waiting_are_told(watch: Callable[..., Watch]) -> None:
    watched = watch(layout="hf")
    half = write_checkpoint(watched.root / "step-1", shards=2)
    (half / "model.safetensors.index.json").unlink()
    watched.poll(130)
    assert watched.told() == [(1, "waiting")]  # half-written for over ten minutes
    write_checkpoint(watched.root / "step-3")
    watched.poll(20)
    assert watched.told()[1:] == [(1, "abandoned"), (3, "announced")]
    write_checkpoint(watched.root / "step-4", fill=4)
    watched.poll()
    shutil.rmtree(watched.root / "step-4")
    watched.poll()
    assert watched.told()[3:] == [(4, "rotated")]
    reasons = [r.body.get("reason") for r in watched.server.requests if r.method == "POST"]
    assert "no model.safetensors.index.json yet" in reasons[0]


def write_sharded_step(root: Path) -> Path:
    """Step 10 of verl as FSDP shards; returns its actor."""
    for name, data in below("global_step_10/actor", fsdp_actor()).items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (root / "latest_checkpointed_iteration.txt").write_text("10")
    return root / "global_step_10" / "actor"


def test_what_was_announced_is_not_told_as_rotated_when_verl_empties_it(
    watch: Callable[..., Watch],
) -> None:
    watched = watch()
    for step in (10, 20):
        write_checkpoint(watched.root / f"global_step_{step}/actor/huggingface", fill=step)
        (watched.root / f"global_step_{step}/data.pt").write_bytes(b"x")
        (watched.root / "latest_checkpointed_iteration.txt").write_text(str(step))
        watched.poll(5)
        shutil.rmtree(watched.root / "global_step_10/actor", ignore_errors=True)
    watched.restart()
    watched.poll(30)
    assert watched.told() == [(10, "announced"), (20, "announced")]


def test_a_full_disk_does_not_end_the_watcher(
    watch: Callable[..., Watch], monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = watch(layout="hf")
    write_checkpoint(watched.root / "step-1")
    write, full = outbox_module.write_atomically, [True]

    def refusing(path: Path, value: object) -> None:
        if full[0] and path.parent.name in full_folders:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(path, value)

    monkeypatch.setattr(outbox_module, "write_atomically", refusing)
    full_folders = ["waiting"]
    watched.poll(5)
    assert watched.told() == []
    full_folders = ["sent"]
    watched.poll(5)
    full[0] = False
    watched.poll(2)
    assert set(watched.told()) == {(1, "announced")}
    keys = {r.headers["Idempotency-Key"] for r in watched.server.requests if r.method == "POST"}
    assert len(keys) == 1


def test_no_more_than_so_many_wait(watch: Callable[..., Watch]) -> None:
    watched = watch(layout="hf", policy=WatchPolicy(max_waiting=2))
    watched.jobs_end = False
    for step in range(1, 6):
        write_checkpoint(watched.root / f"step-{step}", fill=step)
    watched.poll(10)
    assert watched.told() == [(5, "announced"), (4, "announced")]
    watched.jobs_end = True
    watched.poll(10)
    assert sorted(watched.told()) == [(step, "announced") for step in range(1, 6)]


def test_coarse_times_of_a_network_file_system(watch: Callable[..., Watch]) -> None:
    """Whole seconds only: two versions within one second differ in their content all the same."""
    watched = watch(layout="hf")
    folder = write_checkpoint(watched.root / "step-1", fill=1)

    def coarse() -> None:
        for path in folder.iterdir():
            os.utime(path, (1000, 1000))

    coarse()
    watched.poll(2)
    write_checkpoint(folder, fill=2)
    coarse()
    watched.poll(5)
    [sent] = [r.body for r in watched.server.requests if r.method == "POST"]
    assert sent["path"].rsplit("/", 1)[0].endswith("pins")


def test_shards_are_merged_by_the_trainers_own_merger(
    watch: Callable[..., Watch], tmp_path: Path
) -> None:
    """A stand-in interpreter takes the merger's command line; the real one has its own test.

    It lets the trainer's rotation come first: the merger has links of its own to the shards.
    """
    merged = write_checkpoint(tmp_path / "merged")
    python = tmp_path / "python"
    python.write_text(
        "#!/bin/sh\n"
        '[ "$1 $2 $3 $4 $5" = "-m verl.model_merger merge --backend fsdp" ] || exit 3\n'
        f"rm -r {tmp_path}/run/global_step_10/actor\n"
        '[ -f "$7/model_world_size_2_rank_1.pt" ] && [ -f "$7/huggingface/config.json" ] &&\n'
        f'[ -z "$CUDA_VISIBLE_DEVICES" ] && cp -r {merged} "$9"\n'
    )
    python.chmod(0o755)
    watched = watch(trainer_python=str(python))
    write_sharded_step(watched.root)
    watched.jobs_end = False
    watched.poll(5)
    [sent] = [r.body for r in watched.server.requests if r.method == "POST"]
    assert (Path(sent["path"]) / "model.safetensors").exists()
    pins = watched.root / PRIVATE_FOLDER / "pins"
    assert [p.name for p in pins.iterdir()] == [Path(sent["path"]).name]


def test_a_merger_that_fails_is_told_with_its_last_words(watch: Callable[..., Watch]) -> None:
    watched = watch(trainer_python="/nowhere/python")
    write_sharded_step(watched.root)
    watched.poll(5)
    assert watched.told() == [(10, "failed")]
    reason = watched.server.requests[0].body["reason"]
    assert "/nowhere/python" in reason
    assert "--trainer-python" in reason


def test_two_watchers_on_one_folder(watch: Callable[..., Watch]) -> None:
    watched = watch()
    lock = exclusive(watched.root / PRIVATE_FOLDER / "watcher.lock")
    with lock, pytest.raises(Conflict, match="Another watcher"):
        watched.watcher.run()
    stop = threading.Event()
    thread = threading.Thread(target=watched.watcher.run, args=(0.01, stop.is_set))
    thread.start()
    time.sleep(0.1)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()


def test_a_killed_watcher_leaves_no_lock(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\n"
        "from evalsvc.trainers.outbox import exclusive\n"
        "with exclusive(Path(sys.argv[1])) as mine: print(mine, flush=True); time.sleep(60)"
    )
    lock = tmp_path / "lock"
    process = subprocess.Popen([sys.executable, "-c", code, str(lock)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"True\n"
    with exclusive(lock) as mine:
        assert not mine
    process.kill()
    process.wait(10)
    process.stdout.close()
    with exclusive(lock) as mine:
        assert mine


def test_folders_that_cannot_be_watched(tmp_path: Path) -> None:
    client = Client("http://127.0.0.1:9")
    with pytest.raises(UsageError, match="no folder"):
        Watcher(tmp_path / "nowhere", TEMPLATE, client)
    with pytest.raises(UsageError, match="no layout"):
        Watcher(tmp_path, TEMPLATE, client, layout="nonsense")
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot save its state") as caught:
        Watcher(tmp_path, TEMPLATE, client, private=tmp_path / "file" / "x").run()
    assert "--private" in caught.value.remedy


def test_state_is_plain_json(watch: Callable[..., Watch]) -> None:
    watched = watch(layout="hf")
    write_checkpoint(watched.root / "step-1")
    watched.poll(5)
    state = json.loads((watched.root / PRIVATE_FOLDER / "state.json").read_text())
    assert state["step-1"]["phase"] == "announced"
