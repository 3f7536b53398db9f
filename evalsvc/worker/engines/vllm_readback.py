"""Read a layer's weights back from its outputs.

vLLM multiplies by copies that it packed or transformed. The parameters do not show them: after a
reload such a copy may be that of the former checkpoint. But the k-th unit vector as input gives
exactly the k-th column of the matrix that the layer really multiplies by, because all other
products are zero. So every element is compared, not a projection of them.
"""

from typing import Any

import torch

ROWS = 512  # unit vectors at a time
TINY = 1.2e-38  # smallest normal float32: kernels may flush what is smaller to zero
CONVOLUTION_TOLERANCE = 1e-2  # besides the exact comparison of its parameter

Tensors = dict[str, torch.Tensor]


class CannotTell(Exception):
    """The layer transforms its weights in a way that cannot be read back."""


def difference(module: Any, expected: Tensors) -> str:
    """Describe how `module` differs from `expected`; "" if every element agrees.

    `module` must not transform its weights. Raises CannotTell if it turns out that it does.
    """
    matrix = _multiplied(module, expected)
    for name, wanted in expected.items():
        held = getattr(module, name)
        if held.numel() == 0 and name == matrix:
            continue  # only the packed copy is left
        if held.shape != wanted.shape:
            raise CannotTell(f"its {name} has another shape than it was loaded with")
        if not _equal(held.data, wanted.data.to(held.dtype)):
            return f"has another {name} than the file's"
    if matrix and not _multiplies_by(module, expected[matrix].data):
        if expected[matrix].is_cuda:  # the parameter is right, and kernels there read it directly
            raise CannotTell("its products are not exact")
        return f"multiplies by another matrix than the file's {matrix}"
    if _is_convolution(module) and "weight" in expected and not _convolves_with(module, expected):
        return "convolves with another weight than the file's"
    return ""


def transformation(module: Any) -> str:
    """How the module computes with something derived from its weights; "" if it does not."""
    method = getattr(module, "quant_method", None)
    if method is not None and type(method) not in _plain_methods():
        return f"{type(method).__name__} transforms its weights"
    if type(module).__name__ == "MLAAttention":
        return "it absorbs the weights of another layer"
    derived = [name for name, value in vars(module).items() if _is_derived(value)]
    if module._parameters and derived:
        return f"it keeps {', '.join(derived)}, made of its weights"
    return ""


def _is_derived(value: Any) -> bool:
    """Whether it is a tensor of numbers that is neither parameter nor buffer of the module."""
    return isinstance(value, torch.Tensor) and value.is_floating_point() and value.numel() > 1


def _plain_methods() -> tuple[type, type]:
    from vllm.model_executor.layers.linear import UnquantizedLinearMethod
    from vllm.model_executor.layers.vocab_parallel_embedding import UnquantizedEmbeddingMethod

    return UnquantizedLinearMethod, UnquantizedEmbeddingMethod


def _multiplied(module: Any, expected: Tensors) -> str:
    """The name of the matrix that the module's method multiplies by; "" if there is none."""
    has_method = getattr(module, "quant_method", None) is not None
    if not has_method or "weight" not in expected:
        return ""
    if expected["weight"].ndim != 2:
        raise CannotTell("its weight is no matrix")
    return "weight"


def _multiplies_by(module: Any, wanted: torch.Tensor) -> bool:
    """Whether the layer's own multiplication (and an embedding's lookup) uses `wanted`."""
    _require_exact_products(wanted)
    method: Any = module.quant_method
    is_table = type(method) is _plain_methods()[1]
    for rows, units in _unit_vectors(wanted.shape[1], wanted):
        columns = method.apply(module, units, None)
        if not _equal(columns, wanted[:, rows].T):
            return False
    if not is_table:
        return True
    return all(
        _equal(method.embedding(module, ids), wanted[ids])
        for ids in torch.arange(wanted.shape[0], device=wanted.device).split(ROWS)
    )


def _convolves_with(module: Any, expected: Tensors) -> bool:
    """The same for a convolution that applies its kernel once; its products may be rounded."""
    weight = expected["weight"].data
    if any(module.padding) or module.groups != 1:
        return True  # its parameter was compared, and it has no other copy
    bias = expected["bias"].data if "bias" in expected else weight.new_zeros(weight.shape[0])
    flat = weight.reshape(weight.shape[0], -1)
    for rows, units in _unit_vectors(flat.shape[1], flat):
        found = module(units.reshape(-1, *weight.shape[1:])).reshape(len(units), -1)
        wanted = flat[:, rows].T + bias
        scale = float(wanted.abs().max())
        if not torch.allclose(found, wanted, rtol=0, atol=CONVOLUTION_TOLERANCE * scale):
            return False
    return True


def _is_convolution(module: Any) -> bool:
    from vllm.model_executor.layers.conv import ConvLayerBase

    kinds = (ConvLayerBase, torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d)
    return isinstance(module, kinds)


def _unit_vectors(count: int, like: torch.Tensor) -> Any:
    for first in range(0, count, ROWS):
        rows = slice(first, min(first + ROWS, count))
        units = torch.zeros(rows.stop - first, count, dtype=like.dtype, device=like.device)
        units.diagonal(offset=first).fill_(1)
        yield rows, units


def _require_exact_products(matrix: torch.Tensor) -> None:
    """Raise CannotTell under TF32, which rounds the factors of a product of float32 numbers."""
    rounds = torch.get_float32_matmul_precision() != "highest"
    if matrix.is_cuda and matrix.dtype == torch.float32 and rounds:
        raise CannotTell("its products are rounded to TF32")


def _equal(found: torch.Tensor, wanted: torch.Tensor) -> bool:
    if found.shape != wanted.shape or found.dtype != wanted.dtype:
        return False
    if torch.equal(found, wanted):
        return True
    gap = found.to(torch.float64) - wanted.to(torch.float64)
    return bool((gap.abs() <= TINY).all())
