"""The examples in the docstrings say what the functions return."""

import doctest
import importlib
import pkgutil

import pytest

import evalsvc.statistics

MODULES = [m.name for m in pkgutil.iter_modules(evalsvc.statistics.__path__)]
WITH_EXAMPLES = {
    "claims",
    "control_variates",
    "curve",
    "extrapolation",
    "feasibility",
    "missing",
    "stopped",
    "stopping",
}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name: str) -> None:
    found = doctest.testmod(importlib.import_module(f"evalsvc.statistics.{name}"))
    assert found.failed == 0
    if name in WITH_EXAMPLES:
        assert found.attempted > 0
