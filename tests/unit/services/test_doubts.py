"""Results whose weights are in doubt are told by their provenance."""

from typing import Any

import pytest

from evalsvc.services.evaluations.doubts import weight_doubts

CPU = {"engine": "vllm", "device": "cpu (Some CPU, 2 cores)"}


def test_a_swap_on_a_cpu_that_was_not_proved_is_in_doubt() -> None:
    (said,) = weight_doubts({"weights": "swapped", "engine": CPU})
    assert said.startswith("Made by a swap on a CPU before version")
    assert "Evaluate again" in said


@pytest.mark.parametrize(
    "provenance",
    [
        {},
        {"weights": "cold", "engine": CPU},
        {"weights": "swapped", "engine": {**CPU, "weights_proved": True}},
        {"weights": "swapped", "engine": {"engine": "vllm", "device": "NVIDIA H200"}},
        {"weights": "swapped", "engine": {"engine": "transformers", "device": "cpu"}},
        {"engine": "imported"},
    ],
)
def test_other_results_are_not(provenance: dict[str, Any]) -> None:
    assert weight_doubts(provenance) == ()


def test_weights_that_could_not_be_compared_are_told_with_the_reason() -> None:
    engine = {**CPU, "weights_proved": False, "weights_unproved": "experts: transformed"}
    (said,) = weight_doubts({"weights": "cold", "engine": engine})
    assert said.endswith("compared with the files: experts: transformed.")
