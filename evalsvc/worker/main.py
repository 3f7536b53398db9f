"""The worker process: receives commands over a socket, sends events, leaves nothing behind.

    python -m evalsvc.worker --worker-id ID --fd N --config JSON

`--fd` is the inherited end of a socket pair. If the other end closes without `shutdown`, the
dispatcher is dead, and the process kills itself with its whole group.
"""

import argparse
import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, NoReturn

from pydantic import ValidationError

from evalsvc import logs
from evalsvc.logs import about
from evalsvc.specs import ShardSpec
from evalsvc.worker.config import WorkerConfig
from evalsvc.worker.failures import ShardCancelled, failure
from evalsvc.worker.guard import end_group, own_group, start_guard
from evalsvc.worker.limits import MAX_LINE_BYTES
from evalsvc.worker.protocol import (
    CancelCommand,
    CancelledEvent,
    Command,
    DrainCommand,
    Event,
    ResultEvent,
    RunCommand,
    StatusEvent,
    WireError,
    decode_command,
    encode,
    messages,
)
from evalsvc.worker.worker import Worker

log = logging.getLogger("evalsvc.worker")


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run one worker until it is stopped. Exits with 0, or with 2 if it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m evalsvc.worker", description=__doc__)
    parser.add_argument("--worker-id", required=True)
    parser.add_argument("--fd", required=True, type=int, help="inherited end of a socket pair")
    parser.add_argument("--config", required=True, help="WorkerConfig as JSON")
    options = parser.parse_args(arguments)
    try:
        config = WorkerConfig.model_validate_json(options.config)
        connection = socket.socket(fileno=options.fd)
    except (ValidationError, OSError) as error:
        print(f"error: a worker is started by the dispatcher: {error}", file=sys.stderr)
        sys.exit(2)
    own_group()
    # A Ray cluster may make its processes ignore SIGCHLD, and children inherit that. Every exit
    # code would then read as 0 here, even that of a crashed verifier.
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    start_guard(connection)
    logs.configure(config.log_level, config.log_format)
    asyncio.run(Process(options.worker_id, config).serve(connection))


class Process:
    """Passes commands to a Worker and sends its events back."""

    def __init__(self, worker_id: str, config: WorkerConfig) -> None:
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._worker = Worker(worker_id, config, self._post)
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, connection: socket.socket) -> NoReturn:
        """Serve until `shutdown` or SIGTERM, then exit with code 0.

        If the dispatcher is gone, kill the process and its whole group at once.
        """
        reader, writer = await asyncio.open_connection(sock=connection, limit=MAX_LINE_BYTES)
        sender = asyncio.create_task(self._send(writer))
        receiver = asyncio.create_task(self._receive(reader))
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, receiver.cancel)
        self._post(StatusEvent(status=self._worker.status()))
        await asyncio.wait([receiver, sender], return_when=asyncio.FIRST_COMPLETED)
        if not receiver.cancelled() and (sender.done() or not receiver.result()):
            log.error("the dispatcher is gone; killing this process group")
            end_group()
        log.info("shutting down")
        await self._worker.close()
        log.info("shut down")
        logging.shutdown()
        os._exit(0)  # a thread that hangs in an engine start must not keep the process alive

    async def _receive(self, reader: asyncio.StreamReader) -> bool:
        """Handle commands until `shutdown` (True) or the end of the connection (False)."""
        try:
            async for command in messages(reader, decode_command):
                if not self._handle(command):
                    return True
        except WireError:
            log.exception("the dispatcher sent an invalid command")
        return False

    def _handle(self, command: Command) -> bool:
        """Start what `command` asks for. False for `shutdown`."""
        match command:
            case RunCommand():
                self._begin(self._run(command.shard))
            case CancelCommand():
                self._begin(self._cancel(command.shard_id))
            case DrainCommand():
                self._begin(self._worker.drain())
            case _:
                return False
        return True

    async def _run(self, spec: ShardSpec) -> None:
        what = about(shard=spec.shard_id, evaluation=spec.evaluation_id)
        log.info("shard started", extra=what)
        try:
            self._post(ResultEvent(result=await self._worker.run(spec)))
            log.info("shard done", extra=what)
        except ShardCancelled:
            log.info("shard cancelled", extra=what)
            self._post(CancelledEvent(shard_id=spec.shard_id))
        except Exception as error:  # the dispatcher must learn of every failure
            log.exception("shard failed", extra=what)
            self._post(failure(spec, error))

    async def _cancel(self, shard_id: str) -> None:
        if not await self._worker.cancel(shard_id):
            self._post(CancelledEvent(shard_id=shard_id))

    def _post(self, event: Event) -> None:
        self._outbox.put_nowait(encode(event))

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        """Write events as they come. Returns when the other side is gone."""
        with suppress(ConnectionError):
            while True:
                writer.write(await self._outbox.get())
                await writer.drain()

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
