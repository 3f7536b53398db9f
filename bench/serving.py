"""`evalsvc serve` in its own process, for the benches that query it over HTTP."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from evalsvc.settings import SERVER_FILE, Settings

START_SECONDS = 120.0


@dataclass(frozen=True)
class Served:
    """A running server."""

    http: httpx.Client
    url: str
    pid: int

    def memory_mb(self) -> float:
        """Current resident memory."""
        return self._memory("VmRSS")

    def peak_memory_mb(self) -> float:
        """Peak resident memory."""
        return self._memory("VmHWM")

    def _memory(self, field: str) -> float:
        lines = Path(f"/proc/{self.pid}/status").read_text(encoding="utf-8").splitlines()
        (line,) = [line for line in lines if line.startswith(f"{field}:")]
        return int(line.split()[1]) / 1024


@contextmanager
def serving(settings: Settings) -> Iterator[Served]:
    """Run a server on a free port with the data and database of `settings`; stop it afterwards."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EVALSVC_")}
    environ |= {
        "EVALSVC_DATA": str(settings.data),
        "EVALSVC_DATABASE_URL": settings.database_url,
        "EVALSVC_ENGINE": "replay",
    }
    log = settings.data / "serve.log"
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-c", "from evalsvc.cli import main; main()", "serve", "--port", "0"],
            env=environ,
            cwd=settings.data,
            stdout=stream,
            stderr=subprocess.STDOUT,
        )
    try:
        url = _address(process, settings.data / SERVER_FILE, log)
        with httpx.Client(base_url=url, timeout=60, trust_env=False) as http:
            http.get("/v1/workers").raise_for_status()
            yield Served(http, url, process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(60)


def _address(process: subprocess.Popen[bytes], written: Path, log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not written.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"The server did not start:\n{log.read_text(errors='replace')[-3000:]}")
        time.sleep(0.05)
    return str(json.loads(written.read_text(encoding="utf-8"))["url"])
