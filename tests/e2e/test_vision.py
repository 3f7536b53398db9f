"""Benchmarks with pictures through REST on a real vLLM with a tiny Qwen2.5-VL.

One service and one engine start for the whole file. What is asked are real problems with their
real pictures: 24 of MATH-Vision's testmini, 10 of Geometry3K, 12 of the medical set.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from evalsvc.catalogue import Catalogue
from tests.real_data import real_data
from tests.support.odd_pictures import ODD, write_odd_benchmark
from tests.support.service import Service, running_service
from tests.tiny_models import random_checkpoint, random_vision_checkpoint

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(600)]
START_SECONDS = 400
WITHOUT_PICTURE = 0  # a row of the medical set whose picture is not in the public repository


@dataclass(frozen=True)
class Place:
    """The service, where its data lie, and the checkpoints' folders."""

    service: Service
    data: Path
    seeing: tuple[str, str]
    reading: str

    def evaluate(self, checkpoint: str, *benchmarks: Any) -> dict[str, Any]:
        """The evaluations, by benchmark, of a greedy job that is done."""
        job = self.service.submit(
            checkpoint=checkpoint, run="tiny", method="GRPO", benchmarks=benchmarks,
            protocol="greedy", max_tokens=24,
        )  # fmt: skip
        ended = self.service.finish(job, START_SECONDS)
        assert ended["state"] == "done", ended
        return {e["benchmark"]: e for e in ended["evaluations"]}

    def worker(self) -> Any:
        """What the only worker says of itself."""
        (worker,) = self.service.get("/v1/workers")["items"]
        return worker["status"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("vision")
    data = folder / "data"
    for name in ("mathvision", "geo3k", "medical"):
        Catalogue().add_data(name, real_data(name), data)
    seeing = [random_vision_checkpoint(folder / f"vl-{seed}", seed).path for seed in (0, 1)]
    reading = random_checkpoint(folder / "text", 0).path
    odd = write_odd_benchmark(folder / "benchmarks", folder / "source")
    Catalogue([odd.parent]).add_data("odd", folder / "source", data)
    with running_service(data, EVALSVC_BENCHMARKS=str(odd.parent)) as service:
        yield Place(service, data, (seeing[0], seeing[1]), reading)


@pytest.fixture(scope="module")
def medical_rows(place: Place) -> list[int]:
    """The twelve rows whose pictures are here."""
    rows = [p.index for p in Catalogue().load("medical", place.data) if p.images[0].path]
    assert len(rows) == 12
    return rows


def test_three_benchmarks_and_two_checkpoints_with_one_engine_start(
    place: Place, medical_rows: list[int]
) -> None:
    asked = (
        {"name": "mathvision:testmini", "first": 24},
        "geo3k",
        {"name": "medical", "problems": [WITHOUT_PICTURE, *medical_rows]},
    )
    answers = []
    for checkpoint in place.seeing:
        found = place.evaluate(checkpoint, *asked)
        assert [len(place.service.answers(e["id"])) for e in found.values()] == [24, 10, 12]
        assert "1 of 13 problems could not be asked" in found["medical"]["error"]
        assert "brain002206.png is missing" in found["medical"]["error"]
        answers.append({n: place.service.answers(e["id"]) for n, e in found.items()})
    assert answers[0] != answers[1]
    worker = place.worker()
    assert (worker["cold_starts"], worker["swaps"]) == (1, 1)


def test_results_by_subject_level_type_and_modality(place: Place, medical_rows: list[int]) -> None:
    found = place.evaluate(
        place.seeing[0],
        {"name": "mathvision:testmini", "first": 24},
        {"name": "medical", "problems": [WITHOUT_PICTURE, *medical_rows]},
    )
    groups = {n: _groups(place.service, e["id"]) for n, e in found.items()}
    competition = groups["mathvision:testmini"]
    both = place.service.get(f"/v1/evaluations/{found['medical']['id']}/scoring")
    assert (both["samples"], both["correct"], both["correct_box_only"]) == (12, 0, 0)
    for trait in ("subject", "level", "question_type"):
        assert sum(n for (t, _), n in competition.items() if t == trait) == 24
    assert groups["medical"] == {
        ("part", "mri300"): 8, ("part", "ct300"): 2, ("part", "xray300"): 2,
        ("distribution", "in-distribution"): 8, ("distribution", "out-of-distribution"): 4,
    }  # fmt: skip


def _groups(service: Service, evaluation: str) -> dict[tuple[str, str], int]:
    found = service.get(f"/v1/evaluations/{evaluation}")["breakdowns"]
    return {(group["trait"], group["value"]): group["problems"] for group in found}


def test_another_picture_changes_the_answer_to_its_problem_only(
    place: Place, tmp_path: Path
) -> None:
    found = place.evaluate(place.seeing[0], "geo3k")
    before = place.service.answers(found["geo3k"]["id"])
    source = tmp_path / "geo3k"
    shutil.copytree(real_data("geo3k"), source)
    diagram = sorted(source.glob("examples/*/img_diagram.png"))[3]
    with Image.open(diagram) as image:  # of the same size: the same tokens, other numbers
        image.convert("RGB").rotate(180).save(diagram)
    Catalogue().add_data("geo3k", source, place.data)
    found = place.evaluate(place.seeing[0], "geo3k")
    after = place.service.answers(found["geo3k"]["id"])
    assert before.keys() == after.keys()
    assert [row for row in before if before[row] != after[row]] == [3]


def test_odd_pictures_fail_their_own_problems_and_leave_the_engine_alive(place: Place) -> None:
    found = place.evaluate(place.seeing[0], "odd")
    answered = place.service.answers(found["odd"]["id"])
    assert {ODD[row].name for row in answered} == {odd.name for odd in ODD if not odd.error}
    errors = {p["problem"]: p["error"] for p in place.service.problems(found["odd"]["id"])}
    for row, odd in enumerate(ODD):
        assert (odd.error in errors[row]) if odd.error else errors[row] is None, odd.name
    assert place.worker()["cold_starts"] == 1


def test_a_picture_is_not_put_to_a_model_that_only_reads(place: Place) -> None:
    body = {"checkpoint": place.reading, "run": "text", "benchmarks": ["geo3k"]}
    refused = place.service.client.post("/v1/jobs", json=body)
    assert refused.status_code == 422
    assert "reads only text" in json.dumps(refused.json())
