"""The wheel as users get it: a light core for trainers, a server in a new environment."""

import json
import os
import signal
import subprocess
import sys
import time
import venv
from pathlib import Path

import httpx
import pytest

# Installing takes minutes, and much longer on a machine that is busy with something else.
pytestmark = pytest.mark.timeout(3600)
COMMAND_SECONDS = 1800
SERVICE_SECONDS = 600

ROOT = Path(__file__).resolve().parents[2]
CONSTRAINTS = ROOT / "constraints" / "cpu.txt"
# What `pip install evalsvc` may name itself; everything else in its environment is theirs.
CORE = {"httpx", "pydantic", "typer", "rich"}


# The wheel is tested, not a working tree that PYTHONPATH names.
ENVIRON = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _run(*command: str | Path, **options: object) -> subprocess.CompletedProcess[str]:
    options = {"env": ENVIRON, **options}
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        check=False,
        **options,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, f"{command}: {done.returncode}\n{done.stdout}{done.stderr}"
    return done


def _environment(folder: Path, requirement: str) -> Path:
    """A new virtual environment that holds `requirement`. Returns its bin folder."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    _run(python, "-m", "pip", "install", "-q", "--no-compile", "-c", CONSTRAINTS, requirement)
    return folder / "bin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "build", "--wheel", "--outdir", out, ROOT)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def core(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _environment(tmp_path_factory.mktemp("core"), str(wheel))


def test_core_names_four_dependencies_and_no_more(core: Path) -> None:
    code = (
        "import importlib.metadata as m, json, re\n"
        "needs = [r for r in m.requires('evalsvc') if 'extra ==' not in r]\n"
        "print(json.dumps([re.match(r'[A-Za-z0-9_-]+', r)[0] for r in needs]))"
    )
    assert set(json.loads(_run(core / "python", "-c", code).stdout)) == CORE


def test_core_imports_the_client_and_the_hooks(core: Path) -> None:
    modules = "evalsvc.trainers.announcer, evalsvc.trainers.watcher, evalsvc.checkpoints"
    _run(core / "python", "-c", f"from evalsvc import AsyncClient, Client; import {modules}")


def test_core_says_its_version_and_installs_completion(core: Path, tmp_path: Path) -> None:
    version = _run(core / "python", "-c", "import evalsvc; print(evalsvc.__version__)").stdout
    assert _run(core / "evalsvc", "--version").stdout == version
    shown = _run(core / "evalsvc", "--help").stdout
    assert "submit" in shown
    assert "--install-completion" in shown
    home = {
        **ENVIRON,
        "HOME": str(tmp_path),
        "_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1",  # the shell is named instead
    }
    _run(core / "evalsvc", "--install-completion", "bash", env=home)
    assert "evalsvc" in (tmp_path / ".bashrc").read_text()


def test_core_is_typed(core: Path) -> None:
    code = (
        "import importlib.resources as r; print(r.files('evalsvc').joinpath('py.typed').is_file())"
    )
    assert _run(core / "python", "-c", code).stdout.strip() == "True"


@pytest.mark.parametrize("command", ["results", "submit x --run r --benchmarks a"])
def test_core_says_how_to_get_a_server(core: Path, tmp_path: Path, command: str) -> None:
    environ = {"PATH": "/usr/bin:/bin", "EVALSVC_PORT": "9"}
    done = subprocess.run(
        [str(core / "evalsvc"), *command.split()],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        cwd=tmp_path,
        env=environ,
        check=False,
    )
    assert done.returncode == 1
    for words in ("evalsvc up", "EVALSVC_SERVER", 'pip install "evalsvc[server]"'):
        assert words in done.stderr
    assert "Traceback" not in done.stderr


def test_core_says_which_extra_a_command_needs(core: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        [str(core / "evalsvc"), "up"],
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS,
        cwd=tmp_path,
        env=ENVIRON,
        check=False,
    )
    assert done.returncode == 1
    assert 'pip install "evalsvc[server]"' in done.stderr
    assert "Traceback" not in done.stderr


def test_wheel_carries_catalogue_migrations_and_serves(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    bin_folder = _environment(tmp_path_factory.mktemp("server"), f"{wheel}[server]")
    work = tmp_path_factory.mktemp("work")
    shown = _run(bin_folder / "evalsvc", "benchmarks", "list", "--json", cwd=work)
    listed = json.loads(shown.stdout)
    assert {"smoke", "math", "aime2025", "amc23"} <= {row["name"] for row in listed}

    environ = {**ENVIRON, "EVALSVC_DATA": str(work / "var"), "EVALSVC_ENGINE": "replay"}
    with (work / "up.log").open("w") as log:
        service = subprocess.Popen(
            [str(bin_folder / "evalsvc"), "up", "--port", "0"],
            cwd=work,
            env=environ,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        url = _wait_for_url(work / "var" / "server.json", service, work / "up.log")
        assert httpx.get(f"{url}/readyz", timeout=SERVICE_SECONDS).status_code == 200
        assert "text/html" in httpx.get(f"{url}/", timeout=SERVICE_SECONDS).headers["content-type"]
    finally:
        service.send_signal(signal.SIGTERM)
        assert service.wait(timeout=SERVICE_SECONDS) == 0, (work / "up.log").read_text()


def _wait_for_url(path: Path, service: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + SERVICE_SECONDS
    while time.monotonic() < deadline:
        assert service.poll() is None, log.read_text()
        if path.exists():
            return str(json.loads(path.read_text())["url"])
        time.sleep(0.2)
    raise AssertionError(
        f"the service did not come up within {SERVICE_SECONDS} s:\n{log.read_text()}"
    )
