"""The processes that `bench.faults` kills: a dispatcher and its workers."""

import contextlib
import os
import random
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import psutil

from evalsvc.settings import Settings

SERVER_SHARE = 1 / 3  # of the kills that hit the server; the others hit a worker
WORKER = "evalsvc.worker"


class Server:
    """`evalsvc dispatch` in its own process, which may be killed and restarted."""

    def __init__(self, settings: Settings) -> None:
        self._environment = {
            **os.environ,
            "EVALSVC_DATA": str(settings.data),
            "EVALSVC_DATABASE_URL": settings.resolved_database_url,
            "EVALSVC_WORKERS": str(settings.workers),
            "EVALSVC_VERIFIER_PROCESSES": str(settings.verifier_processes),
            "EVALSVC_SHARD_TARGET_SECONDS": str(settings.shard_target_seconds),
        }
        self._log = (settings.data / "server.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(
            [str(Path(sys.executable).with_name("evalsvc")), "dispatch"],
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
        )

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """Kill it as a crash would, without cleanup."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> int:
        """Stop it as an operator would; return the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        code = self._process.wait(timeout=90)
        self._log.close()
        return code

    def workers(self) -> list[psutil.Process]:
        """The worker processes (not their guards, verifiers and engines)."""
        assert self._process is not None
        with contextlib.suppress(psutil.NoSuchProcess):
            children = psutil.Process(self._process.pid).children()
            return [child for child in children if WORKER in _command(child)]
        return []

    def kill_one(self, chance: random.Random, kills: Counter[str]) -> None:
        """Send kill -9 to a random victim and count it in `kills`; do nothing without a worker."""
        if chance.random() < SERVER_SHARE:
            self.kill()
            kills["server"] += 1
        elif workers := self.workers():
            with contextlib.suppress(psutil.NoSuchProcess):
                chance.choice(workers).kill()
                kills["worker"] += 1


def _command(process: psutil.Process) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
