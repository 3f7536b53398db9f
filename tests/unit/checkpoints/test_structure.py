"""Tensors that cannot be those of the configured model are refused, by name."""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from evalsvc.checkpoints import check_complete, inspect_checkpoint
from evalsvc.errors import CheckpointError
from tests.checkpoint_builder import safetensors_bytes, tokenizer_texts, write_checkpoint

CONFIG: dict[str, Any] = {
    "architectures": ["Qwen2ForCausalLM"],
    "model_type": "qwen2",
    "hidden_size": 8,
    "intermediate_size": 16,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_hidden_layers": 2,
    "vocab_size": 12,
    "tie_word_embeddings": False,
}
LAYER = {
    "self_attn.q_proj.weight": (8, 8),
    "self_attn.k_proj.weight": (4, 8),
    "self_attn.v_proj.weight": (4, 8),
    "self_attn.o_proj.weight": (8, 8),
    "mlp.gate_proj.weight": (16, 8),
    "mlp.up_proj.weight": (16, 8),
    "mlp.down_proj.weight": (8, 16),
    "input_layernorm.weight": (8,),
    "post_attention_layernorm.weight": (8,),
}
TENSORS: dict[str, tuple[int, ...]] = {
    "model.embed_tokens.weight": (12, 8),
    "lm_head.weight": (12, 8),
    "model.norm.weight": (8,),
    **{f"model.layers.{n}.{name}": shape for n in (0, 1) for name, shape in LAYER.items()},
}


def write(
    folder: Path,
    drop: tuple[str, ...] = (),
    add: dict[str, tuple[int, ...]] | None = None,
    **changes: Any,
) -> Path:
    """A checkpoint of two layers with some tensors and settings changed."""
    folder.mkdir(exist_ok=True)
    tensors = {name: shape for name, shape in TENSORS.items() if name not in drop} | (add or {})
    (folder / "model.safetensors").write_bytes(safetensors_bytes(tensors))
    (folder / "config.json").write_text(json.dumps(CONFIG | changes))
    for name, text in tokenizer_texts().items():
        (folder / name).write_text(text)
    return folder


def refusal(folder: Path) -> str:
    """What is said of the checkpoint, the same at the trainer's side and at the server's."""
    with pytest.raises(CheckpointError) as refused:
        inspect_checkpoint(folder)
    with pytest.raises(CheckpointError) as early:
        check_complete(folder)
    assert str(early.value) == str(refused.value)
    return str(refused.value)


def test_a_sound_checkpoint_is_accepted(tmp_path: Path) -> None:
    inspect_checkpoint(write(tmp_path))


@pytest.mark.parametrize("name", [n for n in TENSORS if "layers.1" in n])
def test_a_tensor_that_one_layer_lacks_is_named(tmp_path: Path, name: str) -> None:
    assert f"lacks {name}, which other layers have" in refusal(write(tmp_path, drop=(name,)))


def test_an_untied_head_must_be_there(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, drop=("lm_head.weight",)))
    assert "no lm_head.weight" in said
    assert "tie_word_embeddings: false" in said


def test_a_tied_head_need_not_be_there(tmp_path: Path) -> None:
    inspect_checkpoint(write(tmp_path, drop=("lm_head.weight",), tie_word_embeddings=True))


@pytest.mark.parametrize(("wanted", "held"), [(1, "0 to 1"), (3, "0 to 1")])
def test_the_number_of_layers_is_the_configured_one(tmp_path: Path, wanted: int, held: str) -> None:
    said = refusal(write(tmp_path, num_hidden_layers=wanted))
    assert f"has the layers {held} in model.layers" in said
    assert f"asks for {wanted}" in said


@pytest.mark.parametrize("name", TENSORS)
def test_every_shape_is_compared_with_the_configuration(tmp_path: Path, name: str) -> None:
    said = refusal(write(tmp_path, add={name: (5, *TENSORS[name][1:])}))
    assert f"{name} in" in said
    assert "has the shape [5" in said
    assert f"makes it {list(TENSORS[name])}" in said


def test_a_vocabulary_of_another_size_is_refused(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, vocab_size=10))
    assert "model.embed_tokens.weight" in said
    assert "vocab_size" in said


def test_empty_placeholders_are_refused(tmp_path: Path) -> None:
    said = refusal(write(tmp_path, add={"model.norm.weight": (0,)}))
    assert "model.norm.weight" in said
    assert "ZeRO-3" in said


@pytest.mark.parametrize(
    ("prefix", "remedy"),
    [
        ("_orig_mod.", "_orig_mod.save_pretrained"),
        ("base_model.model.", "merge_and_unload"),
        ("module.", "model.module"),
        ("_fsdp_wrapped_module.", "full state dict"),
    ],
)
def test_prefixes_of_wrappers_are_refused(tmp_path: Path, prefix: str, remedy: str) -> None:
    folder = write(tmp_path)
    renamed = {prefix + name: shape for name, shape in TENSORS.items()}
    (folder / "model.safetensors").write_bytes(safetensors_bytes(renamed))
    said = refusal(folder)
    assert prefix in said
    assert remedy in said


@pytest.mark.parametrize("part", ["lora_A.default.weight", "lora_B.weight", "base_layer.weight"])
def test_parts_of_an_adapter_among_the_weights_are_refused(tmp_path: Path, part: str) -> None:
    said = refusal(write(tmp_path, add={f"model.layers.0.self_attn.q_proj.{part}": (2, 8)}))
    assert part in said
    assert "merge_and_unload" in said


@pytest.mark.parametrize(
    "name",
    [
        "adapter_model.safetensors",
        "adapter_config.json",
        "lora_adapter/adapter_config.json",
        "lora_train_meta.json",
    ],
)
def test_an_adapter_beside_full_weights_is_refused(tmp_path: Path, name: str) -> None:
    folder = write(tmp_path)
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("{}")
    said = refusal(folder)
    assert name in said
    assert "the adapter would be left out" in said


@pytest.mark.parametrize("newer", [True, False])
def test_an_index_of_another_save_is_refused(tmp_path: Path, newer: bool) -> None:
    folder = write_checkpoint(tmp_path / "a", shards=2)
    beside = folder / "model.safetensors"
    beside.write_bytes(safetensors_bytes({"model.layers.1.weight": (4, 4)}, fill=1))
    when = (folder / "model.safetensors.index.json").stat().st_mtime + (100 if newer else -100)
    os.utime(beside, (when, when))
    said = refusal(folder)
    assert "model.safetensors is not named by model.safetensors.index.json" in said
    assert "Remove" in said


def test_a_tensor_that_the_index_does_not_name_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a", shards=2)
    more = {"model.layers.1.weight": (4, 4), "model.layers.7.weight": (4, 4)}
    (folder / "model-00001-of-00002.safetensors").write_bytes(safetensors_bytes(more))
    assert "holds 'model.layers.7.weight', which" in refusal(folder)


def test_two_weight_files_without_an_index_are_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "older.safetensors").write_bytes(safetensors_bytes(TENSORS, fill=1))
    assert "holds 2 weight files" in refusal(folder)


def test_another_formats_copy_is_no_second_checkpoint(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (folder / "consolidated.safetensors").write_bytes(safetensors_bytes(TENSORS))
    inspect_checkpoint(folder)


def test_families_that_are_not_known_are_left_to_the_engine(tmp_path: Path) -> None:
    drop = ("model.layers.1.mlp.up_proj.weight",)
    inspect_checkpoint(write(tmp_path, drop=drop, model_type="jamba"))


def test_the_text_part_of_a_model_that_sees_is_checked(tmp_path: Path) -> None:
    inner = {key: CONFIG[key] for key in CONFIG if key not in {"architectures", "model_type"}}
    outer = {"model_type": "qwen2_5_vl", "text_config": inner, "vision_config": {"depth": 1}}
    vision = {"visual.blocks.0.norm1.weight": (3,), "visual.merger.mlp.0.weight": (7, 7)}
    folder = write(tmp_path, add=vision)
    (folder / "config.json").write_text(json.dumps({"architectures": ["X"], **outer}))
    inspect_checkpoint(folder)
    outer["text_config"] = inner | {"vocab_size": 11}
    (folder / "config.json").write_text(json.dumps({"architectures": ["X"], **outer}))
    assert "vocab_size" in refusal(folder)
