"""The proof that vLLM computes with the tensors of a checkpoint's files.

Made after every load and after every swap, in each of vLLM's processes. It has three parts: no
tensor of the files holds NaN or infinity; every parameter was written by the files; every layer
really multiplies by the file's tensor.
"""

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict


class Proof(TypedDict):
    """The findings of one engine process; plain data, because it is sent between processes."""

    not_finite: list[str]  # tensors of the files
    unwritten: list[str]  # parameters that no tensor of the files was written to
    unused: list[str]  # tensors of the files that were not used
    different: dict[str, str]  # layers that compute with something else, and with what
    unproved: dict[str, str]  # layers that cannot be checked, and why
    layers: int  # that were proved


def prove(model: Any, tensors: Iterable[tuple[str, Any]], device: Any) -> Proof:
    """Compare the layers of a loaded vLLM `model` with `tensors`, those of the files."""
    from evalsvc.worker.engines.vllm_expected import read_expected
    from evalsvc.worker.engines.vllm_readback import CannotTell, difference, transformation

    different: dict[str, str] = {}
    unproved = {n: why for n, m in model.named_modules() if (why := transformation(m))}
    proved = 0

    def compare(name: str, module: Any, expected: dict[str, Any]) -> None:
        nonlocal proved
        if name in unproved:
            return
        try:
            if found := difference(module, expected):
                different[name] = found
            proved += 1
        except CannotTell as reason:
            unproved[name] = str(reason)

    if hasattr(model, "process_weights_after_loading"):
        unproved["the model"] = "it transforms its weights as a whole"
    reading = read_expected(model, tensors, device, compare)
    unproved |= dict.fromkeys(reading.unclear, "how it was written could not be followed")
    return Proof(
        not_finite=reading.not_finite,
        unwritten=[] if reading.not_finite else reading.unwritten,
        unused=reading.unused,
        different=different,
        unproved=unproved,
        layers=proved,
    )


def moved(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, str]:
    """Parameters whose address has changed since the engine was started."""
    return {
        name: "was moved, and compiled code reads the old place"
        for name, address in before.items()
        if address and after.get(name) != address
    }


def merge(proofs: Iterable[Proof]) -> Proof:
    """The findings of all engine processes: a tensor counts as used if one of them uses it."""
    found = list(proofs)
    unused = set.intersection(*(set(proof["unused"]) for proof in found))
    return Proof(
        not_finite=_united(proof["not_finite"] for proof in found),
        unwritten=_united(proof["unwritten"] for proof in found),
        unused=sorted(unused),
        different={k: v for proof in found for k, v in proof["different"].items()},
        unproved={k: v for proof in found for k, v in proof["unproved"].items()},
        layers=sum(proof["layers"] for proof in found),
    )


def _united(lists: Iterable[list[str]]) -> list[str]:
    return sorted(set().union(*lists))
