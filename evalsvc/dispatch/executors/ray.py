"""Workers as actors of the Ray cluster that RAY_ADDRESS names, or of one of this machine's own.

An actor starts the same worker process that the local executor starts, on the node where Ray has
placed it, and carries its lines; so a worker's end is the same everywhere, and no engine outlives
it (docs/decisions/0606). Placement, liveness and restarts of actors are Ray's. Actors are not
detached: they go with the dispatcher that made them.
"""

import asyncio
import logging
import os
import signal
import threading
import time
from contextlib import suppress
from typing import Any

import ray
from ray.actor import ActorHandle
from ray.exceptions import ActorDiedError, ActorUnavailableError, RayError
from ray.util.placement_group import PlacementGroup, placement_group, remove_placement_group
from ray.util.scheduling_strategies import PlacementGroupSchedulingStrategy

from evalsvc.dispatch.executors.base import Executor, Inbox, Message, WorkerEnded, WorkerHandle
from evalsvc.dispatch.executors.local import LocalExecutor, LocalWorker
from evalsvc.errors import StorageError, UsageError
from evalsvc.settings import Settings
from evalsvc.worker.protocol import Command, WireError, decode_command, decode_event, encode

log = logging.getLogger(__name__)

MAX_RESTARTS = 3  # of one actor by Ray; then the dispatcher starts another
CONCURRENCY = 16  # calls that wait inside an actor at a time
UNAVAILABLE_SECONDS = 0.5  # between looks at an actor that is being restarted
RESOURCES_SECONDS = 5.0  # for which the cluster's size is remembered


class WorkerActor:
    """Runs on a node of the cluster: one worker process and its two streams of lines."""

    def __init__(self, worker_id: str, settings_json: str) -> None:
        os.environ.pop("OMP_NUM_THREADS", None)  # Ray's guess, not the engine's choice
        settings = Settings.model_validate_json(settings_json)
        self._executor = LocalExecutor(settings.model_copy(update={"workers": 1}))
        self._worker_id = worker_id
        self._inbox: Inbox = asyncio.Queue()
        self._worker: LocalWorker | None = None

    async def start(self) -> None:
        """Start the worker process. Ray repeats neither this nor any other call."""
        self._worker = await self._executor.start(self._worker_id, self._inbox)

    async def send(self, line: bytes) -> None:
        """A command for the worker."""
        if self._worker is not None:
            await self._worker.send(decode_command(line))

    async def receive(self) -> tuple[list[bytes], str | None]:
        """The next events, as lines, and the reason when the worker has ended."""
        if self._worker is None:  # this actor was restarted by Ray
            await self.start()
        contents = [(await self._inbox.get()).content]
        while not self._inbox.empty():
            contents.append(self._inbox.get_nowait().content)
        ended = [content.reason for content in contents if isinstance(content, WorkerEnded)]
        lines = [encode(content) for content in contents if not isinstance(content, WorkerEnded)]
        return lines, ended[0] if ended else None

    async def kill(self) -> None:
        """End the worker process and its group."""
        if self._worker is not None:
            await self._worker.kill()


class RayWorkerHandle(WorkerHandle):
    """The dispatcher's end of one actor."""

    def __init__(
        self, worker_id: str, actor: ActorHandle, group: PlacementGroup | None, inbox: Inbox
    ) -> None:
        self.worker_id = worker_id
        self._actor = actor
        self._group = group
        self._inbox = inbox
        self._task = asyncio.create_task(self._follow())

    async def send(self, command: Command) -> None:
        # Not awaited: Ray keeps the order, and an actor that is being restarted must not hold up
        # the others. Its end is what `_follow` sees.
        with suppress(RayError):
            self._actor.send.remote(encode(command))

    async def kill(self) -> None:
        self._actor.kill.remote()  # the process first: it need not wait for Ray to notice
        await asyncio.sleep(0)
        await asyncio.to_thread(self._release)

    async def _follow(self) -> None:
        """Pass on what the worker says until it is gone for good."""
        was_here = True
        while True:
            try:
                lines, ended = await self._actor.receive.remote()
            except ActorUnavailableError as error:
                if was_here:
                    self._tell(WorkerEnded(_first_line(error), returns=True))
                was_here = False
                await asyncio.sleep(UNAVAILABLE_SECONDS)
                continue
            except RayError as error:  # the actor died, or could not start its process
                self._tell(WorkerEnded(_first_line(error)))
                break
            was_here = True
            try:
                for line in lines:
                    self._inbox.put_nowait(Message(self.worker_id, decode_event(line)))
            except WireError as error:
                self._tell(WorkerEnded(f"It was ended because of a message: {error}"))
                break
            if ended is not None:
                self._tell(WorkerEnded(ended))
                break
        await asyncio.to_thread(self._release)

    def _tell(self, ended: WorkerEnded) -> None:
        self._inbox.put_nowait(Message(self.worker_id, ended))

    def _release(self) -> None:
        """Give the actor and its place in the cluster back."""
        with suppress(RayError):
            ray.kill(self._actor, no_restart=True)
        if self._group is not None:
            with suppress(RayError):
                remove_placement_group(self._group)
            self._group = None


class RayExecutor(Executor):
    """Starts one actor per worker: on `gpus_per_worker` GPUs of a node, or one per CPU node."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._handles: list[RayWorkerHandle] = []
        self._size = (0, -RESOURCES_SECONDS)  # workers that fit, and when that was asked
        self._connected_here = not ray.is_initialized()
        if self._connected_here:
            _connect()

    def default_workers(self) -> int:
        workers, asked_at = self._size
        if time.monotonic() - asked_at > RESOURCES_SECONDS:
            gpus = [int(node.get("GPU", 0)) for node in _nodes()]
            per_worker = self._settings.gpus_per_worker
            workers = max(1, sum(gpu // per_worker for gpu in gpus) if any(gpus) else len(gpus))
            self._size = workers, time.monotonic()
        return workers

    async def start(self, worker_id: str, inbox: Inbox) -> RayWorkerHandle:
        gpus, group, options = self._settings.gpus_per_worker, None, {}
        largest = max((int(node.get("GPU", 0)) for node in _nodes()), default=0)
        if largest == 0:
            options = {"num_cpus": 1, "scheduling_strategy": "SPREAD"}
        elif gpus > largest:
            raise UsageError(
                f"A worker needs {gpus} GPUs of one node, and the largest node has {largest}.",
                "Set EVALSVC_GPUS_PER_WORKER to what a node has, or add larger nodes.",
            )
        else:
            # The GPUs of one worker lie in one node and are reserved together or not at all.
            group = placement_group([{"CPU": 1, "GPU": gpus}], strategy="STRICT_PACK")
            options = {
                "num_cpus": 1,
                "num_gpus": gpus,
                "scheduling_strategy": PlacementGroupSchedulingStrategy(group),
            }
        remote: Any = ray.remote(WorkerActor)
        actor = remote.options(
            name=f"evalsvc-worker-{worker_id}-{os.getpid()}",
            max_restarts=MAX_RESTARTS,
            max_concurrency=CONCURRENCY,
            **options,
        ).remote(worker_id, self._settings.model_dump_json())
        handle = RayWorkerHandle(worker_id, actor, group, inbox)
        self._handles.append(handle)
        return handle

    async def close(self) -> None:
        for handle in self._handles:
            with suppress(RayError):
                await handle.kill()
        if self._connected_here:
            await asyncio.to_thread(ray.shutdown)


def _connect() -> None:
    """Join the cluster of RAY_ADDRESS, or start one of this machine's own, reached only from it.

    Raises StorageError when the cluster cannot be reached.
    """
    own = {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
    # Ray puts its own handler on SIGTERM; ours lets running shards end.
    in_main = threading.current_thread() is threading.main_thread()
    handlers = {n: signal.getsignal(n) for n in (signal.SIGTERM, signal.SIGINT)}
    try:
        ray.init(
            namespace="evalsvc",
            log_to_driver=False,
            configure_logging=False,
            **({} if os.environ.get("RAY_ADDRESS") else own),
        )
    except (ConnectionError, RuntimeError, ValueError, RayError) as error:
        raise StorageError(
            f"The Ray cluster cannot be joined: {_first_line(error)}",
            "Check RAY_ADDRESS, or leave it out to start a cluster on this machine.",
        ) from error
    finally:
        if in_main:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _nodes() -> list[dict[str, float]]:
    """The resources of each living node."""
    return [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def _first_line(error: BaseException) -> str:
    words = str(error).strip().splitlines()
    kind = "The actor died" if isinstance(error, ActorDiedError) else type(error).__name__
    return f"{kind}: {words[0]}" if words else kind
