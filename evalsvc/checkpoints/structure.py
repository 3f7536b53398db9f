"""Check that the tensors in the files match the model that config.json describes.

Engines are lenient: some silently fill missing tensors with random numbers. So the names and shapes
in the headers are compared with the configuration as far as their meaning is known: names and empty
tensors for every model, layers and shapes for the families in UNIFORM, whose layers are all alike.
For the others the engine's own check must suffice.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from evalsvc.checkpoints.files import SAVE_AGAIN
from evalsvc.checkpoints.headers import TensorEntry
from evalsvc.checkpoints.weights import WeightFiles
from evalsvc.errors import CheckpointError

Shapes = Mapping[str, tuple[int, ...]]
UNIFORM = frozenset({
    "gemma", "gemma2", "gemma3", "gemma3_text", "granite", "llama", "mistral", "olmo2", "phi3",
    "qwen2", "qwen2_5_vl", "qwen2_vl", "qwen3", "qwen3_vl", "smollm3",
})  # fmt: skip
WRAPPERS = {
    "_orig_mod.": "Save the model that torch.compile wraps: model._orig_mod.save_pretrained(...).",
    "base_model.model.": "Merge the adapter first: model.merge_and_unload().save_pretrained(...).",
    "_fsdp_wrapped_module.": "Save the full state dict, without FSDP's wrapper.",
    "module.": "Save the model that DistributedDataParallel wraps: model.module.",
}
ADAPTER_PARTS = (".lora_A.", ".lora_B.", ".lora_embedding_", ".base_layer.", ".modules_to_save.")
MERGE = "Merge the adapter into its base model first (merge_and_unload), and save that."
LAYER = re.compile(r"(?P<stack>.*?\b(?:layers|blocks))\.(?P<number>\d+)\.(?P<rest>.+)")
NOT_TEXT = re.compile(r"visual|vision|audio|encoder|mtp")
MOST_NAMED = 3


def check_structure(folder: Path, config: Mapping[str, Any], weights: WeightFiles) -> None:
    """Raise CheckpointError, naming the tensor, unless headers and configuration agree."""
    entries = {n: e for header in weights.headers.values() for n, e in header.tensors.items()}
    _check_names(folder, entries)
    _check_not_empty(folder, entries)
    if config.get("model_type") in UNIFORM and "quantization_config" not in config:
        shapes = {name: entry.shape for name, entry in entries.items()}
        text = {**config, **text_config(config)}
        _check_layers(folder, text, shapes)
        _check_head(folder, config, shapes)
        _check_shapes(folder, text, shapes)


def _check_names(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        for prefix, remedy in WRAPPERS.items():
            if name.startswith(prefix):
                raise CheckpointError(
                    f"The tensors in {folder} bear a wrapper's prefix ({name[:100]!r}); engines "
                    "would not find them.",
                    remedy,
                )
        if any(part in name for part in ADAPTER_PARTS):
            raise CheckpointError(
                f"The weights in {folder} hold parts of an adapter ({name[:100]!r}), which would "
                "be left out.",
                MERGE,
            )


def _check_not_empty(folder: Path, entries: Mapping[str, TensorEntry]) -> None:
    empty = [name for name, entry in entries.items() if 0 in entry.shape]
    if empty:
        raise CheckpointError(
            f"{_named(empty)} in {folder} {'is' if len(empty) == 1 else 'are'} empty (shape "
            f"{list(entries[empty[0]].shape)}): a placeholder of DeepSpeed ZeRO-3.",
            "Save with stage3_gather_16bit_weights_on_model_save, or convert it by zero_to_fp32.",
        )


def _check_layers(folder: Path, config: Mapping[str, Any], shapes: Shapes) -> None:
    """Check that all layers have the same tensors, and that their number matches the config."""
    stacks: dict[str, dict[int, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in shapes:
        if match := LAYER.fullmatch(name):
            stacks[match["stack"]][int(match["number"])].add(match["rest"])
    for stack, layers in stacks.items():
        wanted = config.get("num_hidden_layers")
        if type(wanted) is int and not NOT_TEXT.search(stack) and set(layers) != set(range(wanted)):
            raise CheckpointError(
                f"{folder} has the layers {_numbers(layers)} in {stack}, but config.json asks for "
                f"{wanted} (num_hidden_layers).",
                "Save weights and configuration together, with save_pretrained.",
            )
        counts = Counter(rest for names in layers.values() for rest in names)
        for number, names in sorted(layers.items()):
            if missing := sorted(set(counts) - names):
                raise CheckpointError(
                    f"{folder} lacks {_named(f'{stack}.{number}.{rest}' for rest in missing)}, "
                    "which other layers have.",
                    SAVE_AGAIN,
                )


def _check_head(folder: Path, config: Mapping[str, Any], shapes: Shapes) -> None:
    tied = config.get("tie_word_embeddings", text_config(config).get("tie_word_embeddings"))
    if tied is False and not any(_last(name) == "lm_head.weight" for name in shapes):
        raise CheckpointError(
            f"{folder} has no lm_head.weight, but its config.json says that the head is not tied "
            "to the embedding (tie_word_embeddings: false).",
            "Save the head too, or set tie_word_embeddings to what the training used.",
        )


def _check_shapes(folder: Path, config: Mapping[str, Any], shapes: Shapes) -> None:
    wanted = _expected_shapes(config)
    for name, shape in shapes.items():
        if NOT_TEXT.search(name):
            continue
        expected = wanted.get(_last(name))
        if expected is not None and None not in expected[0] and shape != expected[0]:
            raise CheckpointError(
                f"{name} in {folder} has the shape {list(shape)}, but config.json "
                f"({expected[1]}) makes it {list(expected[0])}.",
                "Save weights and configuration together, with save_pretrained; after resizing "
                "the vocabulary save the configuration too.",
            )


def _expected_shapes(config: Mapping[str, Any]) -> dict[str, tuple[tuple[int | None, ...], str]]:
    """Shapes (None: unknown) by the end of a tensor's name, and the fields that determine them."""

    def number(field: str) -> int | None:
        value = config.get(field)
        return value if type(value) is int and value > 0 else None

    hidden, vocabulary, inner = map(number, ("hidden_size", "vocab_size", "intermediate_size"))
    heads = number("num_attention_heads")
    head = number("head_dim") or (hidden // heads if hidden and heads else None)
    shared = number("num_key_value_heads") or heads
    queries = heads * head if heads and head else None
    keys = shared * head if shared and head else None
    by_heads = "num_attention_heads, num_key_value_heads, head_dim, hidden_size"
    table = (vocabulary, hidden), "vocab_size, hidden_size"
    return {
        "embed_tokens.weight": table,
        "lm_head.weight": table,
        "norm.weight": ((hidden,), "hidden_size"),
        "q_proj.weight": ((queries, hidden), by_heads),
        "k_proj.weight": ((keys, hidden), by_heads),
        "v_proj.weight": ((keys, hidden), by_heads),
        "o_proj.weight": ((hidden, queries), by_heads),
        "gate_proj.weight": ((inner, hidden), "intermediate_size, hidden_size"),
        "up_proj.weight": ((inner, hidden), "intermediate_size, hidden_size"),
        "down_proj.weight": ((hidden, inner), "hidden_size, intermediate_size"),
        "input_layernorm.weight": ((hidden,), "hidden_size"),
        "post_attention_layernorm.weight": ((hidden,), "hidden_size"),
    }


def text_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """The language model's part of a vision-language configuration; empty without one."""
    inner = config.get("text_config")
    return inner if isinstance(inner, dict) else {}


def _last(name: str) -> str:
    """The last two parts of a tensor's name, which identify its role."""
    return ".".join(name.split(".")[-2:])


def _numbers(layers: Iterable[int]) -> str:
    found = sorted(layers)
    whole = found == list(range(found[0], found[-1] + 1))
    return f"{found[0]} to {found[-1]}" if whole else ", ".join(map(str, found[:20]))


def _named(names: Iterable[str]) -> str:
    found = list(names)
    more = len(found) - MOST_NAMED
    return ", ".join(n[:100] for n in found[:MOST_NAMED]) + (
        f" and {more} more" if more > 0 else ""
    )
