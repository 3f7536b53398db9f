"""What a checkpoint is, and how each kind of damage is told to the user."""

import json
import os
from pathlib import Path

import pytest

from evalsvc.checkpoints import checkpoint_notes, inspect_checkpoint
from evalsvc.checkpoints.files import MIB, WHOLE_FILE_BYTES, content_digest
from evalsvc.errors import CheckpointError
from evalsvc.specs import Modality
from tests.checkpoint_builder import CONFIG, safetensors_bytes, write_checkpoint


def edit_config(folder: Path, **changes: object) -> None:
    (folder / "config.json").write_text(json.dumps({**CONFIG, **changes}))


def test_a_complete_checkpoint_is_described(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "checkpoint-10")
    spec = inspect_checkpoint(folder)
    assert spec.path == str(folder)
    assert spec.architecture == "Qwen2ForCausalLM"
    assert (spec.model_type, spec.context_length, spec.dtype) == ("qwen2", 512, "float32")
    assert spec.modality is Modality.TEXT
    assert spec.size_bytes == (folder / "model.safetensors").stat().st_size
    assert len(spec.fingerprint) == 64
    assert checkpoint_notes(folder) == ()


def test_only_content_decides_the_identity(tmp_path: Path) -> None:
    first = inspect_checkpoint(write_checkpoint(tmp_path / "a"))
    other = write_checkpoint(tmp_path / "b")
    (other / "trainer_state.json").write_text("{}")
    (other / "optimizer.pt").write_bytes(b"state")
    second = inspect_checkpoint(other)
    assert second.model_copy(update={"path": first.path}) == first


def test_other_weights_are_another_checkpoint_of_the_same_architecture(tmp_path: Path) -> None:
    first = inspect_checkpoint(write_checkpoint(tmp_path / "a", fill=0))
    second = inspect_checkpoint(write_checkpoint(tmp_path / "b", fill=1))
    assert first.fingerprint != second.fingerprint
    assert first.architecture_hash == second.architecture_hash
    assert first.tokenizer_hash == second.tokenizer_hash


def test_architecture_hash_follows_behaviour_and_not_provenance(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a")
    original = inspect_checkpoint(folder).architecture_hash
    edit_config(folder, transformers_version="4.0", _name_or_path="/elsewhere")
    assert inspect_checkpoint(folder).architecture_hash == original
    edit_config(folder, rope_theta=1e6)
    assert inspect_checkpoint(folder).architecture_hash != original


def test_architecture_hash_follows_tensor_shapes(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a")
    original = inspect_checkpoint(folder).architecture_hash
    (folder / "model.safetensors").write_bytes(safetensors_bytes({"model.other.weight": (9,)}))
    assert inspect_checkpoint(folder).architecture_hash != original


@pytest.mark.parametrize("name", ["chat_template.jinja", "generation_config.json"])
def test_tokenizer_hash_covers_template_and_generation_config(tmp_path: Path, name: str) -> None:
    folder = write_checkpoint(tmp_path / "a")
    original = inspect_checkpoint(folder)
    (folder / name).write_text('{"eos_token_id": 7}')
    changed = inspect_checkpoint(folder)
    assert changed.tokenizer_hash != original.tokenizer_hash
    assert changed.architecture_hash == original.architecture_hash


def test_a_vision_model_is_told_by_its_config(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a")
    config = {k: v for k, v in CONFIG.items() if k not in {"max_position_embeddings"}}
    config |= {"vision_config": {"depth": 2}, "text_config": {"max_position_embeddings": 64}}
    (folder / "config.json").write_text(json.dumps(config))
    spec = inspect_checkpoint(folder)
    assert (spec.modality, spec.context_length) == (Modality.IMAGE, 64)


def test_no_chat_template_is_only_a_note(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a")
    (folder / "tokenizer_config.json").write_text("{}")
    inspect_checkpoint(folder)
    assert "no chat template" in checkpoint_notes(folder)[0]


def test_sharded_weights(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a", shards=3)
    shards = sorted(folder.glob("*.safetensors"))
    assert inspect_checkpoint(folder).size_bytes == sum(p.stat().st_size for p in shards)
    shards[1].unlink()
    with pytest.raises(CheckpointError, match="names 1 of 3 files that are missing"):
        inspect_checkpoint(folder)


def test_shards_without_their_index_are_unfinished(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a", shards=2)
    (folder / "model.safetensors.index.json").unlink()
    with pytest.raises(CheckpointError, match=r"no model\.safetensors\.index\.json yet"):
        inspect_checkpoint(folder)


@pytest.mark.parametrize("name", ["../outside.safetensors", "/etc/passwd", "..", "a/b", ""])
def test_an_index_cannot_leave_its_folder(tmp_path: Path, name: str) -> None:
    folder = write_checkpoint(tmp_path / "a", shards=2)
    index = {"weight_map": {"w": name}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="not a file in its own folder"):
        inspect_checkpoint(folder)


def test_an_index_that_misplaces_a_tensor_is_refused(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a", shards=2)
    path = folder / "model.safetensors.index.json"
    index = json.loads(path.read_text())
    index["weight_map"]["model.layers.9.weight"] = "model-00001-of-00002.safetensors"
    path.write_text(json.dumps(index))
    with pytest.raises(CheckpointError, match="but it does not"):
        inspect_checkpoint(folder)


def remove(name: str):
    return lambda folder: (folder / name).unlink()


def write(name: str, text: str):
    return lambda folder: (folder / name).write_text(text)


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (remove("config.json"), "holds no config.json"),
        (write("config.json", '{"archi'), "not valid JSON"),
        (write("config.json", "[" * 100_000), "not valid JSON"),
        (write("config.json", "[1]"), "no JSON object"),
        (write("config.json", '{"model_type": "qwen2"}'), "no model class"),
        (write("config.json", '{"architectures": [3]}'), "no model class"),
        (remove("model.safetensors"), "no weights"),
        (write("model.safetensors", ""), "half-written"),
        (remove("tokenizer.json"), "no tokenizer"),
        (write("tokenizer_config.json", "{"), "not valid JSON"),
    ],
)
def test_damage_is_named_with_a_remedy(tmp_path: Path, damage, words: str) -> None:
    folder = write_checkpoint(tmp_path / "a")
    damage(folder)
    with pytest.raises(CheckpointError, match=words) as caught:
        inspect_checkpoint(folder)
    assert caught.value.remedy


def test_missing_path_and_plain_file(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="no checkpoint at"):
        inspect_checkpoint(tmp_path / "nowhere")
    (tmp_path / "model.safetensors").write_bytes(b"")
    with pytest.raises(CheckpointError, match="is a file"):
        inspect_checkpoint(tmp_path / "model.safetensors")


def test_pickled_weights_need_permission(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a")
    (folder / "model.safetensors").unlink()
    (folder / "pytorch_model.bin").write_bytes(b"PK\x05\x06" + b"\0" * 17)
    with pytest.raises(CheckpointError, match="could run code"):
        inspect_checkpoint(folder)
    with pytest.raises(CheckpointError, match="half-written or damaged"):
        inspect_checkpoint(folder, allow_pickle=True)


def test_an_adapter_is_told_to_be_merged(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text("{}")
    (tmp_path / "adapter_model.safetensors").write_bytes(safetensors_bytes({"lora_A": (2, 2)}))
    with pytest.raises(CheckpointError) as caught:
        inspect_checkpoint(tmp_path)
    assert "merge" in caught.value.remedy


def test_a_pipe_in_place_of_a_file_does_not_hang(tmp_path: Path) -> None:
    folder = write_checkpoint(tmp_path / "a")
    (folder / "model.safetensors").unlink()
    os.mkfifo(folder / "model.safetensors")
    with pytest.raises(CheckpointError, match="not a regular file"):
        inspect_checkpoint(folder)


def test_a_change_inside_a_large_file_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "large"
    size = WHOLE_FILE_BYTES + 5 * MIB
    path.touch()
    os.truncate(path, size)  # sparse: costs no disk
    original = content_digest(path)
    with path.open("r+b") as stream:
        stream.seek(size // 17 + 100)
        stream.write(b"x")
    assert content_digest(path) != original
