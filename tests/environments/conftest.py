"""The trainers' own environments: `.venv-verl` and `.venv-trl` in the repository's root.

Made when they are missing (some minutes and 2 GB each), kept afterwards. The wheel of the working
tree is installed into each anew; `pip freeze` before and after shows what it moved.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.trainers.tiny_training import terse_model
from tests.support.scripted_server import ScriptedServer, scripted_server

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
INSTALL_SECONDS = 1800


@dataclass(frozen=True)
class Environment:
    """An interpreter with a trainer and our wheel, and `pip freeze` before and after the wheel."""

    python: Path
    before: frozenset[str]
    after: frozenset[str]

    def run(self, script: str, *arguments: str, **environment: str) -> Any:
        """Run a script of this folder; the last line that it prints is JSON."""
        done = subprocess.run(
            [self.python, HERE / script, *arguments],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])


def _pip(python: Path, *arguments: str) -> str:
    command = [python, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


def _freeze(python: Path) -> frozenset[str]:
    lines = _pip(python, "freeze").splitlines()
    return frozenset(line for line in lines if not line.startswith("evalsvc"))


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    _pip(Path(sys.executable), "wheel", "--no-deps", "--wheel-dir", str(folder), str(ROOT))
    [built] = folder.glob("*.whl")
    return built


def _environment(name: str, packages: list[str], wheel: Path) -> Environment:
    python = ROOT / f".venv-{name}" / "bin" / "python"
    ready = python.parents[1] / ".complete"
    if not ready.exists():
        subprocess.run(
            [sys.executable, "-m", "venv", "--clear", python.parents[1]], timeout=120, check=True
        )
        for package in packages:  # one after the other: torch's build must be there first
            _pip(python, "install", "--quiet", package)
        ready.touch()
    _pip(python, "uninstall", "--yes", "evalsvc")
    before = _freeze(python)
    _pip(python, "install", "--quiet", str(wheel))
    return Environment(python, before, _freeze(python))


@pytest.fixture(scope="session")
def verl(wheel: Path) -> Environment:
    # The last three come with verl's rollout engines: its trainer imports them undeclared.
    packages = ["torch==2.13.0", "verl==0.9.1", "cachetools", "fastapi", "uvicorn"]
    return _environment("verl", packages, wheel)


@pytest.fixture(scope="session")
def trl(wheel: Path) -> Environment:
    return _environment("trl", ["torch==2.13.0", "trl==1.16.0"], wheel)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as script:
        yield script


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with random weights in float32, whose answers are one token long."""
    return terse_model(tmp_path_factory.mktemp("tiny") / "model")
