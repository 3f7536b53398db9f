"""What the proofs of an engine's processes say together, and when an engine may swap."""

from typing import Any

import pytest
import torch
from torch import nn

from evalsvc.worker.engines.loaded_weights import named
from evalsvc.worker.engines.vllm_expected import all_finite
from evalsvc.worker.engines.vllm_proof import Proof, merge, moved
from evalsvc.worker.engines.vllm_readback import CannotTell, difference, transformation
from evalsvc.worker.engines.vllm_swap import hindrance


def proof(**changes: Any) -> Proof:
    sound = Proof(not_finite=[], unwritten=[], unused=[], different={}, unproved={}, layers=3)
    return Proof(**{**sound, **changes})  # type: ignore[typeddict-item]


def test_a_sound_proof_hinders_nothing() -> None:
    assert hindrance(proof()) == ""


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"different": {"lm_head": "multiplies by another matrix"}}, "lm_head multiplies by"),
        ({"unproved": {"experts": "Fp8Method transforms its weights"}}, "experts: Fp8Method"),
        ({"unwritten": ["model.norm.weight"]}, "nothing was written to model.norm.weight"),
        ({"unused": ["v_head.weight"]}, "the files' v_head.weight is used by no layer"),
    ],
)
def test_whatever_is_not_proved_hinders(found: dict[str, Any], words: str) -> None:
    assert words in hindrance(proof(**found))


def test_many_reasons_are_counted() -> None:
    found = hindrance(proof(different={f"layer{n}": "differs" for n in range(5)}))
    assert found == "layer0 differs; layer1 differs; layer2 differs and 2 more"


def test_a_tensor_that_one_process_uses_is_used() -> None:
    """Pipeline parallel: each process reads its own layers."""
    first = proof(unused=["b", "extra"], unwritten=["x"], different={"a": "differs"}, layers=2)
    second = proof(unused=["a", "extra"], unwritten=["x", "y"], layers=4)
    assert merge([first, second]) == proof(
        unused=["extra"], unwritten=["x", "y"], different={"a": "differs"}, layers=6
    )


def test_a_parameter_that_moved_is_found() -> None:
    before = {"a": 100, "b": 200, "packed": 0}
    assert moved(before, {"a": 100, "b": 200, "packed": 7}) == {}
    assert set(moved(before, {"a": 101, "packed": 0})) == {"a", "b"}


def test_only_the_first_names_are_told() -> None:
    assert named(["b", "a"]) == "a, b"
    assert named(map(str, range(7))) == "0, 1, 2, 3, 4 and 2 more"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float8_e4m3fn])
def test_numbers_are_told_from_what_is_none(dtype: torch.dtype) -> None:
    sound = torch.ones(5).to(dtype)
    assert all_finite(sound)
    broken = torch.tensor([1.0, torch.nan]).to(dtype)
    assert not all_finite(broken)


class QuantisedMethod:
    """What vLLM gives a quantised layer, as far as the proof looks at it."""


class MLAAttention(nn.Module):
    """Named like vLLM's, which keeps products of another layer's weights."""


def test_layers_that_transform_their_weights_are_known() -> None:
    layer = nn.Linear(3, 2)
    assert transformation(layer) == ""
    layer.quant_method = QuantisedMethod()  # type: ignore[assignment]
    assert transformation(layer) == "QuantisedMethod transforms its weights"
    derived = nn.Linear(3, 2)
    derived.folded = torch.ones(3)  # type: ignore[assignment]
    assert transformation(derived) == "it keeps folded, made of its weights"
    assert transformation(MLAAttention()) == "it absorbs the weights of another layer"


def test_a_weight_of_another_shape_is_not_judged() -> None:
    with pytest.raises(CannotTell, match="another shape than it was loaded with"):
        difference(nn.Linear(3, 2), {"weight": torch.ones(3, 2)})


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.Conv3d])
def test_a_convolution_without_bias_is_compared(kind: Any) -> None:
    layer = kind(3, 5, kernel_size=2, stride=2, bias=False)
    with torch.inference_mode():
        assert difference(layer, {"weight": layer.weight.clone()}) == ""


@pytest.mark.parametrize("kind", [nn.Conv2d, nn.Conv3d])
def test_a_convolution_is_compared_in_its_parameters_and_in_what_it_does(kind: Any) -> None:
    torch.manual_seed(0)
    layer = kind(3, 5, kernel_size=2, stride=2)
    expected = {name: held.detach().clone() for name, held in layer.named_parameters()}
    with torch.inference_mode():
        assert difference(layer, expected) == ""
        expected["bias"][2] += 1e-6
        assert difference(layer, expected) == "has another bias than the file's"
        expected["bias"] = layer.bias.clone()
        layer.forward = lambda units: nn.functional.relu(type(layer).forward(layer, units))
        assert difference(layer, expected) == "convolves with another weight than the file's"
