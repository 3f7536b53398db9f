"""The weight files of a Hugging Face folder, and whether each is complete.

The order of preference is that of engines: an index, then `*.safetensors`, then pickled weights
(only when the administrator allows them; even then they are never unpickled here, only their zip
directory is read).
"""

import zipfile
from dataclasses import dataclass
from pathlib import Path

from evalsvc.checkpoints.files import SAVE_AGAIN, read_object, regular_size
from evalsvc.checkpoints.headers import Header, read_header
from evalsvc.errors import CheckpointError

SAFETENSORS_INDEX = "model.safetensors.index.json"
PICKLE_INDEX = "pytorch_model.bin.index.json"
# verl's merger puts the adapter into a subfolder next to the base model's weights.
ADAPTER_PATTERNS = ("adapter_*", "lora_adapter/adapter_*", "lora_train_meta.json")
PICKLE_PATTERNS = ("pytorch_model*.bin", "consolidated*.pth", "model*.pt")


@dataclass(frozen=True)
class WeightFiles:
    """The complete weights of one checkpoint. `headers` is empty for pickled weights."""

    files: tuple[Path, ...]
    headers: dict[Path, Header]
    index: Path | None = None

    @property
    def pickled(self) -> bool:
        return not self.headers

    @property
    def size_bytes(self) -> int:
        return sum(regular_size(path) for path in self.files)


def find_weights(folder: Path, *, allow_pickle: bool = False) -> WeightFiles:
    """The weight files of `folder`, each checked for completeness.

    Raises CheckpointError if there are none, a shard is missing or half-written, or the weights
    are pickled and `allow_pickle` is not set.
    """
    index = folder / SAFETENSORS_INDEX
    found = sorted(p for p in folder.glob("*.safetensors") if not _is_apart(p))
    if index.exists():
        files = indexed_files(index)
        _check_no_adapter(folder)
        _check_nothing_beside(index, files, found)
        headers = {path: read_header(path) for path in files}
        _check_index_covers(index, headers)
        return WeightFiles(tuple(headers), headers, index)
    if found:
        _check_no_adapter(folder)
        _check_numbered_shards(found)
        _check_one_file(found)
        headers = {path: read_header(path) for path in found}
        if not any(header.tensors for header in headers.values()):
            raise CheckpointError(f"The weight files in {folder} hold no tensor.", SAVE_AGAIN)
        return WeightFiles(tuple(found), headers)
    return _pickled(folder, allow_pickle)


def indexed_files(index: Path) -> tuple[Path, ...]:
    """The files that an index names, sorted. Names that leave the folder are refused."""
    weight_map = read_object(index).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise CheckpointError(f"{index} has no `weight_map`.", SAVE_AGAIN)
    names = set(map(str, weight_map.values()))
    for name in names:
        if Path(name).name != name or name in {"", ".", ".."} or "\0" in name:
            raise CheckpointError(
                f"{index} names {name[:100]!r}, which is not a file in its own folder.",
                "Do not use this checkpoint unless you know who wrote it.",
            )
    missing = sorted(name for name in names if not (index.parent / name).exists())
    if missing:
        raise CheckpointError(
            f"{index} names {len(missing)} of {len(names)} files that are missing, "
            f"the first is {missing[0]}.",
            SAVE_AGAIN,
        )
    return tuple(index.parent / name for name in sorted(names))


def _is_apart(path: Path) -> bool:
    """Whether this is an adapter, or a copy of the weights in another format."""
    return path.name.startswith(("adapter_", "consolidated"))


def _check_no_adapter(folder: Path) -> None:
    """Refuse an adapter next to full weights: engines differ in which of the two they read."""
    for pattern in ADAPTER_PATTERNS:
        for path in sorted(folder.glob(pattern)):
            raise CheckpointError(
                f"{folder} holds full weights and an adapter ({path.relative_to(folder)}); the "
                "adapter would be left out.",
                "Merge it into the weights (merge_and_unload); or, if it is merged already, "
                "remove it.",
            )


def _check_nothing_beside(index: Path, files: tuple[Path, ...], found: list[Path]) -> None:
    """Refuse an index left behind by an earlier save, which still names the old shards."""
    beside = [path for path in found if path not in files]
    if beside:
        raise CheckpointError(
            f"{beside[0]} is not named by {index.name} beside it: one of the two is of another "
            "save, and it is not known which.",
            f"Remove {index.name} and its shards, or {beside[0].name}, whichever is older.",
        )


def _check_one_file(found: list[Path]) -> None:
    if len(found) > 1:
        raise CheckpointError(
            f"{found[0].parent} holds {len(found)} weight files ({found[0].name}, "
            f"{found[1].name} ...) and no {SAFETENSORS_INDEX} that says which tensor is in which.",
            "Remove what is not part of the checkpoint, or save it again with save_pretrained.",
        )


def _check_index_covers(index: Path, headers: dict[Path, Header]) -> None:
    by_name = {path.name: header.tensors for path, header in headers.items()}
    weight_map = read_object(index)["weight_map"]
    for tensor, file in weight_map.items():
        if tensor not in by_name[file]:
            raise CheckpointError(
                f"{index} says that {file} holds {tensor[:100]!r}, but it does not.", SAVE_AGAIN
            )
    for file, tensors in by_name.items():
        for tensor in tensors:
            if weight_map.get(tensor) != file:
                raise CheckpointError(
                    f"{file} holds {tensor[:100]!r}, which {index} does not say.", SAVE_AGAIN
                )


def _check_numbered_shards(files: list[Path]) -> None:
    """`save_pretrained` writes the index after the shards: numbered shards alone are unfinished."""
    for path in files:
        parts = path.stem.rsplit("-of-", 1)
        if len(parts) == 2 and parts[1].isdigit() and int(parts[1]) > 1:
            raise CheckpointError(
                f"{path.parent} holds {path.name} but no {SAFETENSORS_INDEX} yet.", SAVE_AGAIN
            )


def _pickled(folder: Path, allow_pickle: bool) -> WeightFiles:
    index = folder / PICKLE_INDEX
    found = sorted({path for pattern in PICKLE_PATTERNS for path in folder.glob(pattern)})
    if index.exists():
        found = list(indexed_files(index))
    if not found:
        raise CheckpointError(
            f"{folder} holds no weights (*.safetensors).",
            _remedy_without_weights(folder),
        )
    if not allow_pickle:
        raise CheckpointError(
            f"The weights of {folder} are pickled ({found[0].name}); loading them could run code.",
            "Save them as safetensors, or let the administrator set "
            "EVALSVC_ALLOW_PICKLE_WEIGHTS=1.",
        )
    for path in found:
        check_zip(path)
    return WeightFiles(tuple(found), {}, index if index.exists() else None)


def _remedy_without_weights(folder: Path) -> str:
    if (folder / "adapter_config.json").exists():
        return "It is a LoRA adapter: merge it into its base model first (merge_and_unload)."
    if any(folder.glob("model_world_size_*.pt")):
        return (
            "It is a sharded verl checkpoint: merge it first (python -m verl.model_merger merge)."
        )
    return SAVE_AGAIN


def check_zip(path: Path) -> None:
    """A torch file is a zip archive whose directory comes last: unreadable means half-written."""
    regular_size(path)
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.namelist():
                return
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        pass  # reported below
    raise CheckpointError(f"{path} is half-written or damaged.", SAVE_AGAIN)
