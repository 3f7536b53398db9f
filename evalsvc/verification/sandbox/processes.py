"""Killable child processes over Pebble, from a fork server that never runs the caller's main.

A fork server costs one import of the verifier; replacing a killed child then takes milliseconds.
The caller's `__main__` is not imported in children: a script without a main guard must not run
twice.
"""

import multiprocessing
import os
import signal
import threading
from concurrent.futures import Future
from multiprocessing import context, forkserver, popen_forkserver, spawn
from typing import Any

from pebble import ProcessExpired, ProcessPool

from evalsvc.verification.sandbox.child import Judgement, judge_in_child, prepare, ready

#: Gold, kind, choices, answer, seconds of processor time.
Arguments = tuple[str, str | None, tuple[str, ...], str, float]
_PRELOAD = ["evalsvc.verification.sandbox.preload"]
_TASKS_PER_PROCESS = 5_000
_START_SECONDS = 60.0
_LAUNCH = threading.local()
_preparation_data = spawn.get_preparation_data


def _without_main(name: str) -> dict[str, Any]:
    """multiprocessing's preparation of a child, in our launches without the caller's main."""
    data = _preparation_data(name)
    if getattr(_LAUNCH, "ours", False):
        data.pop("init_main_from_name", None)
        data.pop("init_main_from_path", None)
    return data


def _forget_server() -> None:
    """In a fork: multiprocessing would wait for the parent's fork server as if it were a child."""
    server: Any = forkserver._forkserver
    if server._forkserver_alive_fd is not None:
        os.close(server._forkserver_alive_fd)
    server.__init__()


os.register_at_fork(after_in_child=_forget_server)


class _Popen(popen_forkserver.Popen):
    def _launch(self, process_obj: Any) -> None:
        _LAUNCH.ours = True
        try:
            super()._launch(process_obj)  # type: ignore[misc]
        finally:
            _LAUNCH.ours = False


class _Process(context.ForkServerProcess):
    def start(self) -> None:
        """Start from a daemonic process too (a worker of someone's pool)."""
        configuration = multiprocessing.current_process()._config  # type: ignore[attr-defined]
        daemonic = configuration.pop("daemon", None)
        try:
            super().start()
        finally:
            if daemonic is not None:
                configuration["daemon"] = daemonic

    @staticmethod
    def _Popen(process_obj: Any) -> Any:  # noqa: N802 - multiprocessing's hook
        return _Popen(process_obj)


class _Context(context.ForkServerContext):
    Process = _Process


def start(processes: int, memory_limit_bytes: int) -> ProcessPool:
    """A pool of children with their limits set."""
    spawn.get_preparation_data = _without_main
    multiprocessing.set_forkserver_preload(_PRELOAD)
    forkserver.ensure_running()
    pool = ProcessPool(
        max_workers=processes,
        max_tasks=_TASKS_PER_PROCESS,
        initializer=prepare,
        initargs=(memory_limit_bytes,),
        context=_Context(),
    )
    # Pebble launches its workers on the first task and holds its lock meanwhile: have that done
    # here, off the event loop, and not under a request
    try:
        pool.schedule(ready, timeout=_START_SECONDS).result()
    except (TimeoutError, ProcessExpired) as error:
        pool.stop()
        raise RuntimeError(
            f"Verification processes cannot start ({type(error).__name__}); the memory limit of "
            f"{memory_limit_bytes} bytes may be too small."
        ) from error
    return pool


def out_of_processor_time(error: ProcessExpired) -> bool:
    """Whether the kernel ended a child for its processor time (not a crash)."""
    return bool(getattr(error, "exitcode", 0) == -signal.SIGXCPU)


def submit(pool: ProcessPool, arguments: Arguments, wall: float) -> "Future[Judgement]":
    """Schedule one judgement; its future fails with TimeoutError or ProcessExpired."""
    future: Future[Judgement] = pool.schedule(judge_in_child, args=arguments, timeout=wall)
    return future
