"""The hooks beside TRL 1.16.0, in an environment without the service."""

import subprocess

import pytest

from tests.environments.conftest import Environment

pytestmark = pytest.mark.timeout(3600)  # the first test may install the environment


def test_our_wheel_moves_no_other_package(trl: Environment) -> None:
    assert trl.before <= trl.after
    names = {line.partition("==")[0].lower() for line in trl.after - trl.before}
    assert not names & {"torch", "transformers", "trl", "accelerate", "datasets", "numpy"}


def test_the_hook_and_the_commands_import_without_the_service(trl: Environment) -> None:
    code = (
        "import evalsvc.trainers.trl, evalsvc.cli.watch, sys; "
        "print(sorted({'fastapi', 'sqlalchemy', 'vllm'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [trl.python, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
