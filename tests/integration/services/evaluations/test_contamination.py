"""Figures by what the catalogue knows of training data: overlap and distribution."""

from typing import Any

import pytest

from evalsvc.catalogue import Dataset, add_data, load
from tests.real_data import real_data
from tests.support.http_server import Running, counts_body


def imported(server: Running, dataset: Dataset, correct: set[str]) -> dict[tuple[str, str], Any]:
    """The groups of an evaluation in which exactly the problems of these ids are right."""
    counts = [{"problem_id": p.id, "n": 1, "c": int(p.id in correct)} for p in dataset]
    body = counts_body("run", [], benchmark=dataset.benchmark.full_name)
    with server.http as http:
        made = http.post("/v1/imports", json={**body, "counts": counts})
        assert made.status_code == 201, made.text
        (item,) = http.get("/v1/evaluations").json()["items"]
        groups = http.get(f"/v1/evaluations/{item['id']}").json()["breakdowns"]
    return {(g["trait"], g["value"]): (g["problems"], g["metrics"][0]["value"]) for g in groups}


def test_problems_that_come_from_the_training_set_are_reported_apart(server: Running) -> None:
    add_data("mathverse", real_data("mathverse"), server.settings.data)
    dataset = load("mathverse:text_only", server.settings.data)
    shared = {p.id for p in dataset if p.metadata["source"] == "Geometry3K"}
    found = imported(server, dataset, shared)
    assert found["overlap", "Geometry3K"] == (129, 1.0)
    assert found["overlap", "none known"] == (659, 0.0)


def test_medical_parts_one_by_one_and_by_distribution(server: Running) -> None:
    add_data("medical", real_data("medical"), server.settings.data)
    dataset = load("medical", server.settings.data)
    found = imported(server, dataset, {p.id for p in dataset if p.part == "ct300"})
    assert [found["part", part] for part in ("mri300", "ct300", "xray300")] == [
        (300, 0.0), (300, 1.0), (300, 0.0),
    ]  # fmt: skip
    assert found["distribution", "in-distribution"] == (300, 0.0)
    assert found["distribution", "out-of-distribution"] == (600, pytest.approx(0.5))
    assert not any(trait == "overlap" for trait, _ in found)


def test_an_evaluation_that_ended_with_samples_missing_is_not_complete(server: Running) -> None:
    """As one is whose pictures are not here: 12 of 900 problems could be asked."""
    add_data("medical", real_data("medical"), server.settings.data)
    counts = [{"problem_id": str(i), "n": 4 if i else 1, "c": 1} for i in range(12)]
    body = counts_body("run", [], benchmark="medical")
    with server.http as http:
        assert http.post("/v1/imports", json={**body, "counts": counts}).status_code == 201
        (item,) = http.get("/v1/evaluations").json()["items"]
        detail = http.get(f"/v1/evaluations/{item['id']}").json()
    assert (detail["state"], detail["complete"]) == ("done", False)
    assert detail["notes"][0].startswith("Incomplete: 45 of 48 samples are here (93.8%).")
    assert "with 6.2% of the samples missing it lies between" in detail["notes"][0]


def test_without_the_rows_there_is_no_overlap_but_everything_else(server: Running) -> None:
    added = add_data("mathverse", real_data("mathverse"), server.settings.data)
    dataset = load("mathverse:text_only", server.settings.data)
    body = counts_body("run", [], benchmark="mathverse:text_only")
    counts = [{"problem_id": p.id, "n": 1, "c": 1} for p in dataset]
    with server.http as http:
        assert http.post("/v1/imports", json={**body, "counts": counts}).status_code == 201
        added.sets[0].path.unlink()
        (item,) = http.get("/v1/evaluations").json()["items"]
        groups = http.get(f"/v1/evaluations/{item['id']}").json()["breakdowns"]
    assert {g["trait"] for g in groups} == {"subject", "question_type"}
