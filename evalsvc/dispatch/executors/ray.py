"""Workers as actors of the Ray cluster at RAY_ADDRESS, or of a cluster on this machine.

An actor starts the same worker process as the local executor, on the node where Ray placed it, and
forwards its lines. So workers end the same way everywhere and no engine outlives its worker
(docs/decisions/0606). Ray handles placement, liveness and restarts of actors. Actors are not
detached: they end with the dispatcher that created them.
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

from evalsvc.dispatch.executors.base import (
    Executor,
    Inbox,
    WorkerEnded,
    WorkerHandle,
    WorkerMessage,
)
from evalsvc.dispatch.executors.local import LocalExecutor, LocalWorker
from evalsvc.dispatch.limits import MAX_ACTOR_RESTARTS
from evalsvc.errors import StorageError, UsageError
from evalsvc.settings import Settings
from evalsvc.worker.protocol import Command, WireError, decode_command, decode_event, encode

log = logging.getLogger(__name__)

CONCURRENCY = 16  # concurrent calls of one actor
UNAVAILABLE_SECONDS = 0.5  # between polls of an actor that is being restarted
RESOURCES_SECONDS = 5.0  # how long the cluster's size is cached


class WorkerActor:
    """Runs on a node of the cluster: one worker process, its commands and its events."""

    def __init__(self, worker_id: str, settings_json: str) -> None:
        os.environ.pop("OMP_NUM_THREADS", None)  # set by Ray; the engine chooses its own
        settings = Settings.model_validate_json(settings_json)
        self._executor = LocalExecutor(settings.model_copy(update={"workers": 1}))
        self._worker_id = worker_id
        self._inbox: Inbox = asyncio.Queue()
        self._worker: LocalWorker | None = None

    async def start(self) -> None:
        """Start the worker process. Ray does not retry this or any other call."""
        self._worker = await self._executor.start(self._worker_id, self._inbox)

    async def send(self, line: bytes) -> None:
        """Forward a command to the worker."""
        if self._worker is not None:
            await self._worker.send(decode_command(line))

    async def receive(self) -> tuple[list[bytes], str | None]:
        """Wait for events. Returns them as lines, and the reason if the worker has ended."""
        if self._worker is None:  # Ray restarted this actor
            await self.start()
        contents = [(await self._inbox.get()).content]
        while not self._inbox.empty():
            contents.append(self._inbox.get_nowait().content)
        ended = [content.reason for content in contents if isinstance(content, WorkerEnded)]
        lines = [encode(content) for content in contents if not isinstance(content, WorkerEnded)]
        return lines, ended[0] if ended else None

    async def kill(self) -> None:
        """Kill the worker process and its group."""
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
        # Not awaited: Ray keeps the order, and an actor that is being restarted must not block
        # the others. `_follow` sees its end.
        with suppress(RayError):
            self._actor.send.remote(encode(command))

    async def kill(self) -> None:
        self._actor.kill.remote()  # the process first, without waiting for Ray to notice
        await asyncio.sleep(0)
        await asyncio.to_thread(self._release)

    async def _follow(self) -> None:
        """Forward the worker's events until it is gone for good."""
        was_here = True
        while True:
            try:
                lines, ended = await self._actor.receive.remote()
            except ActorUnavailableError as error:
                if was_here:
                    self._report(WorkerEnded(_first_line(error), returns=True))
                was_here = False
                await asyncio.sleep(UNAVAILABLE_SECONDS)
                continue
            except RayError as error:  # the actor died, or could not start its process
                self._report(WorkerEnded(_first_line(error)))
                break
            was_here = True
            try:
                for line in lines:
                    self._inbox.put_nowait(WorkerMessage(self.worker_id, decode_event(line)))
            except WireError as error:
                self._report(WorkerEnded(f"It was killed because of a bad message: {error}"))
                break
            if ended is not None:
                self._report(WorkerEnded(ended))
                break
        await asyncio.to_thread(self._release)

    def _report(self, ended: WorkerEnded) -> None:
        self._inbox.put_nowait(WorkerMessage(self.worker_id, ended))

    def _release(self) -> None:
        """Release the actor and its resources in the cluster."""
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
        self._size = (0, -RESOURCES_SECONDS)  # workers that fit, and when that was read
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
                f"A worker needs {gpus} GPUs on one node, but the largest node has {largest}.",
                "Lower EVALSVC_GPUS_PER_WORKER, or add larger nodes.",
            )
        else:
            # All GPUs of a worker are on one node and are reserved together or not at all.
            group = placement_group([{"CPU": 1, "GPU": gpus}], strategy="STRICT_PACK")
            options = {
                "num_cpus": 1,
                "num_gpus": gpus,
                "scheduling_strategy": PlacementGroupSchedulingStrategy(group),
            }
        remote: Any = ray.remote(WorkerActor)
        actor = remote.options(
            name=f"evalsvc-worker-{worker_id}-{os.getpid()}",
            max_restarts=MAX_ACTOR_RESTARTS,
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
    """Join the cluster at RAY_ADDRESS, or start one on this machine's loopback interface.

    Raises StorageError if the cluster cannot be reached.
    """
    own = {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
    # Ray installs its own SIGTERM handler; ours lets running shards finish.
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
            f"Cannot join the Ray cluster: {_first_line(error)}",
            "Check RAY_ADDRESS, or unset it to start a cluster on this machine.",
        ) from error
    finally:
        if in_main:
            for number, handler in handlers.items():
                signal.signal(number, handler)


def _nodes() -> list[dict[str, float]]:
    """The resources of each living node."""
    return [dict(node["Resources"]) for node in ray.nodes() if node["Alive"]]


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    kind = "The actor died" if isinstance(error, ActorDiedError) else type(error).__name__
    return f"{kind}: {lines[0]}" if lines else kind
