"""Each adapter on its trainer's files: whole, half, rotated, renamed, and told apart."""

import json
from pathlib import Path

import pytest

from evalsvc.errors import UsageError
from evalsvc.trainers.layouts import AUTO, LAYOUTS, choose_layout
from tests.checkpoint_builder import checkpoint_files, write_checkpoint
from tests.unit.trainers.layout_builder import Written, below, every_layout, fsdp_actor

NOT_VITAL = ("tokenizer_config.json", "training_info.json")


def write(root: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


@pytest.mark.parametrize("written", every_layout(), ids=lambda w: w.layout)
def test_a_whole_step_is_seen_whole_and_its_trainer_is_told(
    tmp_path: Path, written: Written
) -> None:
    write(tmp_path, {**written.required, **written.optional, **written.last})
    layout = choose_layout(AUTO, tmp_path)
    assert layout is not None
    assert layout.name == written.layout
    [snapshot] = layout.snapshots(tmp_path)
    assert (snapshot.complete, snapshot.step, snapshot.merge) == (True, 10, None)
    assert snapshot.model is not None
    assert (snapshot.model / "config.json").exists()


@pytest.mark.parametrize("written", every_layout(), ids=lambda w: w.layout)
def test_without_any_one_required_file_a_step_is_not_whole(
    tmp_path: Path, written: Written
) -> None:
    write(tmp_path, {**written.required, **written.optional, **written.last})
    vital = [n for n in written.required if not n.endswith(NOT_VITAL)]
    for name in vital:
        data = (tmp_path / name).read_bytes()
        (tmp_path / name).unlink()
        snapshots = LAYOUTS[written.layout].snapshots(tmp_path)
        assert not any(snapshot.complete for snapshot in snapshots), name
        assert all(snapshot.reason for snapshot in snapshots)
        (tmp_path / name).write_bytes(data)


def test_half_names_are_not_steps(tmp_path: Path) -> None:
    names = ["tmp_step_5", "old_step_5", ".step_5", "step_5.tmp", "step_x", "checkpoint-5-old"]
    for name in names:
        write_checkpoint(tmp_path / name)
    for layout in LAYOUTS.values():
        assert layout.steps(tmp_path) == []


def test_a_tracker_that_names_an_older_step(tmp_path: Path) -> None:
    write(tmp_path, below("global_step_20/actor/huggingface", checkpoint_files()))
    for text, complete in (("10", False), ("x", False), ("20", True), ("30", True)):
        (tmp_path / "latest_checkpointed_iteration.txt").write_text(text)
        [snapshot] = LAYOUTS["verl"].snapshots(tmp_path)
        assert snapshot.complete is complete


def test_a_shell_that_rotation_left(tmp_path: Path) -> None:
    write(tmp_path, {"global_step_5/data.pt": b"x", "latest_checkpointed_iteration.txt": b"10"})
    [snapshot] = LAYOUTS["verl"].snapshots(tmp_path)
    assert (snapshot.complete, snapshot.rotated) == (False, True)
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("4")  # not written yet
    [snapshot] = LAYOUTS["verl"].snapshots(tmp_path)
    assert (snapshot.complete, snapshot.rotated) == (False, False)


def test_fsdp_shards_need_exactly_the_ranks_of_the_world(tmp_path: Path) -> None:
    actor = "global_step_10/actor"
    write(tmp_path, below(actor, fsdp_actor(world_size=4)))
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("10")
    [snapshot] = LAYOUTS["verl"].snapshots(tmp_path)
    assert (snapshot.complete, snapshot.merge, snapshot.model) == (True, "fsdp", tmp_path / actor)
    shard = tmp_path / actor / "model_world_size_4_rank_2.pt"
    data = shard.read_bytes()
    shard.write_bytes(data[: len(data) - 30])
    assert "half-written" in LAYOUTS["verl"].snapshots(tmp_path)[0].reason
    shard.unlink()
    assert "1 of 4 ranks" in LAYOUTS["verl"].snapshots(tmp_path)[0].reason


@pytest.mark.parametrize("size", [0, -1, "2", True, 10**9, None])
def test_an_absurd_world_size(tmp_path: Path, size: object) -> None:
    write(tmp_path, below("global_step_10/actor", fsdp_actor()))
    config = tmp_path / "global_step_10/actor/fsdp_config.json"
    config.write_text(json.dumps({"world_size": size}))
    (tmp_path / "latest_checkpointed_iteration.txt").write_text("10")
    assert "world_size" in LAYOUTS["verl"].snapshots(tmp_path)[0].reason


def test_megatron_vouches_for_itself(tmp_path: Path) -> None:
    files = {k.removeprefix("huggingface/"): v for k, v in fsdp_actor().items() if "/" in k}
    actor = "global_step_10/actor"
    write(tmp_path, below(f"{actor}/model/huggingface", files))
    write(
        tmp_path, {f"{actor}/model/dist_ckpt/common.pt": b"x", f"{actor}/ckpt_contents.json": b"{}"}
    )
    [snapshot] = LAYOUTS["verl"].snapshots(tmp_path)
    assert (snapshot.complete, snapshot.certain, snapshot.merge) == (True, True, "megatron")


def test_of_two_folders_of_a_step_the_whole_one_counts(tmp_path: Path) -> None:
    write(tmp_path, {"iter_0000010/common.pt": b"x"})
    write(tmp_path, below("hf/iter_0000010", checkpoint_files()))
    [snapshot] = LAYOUTS["slime"].snapshots(tmp_path)
    assert snapshot.complete


@pytest.mark.parametrize(
    ("layout", "folder", "words"),
    [
        ("openrlhf", "_actor/global_step10", "--save_hf_ckpt"),
        ("skyrl", "global_step_10/policy", "hf_save_interval"),
        ("slime", "iter_0000010", "--save-hf"),
        ("nemo-rl", "step_10/policy/weights", "save_consolidated"),
    ],
)
def test_a_trainer_that_writes_no_hugging_face_model_is_told_how(
    tmp_path: Path, layout: str, folder: str, words: str
) -> None:
    write(tmp_path, {f"{folder}/shard.pt": b"x"})
    found = choose_layout(AUTO, tmp_path)
    assert found is not None
    assert found.name == layout
    [snapshot] = found.snapshots(tmp_path)
    assert (snapshot.step, snapshot.complete) == (10, False)
    assert words in snapshot.reason


def test_nemo_rl_with_consolidated_weights(tmp_path: Path) -> None:
    weights = "step_10/policy/weights/model"
    write(tmp_path, below(f"{weights}/consolidated", checkpoint_files()))
    write(tmp_path, {f"{weights}/shard-00001-model-00001-of-00001.safetensors": b"x"})
    [snapshot] = LAYOUTS["nemo-rl"].snapshots(tmp_path)
    assert (snapshot.complete, snapshot.certain) == (True, True)
    assert snapshot.model == tmp_path / weights / "consolidated"


def test_an_empty_folder_shows_no_trainer_yet(tmp_path: Path) -> None:
    assert choose_layout(AUTO, tmp_path) is None
    with pytest.raises(UsageError, match="no layout 'unknown'"):
        choose_layout("unknown", tmp_path)
