"""The examples in the docstrings of the Engine and Executor interfaces run as they are shown."""

import doctest
from types import ModuleType

import pytest

from evalsvc.dispatch.executors import base as executors
from evalsvc.worker.engines import base as engines


@pytest.mark.parametrize("module", [engines, executors], ids=["Engine", "Executor"])
def test_the_example_runs(module: ModuleType) -> None:
    found = doctest.testmod(module)
    assert found.attempted >= 5
    assert found.failed == 0
