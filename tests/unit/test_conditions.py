"""Conditions of samples: kept for all shards, said where they are unlike."""

from typing import Any

import pytest

from evalsvc.conditions import (
    conditions_of,
    merged,
    mixed_conditions,
    other_engine,
    unlike_conditions,
)


def shard(vllm: str = "0.33.0", **engine: Any) -> dict[str, Any]:
    about = {"engine": "vllm", "dtype": "bfloat16", "device": "H200", **engine}
    return {"engine": about, "versions": {"vllm": vllm, "torch": "2.13.0"}, "seeds": "per sample"}


def test_shards_that_are_alike_have_one_value_of_each() -> None:
    together = merged(merged({}, shard()), shard())
    assert together["conditions"] == {
        "engine version": ["vllm 0.33.0"],
        "torch": ["2.13.0"],
        "dtype": ["bfloat16"],
        "device": ["H200"],
        "seed policy": ["per sample"],
    }
    assert mixed_conditions(together) == ""
    assert together["versions"] == shard()["versions"]


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (shard("0.34.0"), "engine version (vllm 0.33.0 and vllm 0.34.0)"),
        (shard(dtype="float16"), "dtype (bfloat16 and float16)"),
        (shard(device="cpu"), "device (H200 and cpu)"),
        ({**shard(), "seeds": "the engine's own"}, "seed policy (per sample and"),
    ],
)
def test_every_unlike_condition_is_said(other: dict[str, Any], words: str) -> None:
    for order in ((shard(), other, shard()), (shard(), shard(), other)):
        together: dict[str, Any] = {}
        for one in order:
            together = merged(together, one)
        assert words in mixed_conditions(together)
    assert any(words in one for one in unlike_conditions([shard(), other]))


def test_what_one_side_does_not_know_is_no_difference() -> None:
    assert unlike_conditions([shard(), {}]) == []
    assert unlike_conditions([{}, {"imported": "counts"}]) == []
    assert unlike_conditions([]) == []
    assert conditions_of({"engine": "text", "versions": None}) == {}


def test_only_an_engine_that_is_known_can_be_another() -> None:
    assert other_engine({}, shard()) == ""
    assert other_engine(shard(), shard()) == ""
    assert other_engine(shard(), {"engine": {"engine": "replay"}, "versions": {}}) == ""
    assert "drawn by vllm 0.33.0, these by vllm 0.34.0" in other_engine(shard(), shard("0.34.0"))
    assert other_engine(merged(shard(), shard("0.34.0")), shard("0.34.0")) == ""


def test_a_provenance_of_before_counts_as_its_last_shard() -> None:
    """Databases of before kept the last shard only."""
    assert mixed_conditions(merged(shard("0.32.0"), shard())) != ""
