"""The interface of an executor: start workers somewhere, send them commands, kill them.

Every event of a worker, and its end, arrives in the one inbox that the dispatcher passes in.
"""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeAlias

from evalsvc.worker.protocol import Command, Event


@dataclass(frozen=True)
class WorkerEnded:
    """A worker is gone, with everything that ran on it.

    `returns` means that the executor restarts the same worker (an actor that Ray restarts).
    """

    reason: str
    returns: bool = False


@dataclass(frozen=True)
class WorkerMessage:
    """One event of one worker, or its end."""

    worker_id: str
    content: Event | WorkerEnded


Inbox: TypeAlias = "asyncio.Queue[WorkerMessage]"


class WorkerHandle(ABC):
    """One started worker. It reports its end exactly once, whether or not it was asked to end.

    Attributes:
        worker_id: The id that was passed to `Executor.start`.
    """

    worker_id: str

    @abstractmethod
    async def send(self, command: Command) -> None:
        """Send a command. Must not fail when the worker is gone: its end is reported anyway."""

    @abstractmethod
    async def kill(self) -> None:
        """Kill the worker and every process it started, at once. Calling it twice is allowed."""


class Executor(ABC):
    """Starts workers: processes of `python -m evalsvc.worker`, or anything that acts like one.

    A worker puts a `WorkerMessage` into the inbox for each event (`evalsvc.worker.protocol`) and,
    when it is gone, one with `WorkerEnded`. The dispatcher calls all methods from one event loop.

    Examples:
        A worker in memory that finishes at once:

        >>> import asyncio
        >>> from evalsvc.worker.protocol import Command, ShutdownCommand
        >>> class EchoWorker(WorkerHandle):
        ...     def __init__(self, worker_id: str, inbox: Inbox) -> None:
        ...         self.worker_id = worker_id
        ...         self._inbox = inbox
        ...     async def send(self, command: Command) -> None:
        ...         if isinstance(command, ShutdownCommand):
        ...             await self.kill()
        ...     async def kill(self) -> None:
        ...         ended = WorkerMessage(self.worker_id, WorkerEnded("it was asked to"))
        ...         self._inbox.put_nowait(ended)
        >>> class EchoExecutor(Executor):
        ...     def default_workers(self) -> int:
        ...         return 1
        ...     async def start(self, worker_id: str, inbox: Inbox) -> WorkerHandle:
        ...         return EchoWorker(worker_id, inbox)
        ...     async def close(self) -> None:
        ...         return None
        >>> async def main() -> str:
        ...     inbox: Inbox = asyncio.Queue()
        ...     worker = await EchoExecutor().start("1-1", inbox)
        ...     await worker.send(ShutdownCommand())
        ...     return (await inbox.get()).content.reason
        >>> asyncio.run(main())
        'it was asked to'
    """

    @abstractmethod
    def default_workers(self) -> int:
        """How many workers (at least 1) suit this machine or cluster.

        Used when EVALSVC_WORKERS is not set. Called on every turn of the dispatcher, so it must
        be cheap.
        """

    @abstractmethod
    async def start(self, worker_id: str, inbox: Inbox) -> WorkerHandle:
        """Start one worker and return without waiting for its engine.

        Args:
            worker_id: Unique within the database: `EPOCH-NUMBER`.
            inbox: Where the worker's messages go.

        Returns:
            A handle whose `worker_id` is the one given.

        Raises:
            EvalsvcError: The worker cannot be started. The dispatcher tries again after a pause
                that doubles from 1 s to `MAX_START_PAUSE_SECONDS`.
        """

    @abstractmethod
    async def close(self) -> None:
        """Kill the workers that are still alive and release everything else. Called last."""
