"""The configuration of a worker process: paths and limits.

The dispatcher creates it with `from_settings` and passes it as JSON in the argument `--config`.
"""

import os
from typing import Literal, Self

from pydantic import Field

from evalsvc.logs import LogFormat
from evalsvc.settings import Settings
from evalsvc.specs import Spec
from evalsvc.worker.limits import MAX_VERIFIER_PROCESSES


class WorkerConfig(Spec):
    """The configuration of one worker. Paths are absolute; times are in seconds."""

    data: str  # the service's data folder
    artifacts: str  # fsspec URL or folder for the transcripts
    benchmarks: tuple[str, ...] = ()  # additional catalogue folders
    verifier_processes: int = Field(default=0, ge=0)  # 0: one per core, at most 8
    engine_start_seconds: float = Field(default=600.0, gt=0)
    allow_pickle_weights: bool = False
    log_file: str | None = None  # where the process's output goes; errors quote its end
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: LogFormat = "text"

    @classmethod
    def from_settings(cls, settings: Settings, log_file: str | None = None) -> Self:
        """Take what a worker needs from the service's settings."""
        return cls(
            data=str(settings.data.absolute()),
            artifacts=settings.resolved_artifacts,
            benchmarks=tuple(str(folder.absolute()) for folder in settings.benchmark_folders),
            verifier_processes=settings.verifier_processes,
            engine_start_seconds=settings.engine_start_seconds,
            allow_pickle_weights=settings.allow_pickle_weights,
            log_file=log_file,
            log_level=settings.log_level,
            log_format=settings.log_format,
        )

    @property
    def resolved_verifier_processes(self) -> int:
        return self.verifier_processes or min(os.cpu_count() or 1, MAX_VERIFIER_PROCESSES)
