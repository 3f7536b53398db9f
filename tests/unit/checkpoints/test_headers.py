"""Safetensors headers from a stranger: any bytes give a Header or a CheckpointError."""

import json
import struct
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from evalsvc.checkpoints.headers import read_header
from evalsvc.errors import CheckpointError
from tests.checkpoint_builder import TENSORS, safetensors_bytes

WHOLE = safetensors_bytes(TENSORS)
FAST = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def written(folder: Path, data: bytes) -> Path:
    path = folder / "model.safetensors"
    path.write_bytes(data)
    return path


def with_header(header: object, data: bytes = b"") -> bytes:
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def test_a_whole_file(tmp_path: Path) -> None:
    header = read_header(written(tmp_path, WHOLE))
    assert {name: e.shape for name, e in header.tensors.items()} == TENSORS


def test_every_proper_prefix_is_half_written(tmp_path: Path) -> None:
    for length in range(0, len(WHOLE), 3):
        with pytest.raises(CheckpointError, match="half-written"):
            read_header(written(tmp_path, WHOLE[:length]))


def test_trailing_bytes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="accounts for"):
        read_header(written(tmp_path, WHOLE + b"x"))


def test_an_enormous_header_is_not_read(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="not a safetensors file"):
        read_header(written(tmp_path, struct.pack("<Q", 2**63) + b"{}"))


@pytest.mark.parametrize(
    "entry",
    [
        None,
        [],
        {"dtype": "F32", "shape": [1]},
        {"dtype": 4, "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": ["1"], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [True], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [4, 0]},
        {"dtype": "F32", "shape": [1], "data_offsets": [-4, 0]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 1e9]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 2**70]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]},
    ],
)
def test_wrong_types_in_an_entry(tmp_path: Path, entry: object) -> None:
    with pytest.raises(CheckpointError, match="wrongly"):
        read_header(written(tmp_path, with_header({"w": entry}, b"0000")))


def test_overlaps_and_gaps(tmp_path: Path) -> None:
    def entry(start: int, stop: int) -> dict[str, object]:
        return {"dtype": "U8", "shape": [stop - start], "data_offsets": [start, stop]}

    for header in ({"a": entry(0, 4), "b": entry(2, 6)}, {"a": entry(0, 2), "b": entry(4, 6)}):
        with pytest.raises(CheckpointError, match="overlap or leave gaps"):
            read_header(written(tmp_path, with_header(header, b"0" * 6)))


@FAST
@given(st.binary(max_size=200))
def test_random_bytes(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CheckpointError):
        read_header(written(tmp_path, b"\xff" + data))


@FAST
@given(st.integers(0, len(WHOLE) - 1), st.integers(0, 255))
def test_one_changed_byte_never_crashes(tmp_path: Path, position: int, value: int) -> None:
    data = bytearray(WHOLE)
    data[position] = value
    try:
        header = read_header(written(tmp_path, bytes(data)))
    except CheckpointError:
        return
    assert max(e.stop for e in header.tensors.values()) <= len(data)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@FAST
@given(json_values)
def test_any_json_as_header(tmp_path: Path, value: object) -> None:
    try:
        read_header(written(tmp_path, with_header(value, b"1234")))
    except CheckpointError as error:
        assert error.remedy
