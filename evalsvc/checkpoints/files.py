"""Careful reading of untrusted files: regular files only, size caps, JSON of the expected type.

Every failure is a CheckpointError that names the file and says what to do.
"""

import hashlib
import json
import stat
from pathlib import Path
from typing import Any

from evalsvc.checkpoints.limits import MAX_JSON_BYTES
from evalsvc.errors import CheckpointError

MIB = 2**20
WHOLE_FILE_BYTES = 64 * MIB  # files up to here are hashed in full
WINDOWS = 16  # parts of a larger file that are hashed besides its first and last MiB
WINDOW_BYTES = 64 * 1024

SAVE_AGAIN = "Save the checkpoint again, or wait until the trainer has finished writing it."


def regular_size(path: Path) -> int:
    """Size in bytes of a regular file. Raises CheckpointError for anything else."""
    try:
        status = path.stat()
    except FileNotFoundError:
        raise CheckpointError(f"{path} is missing.", SAVE_AGAIN) from None
    except OSError as error:
        raise unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode):
        raise CheckpointError(f"{path} is not a regular file.", "Replace it by the file itself.")
    return status.st_size


def unreadable(path: Path, error: OSError) -> CheckpointError:
    """The error for a file that cannot be read."""
    return CheckpointError(
        f"{path} cannot be read: {error.strerror or error}.",
        "Give the user of this process read access, or check the disk.",
    )


def read_object(path: Path, limit_bytes: int = MAX_JSON_BYTES) -> dict[str, Any]:
    """The JSON object in `path`. Raises CheckpointError unless it is a small enough object."""
    size = regular_size(path)
    if size > limit_bytes:
        raise CheckpointError(
            f"{path} has {size} bytes, more than the {limit_bytes} that such a file may have.",
            "It is probably not what its name says; save the checkpoint again.",
        )
    try:
        return parse_object(path.read_bytes(), str(path))
    except OSError as error:
        raise unreadable(path, error) from error


def parse_object(data: bytes, where: str) -> dict[str, Any]:
    """The JSON object in `data`; `where` names it in the error."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{where} is not valid JSON: {error}.", SAVE_AGAIN) from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{where} holds no JSON object.", SAVE_AGAIN)
    return value


def content_digest(path: Path) -> str:
    """Hash of a file: in full up to 64 MiB; else its first and last MiB and 16 windows between.

    The windows are needed because embeddings, often at the ends of a file, may be frozen.
    """
    size = regular_size(path)
    digest = hashlib.sha256(str(size).encode())
    try:
        with path.open("rb") as stream:
            for start, length in _spans(size):
                stream.seek(start)
                digest.update(stream.read(length))
    except OSError as error:
        raise unreadable(path, error) from error
    return digest.hexdigest()


def _spans(size: int) -> list[tuple[int, int]]:
    if size <= WHOLE_FILE_BYTES:
        return [(start, MIB) for start in range(0, size, MIB)]
    step = size // (WINDOWS + 1)
    inner = [(step * i, WINDOW_BYTES) for i in range(1, WINDOWS + 1)]
    return [(0, MIB), *inner, (size - MIB, MIB)]
