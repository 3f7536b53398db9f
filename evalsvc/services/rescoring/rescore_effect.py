"""The effect of changed verdicts on the score: the same samples, before and after. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from evalsvc.specs import powers_of_two
from evalsvc.statistics import pass_at_k
from evalsvc.store.repositories.results import Masks


@dataclass(frozen=True)
class PassAtK:
    """pass@k as a fraction, by the old and by the new verdicts."""

    k: int
    before: float
    after: float


@dataclass(frozen=True)
class RescoreEffect:
    """`correct_*`: the share of correct samples; None without samples."""

    now_correct: int
    no_longer_correct: int
    correct_before: float | None
    correct_after: float | None
    pass_at_k: list[PassAtK]  # k = 1, 2, 4 ... as far as every problem has samples


def rescore_effect(
    masks: Mapping[int, Masks], verdicts: Mapping[int, Mapping[int, bool]]
) -> RescoreEffect:
    """The effect of new verdicts (problem -> sample -> correct) on what `masks` count."""
    sampled = {problem: found for problem, found in masks.items() if found.sampled}
    n = np.array([found.sampled.bit_count() for found in sampled.values()], dtype=np.int64)
    old = [found.correct for found in sampled.values()]
    new = [_changed(found.correct, verdicts.get(at, {})) for at, found in sampled.items()]
    before, after = (
        np.array([mask.bit_count() for mask in side], dtype=np.int64) for side in (old, new)
    )
    total = int(n.sum())
    return RescoreEffect(
        now_correct=sum((b & ~a).bit_count() for a, b in zip(old, new, strict=True)),
        no_longer_correct=sum((a & ~b).bit_count() for a, b in zip(old, new, strict=True)),
        correct_before=int(before.sum()) / total if total else None,
        correct_after=int(after.sum()) / total if total else None,
        pass_at_k=[
            PassAtK(k, *(float(np.mean(pass_at_k(n, c, k))) for c in (before, after)))
            for k in powers_of_two(int(n.min()) if total else 0)
        ],
    )


def _changed(mask: int, verdicts: Mapping[int, bool]) -> int:
    for sample, correct in verdicts.items():
        mask = mask | 1 << sample if correct else mask & ~(1 << sample)
    return mask
