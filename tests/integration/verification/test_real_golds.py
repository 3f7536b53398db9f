"""All 9,798 real golds: typed, never empty, each accepts itself and refuses its neighbour's value."""

# ruff: noqa: E501 - tables of cases are read by row

import json
from collections import Counter

import pytest

from evalsvc.catalogue import Catalogue, Problem
from evalsvc.verification import Kind, VerificationPool, type_gold
from tests.real_data import real_data

SETS = {
    "math": ("math", "math/test.parquet", 5000),
    "aime2025": ("aime2025", "aime2025/test.parquet", 30),
    "amc23": ("amc23", "amc23/test.parquet", 40),
    "mathvision": ("mathvision", "mathvision/test.jsonl", 3040),
    "mathverse": ("mathverse:text_only", "mathverse/testmini_text_only.json", 788),
    "medical": ("medical", "medical/MRI_CT_XRAY_300each_dataset.json", 900),
}
#: Neighbours whose golds are one value in two spellings, and so rightly accept each other:
#: 3/4 and \frac34; 120 degrees and 120; 7\% and 7; an option whose text is the next gold; (4,0) and =(4,0).
SAME_VALUE = {
    ("math", 1660),
    ("math", 3596),
    ("math", 4159),
    ("mathvision", 1058),
    ("mathverse", 625),
}


def problems(name: str, tmp_path_factory: pytest.TempPathFactory) -> list[Problem]:
    benchmark, file, _ = SETS[name]
    folder = tmp_path_factory.mktemp(name)
    catalogue = Catalogue()
    catalogue.add_data(benchmark.partition(":")[0], real_data(*file.split("/")), folder)
    part = benchmark.partition(":")[2] or None
    return list(catalogue.load(benchmark.partition(":")[0], folder, part=part))


@pytest.mark.parametrize("name", SETS)
def test_every_gold(name: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    loaded = problems(name, tmp_path_factory)
    assert len(loaded) == SETS[name][2]
    kinds: Counter[Kind] = Counter()
    with VerificationPool(processes=1) as pool:
        for index, problem in enumerate(loaded):
            typed = type_gold(problem.gold, kind=problem.kind, choices=problem.choices)
            kinds[typed.kind] += 1
            own = pool.verify(
                f"\\boxed{{{problem.gold}}}",
                problem.gold,
                kind=problem.kind,
                choices=problem.choices,
            )
            assert own.correct, (problem.id, problem.gold, own.rule)
            assert not pool.verify(
                "\\boxed{}", problem.gold, kind=problem.kind, choices=problem.choices
            ).correct
            assert not pool.verify(
                "", problem.gold, kind=problem.kind, choices=problem.choices
            ).correct
            if index + 1 < len(loaded):
                following = loaded[index + 1].gold
                verdict = pool.verify(
                    f"\\boxed{{{following}}}",
                    problem.gold,
                    kind=problem.kind,
                    choices=problem.choices,
                )
                same = following.strip() == problem.gold.strip() or (name, index) in SAME_VALUE
                assert verdict.correct == same, (problem.id, problem.gold, following, verdict.rule)
    print(f"\n{name}: " + ", ".join(f"{kind.value} {count}" for kind, count in kinds.most_common()))
    if name == "math":
        assert kinds[Kind.TEXT] < 50
        assert kinds[Kind.MATRIX] == 72


def test_official_verdicts_of_math_vision(tmp_path_factory: pytest.TempPathFactory) -> None:
    """3,040 real responses: every disagreement with the official grader falls into a known class."""
    by_id = {problem.id: problem for problem in problems("mathvision", tmp_path_factory)}
    lines = (
        real_data("mathvision", "outputs-qwen-vl-max-cot.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    ours = officials = 0
    classes: Counter[str] = Counter()
    with VerificationPool(processes=1) as pool:
        for line in map(json.loads, lines):
            problem = by_id[line["id"]]
            verdict = pool.verify(
                line["response"], problem.gold, kind=problem.kind, choices=problem.choices
            )
            ours += verdict.correct
            officials += line["correct"]
            if verdict.correct and not line["correct"]:
                classes["official misses: " + verdict.rule] += 1
            if line["correct"] and not verdict.correct:
                classes[
                    "official reads without a box"
                    if verdict.extracted is None
                    else "official rounds or reads a chain"
                ] += 1
    print(f"\nours {ours}, official {officials}: {dict(classes)}")
    assert len(lines) == 3040
    assert officials == 384
    assert classes["official rounds or reads a chain"] <= 5
    assert ours == 389
