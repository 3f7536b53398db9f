"""A real worker process at the other end of a socket pair, as the dispatcher would have it."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Self

from evalsvc.catalogue import Catalogue
from evalsvc.specs import CheckpointSpec, Protocol, ShardSpec
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.limits import MAX_LINE_BYTES
from evalsvc.worker.protocol import (
    Command,
    Event,
    FailedEvent,
    ResultEvent,
    RunCommand,
    ShutdownCommand,
    decode_event,
    encode,
    messages,
)

NAMED_CHECKPOINT = CheckpointSpec(
    path="/nowhere", fingerprint="f1", architecture="A", architecture_hash="a", tokenizer_hash="t"
)


def smoke_shard(shard_id: str, data: Path, **changes: object) -> ShardSpec:
    """A shard of the smoke benchmark: 3 problems x 4 samples unless changed."""
    values: dict[str, object] = {
        "shard_id": shard_id,
        "evaluation_id": "e1",
        "epoch": 1,
        "checkpoint": NAMED_CHECKPOINT,
        "benchmark": "smoke",
        "benchmark_revision": Catalogue().load("smoke", data).revision,
        "protocol": Protocol(samples=4, max_tokens=16),
        "problems": (0, 1, 2),
        "sample_start": 0,
        "sample_stop": 4,
        "artifact": f"e1/{shard_id}.parquet",
    }
    return ShardSpec.model_validate(values | changes)


class WorkerProcess:
    """One worker process and the conversation with it."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        self.process = process
        self.log = log
        self.events: list[Event] = []
        self._news = asyncio.Event()
        self._gone = False
        self._writer: asyncio.StreamWriter
        self._reading: asyncio.Task[None]

    @classmethod
    @contextlib.asynccontextmanager
    async def start(cls, config: WorkerConfig, log: Path) -> AsyncIterator[Self]:
        """A running worker, ended with its whole group when the block ends."""
        ours, theirs = socket.socketpair()
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    sys.executable, "-m", "evalsvc.worker", "--worker-id", "w1",
                    "--fd", str(theirs.fileno()), "--config", config.model_dump_json(),
                ],
                stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()], start_new_session=True,
            )  # fmt: skip
        theirs.close()
        worker = cls(process, log)
        reader, worker._writer = await asyncio.open_connection(sock=ours, limit=MAX_LINE_BYTES)
        worker._reading = asyncio.create_task(worker._read(reader))
        try:
            yield worker
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)
            worker._reading.cancel()
            worker._writer.transport.abort()
            await asyncio.sleep(0)  # lets the transport close

    def send(self, command: Command) -> None:
        self._writer.write(encode(command))

    def run(self, spec: ShardSpec) -> None:
        self.send(RunCommand(shard=spec))

    async def wait_for(self, found: Callable[[Event], bool], seconds: float = 20) -> Event:
        """The first event, past or to come, that fits."""
        async with asyncio.timeout(seconds):
            while True:
                for event in self.events:
                    if found(event):
                        return event
                if self._gone:
                    raise AssertionError(f"the worker is gone:\n{self.log.read_text()[-2000:]}")
                self._news.clear()
                await self._news.wait()

    async def outcome(self, shard_id: str, seconds: float = 20) -> Event:
        """How the shard ended."""

        def ended(event: Event) -> bool:
            match event:
                case ResultEvent():
                    return event.result.shard_id == shard_id
                case FailedEvent():
                    return event.shard_id == shard_id
            return event.event == "cancelled" and event.shard_id == shard_id

        return await self.wait_for(ended, seconds)

    async def shut_down(self, seconds: float = 20) -> int:
        """End it in order; its exit code."""
        self.send(ShutdownCommand())
        return await asyncio.to_thread(self.process.wait, seconds)

    def hang_up(self) -> None:
        """Close our end, as a dispatcher that dies does."""
        self._writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        async for event in messages(reader, decode_event):
            self.events.append(event)
            self._news.set()
        self._gone = True
        self._news.set()


def group_members(group: int) -> list[int]:
    """Live processes of a process group."""
    members = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[2]) == group and fields[0] != "Z":
                    members.append(int(entry.name))
    return members


async def group_ends(group: int, seconds: float = 5) -> bool:
    """Whether no process of the group is alive within `seconds`."""
    deadline = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < deadline:
        if not group_members(group):
            return True
        await asyncio.sleep(0.05)
    return False
