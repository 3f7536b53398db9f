"""Identity of a checkpoint, and the two hashes that decide how it can be loaded.

`fingerprint` changes whenever a weight, the configuration or the tokenizer changes, and only then
(a trainer's state files do not count). Two checkpoints with equal `architecture_hash` and
`tokenizer_hash` may be swapped inside a running engine.
"""

from collections import Counter
from pathlib import Path
from typing import Any

from evalsvc.checkpoints.files import content_digest, read_object
from evalsvc.checkpoints.structure import check_structure, text_config
from evalsvc.checkpoints.weights import WeightFiles, find_weights
from evalsvc.errors import CheckpointError
from evalsvc.specs import CheckpointSpec, Modality, content_hash

CONFIG = "config.json"
TOKENIZERS = ("tokenizer.json", "tokenizer.model", "spiece.model", "vocab.txt", "tekken.json")
TOKENIZER_FILES = (
    *TOKENIZERS,
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
    "chat_template.json",
    "chat_template.jinja",
    "generation_config.json",
    "preprocessor_config.json",
    "processor_config.json",
    "video_preprocessor_config.json",
)
# Fields that record the origin of a file and have no effect.
PROVENANCE_FIELDS = frozenset(
    {"_name_or_path", "name_or_path", "transformers_version", "_commit_hash"}
)
NORMALISED = frozenset({"tokenizer_config.json", "generation_config.json"})
CONTEXT_FIELDS = ("max_position_embeddings", "n_positions", "max_sequence_length", "seq_length")
DTYPES = {"BF16": "bfloat16", "F16": "float16", "F32": "float32", "F64": "float64"}


def inspect_checkpoint(path: Path, *, allow_pickle: bool = False) -> CheckpointSpec:
    """Identify the Hugging Face checkpoint in the folder `path`.

    Reads config.json, the tokenizer's files, the headers and a few MiB of the weights; loads
    nothing. Raises CheckpointError, with what to do, if the folder is not a complete checkpoint.
    """
    folder = Path(path)
    _check_folder(folder)
    config = read_object(folder / CONFIG)
    weights = find_weights(folder, allow_pickle=allow_pickle)
    check_structure(folder, config, weights)
    tokenizer = tokenizer_files(folder)
    return CheckpointSpec(
        path=str(folder.absolute()),
        fingerprint=_fingerprint(folder, weights, tokenizer),
        architecture=_architecture(folder, config),
        architecture_hash=_architecture_hash(config, weights),
        tokenizer_hash=_tokenizer_hash(tokenizer),
        modality=_modality(config),
        context_length=_context_length(config),
        dtype=_dtype(config, weights),
        size_bytes=weights.size_bytes,
        model_type=str(config.get("model_type") or ""),
    )


def check_complete(path: Path, *, allow_pickle: bool = False) -> None:
    """Raise CheckpointError unless `path` is a complete checkpoint; reads only headers."""
    folder = Path(path)
    _check_folder(folder)
    config = read_object(folder / CONFIG)
    _architecture(folder, config)
    check_structure(folder, config, find_weights(folder, allow_pickle=allow_pickle))
    for file in tokenizer_files(folder):
        if file.suffix == ".json":
            read_object(file)


def checkpoint_notes(path: Path) -> tuple[str, ...]:
    """Warnings about a checkpoint that can still be evaluated."""
    if _has_chat_template(path):
        return ()
    return (
        "The checkpoint has no chat template: prompts that are chats cannot be put to it; "
        "plain-text prompts can.",
    )


def tokenizer_files(folder: Path) -> tuple[Path, ...]:
    """The existing files of the tokenizer, chat template and generation config.

    Raises CheckpointError if no tokenizer is among them.
    """
    found = tuple(path for name in TOKENIZER_FILES if (path := folder / name).exists())
    names = {path.name for path in found}
    if not names.intersection(TOKENIZERS) and not {"vocab.json", "merges.txt"} <= names:
        raise CheckpointError(
            f"{folder} holds no tokenizer.",
            "Save it beside the weights: tokenizer.save_pretrained(folder); "
            "in TRL give the trainer its `processing_class`.",
        )
    return (*found, *sorted((folder / "additional_chat_templates").glob("*.jinja")))


def _check_folder(folder: Path) -> None:
    if not folder.exists():
        raise CheckpointError(
            f"There is no checkpoint at {folder}.",
            "Check the path; the server must see it under the same name.",
        )
    if not folder.is_dir():
        raise CheckpointError(
            f"{folder} is a file, not a checkpoint's folder.", "Give the folder that it is in."
        )
    if not (folder / CONFIG).exists():
        raise CheckpointError(
            f"{folder} holds no {CONFIG}.",
            "Give the folder that save_pretrained wrote."
            if not (folder / "adapter_config.json").exists()
            else "It is a LoRA adapter: merge it into its base model first (merge_and_unload).",
        )


def _architecture(folder: Path, config: dict[str, Any]) -> str:
    match config.get("architectures"):
        case [str(name), *_] if name:
            return name
    raise CheckpointError(
        f"{folder / CONFIG} names no model class in `architectures`.",
        "Save the model with save_pretrained, which writes it.",
    )


def _fingerprint(folder: Path, weights: WeightFiles, tokenizer: tuple[Path, ...]) -> str:
    files = [folder / CONFIG, *tokenizer, *weights.files]
    if weights.index is not None:
        files.append(weights.index)
    rows = []
    for path in files:
        header = weights.headers.get(path)
        name = path.relative_to(folder).as_posix()
        rows.append([name, content_digest(path), header.digest if header else ""])
    return content_hash(sorted(rows), length=64)


def _architecture_hash(config: dict[str, Any], weights: WeightFiles) -> str:
    tensors = sorted(
        [name, entry.dtype, list(entry.shape)]
        for header in weights.headers.values()
        for name, entry in header.tensors.items()
    )
    return content_hash([_without_provenance(config), tensors, weights.pickled])


def _tokenizer_hash(files: tuple[Path, ...]) -> str:
    rows: list[list[Any]] = []
    for path in files:
        if path.name in NORMALISED:
            rows.append([path.name, _without_provenance(read_object(path))])
        else:
            rows.append([path.name, content_digest(path)])
    return content_hash(sorted(rows, key=lambda row: str(row[0])))


def _without_provenance(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            key: _without_provenance(item)
            for key, item in value.items()
            if key not in PROVENANCE_FIELDS
        }
    if isinstance(value, list):
        return [_without_provenance(item) for item in value]
    return value


def _modality(config: dict[str, Any]) -> Modality:
    return Modality.IMAGE if isinstance(config.get("vision_config"), dict) else Modality.TEXT


def _context_length(config: dict[str, Any]) -> int | None:
    for source in (config, text_config(config)):
        for field in CONTEXT_FIELDS:
            value = source.get(field)
            if type(value) is int and value > 0:
                return value
    return None


def _dtype(config: dict[str, Any], weights: WeightFiles) -> str | None:
    for source in (config, text_config(config)):
        for field in ("dtype", "torch_dtype"):
            if isinstance(source.get(field), str):
                return str(source[field])
    counts = Counter(
        entry.dtype for header in weights.headers.values() for entry in header.tensors.values()
    )
    if not counts:
        return None
    commonest = counts.most_common(1)[0][0]
    return DTYPES.get(commonest, commonest)


def _has_chat_template(folder: Path) -> bool:
    if any((folder / name).exists() for name in ("chat_template.jinja", "chat_template.json")):
        return True
    if any((folder / "additional_chat_templates").glob("*.jinja")):
        return True
    settings = folder / "tokenizer_config.json"
    return settings.exists() and bool(read_object(settings).get("chat_template"))
