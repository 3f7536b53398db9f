"""The digest that decides whether a swap changed the weights."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evalsvc.worker.engines import tensor_digest as module
from evalsvc.worker.engines.tensor_digest import named_tensors, tensor_digest

DTYPES = (torch.float32, torch.bfloat16, torch.float16, torch.int8, torch.float8_e4m3fn)


def tensor_of(data: bytes) -> torch.Tensor:
    return torch.tensor(list(data), dtype=torch.uint8)


@given(st.binary(min_size=1, max_size=64), st.data())
def test_any_changed_byte_shows(data: bytes, drawn: st.DataObject) -> None:
    place = drawn.draw(st.integers(0, len(data) - 1))
    change = drawn.draw(st.integers(1, 255))
    other = bytearray(data)
    other[place] ^= change
    assert tensor_digest(tensor_of(data)) != tensor_digest(tensor_of(bytes(other)))


@given(st.binary(max_size=40), st.binary(max_size=40))
def test_equal_digests_mean_equal_bytes(one: bytes, other: bytes) -> None:
    same = tensor_digest(tensor_of(one)) == tensor_digest(tensor_of(other))
    assert same == (one == other)


@given(st.integers(0, 7), st.binary(min_size=1, max_size=40))
def test_where_the_bytes_lie_does_not_matter(offset: int, data: bytes) -> None:
    inside = tensor_of(bytes(offset) + data)[offset:]
    assert tensor_digest(inside) == tensor_digest(tensor_of(data))


@settings(deadline=None)
@given(st.permutations(range(6)))
def test_exchanged_blocks_and_words_show(order: list[int]) -> None:
    block = module.BLOCK_WORDS * module.WORD_BYTES
    data = torch.arange(6, dtype=torch.int64).repeat_interleave(3)
    words = torch.zeros(block // 8 + 18, dtype=torch.int64)  # across the border of two blocks
    words[-27:-9] = data
    moved = words.clone()
    moved[-27:-9] = data.view(6, 3)[order].flatten()
    assert (tensor_digest(words) == tensor_digest(moved)) == (order == list(range(6)))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (5, 7), (64, 33)])
def test_every_dtype_and_shape(dtype: torch.dtype, shape: tuple[int, ...]) -> None:
    generator = torch.Generator().manual_seed(1)
    tensor = torch.randn(shape, generator=generator).to(dtype)
    assert tensor_digest(tensor) == tensor_digest(tensor.clone())
    if tensor.numel():
        changed = tensor.clone().view(-1)
        changed[-1] = -changed[-1].float() + 1
        assert tensor_digest(tensor) != tensor_digest(changed)


def test_a_transposed_view_is_read_in_its_own_order() -> None:
    tensor = torch.arange(12.0).view(3, 4)
    assert tensor_digest(tensor.T) == tensor_digest(tensor.T.contiguous())
    assert tensor_digest(tensor.T) != tensor_digest(tensor)


def test_lengths_of_zeros_differ() -> None:
    assert len({tensor_digest(torch.zeros(n, dtype=torch.uint8)) for n in range(40)}) == 40


def test_quantised_parameters_are_taken_apart() -> None:
    class Wrapped:
        qdata, scale = torch.ones(2), torch.zeros(1)

        def __tensor_flatten__(self) -> tuple[list[str], None]:
            return ["qdata", "scale"], None

    class Shared:
        partitions = {0: Wrapped(), 1: torch.ones(3)}  # noqa: RUF012

    names = [name for name, _ in named_tensors("w", Shared())]
    assert names == ["w.0.qdata", "w.0.scale", "w.1"]
