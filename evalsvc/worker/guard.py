"""The guard: a small child that ends the worker's whole process group when it has to end.

An engine's own processes outlive a worker that is killed (on a GPU they would hold its memory), and
a busy or importing worker cannot always notice that its dispatcher has died. The guard does
nothing but watch: when the worker is gone, or the dispatcher's end of the socket is closed, it
sends SIGKILL to the group, itself included. It is forked before the first thread is started.
"""

import os
import select
import signal
import socket

POLL_MILLISECONDS = 200


def own_group() -> None:
    """Make this process the leader of its own session and group, unless it is one already."""
    if os.getpgrp() != os.getpid():
        os.setsid()


def start_guard(dispatcher: socket.socket) -> None:
    """Fork the guard. Call it once, after `own_group` and before any thread."""
    worker = os.getpid()
    if os.fork() == 0:
        try:
            _watch(worker, dispatcher)
        finally:
            end_group()


def end_group() -> None:
    """End this process and every other of its group, at once."""
    os.killpg(os.getpgrp(), signal.SIGKILL)


def _watch(worker: int, dispatcher: socket.socket) -> None:
    """Returns when the worker or the dispatcher is gone."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # meant for the worker, which then ends in order
    poll = select.poll()
    poll.register(dispatcher, select.POLLRDHUP | select.POLLHUP)
    while os.getppid() == worker and not poll.poll(POLL_MILLISECONDS):
        pass
