"""What the dispatcher asks of an executor: start workers somewhere, talk to them, end them.

Whatever a worker says, and its end, arrive in the executor's one inbox; nothing else does.
"""

import asyncio
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TypeAlias

from evalsvc.worker.protocol import Command, Event


@dataclass(frozen=True)
class WorkerEnded:
    """A worker is gone, with all that ran on it.

    `returns` says that the same worker will report again by itself (an actor being restarted).
    """

    reason: str
    returns: bool = False


@dataclass(frozen=True)
class Message:
    """What came from one worker."""

    worker_id: str
    content: Event | WorkerEnded


Inbox: TypeAlias = "asyncio.Queue[Message]"


class WorkerHandle(ABC):
    """One started worker. It reports its end once, whether it was asked for or not."""

    worker_id: str

    @abstractmethod
    async def send(self, command: Command) -> None:
        """Hand a command over. A worker that is gone already is no error: its end is reported."""

    @abstractmethod
    async def kill(self) -> None:
        """End it and everything that it started, at once."""


class Executor(ABC):
    """Starts workers. `inbox` is given by the dispatcher."""

    @abstractmethod
    def default_workers(self) -> int:
        """How many workers suit the machine or cluster, when the settings do not say."""

    @abstractmethod
    async def start(self, worker_id: str, inbox: Inbox) -> WorkerHandle:
        """Start one worker. Raises EvalsvcError when that cannot work at all."""

    @abstractmethod
    async def close(self) -> None:
        """Let go of what the executor holds; the workers have been ended before."""
