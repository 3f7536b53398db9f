"""The command line without a server: help, lazy imports, wrong usage, errors in words."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalsvc.cli import COMMANDS
from evalsvc.cli.printing import cell, interval, percent

HEAVY = ("fastapi", "sqlalchemy", "numpy", "scipy", "pyarrow", "torch", "vllm", "alembic")


def run(*arguments: str, cwd: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from evalsvc.cli import main; main()", *arguments]
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=60,
        check=False,
        env={"PATH": "/usr/bin:/bin", "EVALSVC_PORT": "9", "COLUMNS": "120", **environ},
    )


def test_help_lists_every_command_and_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "sys.argv = ['evalsvc', '--help']\n"
        "from evalsvc.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print('heavy:', [m for m in {HEAVY!r} if m in sys.modules])"
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert time.monotonic() - began < 20
    assert "heavy: []" in done.stdout
    for command in COMMANDS:
        assert f" {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str, tmp_path: Path) -> None:
    done = run(command, "--help", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Usage: " in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "word"),
    [
        (["nonsense"], 2, "nonsense"),
        (["submit", "x"], 2, "--run"),
        (["submit", "x", "--run", "r", "--benchmarks", ","], 2, "names none"),
        (["submit", "x", "--run", "r", "--benchmarks", "a", "--protocol", "odd"], 2, "odd"),
        (
            ["submit", "x", "--run", "r", "--benchmarks", "a", "--samples", "2", "--k", "4"],
            2,
            "k =",
        ),
        (["submit", "x", "--run", "r", "--benchmarks", "a"], 1, "evalsvc up"),
        (["jobs"], 1, "evalsvc up"),
        (["compare", "--baseline", "a", "--candidate", "b"], 1, "evalsvc up"),
        (["import", "odd", "x", "--run", "r", "--benchmark", "b"], 2, "odd"),
        (["import", "counts", "missing", "--run", "r", "--benchmark", "b"], 2, "missing"),
        (["export", "--format", "odd"], 2, "odd"),
        (["up", "--engine", "odd"], 2, "engine"),
        (["keys", "create", "a", "--scopes", "odd"], 2, "odd"),
        (["keys", "revoke", "nobody"], 1, "nobody"),
    ],
)
def test_a_users_error_is_a_sentence_and_a_code(
    arguments: list[str], code: int, word: str, tmp_path: Path
) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert word in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    done = run("jobs", cwd=tmp_path, EVALSVC_PORT="many")
    assert done.returncode == 2
    assert "EVALSVC_PORT" in done.stderr


def test_values_are_printed_for_people() -> None:
    assert [cell(v) for v in (None, True, 12345, 0.12345, "x")] == [
        "–",
        "yes",
        "12,345",
        "0.123",
        "x",
    ]
    assert percent(0.4667) == "46.7%"
    assert interval((0.1, 0.25)) == "10.0 to 25.0"
    assert interval(None) == "–"
