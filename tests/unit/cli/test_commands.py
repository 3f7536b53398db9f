"""The command line without a server: help, lazy imports, wrong usage, errors in words."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from evalsvc import __version__
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
        (["sumbit", "x"], 2, "Did you mean 'submit'?"),
        (["benchmarks", "lsit"], 2, "Did you mean 'list'?"),
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
        (
            ["submit", "x", "--run", "r", "--benchmarks", "a", "--idempotency-key", "ä b"],
            2,
            "cannot be sent",
        ),
        (["db", "check"], 1, "Make it: evalsvc db upgrade"),
        (["db", "upgrade", "nowhere"], 2, "'nowhere'"),
        (["db", "downgrade", "nowhere", "--yes"], 2, "'nowhere'"),
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


def test_the_version_is_printed(tmp_path: Path) -> None:
    done = run("--version", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{__version__}\n")


def test_completion_can_be_installed_and_knows_the_commands(tmp_path: Path) -> None:
    assert "--install-completion" in run("--help", cwd=tmp_path).stdout
    asked = {"_EVALSVC_COMPLETE": "complete_bash", "COMP_WORDS": "evalsvc su", "COMP_CWORD": "1"}
    code = "import sys; sys.argv = ['evalsvc']; from evalsvc.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", **asked},
    )
    assert done.stdout.split() == ["submit"]


def test_a_bad_setting_is_named(tmp_path: Path) -> None:
    done = run("jobs", cwd=tmp_path, EVALSVC_PORT="many")
    assert done.returncode == 2
    assert "EVALSVC_PORT" in done.stderr


def test_the_schema_is_made_checked_and_taken_back(tmp_path: Path) -> None:
    made = run("db", "upgrade", "--json", cwd=tmp_path)
    assert json.loads(made.stdout)["ok"]
    assert "In order" in run("db", "check", cwd=tmp_path).stdout
    back = run("db", "downgrade", "base", "--yes", "--json", cwd=tmp_path)
    assert json.loads(back.stdout)["revision"] is None
    check = run("db", "check", cwd=tmp_path)
    assert check.returncode == 1
    assert "  add table jobs\n" in check.stdout
    assert "evalsvc db upgrade" in check.stderr


def test_what_a_user_names_is_one_part_of_an_address(tmp_path: Path) -> None:
    run("db", "upgrade", cwd=tmp_path)
    for arguments in (["jobs", "a/b?c"], ["results", "a/b?c"], ["rescore", "a/b?c"]):
        done = run(*arguments, cwd=tmp_path)
        assert done.returncode == 1
        assert "'a/b?c'" in done.stderr or "nothing here" in done.stderr
        nameless = run(arguments[0], " ", cwd=tmp_path)
        assert nameless.returncode == 2
        assert "names nothing" in nameless.stderr


def test_a_database_without_its_schema_is_said_once(tmp_path: Path) -> None:
    run("db", "upgrade", cwd=tmp_path)
    run("db", "downgrade", "base", "--yes", cwd=tmp_path)
    done = run("results", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.count("evalsvc db upgrade") == 1


def test_values_are_printed_for_people() -> None:
    values = (None, True, 12345, 0.12345, 1606.4, "x")
    assert [cell(v) for v in values] == ["–", "yes", "12,345", "0.123", "1,606", "x"]
    assert percent(0.4667) == "46.7%"
    assert interval((0.1, 0.25)) == "10.0 to 25.0"
    assert interval(None) == "–"
