"""A problem has one address, its row: also where the ids are a permutation of the rows."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from evalsvc.cli import app
from evalsvc.client import Client
from tests.support.http_server import Running
from tests.support.permuted import IDS, NAME, gold_of, write_benchmark


@pytest.fixture
def permuted(start: Callable[..., Running], tmp_path: Path) -> Running:
    return start(benchmarks=str(write_benchmark(tmp_path / "catalogue")))


def import_all(server: Running) -> str:
    """Two samples a problem, the first right; each names its problem. Gives the evaluation."""
    responses = [
        {"problem_id": name, "response": f"Of {name}: \\boxed{{{answer}}}"}
        for name in IDS
        for answer in (gold_of(name), "7")
    ]
    body = {"format": "jsonl", "run": "r", "benchmark": NAME, "responses": responses}
    with server.http as http:
        return str(http.post("/v1/imports", json=body).json()["evaluation"])


def test_every_row_gives_its_own_samples_and_takes_its_own_verdict(permuted: Running) -> None:
    evaluation = import_all(permuted)
    with permuted.http as http:
        for row, name in enumerate(IDS):
            address = f"/v1/evaluations/{evaluation}/rows/{row}/samples"
            found = http.get(address).json()
            assert (found["problem"], found["problem_id"]) == (row, name)
            assert found["items"][0]["response"].startswith(f"Of {name}:")
            before = http.get(f"/v1/evaluations/{evaluation}/problems").json()["items"]
            made = http.post(f"{address}/1/override", json={"correct": True, "why": "seen"})
            assert made.status_code == 201
            after = http.get(f"/v1/evaluations/{evaluation}/problems").json()["items"]
            changed = [b["problem_id"] for a, b in zip(before, after, strict=True) if a != b]
            assert changed == [name]
        for wrong in (7, 10**9 - 1):
            address = f"/v1/evaluations/{evaluation}/rows/{wrong}/samples"
            assert http.get(address).status_code == 404


def import_conventions(server: Running) -> str:
    """Five samples of row 0: 1, 2 and 4 by convention (a unit dropped), 0 proven, 3 none."""
    gold = gold_of(IDS[0])
    written = (f"\\boxed{{{gold}}}", *[f"\\boxed{{{gold}\\text{{ cm}}}}"] * 2, "no box")
    responses = [
        {"problem_id": name, "response": text if name == IDS[0] else "no box"}
        for name in IDS
        for text in (*written, written[1])
    ]
    body = {"format": "jsonl", "run": "r", "benchmark": NAME, "responses": responses}
    with server.http as http:
        return str(http.post("/v1/imports", json=body).json()["evaluation"])


def test_verdicts_by_convention_are_counted_and_filtered(permuted: Running) -> None:
    evaluation = import_conventions(permuted)
    with permuted.http as http:
        counted = http.get(f"/v1/evaluations/{evaluation}/confidences").json()
        assert (counted["samples"], counted["convention"], counted["undecided"]) == (35, 3, 31)
        assert (counted["proven"], counted["not_recorded"]) == (1, 0)
        assert counted["convention_share"] == 0.75
        address = f"/v1/evaluations/{evaluation}/rows/0/samples?confidence=convention"
        first = http.get(f"{address}&limit=2").json()
        assert ([item["sample"] for item in first["items"]], first["total"]) == ([1, 2], 3)
        assert first["prompt"] == http.get(address.split("?", maxsplit=1)[0]).json()["prompt"]
        rest = http.get(f"{address}&limit=2&cursor={first['next_cursor']}").json()
        assert ([i["sample"] for i in rest["items"]], rest["next_cursor"]) == ([4], None)
        assert http.get(address.replace("convention", "computed")).json()["items"] == []
        assert http.get(address.replace("convention", "guessed")).status_code == 422
        page = http.get(f"/evaluations/{evaluation}/rows/0.json?show=convention").json()
        assert [sample["sample"] for sample in page["samples"]] == [1, 2, 4]
        assert "by convention 3" in http.get(f"/evaluations/{evaluation}/rows/0").text
        overview = http.get(f"/evaluations/{evaluation}").text
    said = "3 of 4 verdicts (75.0%) were reached by convention"
    assert said in overview
    command = ["results", evaluation, "--server", permuted.url]
    assert said in CliRunner().invoke(app, command).output
    as_json = json.loads(CliRunner().invoke(app, [*command, "--json"]).stdout)
    assert as_json["confidences"] == counted
    with Client(permuted.url) as client:
        found = client.samples(evaluation, 0, confidence="convention")
        assert [row.sample for row in found] == [1, 2, 4]


@pytest.mark.parametrize(("name", "row"), [("5", 5), ("6", 6), ("last", 6)])
def test_a_name_of_one_problem_leads_to_its_row(permuted: Running, name: str, row: int) -> None:
    evaluation = import_all(permuted)
    with permuted.http as http:
        for root, rest in (("/v1", "/samples?limit=1"), ("", "?show=wrong"), ("", ".json")):
            asked = f"{root}/evaluations/{evaluation}/problems/{name}{rest}"
            answer = http.get(asked)
            if rest == ".json" and name != "last":
                continue
            assert answer.status_code in (307, 404)
            if rest != ".json":
                expected = f"{root}/evaluations/{evaluation}/rows/{row}{rest}"
                assert answer.headers["location"] == expected
        text = f"/evaluations/{evaluation}/problems/{name}/samples/0/response.txt"
        led = http.get(text, follow_redirects=True)
        assert led.text.startswith(f"Of {IDS[row]}:")


@pytest.mark.parametrize("name", ["0", "1", "2", "3", "4"])
def test_a_name_of_two_problems_is_refused_with_both_addresses(
    permuted: Running, name: str
) -> None:
    evaluation = import_all(permuted)
    rows = sorted((int(name), IDS.index(name)))
    with permuted.http as http:
        for asked in (
            f"/v1/evaluations/{evaluation}/problems/{name}/samples",
            f"/evaluations/{evaluation}/problems/{name}",
            f"/evaluations/{evaluation}/problems/{name}/images/0",
            f"/evaluations/{evaluation}/problems/{name}/samples/0/response.txt",
        ):
            refused = http.get(asked)
            assert refused.status_code == 409, asked
            for row in rows:
                assert f"/evaluations/{evaluation}/rows/{row}" in refused.text


@pytest.mark.parametrize("name", ["1", "5", "last"])
def test_a_write_never_follows_a_name(permuted: Running, name: str) -> None:
    evaluation = import_all(permuted)
    problems = f"/v1/evaluations/{evaluation}/problems"
    with permuted.http as http:
        before = http.get(problems).json()["items"]
        body = {"correct": True, "why": "seen"}
        refused = http.post(f"{problems}/{name}/samples/1/override", json=body)
        page = http.post(
            f"/evaluations/{evaluation}/problems/{name}/samples/1/override",
            data={"correct": "yes", "why": "seen"},
            headers={"Origin": permuted.url},
        )
        assert http.get(problems).json()["items"] == before
    for answer in (refused, page):
        assert answer.status_code == 409
        assert f"/evaluations/{evaluation}/rows/{IDS.index(name)}" in answer.text


def test_each_problem_that_is_clicked_is_shown_and_judged_by_hand(permuted: Running) -> None:
    """Every link of the evaluation's page, its neighbours, texts, and the form for a verdict."""
    evaluation = import_all(permuted)
    own = f"/evaluations/{evaluation}"
    with permuted.http as http:
        page = http.get(own).text
        links = re.findall(rf'<a href="({own}/rows/\d+)">([^<]+)</a>', page)
        assert sorted(name for _, name in links) == sorted(IDS)
        for address, name in links:
            shown = http.get(address).text
            assert f"Question of {name}." in shown
            assert gold_of(name) in shown
            texts = re.findall(rf'href="({own}[^"]*response\.txt)"', shown)
            assert len(texts) == 2
            assert all(http.get(text).text.startswith(f"Of {name}:") for text in texts)
            row = IDS.index(name)
            following = re.findall(r'rel="next"[^>]*href="([^"]+)"', shown)
            assert following == ([f"{own}/rows/{row + 1}"] if row + 1 < len(IDS) else [])
            (form,) = set(re.findall(r'action="([^"]+/samples/1/override)"', shown))
            kept = http.post(
                form, data={"correct": "yes", "why": "seen"}, headers={"Origin": permuted.url}
            )
            assert kept.headers["location"].startswith(f"{address}?sample=1")
            assert http.get(f"/v1{address}/samples").json()["items"][1]["override"] is not None


def run(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(arguments))
    said = f"{result.output} {result.exception}" if result.exception else result.output
    return result.exit_code, said


def test_the_command_sets_a_verdict_of_the_problem_that_is_named(permuted: Running) -> None:
    evaluation = import_all(permuted)
    asked = [evaluation, "--sample", "1", "--correct", "--why", "seen", "--server", permuted.url]
    for name in (("--row", "3"), ("--problem-id", "3")):
        code, said = run("override", *asked, *name, "--who", "ann")
        assert code == 0, said
    with permuted.http as http:
        items = http.get(f"/v1/evaluations/{evaluation}/problems").json()["items"]
        assert [i["problem_id"] for i in items if i["c"] == 2] == ["3", "1"]
        sample = http.get(f"/v1/evaluations/{evaluation}/rows/3/samples").json()["items"][1]
        assert sample["override"] == {"correct": True, "who": "ann", "why": "seen"}
    for name in ((), ("--row", "3", "--problem-id", "3"), ("--row", "70"), ("--problem-id", "x")):
        code, said = run("override", *asked, *name)
        assert code != 0
        assert "no result" in said or "either --row or --problem-id" in said


def test_imports_of_numbers_that_can_be_ids_or_rows_are_refused_until_it_is_said(
    permuted: Running,
) -> None:
    body: dict[str, Any] = {"format": "jsonl", "run": "r", "benchmark": NAME}
    body["responses"] = [
        {"problem_id": str(i), "response": f"\\boxed{{{1000 + i}}}"} for i in range(5)
    ]
    with permuted.http as http:
        refused = http.post("/v1/imports", json=body)
        assert refused.status_code == 400
        assert "'0' is the id of row 2, and row 0 has the id '3'" in refused.text
        assert http.get("/v1/evaluations").json()["items"] == []
        rows = http.post("/v1/imports", json={**body, "problem_ids": "row"}).json()
        assert rows["correct"] == 5
        ids = http.post("/v1/imports", json={**body, "problem_ids": "id"}).json()
        assert ids["correct"] == 0
        counts = {**body, "format": "counts"}
        del counts["responses"]
        counts["counts"] = [{"problem_id": "3", "n": 2, "c": 1}]
        assert http.post("/v1/imports", json=counts).status_code == 400
        counts["counts"] = [{"problem_id": "5", "n": 2, "c": 1}]
        assert http.post("/v1/imports", json=counts).status_code == 201


GOLDS = """
"3": {raw: "1000", gold: "2000", why: A misprint.}
"1": {gold: "3000", kind: number, why: No source is recorded.}
"0": {raw: "4\\\\,0", gold: "40", why: A blank.}
"""


@pytest.mark.parametrize(
    ("problem_id", "gold", "answer", "verdict"),
    [
        ("3", "1000", "2000", "correct"),  # a text is an id
        ("1", "1000", "1000", "correct"),  # and not the row of another one
        (3, "1003", "1003", None),  # the id "3", or row 3, whose id is "1"
        (2, "4\\,0", "40", "correct"),  # the gold settles it: row 2, whose id is "0"
        (0, "4\\,0", "40", "correct"),  # and here the id "0"
        (4, "1001", "1001", "correct"),  # neither of the two has an override
    ],
)
def test_score_refuses_an_integer_that_means_two_problems_judged_differently(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    problem_id: object,
    gold: str,
    answer: str,
    verdict: str | None,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALSVC_BENCHMARKS", str(write_benchmark(tmp_path / "own", GOLDS)))
    case = {"benchmark": NAME, "problem_id": problem_id, "gold": gold}
    case["response"] = f"\\boxed{{{answer}}}"
    (tmp_path / "cases.jsonl").write_text(json.dumps(case) + "\n")
    code, said = run("score", "--input", "cases.jsonl", "--output", "verdicts.jsonl")
    if verdict is None:
        assert code != 0
        assert "more than one problem" in said
        assert not (tmp_path / "verdicts.jsonl").exists()
    else:
        assert code == 0, said
        written = json.loads((tmp_path / "verdicts.jsonl").read_text())
        assert written["verdict"] == verdict
