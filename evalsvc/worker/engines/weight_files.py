"""How many tensors two checkpoints have in common: what a swap must leave unchanged, at most."""

import mmap
from pathlib import Path

from evalsvc.checkpoints.headers import PREFIX_BYTES, read_header
from evalsvc.checkpoints.weights import find_weights

BLOCK_BYTES = 4 * 2**20


class TensorFiles:
    """The tensors of a checkpoint by name, as slices of its mapped files."""

    def __init__(self, folder: Path) -> None:
        self._places: dict[str, tuple[mmap.mmap, int, int]] = {}
        for path in find_weights(folder).files:
            with path.open("rb") as stream:
                mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            base = PREFIX_BYTES + int.from_bytes(mapped[:PREFIX_BYTES], "little")
            for name, entry in read_header(path).tensors.items():
                self._places[name] = (mapped, base + entry.start, base + entry.stop)

    def names(self) -> set[str]:
        return set(self._places)

    def equals(self, other: "TensorFiles", name: str) -> bool:
        """Whether both hold the same bytes. Stops at the first block that differs."""
        mine, start, stop = self._places[name]
        theirs, other_start, other_stop = other._places[name]
        if stop - start != other_stop - other_start:
            return False
        for position in range(0, stop - start, BLOCK_BYTES):
            length = min(BLOCK_BYTES, stop - start - position)
            a, b = start + position, other_start + position
            if mine[a : a + length] != theirs[b : b + length]:
                return False
        return True


def tensors_in_common(one: Path, other: Path) -> int:
    """Number of tensors of equal name and bytes in two safetensors checkpoints."""
    left, right = TensorFiles(one), TensorFiles(other)
    return sum(left.equals(right, name) for name in left.names() & right.names())
