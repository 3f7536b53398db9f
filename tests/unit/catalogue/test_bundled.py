"""The real data of every benchmark: loaded, counted, checked, rendered with every prompt."""

import json
from collections import Counter
from pathlib import Path

import pytest

from evalsvc.catalogue import Dataset, ImageError, check, get, load, load_image, names, render
from tests.real_data import real_data

COUNTS = {
    "smoke": 200,
    "math": 5000,
    "aime2025": 30,
    "amc23": 40,
    "mathvision": 3040,
    "mathvision:testmini": 304,
    "mathverse:text_only": 788,
    "medical": 900,
    "medical:mri300": 300,
    "medical:ct300": 300,
    "medical:xray300": 300,
}


@pytest.mark.parametrize("name", COUNTS)
def test_all_rows_load_checked_and_render_with_every_prompt(name: str, real_root: Path) -> None:
    dataset = load(name, real_root)
    assert len(dataset) == COUNTS[name]
    assert dataset.pinned
    assert [p.index for p in dataset] == list(range(len(dataset)))
    assert len(dataset.by_id) == len(dataset)
    assert all(p.gold.strip() and p.cluster for p in dataset)
    for prompt in dataset.benchmark.prompts:
        for problem in dataset:
            user = render(dataset.benchmark, problem, prompt)[-1]
            assert "{{" not in user.text.replace(problem.question, "")
            assert user.images == problem.images


def test_every_bundled_folder_is_in_order(real_root: Path) -> None:
    for name in names():
        errors = [f for f in check(get(name).folder, real_root) if f.level == "error"]
        assert errors == []


def test_math_golds_come_from_the_solutions(real_root: Path) -> None:
    problems = load("math", real_root).problems
    assert problems[3526].gold == r"\mbox{Saturday}"
    assert problems[4791].gold == "70,110"
    assert sum(p.gold.lstrip("-").isdigit() for p in problems) > 3000
    assert Counter(p.level for p in problems)["Level 5"] == 1324


def test_aime_row_19_keeps_its_degree_sign(real_root: Path) -> None:
    assert "336" in load("aime2025", real_root).problems[19].gold


def test_mathvision_testmini_is_a_part_of_test_with_all_pictures(real_root: Path) -> None:
    test, mini = load("mathvision", real_root), load("mathvision:testmini", real_root)
    assert {p.id for p in mini} < {p.id for p in test}
    assert not mini.missing_images
    assert len(test.missing_images) == 3040 - 304
    assert load_image(mini.problems[0].images[0]).mode == "RGB"
    with pytest.raises(ImageError, match=r"Problem 1: the picture images/1\.jpg is missing"):
        load_image(test.by_id["1"].images[0])
    assert Counter(p.question_type for p in test) == {"multi-choice": 1532, "free-form": 1508}
    assert len({p.subject for p in test}) == 16


def test_mathverse_official_prompts_choices_and_overlap(real_root: Path) -> None:
    text = load("mathverse:text_only", real_root)
    records = json.loads(real_data("mathverse", "testmini_text_only.json").read_text())
    for problem, record in zip(text, records, strict=True):
        assert render(text.benchmark, problem, "official")[-1].text == record["query_wo"]
        assert render(text.benchmark, problem, "official_cot")[-1].text == record["query_cot"]
        assert (problem.choices is not None) == (record["question_type"] == "multi-choice")
    assert Counter(map(text.overlap, text)) == {"Geometry3K": 129, None: 659}
    assert not text.benchmark.needs_images
    assert get("mathverse").needs_images


def test_medical_prompts_and_parts(real_root: Path) -> None:
    medical = load("medical", real_root)
    file = real_data("medical", "MRI_CT_XRAY_300each_dataset.json")
    for problem, record in zip(medical, json.loads(file.read_text()), strict=True):
        asked = render(medical.benchmark, problem, "official")[-1].text
        assert asked.startswith(record["problem"] + "\nYour task: \n1. Think")
        assert problem.kind == "choice"
    assert Counter(p.part for p in medical) == {"mri300": 300, "ct300": 300, "xray300": 300}
    assert len({p.cluster for p in medical}) == 900
    present = [i for p in medical for i in p.images if i.path]
    assert len(present) == 12
    assert all(load_image(image).mode == "RGB" for image in present)


def test_parts_have_revisions_of_their_own(real_root: Path) -> None:
    parts = ("medical", "medical:mri300", "medical:ct300", "medical:xray300")
    assert len({load(name, real_root).revision for name in parts}) == 4


def test_geometry3k_as_value_and_as_letter(real_root: Path) -> None:
    value, letter = load("geo3k", real_root), load("geo3k:choices", real_root)
    assert len(value) == len(letter) == 10
    assert not value.pinned
    for as_value, as_letter in zip(value, letter, strict=True):
        assert as_value.choices is None
        assert as_letter.choices is not None
        assert as_letter.choices["ABCD".index(as_letter.gold)] == as_value.gold
        assert load_image(as_value.images[0]).width > 10
    assert value.revision != letter.revision
    assert "(A) " in render(letter.benchmark, letter.problems[0])[-1].text


def test_composite_pictures_keep_the_names_of_their_parts(real_root: Path) -> None:
    def text(dataset: Dataset, row: str) -> str:
        return render(dataset.benchmark, dataset.by_id[row], "official")[-1].text

    test = load("mathvision", real_root)
    assert "<image" not in text(test, "1")
    assert "(A) <image2>" in text(test, "2653")
    assert "(A)" not in text(test, "2")
