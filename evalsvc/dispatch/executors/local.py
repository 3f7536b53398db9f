"""Workers as subprocesses on this machine: one per GPU, or one on the CPU.

Each worker leads its own session and process group, so killing the group kills its engine too.
Its output goes to DATA/logs/worker-ID.log. It communicates over a socket pair
(`worker.protocol`); when the pair closes, each side knows that the other is gone.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from evalsvc.dispatch.executors.base import (
    Executor,
    Inbox,
    WorkerEnded,
    WorkerHandle,
    WorkerMessage,
)
from evalsvc.dispatch.limits import WORKER_EXIT_SECONDS
from evalsvc.errors import StorageError
from evalsvc.settings import Settings
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.limits import MAX_LINE_BYTES
from evalsvc.worker.protocol import (
    Command,
    WireError,
    decode_event,
    encode,
    messages,
)

LIST_GPUS = ("nvidia-smi", "--query-gpu=index", "--format=csv,noheader")
LIST_GPUS_SECONDS = 20.0
VISIBLE = "CUDA_VISIBLE_DEVICES"


class LocalWorker(WorkerHandle):
    """One worker process."""

    def __init__(
        self, worker_id: str, process: asyncio.subprocess.Process, log_file: Path, gpus: str | None
    ) -> None:
        self.worker_id = worker_id
        self.gpus = gpus
        self._process = process
        self._log_file = log_file
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None

    async def connect(self, connection: socket.socket, inbox: Inbox) -> None:
        """Start to read the worker's events."""
        reader, self._writer = await asyncio.open_connection(sock=connection, limit=MAX_LINE_BYTES)
        self._task = asyncio.create_task(self._follow(reader, inbox))

    async def send(self, command: Command) -> None:
        if self._writer is not None:
            with suppress(ConnectionError):
                self._writer.write(encode(command))
                await self._writer.drain()

    async def kill(self) -> None:
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def ended(self) -> None:
        """Wait until the worker is gone and its end was reported."""
        if self._task is not None:
            await asyncio.wait([self._task])

    @property
    def is_alive(self) -> bool:
        return self._task is not None and not self._task.done()

    async def _follow(self, reader: asyncio.StreamReader, inbox: Inbox) -> None:
        """Forward events until the worker ends, then kill what is left of its group."""
        problem = ""
        try:
            async for event in messages(reader, decode_event):
                inbox.put_nowait(WorkerMessage(self.worker_id, event))
        except WireError as error:
            problem = f" It was killed because of a bad message: {error}"
        try:
            async with asyncio.timeout(WORKER_EXIT_SECONDS if not problem else 0):
                await self._process.wait()
        except TimeoutError:
            problem = problem or " It closed its connection but did not exit."
        await self.kill()  # including processes that the worker left behind
        code = await self._process.wait()
        if self._writer is not None:
            self._writer.close()
        reason = f"{_ending(code)}.{problem} Its log: {self._log_file}"
        inbox.put_nowait(WorkerMessage(self.worker_id, WorkerEnded(reason)))


class LocalExecutor(Executor):
    """Starts subprocesses and assigns each its GPUs."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gpus = visible_gpus()
        self._workers: list[LocalWorker] = []

    def default_workers(self) -> int:
        return max(1, len(self._gpus) // self._settings.gpus_per_worker)

    async def start(self, worker_id: str, inbox: Inbox) -> LocalWorker:
        log_file = self._settings.data.absolute() / "logs" / f"worker-{worker_id}.log"
        config = WorkerConfig.from_settings(self._settings, str(log_file))
        gpus = self._share()
        ours, theirs = socket.socketpair()
        try:
            log_file.parent.mkdir(parents=True, exist_ok=True)
            with log_file.open("ab") as log:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "evalsvc.worker", "--worker-id", worker_id),
                    *("--fd", str(theirs.fileno()), "--config", config.model_dump_json()),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,
                    env=dict(os.environ) if gpus is None else {**os.environ, VISIBLE: gpus},
                )
        except OSError as error:
            ours.close()
            raise StorageError(
                f"A worker cannot be started: {error}.",
                f"Check free memory, the process limit, and write access to {log_file.parent}.",
            ) from error
        finally:
            theirs.close()
        worker = LocalWorker(worker_id, process, log_file, gpus)
        await worker.connect(ours, inbox)
        self._workers = [*(w for w in self._workers if w.is_alive), worker]
        return worker

    async def close(self) -> None:
        for worker in self._workers:
            await worker.kill()
        for worker in self._workers:
            await worker.ended()

    def _share(self) -> str | None:
        """The GPUs of the next worker: the equal share that the fewest workers use."""
        if not self._gpus:
            return None
        per_worker = min(self._settings.gpus_per_worker, len(self._gpus))
        shares = [
            ",".join(self._gpus[i : i + per_worker])
            for i in range(0, len(self._gpus) - per_worker + 1, per_worker)
        ]
        taken = [worker.gpus for worker in self._workers if worker.is_alive]
        return min(shares, key=taken.count)


def visible_gpus() -> Sequence[str]:
    """The GPUs that workers may use, named as in CUDA_VISIBLE_DEVICES."""
    if (named := os.environ.get(VISIBLE)) is not None:
        return [gpu for gpu in named.split(",") if gpu.strip() not in ("", "-1")]
    try:
        listed = subprocess.run(
            LIST_GPUS, capture_output=True, text=True, timeout=LIST_GPUS_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return []
    return listed.stdout.split()


def _ending(code: int) -> str:
    if code >= 0:
        return f"The worker exited with code {code}"
    try:
        return f"The worker was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"The worker was killed by signal {-code}"
