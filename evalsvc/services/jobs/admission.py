"""Whether a checkpoint may be evaluated: its location, its content, and the engine's options.

An engine that reads no checkpoint (`replay`, `openai`) accepts any label: a folder without
config.json, or a name. The fingerprint is then that of the label (docs/decisions/0602).
"""

import hashlib
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from cachetools import LRUCache

from evalsvc.checkpoints import inspect_checkpoint
from evalsvc.errors import CheckpointError, MissingExtra, PermissionDenied, UsageError
from evalsvc.services.jobs.datasets import Signature, folder_signature
from evalsvc.settings import Settings
from evalsvc.specs import CheckpointSpec, Modality, content_hash
from evalsvc.worker.engines.registry import check_engine, create_engine, reads_checkpoint

LABEL_ARCHITECTURE = "label"
MOST_CHECKPOINTS = 4096


class CheckpointCache:
    """Inspections, repeated when a file of the folder changes. Safe to share between threads."""

    def __init__(self) -> None:
        self._kept: LRUCache[Path, tuple[Signature, CheckpointSpec]] = LRUCache(MOST_CHECKPOINTS)
        self._lock = threading.Lock()

    def inspect(self, folder: Path, *, allow_pickle: bool) -> CheckpointSpec:
        """The result of `inspect_checkpoint` for the folder."""
        try:
            signature = folder_signature(folder)
        except OSError as error:
            raise CheckpointError(
                f"{folder} changes while it is read: {error}.", "Wait until it is whole."
            ) from error
        with self._lock:
            known = self._kept.get(folder)
        if known is not None and signature and known[0] == signature:
            return known[1]
        spec = inspect_checkpoint(folder, allow_pickle=allow_pickle)
        with self._lock:
            self._kept[folder] = (signature, spec)
        return spec


def admit_checkpoint(
    asked: str, engine: str, settings: Settings, cache: CheckpointCache
) -> CheckpointSpec:
    """The checkpoint that `asked` names. Raises CheckpointError or PermissionDenied."""
    if "\x00" in asked:
        raise CheckpointError("The checkpoint's path holds a null byte.", "Correct the path.")
    folder = Path(asked).expanduser()
    try:
        resolved = folder.resolve()
        exists, is_checkpoint = folder.exists(), (folder / "config.json").exists()
    except (OSError, RuntimeError) as error:
        raise CheckpointError(
            f"The checkpoint {asked!r} cannot be read: {error}.", "Correct the path."
        ) from error
    reads = reads_checkpoint(engine)
    if reads or exists:
        _check_root(resolved, settings, "checkpoint")
        _check_links(resolved, settings)
    if reads or is_checkpoint:
        return cache.inspect(resolved, allow_pickle=settings.allow_pickle_weights)
    return label_checkpoint(str(resolved) if exists else asked)


def label_checkpoint(label: str) -> CheckpointSpec:
    """A checkpoint that is only a name: of imported answers, or of a model behind a server."""
    return CheckpointSpec(
        path=label,
        fingerprint=content_hash([LABEL_ARCHITECTURE, label], length=64),
        architecture=LABEL_ARCHITECTURE,
        architecture_hash=content_hash(LABEL_ARCHITECTURE),
        tokenizer_hash=content_hash(LABEL_ARCHITECTURE),
        modality=Modality.IMAGE,  # unknown, so not refused
    )


def admit_engine(engine: str, options: Mapping[str, Any], settings: Settings) -> Any:
    """Check an engine's options; return those that belong to the identity of its samples.

    Raises UsageError for an unknown engine or option, PermissionDenied for a file outside the
    allowed roots. The workers check whether the engine is installed.
    """
    check_engine(engine)
    with suppress(MissingExtra):  # the server need not have its workers' packages
        create_engine(engine, options)
    identity: dict[str, Any] = dict(options)
    if engine == "replay":
        answers = Path(str(options["answers"])).expanduser().resolve()
        _check_root(answers, settings, "file of answers")
        identity["answers"] = _file_hash(answers)
    return identity


def _check_root(path: Path, settings: Settings, what: str) -> None:
    roots = settings.allowed_roots
    if roots and not any(path.is_relative_to(root) for root in roots):
        raise PermissionDenied(
            f"The {what} {path} is not under a folder that this server may read from.",
            f"Move it below one of: {', '.join(map(str, roots))}; or have the administrator add "
            "its folder to EVALSVC_CHECKPOINT_ROOTS.",
        )


def _check_links(folder: Path, settings: Settings) -> None:
    """Refuse links within an allowed folder that lead out of the roots."""
    if settings.allowed_roots and folder.is_dir():
        for path in folder.rglob("*"):
            if path.is_symlink():
                _check_root(path.resolve(), settings, f"link {path.name} of the checkpoint to")


def _file_hash(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(
            f"The answers in {path} cannot be read: {error.strerror or error}.",
            "Check `answers` in `engine_options`.",
        ) from error
