"""A real server on loopback over a real database, in a thread of the test process."""

import asyncio
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx

from evalsvc.api.state import State
from evalsvc.server.app import create_app
from evalsvc.server.http_server import QuietServer, listen
from evalsvc.settings import Settings
from evalsvc.store.database import Database

START_SECONDS = 20.0


@dataclass
class Running:
    """A server under test."""

    url: str
    settings: Settings
    database: Database
    state: State

    @property
    def http(self) -> httpx.Client:
        return httpx.Client(base_url=self.url, timeout=20, trust_env=False)


def run_server(settings: Settings) -> Iterator[Running]:
    """Serve until the generator is closed."""
    database = Database(settings.resolved_database_url)
    database.upgrade()
    app = create_app(settings, database)
    server = QuietServer(app, "warning")
    listener = listen(settings.host, 0)
    serve = server.serve(sockets=[listener])
    thread = threading.Thread(target=lambda: asyncio.run(serve), daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    yield Running(url, settings, database, app.state.evalsvc)
    server.stop()
    thread.join(10)
    assert not thread.is_alive(), "the server did not stop"
    database.close()


def job_body(answers: Path, **changes: object) -> dict[str, object]:
    """A job on the first two smoke problems."""
    return {
        "checkpoint": "label",
        "run": "run",
        "method": "GRPO",
        "step": 1,
        "benchmarks": [{"name": "smoke", "first": 2}],
        "samples": 2,
        "engine": "replay",
        "engine_options": {"answers": str(answers)},
        **changes,
    }


def counts_body(run: str, correct: list[int], n: int = 8, **changes: object) -> dict[str, object]:
    """An import of counts."""
    counts = [{"problem_id": f"p{i}", "n": n, "c": c} for i, c in enumerate(correct)]
    body = {"format": "counts", "run": run, "method": "GRPO", "step": 10, "benchmark": "own"}
    return {**body, "counts": counts, **changes}
