"""What two checkpoints have in common, and what a swap may therefore leave unchanged."""

from pathlib import Path

import pytest

from evalsvc.worker.engines.base import SwapFailed
from evalsvc.worker.engines.vllm_swap import check_changed
from evalsvc.worker.engines.weight_files import tensors_in_common
from tests.checkpoint_builder import safetensors_bytes

SHAPES = {"a": (4, 8), "b": (8,), "c": (3, 3)}


def checkpoint(folder: Path, fill: int, changed: str = "") -> Path:
    """All tensors filled with `fill`, but one byte of the tensor `changed`."""
    folder.mkdir()
    data = bytearray(safetensors_bytes(SHAPES, fill))
    if changed:
        sizes = [4 * 32, 4 * 8, 4 * 9]
        start = len(data) - sum(sizes) + sum(sizes[: "abc".index(changed)])
        data[start + 5] ^= 1
    (folder / "model.safetensors").write_bytes(data)
    return folder


def test_tensors_are_compared_by_content(tmp_path: Path) -> None:
    one = checkpoint(tmp_path / "one", 1)
    assert tensors_in_common(one, checkpoint(tmp_path / "same", 1)) == 3
    assert tensors_in_common(one, checkpoint(tmp_path / "other", 2)) == 0
    assert tensors_in_common(one, checkpoint(tmp_path / "nearly", 1, changed="b")) == 2


def test_a_swap_that_left_too_much_is_refused() -> None:
    before = [{"x": "1", "y": "2", "z": "3"}]
    check_changed(before, [{"x": "9", "y": "9", "z": "9"}], common=0)
    check_changed(before, [{"x": "1", "y": "9", "z": "9"}], common=1)
    with pytest.raises(SwapFailed, match=r"2 of 3 tensors did not change.* only 1 in common"):
        check_changed(before, [{"x": "1", "y": "2", "z": "9"}], common=1)
    with pytest.raises(SwapFailed, match="other tensors"):
        check_changed(before, [{"x": "9", "y": "9"}], common=3)


def test_each_process_of_the_engine_must_have_changed() -> None:
    before = [{"x": "1"}, {"x": "2"}]
    with pytest.raises(SwapFailed, match="1 of 1"):
        check_changed(before, [{"x": "9"}, {"x": "2"}], common=0)
