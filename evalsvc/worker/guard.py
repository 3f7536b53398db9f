"""The guard: a small child process that kills the worker's whole process group when needed.

The processes of an engine outlive a killed worker (on a GPU they would keep its memory), and a
worker that is busy or importing cannot always notice that its dispatcher has died. The guard only
watches: when the worker is gone or the dispatcher's end of the socket is closed, it sends SIGKILL
to the group, including itself. It is forked before the first thread starts.
"""

import os
import select
import signal
import socket

POLL_MILLISECONDS = 200


def own_group() -> None:
    """Make this process the leader of its own session and group, unless it already is."""
    if os.getpgrp() != os.getpid():
        os.setsid()


def start_guard(dispatcher: socket.socket) -> None:
    """Fork the guard. Call it once, after `own_group` and before any thread starts."""
    worker = os.getpid()
    if os.fork() == 0:
        try:
            _watch(worker, dispatcher)
        finally:
            end_group()


def end_group() -> None:
    """Kill this process and its whole group at once."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _watch(worker: int, dispatcher: socket.socket) -> None:
    """Return when the worker or the dispatcher is gone."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the worker, which then exits cleanly
    poll = select.poll()
    poll.register(dispatcher, select.POLLRDHUP | select.POLLHUP)
    while os.getppid() == worker and not poll.poll(POLL_MILLISECONDS):
        pass
