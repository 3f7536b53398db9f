"""Headers of safetensors files: a little-endian length, JSON, then the tensors' bytes.

A header is untrusted: its length is capped by the file's own size and by 100 MB, each type is
checked, and the file must be exactly as long as its header says, so that a half-written file is
never taken for a complete one.
"""

import hashlib
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evalsvc.checkpoints.files import SAVE_AGAIN, parse_object, regular_size, unreadable
from evalsvc.checkpoints.limits import MAX_HEADER_BYTES
from evalsvc.errors import CheckpointError

PREFIX_BYTES = 8


@dataclass(frozen=True)
class TensorEntry:
    """One tensor of a file: its safetensors type (such as BF16), shape, end of its bytes."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """A validated header: the tensors by name, and the hash of the header's bytes."""

    tensors: dict[str, TensorEntry]
    digest: str


def read_header(path: Path) -> Header:
    """Read and check the header of a safetensors file.

    Raises CheckpointError if the file is half-written, damaged or not a safetensors file.
    """
    size = regular_size(path)
    try:
        with path.open("rb") as stream:
            prefix = stream.read(PREFIX_BYTES)
            length = _header_length(path, prefix, size)
            data = stream.read(length)
    except OSError as error:
        raise unreadable(path, error) from error
    if len(data) < length:
        raise _half_written(path, f"its header should have {length} bytes and has {len(data)}")
    entries = parse_object(data, f"The header of {path}")
    entries.pop("__metadata__", None)
    tensors = {name: _entry(path, name, value) for name, value in entries.items()}
    _check_extent(path, tensors, PREFIX_BYTES + length, size)
    return Header(tensors, hashlib.sha256(data).hexdigest())


def _header_length(path: Path, prefix: bytes, size: int) -> int:
    if len(prefix) < PREFIX_BYTES:
        raise _half_written(path, f"it has {size} bytes")
    (length,) = struct.unpack("<Q", prefix)
    if length > MAX_HEADER_BYTES:
        raise CheckpointError(
            f"{path} is not a safetensors file: it announces a header of {length} bytes.",
            "Save the weights again with safetensors.",
        )
    if PREFIX_BYTES + length > size:
        raise _half_written(path, f"its header ends at {PREFIX_BYTES + length} of {size} bytes")
    return int(length)


def _entry(path: Path, name: str, value: Any) -> TensorEntry:
    match value:
        case {
            "dtype": str(dtype),
            "shape": list(shape),
            "data_offsets": [start, stop],
        } if all(_is_size(n) for n in (*shape, start, stop)) and start <= stop:
            return TensorEntry(dtype, tuple(shape), start, stop)
    raise CheckpointError(
        f"The header of {path} describes the tensor {name[:100]!r} wrongly.",
        "Save the weights again with safetensors.",
    )


def _is_size(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63


def _check_extent(path: Path, tensors: dict[str, TensorEntry], offset: int, size: int) -> None:
    """Check that the tensors are contiguous and end where the file ends."""
    position = 0
    for entry in sorted(tensors.values(), key=lambda e: (e.start, e.stop)):
        if entry.start != position:
            raise CheckpointError(
                f"The tensors in {path} overlap or leave gaps at byte {offset + position}.",
                "Save the weights again with safetensors.",
            )
        position = entry.stop
    if size < offset + position:
        raise _half_written(path, f"it has {size} of {offset + position} bytes")
    if size > offset + position:
        raise CheckpointError(
            f"{path} has {size} bytes where its header accounts for {offset + position}.",
            SAVE_AGAIN,
        )


def _half_written(path: Path, detail: str) -> CheckpointError:
    return CheckpointError(f"{path} is only half-written: {detail}.", SAVE_AGAIN)
