"""Responses that were judged elsewhere: both verdicts side by side, under a named protocol."""

import json
from typing import Any

import pytest

from evalsvc.catalogue import add_data, load
from tests.real_data import ROOT, real_data
from tests.support.http_server import Running, counts_body


def sent(server: Running, responses: list[dict[str, Any]], **changes: object) -> dict[str, Any]:
    body = {"format": "jsonl", "run": "run", "benchmark": "smoke", "responses": responses}
    with server.http as http:
        made = http.post("/v1/imports", json={**body, **changes}, timeout=120)
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


def answered(problem: int, text: str, claimed: bool | None) -> dict[str, Any]:
    return {"problem_id": f"smoke-{problem:03}", "response": text, "claimed_correct": claimed}


def test_a_disagreement_is_counted_by_who_accepts_and_by_rule(server: Running) -> None:
    golds = [problem.gold for problem in load("smoke", server.settings.data)]
    made = sent(
        server,
        [
            answered(0, f"\\boxed{{{golds[0]}}}", True),
            answered(1, f"the answer is {golds[1]}", True),
            answered(2, f"it is {golds[2]}", True),
            answered(3, f"\\boxed{{{golds[3]}}}", False),
            answered(4, "\\boxed{nothing}", None),
        ],
    )
    agreement = made["source_verdicts"]
    assert (agreement["samples"], agreement["correct"], agreement["correct_here"]) == (4, 3, 2)
    first, second = agreement["disagreements"]
    assert (first["accepted_by"], first["problems"]) == ("source", ["smoke-001", "smoke-002"])
    assert (second["accepted_by"], second["problems"]) == ("here", ["smoke-003"])
    with server.http as http:
        detail = http.get(f"/v1/evaluations/{made['evaluation']}").json()
    assert detail["provenance"]["source_verdicts"] == "3 of 4 correct, here 2; different on 3"


def test_without_verdicts_of_the_source_nothing_is_compared(server: Running) -> None:
    assert sent(server, [answered(0, "\\boxed{1}", None)])["source_verdicts"] is None


def test_math_vision_s_published_responses_beside_the_official_score(server: Running) -> None:
    """3,040 responses of qwen-vl-max: 12.63 % officially."""
    add_data("mathvision", real_data("mathvision"), server.settings.data)
    file = real_data("mathvision", "outputs-qwen-vl-max-cot.jsonl")
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()]
    responses = [
        {"problem_id": r["id"], "response": r["response"], "claimed_correct": r["correct"]}
        for r in lines
    ]
    agreement = sent(server, responses, benchmark="mathvision")["source_verdicts"]
    assert (agreement["samples"], agreement["correct"], agreement["correct_here"]) == (
        3040,
        384,
        389,
    )
    assert round(100 * agreement["correct"] / agreement["samples"], 2) == 12.63
    differ = {number for entry in agreement["disagreements"] for number in entry["problems"]}
    assert differ == documented_disagreements()
    assert len(differ) == 3040 - 2899
    assert len(differ - documented_disagreements("no box at all")) == 2628 - 2551


def documented_disagreements(of_class: str = "") -> set[str]:
    """The ids that docs/verification.md explains by class; of one class if its begin is given."""
    text = (ROOT / "docs" / "verification.md").read_text(encoding="utf-8")
    section = text.split("## MATH-Vision")[1].split("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith(f"| {of_class}".rstrip())]
    cells = [row.split("|")[-2] for row in rows]
    ids = [number for cell in cells for number in cell.split() if number.isdecimal()]
    assert len(ids) == len(set(ids))
    return set(ids)


def test_a_named_protocol_is_that_of_a_submission(server: Running) -> None:
    """What was drawn under `paper` elsewhere can be compared with what is drawn under it here."""
    add_data("medical", real_data("medical"), server.settings.data)
    counts = [{"problem_id": "0", "n": 4, "c": 1}]
    body = counts_body("run", [], benchmark="medical", protocol="paper")
    with server.http as http:
        assert http.post("/v1/imports", json={**body, "counts": counts}).status_code == 201
        (item,) = http.get("/v1/evaluations").json()["items"]
    assert (item["protocol"]["prompt"], item["protocol"]["samples"]) == ("paper", 4)


def test_the_prompt_of_the_protocol_says_how_answers_are_marked(server: Running) -> None:
    add_data("medical", real_data("medical"), server.settings.data)
    letter = load("medical", server.settings.data).problems[0].gold
    response = {"problem_id": "0", "response": f"<answer>{letter}</answer>"}
    official = sent(server, [response], benchmark="medical", protocol="official")
    assert official["correct"] == 1
    assert sent(server, [response], benchmark="medical", protocol="paper")["correct"] == 0


@pytest.mark.parametrize(
    ("protocol", "n", "words"),
    [("greedy", 4, "temperature 0 gives the same"), ("official", 1, "has no protocol")],
)
def test_samples_that_a_protocol_cannot_have_given(
    protocol: str, n: int, words: str, server: Running
) -> None:
    counts = [{"problem_id": "smoke-000", "n": n, "c": 0}]
    body = counts_body("run", [], benchmark="smoke", protocol=protocol)
    with server.http as http:
        refused = http.post("/v1/imports", json={**body, "counts": counts})
    assert 400 <= refused.status_code < 500
    assert words in refused.json()["detail"]
