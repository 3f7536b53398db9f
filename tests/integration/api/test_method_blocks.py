"""Methods are compared within one base model, and one training seed counts once."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from evalsvc.statistics import compare_methods
from tests.support.http_server import Running, counts_body

EASY = [8, 7, 8, 6, 8, 7, 8, 8, 7, 8, 6, 8]  # of a strong base model
HARD = [0, 1, 0, 2, 1, 0, 3, 0, 1, 2, 0, 1]


def put(server: Running, run: str, method: str, counts: Sequence[int], **about: Any) -> None:
    body = counts_body(run, list(counts), method=method, **about)
    with server.http as http:
        assert http.post("/v1/imports", json=body).status_code == 201


def shifted(counts: Sequence[int], by: int) -> list[int]:
    return [min(8, c + (i % 3 == by)) for i, c in enumerate(counts)]


def methods(server: Running, baseline: str, candidate: str) -> tuple[list[Any], list[str]]:
    with server.http as http:
        asked = {"baseline": baseline, "candidate": candidate, "k": 1}
        answer = http.get("/v1/compare", params=asked).json()
    return answer["methods"], answer["notes"]


@pytest.fixture
def two_bases(server: Running) -> Running:
    for base, counts in (("weak", HARD), ("strong", EASY)):
        for seed in (0, 1):
            about = {"base_model": base, "train_seed": seed}
            put(server, f"{base}-grpo-{seed}", "GRPO", shifted(counts, seed), **about)
    for seed in (0, 1):
        about = {"base_model": "weak", "train_seed": seed}
        put(server, f"weak-agrae-{seed}", "A-GRAE", shifted(HARD, seed + 1), **about)
    return server


def test_runs_of_another_base_model_are_not_pooled(two_bases: Running) -> None:
    (view,), _ = methods(two_bases, "weak-grpo-0", "weak-agrae-0")
    assert (view["baseline_runs"], view["candidate_runs"]) == (2, 2)
    n = np.full(len(HARD), 8)
    sides = [[(n, np.array(shifted(HARD, s + more))) for s in (0, 1)] for more in (0, 1)]
    expected = compare_methods(sides[0], sides[1], 1)
    assert view["difference"] == pytest.approx(expected.difference)
    assert "Runs from weak." in view["sentence"]


def test_methods_of_two_base_models_are_not_compared(two_bases: Running) -> None:
    found, notes = methods(two_bases, "strong-grpo-0", "weak-agrae-0")
    assert found == []
    assert any("GRPO started from strong and A-GRAE from weak" in note for note in notes)


def test_equal_seeds_count_once_and_are_said(two_bases: Running) -> None:
    again = {"base_model": "weak", "train_seed": 1}
    put(two_bases, "weak-grpo-1-again", "GRPO", shifted(HARD, 1), **again)
    (view,), _ = methods(two_bases, "weak-grpo-0", "weak-agrae-0")
    assert view["baseline_runs"] == 2
    assert "Of the 3 runs of GRPO some share the training seed 1" in view["sentence"]


def test_two_runs_of_one_seed_are_no_two_runs(server: Running) -> None:
    for method in ("GRPO", "A-GRAE"):
        for i in (0, 1):
            put(server, f"{method}-{i}", method, shifted(HARD, i), train_seed=0)
    found, notes = methods(server, "GRPO-0", "A-GRAE-0")
    assert found == []
    assert any("1 of GRPO and 1 of A-GRAE" in n and "training seed 0" in n for n in notes)
