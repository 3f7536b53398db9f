"""The one place that reads configuration: `EVALSVC_*` over `evalsvc.toml` over defaults.

A variable is a field's name in capitals: EVALSVC_PORT, EVALSVC_DATABASE_URL. Names carry units.
"""

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from evalsvc.errors import UsageError
from evalsvc.logs import LogFormat

PREFIX = "EVALSVC_"
CONFIG_FILE = "evalsvc.toml"
SERVER_FILE = "server.json"  # in the data folder: the address of the server that runs on it


class Settings(BaseModel):
    """All settings of server, dispatcher, worker and client."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data: Path = Path("var")  # the folder of all data
    database_url: str = ""  # default: SQLite in the data folder
    artifacts: str = ""  # fsspec URL of the transcripts; default: a folder in the data folder
    host: str = "127.0.0.1"
    port: int = Field(default=8420, ge=0, le=65535)
    server: str = ""  # the server that client commands use; default: http://host:port
    key: str = ""  # the client's key
    benchmarks: str = ""  # further catalogue folders, separated by the path separator
    checkpoint_roots: str = ""  # allowed roots of checkpoints, likewise; empty: any local path
    allow_pickle_weights: bool = False
    webhook_allow: str = ""  # private hosts or networks that webhooks may reach
    executor: Literal["local", "ray"] = "local"
    engine: str = "vllm"
    workers: int = Field(default=0, ge=0)  # 0: one per GPU, or one on the CPU
    workers_max: int = Field(default=0, ge=0)  # 0: as `workers`; more: scale with the queue
    gpus_per_worker: int = Field(default=1, ge=1)  # tensor x pipeline parallel size of its engine
    shards_in_flight: int = Field(default=2, ge=1, le=64)
    shard_target_seconds: float = Field(default=90.0, gt=0)
    shard_stall_seconds: float = Field(default=600.0, gt=0)  # no progress: kill the worker
    engine_start_seconds: float = Field(default=600.0, gt=0)
    verifier_processes: int = Field(default=0, ge=0)  # 0: as many as there are cores, at most 8
    max_body_bytes: int = Field(default=64 * 2**20, gt=0)
    requests_per_minute: int = Field(default=6000, gt=0)
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: LogFormat = "text"  # json: for programs

    @property
    def resolved_database_url(self) -> str:
        """SQLAlchemy URL; SQLite in the data folder unless another is set."""
        if self.database_url:
            for scheme in ("postgresql://", "postgres://"):
                if self.database_url.startswith(scheme):
                    return "postgresql+psycopg://" + self.database_url.removeprefix(scheme)
            return self.database_url
        return f"sqlite:///{(self.data / 'evalsvc.db').absolute()}"

    @property
    def resolved_artifacts(self) -> str:
        """fsspec URL or folder of the artifact store."""
        return self.artifacts or str((self.data / "artifacts").absolute())

    @property
    def resolved_server(self) -> str:
        """Base URL for the client commands, without a trailing slash."""
        return (self.server or f"http://{self.host}:{self.port}").rstrip("/")

    @property
    def benchmark_folders(self) -> tuple[Path, ...]:
        return tuple(Path(p) for p in self.benchmarks.split(os.pathsep) if p)

    @property
    def allowed_roots(self) -> tuple[Path, ...]:
        return tuple(Path(p).resolve() for p in self.checkpoint_roots.split(os.pathsep) if p)


def load_settings(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the settings. Raises UsageError that names the wrong variable or line."""
    environ = os.environ if environ is None else environ
    values = _from_file((folder or Path.cwd()) / CONFIG_FILE)
    for field in Settings.model_fields:
        if (text := environ.get(PREFIX + field.upper())) not in (None, ""):
            values[field] = text
    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = str(first["loc"][0]) if first["loc"] else "?"
        raise UsageError(
            f"The setting {field!r} is not usable: {first['msg']}.",
            f"Correct {PREFIX}{field.upper()} or {CONFIG_FILE}; docs/settings.md lists them all.",
        ) from error


def _from_file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path} is not valid TOML: {error}."
        raise UsageError(message, "Correct or remove that file.") from error
