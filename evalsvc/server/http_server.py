"""The HTTP server inside a larger process, which binds its socket and handles signals."""

import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from fastapi import FastAPI

from evalsvc.errors import UsageError

BACKLOG = 2048
GRACE_SECONDS = 5  # for open requests when the server stops


class QuietServer(uvicorn.Server):
    """Uvicorn without its own signal handlers and banner."""

    def __init__(self, app: FastAPI, log_level: str) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                log_level=log_level,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=GRACE_SECONDS,
                lifespan="on",
            )
        )
        self._app = app

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the process, which also has to stop a dispatcher."""
        yield

    def stop(self) -> None:
        """End the event streams, then the server."""
        self._app.state.evalsvc.stopping.set()
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. Raises UsageError when the address is taken."""
    try:
        family, kind, protocol, *_ = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        # The protocol is named because asyncio then turns Nagle's algorithm off, which would
        # delay the end of every answer by 40 ms.
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        raise UsageError(
            f"The address {host}:{port} cannot be used: {error.strerror or error}.",
            "Take another port (--port 0 finds a free one), or stop whoever has it.",
        ) from error
    return listener
