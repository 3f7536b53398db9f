"""Fixtures of all integration tests: servers on loopback, and answers for the replay engine."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from evalsvc.settings import Settings
from tests.support.http_server import Running, run_server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    """Start servers with settings of the test's choice."""
    open_servers = []

    def make(**options: object) -> Running:
        folder = tmp_path / f"server-{len(open_servers)}"
        settings = Settings.model_validate({"data": folder, "engine": "replay", **options})
        generator = run_server(settings)
        open_servers.append(generator)
        return next(generator)

    yield make
    for generator in open_servers:
        next(generator, None)


@pytest.fixture
def server(start: Callable[..., Running]) -> Running:
    """A server on loopback without keys."""
    return start()


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """A file of answers to the first two smoke problems, for the replay engine."""
    path = tmp_path / "answers.jsonl"
    lines = [{"problem": i, "responses": ["\\boxed{1}", "no box"]} for i in range(2)]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path
