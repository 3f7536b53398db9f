"""Batched sampling in which each row has its own randomness and can be cancelled alone."""

from collections.abc import Sequence
from typing import Any

import torch
from transformers import LogitsProcessor, TemperatureLogitsWarper, TopPLogitsWarper


class RowSampler(LogitsProcessor):  # type: ignore[misc]
    """Turns greedy choice into sampling by adding each row's own Gumbel noise to its scores.

    `seeds` has one seed per row; None means the system's randomness.
    """

    def __init__(self, seeds: Sequence[int | None], temperature: float, top_p: float) -> None:
        self._temperature = TemperatureLogitsWarper(temperature)
        self._top_p = TopPLogitsWarper(top_p) if top_p < 1 else None
        self._generators = [_generator(seed) for seed in seeds]

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        scores = self._temperature(input_ids, scores.float())
        if self._top_p is not None:
            scores = self._top_p(input_ids, scores)
        width = scores.shape[1]
        waits = torch.stack(
            [torch.empty(width).exponential_(generator=g) for g in self._generators]
        )
        return scores - torch.log(waits).to(scores.device)  # minus log of exponential: Gumbel


def stop_when_nobody_waits(answers: Sequence[Any]) -> Any:
    """A stopping criterion that ends the rows whose future is done (cancelled)."""

    def criterion(input_ids: torch.Tensor, scores: Any, **_: Any) -> torch.Tensor:
        return torch.tensor([answer.done() for answer in answers], device=input_ids.device)

    return criterion


def _generator(seed: int | None) -> torch.Generator:
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator
