"""Method names line up with the published rows, however they are spelled."""

import csv
from pathlib import Path

import pytest

from evalsvc.methods import METHODS, canonical_method, find_method, method_order


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("grpo", "GRPO"),
        ("GRPO+A-GRAE", "GRPO + A-GRAE"),
        ("grpo_agrae", "GRPO + A-GRAE"),
        ("Dr. GRPO", "Dr.GRPO"),
        ("dr_grpo", "Dr.GRPO"),
        ("DAPO + a-grae", "DAPO + A-GRAE"),
        ("w-reinforce", "W-REINFORCE"),
        ("GRPO LEAD", "GRPO-LEAD"),
        ("base", "Base Model"),
        ("  My own method ", "My own method"),
    ],
)
def test_spellings(given: str, name: str) -> None:
    assert canonical_method(given) == name


def test_no_two_methods_share_a_spelling() -> None:
    for method in METHODS:
        for spelling in (method.name, *method.aliases):
            assert find_method(spelling) is method
        assert method.baseline is None or find_method(method.baseline) is not None


def test_order_of_the_tables_then_the_unknown_by_name() -> None:
    names = ["zebra", "Dr.GRPO", "ape", "grpo+agrae", "GRPO", "base"]
    ordered = ["base", "GRPO", "grpo+agrae", "Dr.GRPO", "ape", "zebra"]
    assert sorted(names, key=method_order) == ordered


def test_every_published_row_has_a_known_method() -> None:
    tables = list((Path(__file__).parents[2] / "benchmarks").glob("*/published.csv"))
    assert tables
    for table in tables:
        with table.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                method = find_method(row["method"])
                assert method is not None, row
                assert method.name == row["method"]
