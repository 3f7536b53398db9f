"""Small but well-formed Hugging Face checkpoints, written without torch or transformers.

The weights are safetensors files laid out by hand, so that tests can also cut and damage them.
"""

import json
import struct
from pathlib import Path
from typing import Any

CONFIG: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 8,
    "max_position_embeddings": 512,
    "torch_dtype": "float32",
    "transformers_version": "5.19.0",
}
TENSORS = {"model.embed_tokens.weight": (4, 8), "model.norm.weight": (8,)}


def safetensors_bytes(tensors: dict[str, tuple[int, ...]], fill: int = 0) -> bytes:
    """A safetensors file of float32 tensors whose every byte is `fill`."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    position = 0
    for name, shape in tensors.items():
        size = 4
        for length in shape:
            size *= length
        header[name] = {
            "dtype": "F32",
            "shape": list(shape),
            "data_offsets": [position, position + size],
        }
        position += size
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + bytes([fill]) * position


def tokenizer_texts() -> dict[str, str]:
    return {
        "tokenizer.json": json.dumps({"version": "1.0", "model": {"type": "BPE", "vocab": {}}}),
        "tokenizer_config.json": json.dumps(
            {"tokenizer_class": "PreTrainedTokenizerFast", "chat_template": "{{ messages }}"}
        ),
    }


def checkpoint_files(fill: int = 0, shards: int = 1) -> dict[str, bytes]:
    """The files of a checkpoint by name; with several shards also the index, which comes last."""
    files = {"config.json": json.dumps(CONFIG).encode()}
    files |= {name: text.encode() for name, text in tokenizer_texts().items()}
    if shards == 1:
        return files | {"model.safetensors": safetensors_bytes(TENSORS, fill)}
    weight_map: dict[str, str] = {}
    for number in range(1, shards + 1):
        name = f"model-{number:05d}-of-{shards:05d}.safetensors"
        tensor = f"model.layers.{number}.weight"
        files[name] = safetensors_bytes({tensor: (4, 4)}, fill)
        weight_map[tensor] = name
    index = {"metadata": {}, "weight_map": weight_map}
    return files | {"model.safetensors.index.json": json.dumps(index).encode()}


def write_checkpoint(folder: Path, fill: int = 0, shards: int = 1) -> Path:
    """A complete checkpoint in `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in checkpoint_files(fill, shards).items():
        (folder / name).write_bytes(data)
    return folder
