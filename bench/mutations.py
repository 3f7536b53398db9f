"""Ways in which a checkpoint may be wrong, or only unusual: each changes a copy of a valid one.

This module does not decide whether a mutated checkpoint must be refused: `bench.integrity` compares
it with what another implementation makes of the same files.
"""

import json
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

WEIGHTS, CONFIG = "model.safetensors", "config.json"
GENERATION, TOKENIZER = "generation_config.json", "tokenizer.json"
SETTINGS, INDEX = "tokenizer_config.json", "model.safetensors.index.json"
Tensors = dict[str, torch.Tensor]
Edit = Callable[[Path], object]


@dataclass(frozen=True)
class Mutation:
    """One named change; `apply` makes it in a folder."""

    name: str
    apply: Edit

    def copy_of(self, sound: Path, target: Path) -> Path:
        shutil.copytree(sound, target)
        self.apply(target)
        return target


def mutations(sound: Path, seed: int) -> list[Mutation]:
    """About 90 mutations of the checkpoint in `sound`."""
    chance = random.Random(seed)
    tensors = load_file(sound / WEIGHTS)
    made = [
        *_of_tensors(tensors, chance),
        *_of_configuration(json.loads((sound / CONFIG).read_text())),
        *_of_files(),
        *_of_tokenizer(),
        *_of_generation(),
    ]
    return [Mutation(name, edit) for name, edit in made]


def _of_tensors(tensors: Tensors, chance: random.Random) -> Iterator[tuple[str, Edit]]:
    names = sorted(tensors)
    matrices = [name for name in names if tensors[name].ndim > 1]
    fixed = [name for name in names if "layers" not in name]
    for name in sorted({*fixed, *chance.sample(names, 9)}):
        yield f"drop {name}", _on_tensors(_drop(name))
    for name in chance.sample(names, 4):
        yield f"rename {name}", _on_tensors(_rename(name, name.replace("weight", "wieght") + "_"))
    for name in chance.sample(matrices, 4):
        yield f"transpose {name}", _on_tensors(_set(name, lambda t: t.T.contiguous()))
    for name in chance.sample(names, 6):
        yield f"cut {name}", _on_tensors(_set(name, lambda t: t[:-1].clone()))
    for name in chance.sample(names, 3):
        yield f"NaN in {name}", _on_tensors(_set(name, lambda t: _poke(t, torch.nan)))
    for name in chance.sample(names, 1):
        yield f"infinity in {name}", _on_tensors(_set(name, lambda t: _poke(t, -torch.inf)))
    for name in chance.sample(names, 3):
        yield f"empty {name}", _on_tensors(_set(name, lambda t: t[:0].clone()))
    for name in chance.sample(names, 5):
        yield f"scale {name}", _on_tensors(_set(name, lambda t: t * 1.5))
    for one, other in _alike(tensors, chance, 8):
        yield f"swap {one} with {other}", _on_tensors(_swap(one, other))
    for name in ("_orig_mod.", "base_model.model.", "model."):
        yield f"prefix {name}", _on_tensors(_prefix(name))
    yield "bfloat16", _on_tensors(lambda held: {n: t.bfloat16() for n, t in held.items()})
    yield "float64", _on_tensors(lambda held: {n: t.double() for n, t in held.items()})
    embedding = next(name for name in names if name.endswith("embed_tokens.weight"))
    copied = _add("lm_head.weight", lambda held: held[embedding].clone())
    yield "head is a copy of the embedding", _on_tensors(copied)
    other_head = _add("lm_head.weight", lambda held: held[embedding].flip(0).contiguous())
    yield "head is another one", _on_tensors(other_head)
    extra = _add("model.layers.2.mlp.up_proj.weight", lambda held: torch.ones(2, 2))
    yield "one tensor of a third layer", _on_tensors(extra)
    yield "a value head", _on_tensors(_add("v_head.summary.weight", lambda held: torch.ones(1, 8)))


def _of_configuration(config: dict[str, Any]) -> Iterator[tuple[str, Edit]]:
    changes: list[dict[str, Any]] = [
        {"num_hidden_layers": 1},
        {"num_hidden_layers": 3},
        {"vocab_size": config["vocab_size"] + 26},
        {"vocab_size": config["vocab_size"] - 10},
        {"hidden_size": 96},
        {"intermediate_size": 128},
        {"num_attention_heads": 2},
        {"num_key_value_heads": config["num_attention_heads"]},
        {"tie_word_embeddings": not config["tie_word_embeddings"]},
        {"rope_parameters": {"rope_type": "default", "rope_theta": 500.0}},
        {"rms_norm_eps": 0.1},
        {"eos_token_id": 20},
        {"architectures": ["OddForCausalLM"]},
        {"architectures": []},
        {"model_type": "odd"},
        {"max_position_embeddings": 64},
        {"dtype": "bfloat16"},
    ]
    for change in changes:
        said = ", ".join(f"{name} {value}" for name, value in change.items())
        yield f"config: {said}", _on_json(CONFIG, change)


def _of_files() -> Iterator[tuple[str, Edit]]:
    yield "files: two shards", lambda folder: _shard(folder, keep=False)
    yield "files: shards and their index beside the whole", lambda folder: _shard(folder, keep=True)
    yield "files: an adapter beside", _touch("adapter_model.safetensors")
    yield "files: a folder with an adapter", _touch("lora_adapter/adapter_config.json")
    yield "files: half-written", _cut_file
    yield "files: another save beside", lambda folder: _copy(folder, "older.safetensors")
    yield "files: an index that misplaces", _misplace
    yield "files: no tokenizer", lambda folder: (folder / TOKENIZER).unlink()


def _of_tokenizer() -> Iterator[tuple[str, Edit]]:
    yield "tokenizer: two tokens swapped", _swap_tokens
    yield "tokenizer: another EOS", _on_json(SETTINGS, {"eos_token": "7"})
    yield "tokenizer: no template", _drop_template
    yield "tokenizer: no template, BOS by post-processor", add_bos
    yield "tokenizer: broken", _break_tokenizer
    yield "tokenizer: more tokens than rows", _add_tokens


def _of_generation() -> Iterator[tuple[str, Edit]]:
    for change in (
        {"eos_token_id": [2, 30, 31, 32, 33]},
        {"eos_token_id": 40},
        {"suppress_tokens": list(range(10, 60))},
        {"min_new_tokens": 20, "eos_token_id": [2, 30, 31, 32, 33, 34, 35, 36]},
        {"repetition_penalty": 1.8, "no_repeat_ngram_size": 2},
        {"temperature": 0.7, "do_sample": True, "top_k": 5},
        {"forced_bos_token_id": 9, "forced_eos_token_id": 9},
        {"eos_token_id": "<end>"},
    ):
        said = ", ".join(f"{name} {value}" for name, value in change.items())
        yield f"generation: {said}", _on_json(GENERATION, change)


def _on_tensors(change: Callable[[Tensors], Tensors | None]) -> Edit:
    def edit(folder: Path) -> None:
        held = load_file(folder / WEIGHTS)
        held = {**(change(held) or held)}
        save_file(held, folder / WEIGHTS, {"format": "pt"})

    return edit


def _on_json(name: str, change: dict[str, Any]) -> Edit:
    def edit(folder: Path) -> None:
        path = folder / name
        settings = json.loads(path.read_text()) if path.exists() else {}
        path.write_text(json.dumps(settings | change))

    return edit


def _drop(name: str) -> Callable[[Tensors], Tensors]:
    return lambda held: {n: t for n, t in held.items() if n != name}


def _rename(name: str, to: str) -> Callable[[Tensors], Tensors]:
    return lambda held: {to if n == name else n: t for n, t in held.items()}


def _set(name: str, change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[Tensors], Tensors]:
    return lambda held: {n: change(t) if n == name else t for n, t in held.items()}


def _add(name: str, make: Callable[[Tensors], torch.Tensor]) -> Callable[[Tensors], Tensors]:
    return lambda held: {**held, name: make(held)}


def _swap(one: str, other: str) -> Callable[[Tensors], Tensors]:
    return lambda held: {**held, one: held[other], other: held[one]}


def _prefix(prefix: str) -> Callable[[Tensors], Tensors]:
    return lambda held: {prefix + name: tensor for name, tensor in held.items()}


def _poke(tensor: torch.Tensor, value: float) -> torch.Tensor:
    changed = tensor.clone()
    changed.view(-1)[tensor.numel() // 2] = value
    return changed


def _alike(tensors: Tensors, chance: random.Random, count: int) -> list[tuple[str, str]]:
    """Pairs of tensors of equal shape."""
    names = sorted(tensors)
    pairs = [
        (one, other)
        for one in names
        for other in names
        if one < other and tensors[one].shape == tensors[other].shape
    ]
    return chance.sample(pairs, min(count, len(pairs)))


def _shard(folder: Path, keep: bool) -> None:
    held = load_file(folder / WEIGHTS)
    names = sorted(held)
    weight_map: dict[str, str] = {}
    for number, part in enumerate((names[::2], names[1::2]), start=1):
        file = f"model-{number:05d}-of-00002.safetensors"
        save_file({name: held[name] for name in part}, folder / file, {"format": "pt"})
        weight_map |= dict.fromkeys(part, file)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    if keep:
        save_file({n: 1.2 * t for n, t in held.items()}, folder / WEIGHTS, {"format": "pt"})
    else:
        (folder / WEIGHTS).unlink()


def _misplace(folder: Path) -> None:
    _shard(folder, keep=False)
    index = json.loads((folder / INDEX).read_text())
    first = min(index["weight_map"])
    index["weight_map"][first] = "model-00002-of-00002.safetensors"
    (folder / INDEX).write_text(json.dumps(index))


def _touch(name: str) -> Edit:
    def edit(folder: Path) -> None:
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(b"")

    return edit


def _cut_file(folder: Path) -> None:
    path = folder / WEIGHTS
    path.write_bytes(path.read_bytes()[:-100])


def _copy(folder: Path, name: str) -> None:
    shutil.copy(folder / WEIGHTS, folder / name)


def _edit_tokenizer(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / TOKENIZER
    settings = json.loads(path.read_text())
    change(settings)
    path.write_text(json.dumps(settings))


def _break_tokenizer(folder: Path) -> None:
    (folder / TOKENIZER).write_text('{"version": ')


def _swap_tokens(folder: Path) -> None:
    def change(settings: dict[str, Any]) -> None:
        vocabulary = settings["model"]["vocab"]
        vocabulary["1"], vocabulary["a"] = vocabulary["a"], vocabulary["1"]

    _edit_tokenizer(folder, change)


def _add_tokens(folder: Path) -> None:
    def change(settings: dict[str, Any]) -> None:
        first = len(settings["model"]["vocab"])
        for number in range(first, first + 3):
            settings["model"]["vocab"][f"[extra{number}]"] = number

    _edit_tokenizer(folder, change)


def _drop_template(folder: Path) -> None:
    (folder / "chat_template.jinja").unlink(missing_ok=True)
    settings = json.loads((folder / SETTINGS).read_text())
    settings.pop("chat_template", None)
    (folder / SETTINGS).write_text(json.dumps(settings))


def add_bos(folder: Path) -> None:
    """A base model whose tokenizer begins and ends every text with a special token."""
    _drop_template(folder)
    begin, end = ("<assistant>", 4), ("<end>", 2)

    def change(settings: dict[str, Any]) -> None:
        single = [
            {"SpecialToken": {"id": begin[0], "type_id": 0}},
            {"Sequence": {"id": "A", "type_id": 0}},
            {"SpecialToken": {"id": end[0], "type_id": 0}},
        ]
        settings["post_processor"] = {
            "type": "TemplateProcessing",
            "single": single,
            "pair": [*single, {"Sequence": {"id": "B", "type_id": 1}}],
            "special_tokens": {
                text: {"id": text, "ids": [number], "tokens": [text]}
                for text, number in (begin, end)
            },
        }

    _edit_tokenizer(folder, change)
