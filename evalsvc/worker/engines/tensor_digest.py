"""A digest of a tensor's bytes, computed on the device that holds them.

It tells whether weights changed, not whether an enemy forged them: copying 15 GB off a GPU for a
cryptographic hash took 20 s of a swap of 23 s, while reloading took 3 (docs/decisions/1003). The
tensor is read as 64-bit words w_i; each of two lanes sums w_i * m_i modulo 2**64 over a block of
words, with fixed random odd m_i (multilinear hashing: a single changed word always shows, other
changes are missed once in about 2**64 per lane), and the blocks are chained as a polynomial.
"""

from functools import cache
from typing import Any

import torch

BLOCK_WORDS = 2**20
LANES = 2
WORD_BYTES = 8
MODULUS = 2**64
CHAIN = 0x9E3779B97F4A7C15  # odd


def tensor_digest(tensor: torch.Tensor) -> str:
    """32 hexadecimal digits for the bytes of `tensor`, whatever its dtype, shape and device."""
    data = tensor.detach().contiguous().view(-1).view(torch.uint8)
    lanes = [data.numel()] * LANES
    for sums in _block_sums(data):
        lanes = [(lane * CHAIN + add) % MODULUS for lane, add in zip(lanes, sums, strict=True)]
    return "".join(f"{lane:016x}" for lane in lanes)


def named_tensors(name: str, tensor: Any) -> list[tuple[str, torch.Tensor]]:
    """The tensors that hold the bytes of a parameter: of quantised ones, those inside."""
    if hasattr(tensor, "partitions"):  # vLLM's SharedWeightParameter
        inner = tensor.partitions.items()
    elif hasattr(tensor, "__tensor_flatten__"):
        inner = ((part, getattr(tensor, part)) for part in tensor.__tensor_flatten__()[0])
    else:
        return [(name, tensor)]
    return [found for part, held in inner for found in named_tensors(f"{name}.{part}", held)]


def _block_sums(data: torch.Tensor) -> list[list[int]]:
    """For each block of words its sum in each lane. Waits for the device once."""
    whole = data.numel() // WORD_BYTES * WORD_BYTES
    words = _as_words(data[:whole])
    if whole < data.numel():
        tail = torch.zeros(WORD_BYTES, dtype=torch.uint8, device=data.device)
        tail[: data.numel() - whole] = data[whole:]
        blocks = [*words.split(BLOCK_WORDS), tail.view(torch.int64)]
    else:
        blocks = list(words.split(BLOCK_WORDS))
    multipliers = _multipliers(data.device)
    sums = [(block * multipliers[:, : block.numel()]).sum(dim=1) for block in blocks]
    found: list[list[int]] = torch.stack(sums).tolist()
    return found


def _as_words(data: torch.Tensor) -> torch.Tensor:
    """The same bytes as int64; copied where they do not begin at a word's boundary."""
    aligned = data.storage_offset() % WORD_BYTES == 0
    return (data if aligned else data.clone()).view(torch.int64)


@cache
def _multipliers(device: torch.device) -> torch.Tensor:
    """(LANES, BLOCK_WORDS) odd int64, the same on every device."""
    generator = torch.Generator().manual_seed(0)
    limits = torch.iinfo(torch.int64)
    drawn = torch.randint(limits.min, limits.max, (LANES, BLOCK_WORDS), generator=generator)
    return (drawn | 1).to(device)
