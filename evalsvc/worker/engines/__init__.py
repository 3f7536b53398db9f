"""The engines by name. Each is imported only when a shard asks for it: they are heavy."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from evalsvc.errors import MissingExtra, UsageError
from evalsvc.machine import engine_extra
from evalsvc.worker.engines.base import Engine

ENGINES = {
    "vllm": ("evalsvc.worker.engines.vllm", "VllmEngine"),
    "transformers": ("evalsvc.worker.engines.transformers", "TransformersEngine"),
    "openai": ("evalsvc.worker.engines.openai", "OpenAIEngine"),
    "replay": ("evalsvc.worker.engines.replay", "ReplayEngine"),
}
WITH_THE_SERVER = {"openai", "replay"}  # need no extra of their own


def create_engine(name: str, options: Mapping[str, Any]) -> Engine:
    """A new engine, not started. Raises UsageError (unknown, bad option) or MissingExtra."""
    if name not in ENGINES:
        raise UsageError(f"There is no engine {name!r}.", f"Known: {', '.join(ENGINES)}.")
    module, attribute = ENGINES[name]
    try:
        engine: Engine = getattr(import_module(module), attribute)(options)
    except ModuleNotFoundError as error:
        extra = "server" if name in WITH_THE_SERVER else engine_extra()
        raise MissingExtra(f"The engine {name!r}", extra) from error
    return engine
