"""What stands beside a figure: subsets, answers cut off, no rank over different benchmarks."""

import csv
import io
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any

import httpx
import pytest

from evalsvc.cli import main
from evalsvc.statistics import pass_at_k
from tests.support.http_server import Running
from tests.support.stored import evaluate, hold

WHOLE = [i % 9 for i in range(40)]
FIRST = [min(8, c + 3) for c in WHOLE[:10]]
SUBSET = "10 of 40 problems"
Command = Callable[..., str]


def store(server: Running, run: str, correct: Sequence[int], **about: Any) -> str:
    with server.database.write() as session:
        return evaluate(session, hold(session, run, 10, run), correct, rows=40, **about)


@pytest.fixture
def mixed(server: Running) -> Running:
    """`whole` and `other` on all 40 problems, `first` on ten of them."""
    store(server, "whole", WHOLE)
    store(server, "other", [min(8, c + 1) for c in WHOLE])
    store(server, "first", FIRST)
    return server


@pytest.fixture
def evalsvc(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["evalsvc", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        return printed.out + (printed.err if ended.value.code else "")

    return run


def get(http: httpx.Client, path: str, **params: Any) -> Any:
    answer = http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_subset_is_said_wherever_its_figure_stands(mixed: Running, evalsvc: Command) -> None:
    server = ("--server", mixed.url)
    with mixed.http as http:
        (item,) = get(http, "/v1/evaluations", run="first")["items"]
        detail = get(http, f"/v1/evaluations/{item['id']}")
        for found in (item, detail):
            assert (found["problems_wanted"], found["problems_total"]) == (10, 40)
            assert found["remarks"] == [SUBSET]
        assert any(SUBSET in note for note in detail["notes"])
        (point,) = get(http, "/v1/runs/first/curve")["points"]
        assert point["remarks"] == [SUBSET]
        pages = ("/leaderboard", "/", "/runs/first", f"/evaluations/{item['id']}")
        for page in pages:
            shown = http.get(page).text
            assert SUBSET in shown or "10 of 40" in shown, page
        for form in ("json", "csv", "tex"):
            assert SUBSET in http.get(f"/leaderboard.{form}").text
        for form in ("json", "csv"):
            assert SUBSET in http.get(f"/runs/first.{form}").text
    assert "10 of 40" in evalsvc("results", "--run", "first", *server)
    for form in ("csv", "json", "latex", "markdown"):
        assert SUBSET in evalsvc("export", "--format", form, *server), form
    read = list(csv.DictReader(io.StringIO(evalsvc("export", "--run", "first", *server))))
    assert {(row["problems"], row["problems_total"]) for row in read} == {("10", "40")}


def test_a_subset_is_compared_only_when_asked_and_then_on_the_common_problems(
    mixed: Running,
) -> None:
    asked = {"baseline": "whole", "candidate": "first", "k": 1}
    with mixed.http as http:
        refused = http.get("/v1/compare", params=asked)
        assert refused.status_code == 400
        assert "the problems differ (40 and 10 of 40)" in refused.json()["detail"]
        (item,) = get(http, "/v1/compare", **asked, allow_differences=True)["items"]
    assert item["problems"] == 10
    assert SUBSET in item["sentence"]
    n = [8] * 10
    expected = pass_at_k(n, FIRST, 1).mean() - pass_at_k(n, WHOLE[:10], 1).mean()
    assert item["difference"] == pytest.approx(expected)


def test_a_subset_is_not_ranked_with_the_whole_set(mixed: Running, evalsvc: Command) -> None:
    with mixed.http as http:
        board = get(http, "/v1/leaderboard")
        assert {row["rank"] for row in board["items"]} == {None}
        assert {row["mean"] for row in board["items"]} == {None}
        assert any(note.startswith("No rank") for note in board["notes"])
        refused = http.get("/v1/rank")
        assert refused.status_code == 400
        assert "different problems of own (10 and 40 of 40)" in refused.json()["detail"]
        found = get(http, "/v1/rank", allow_differences=True)
        assert any("ranked over the problems that all have" in note for note in found["notes"])
        means = {item["name"]: item["mean"] for item in found["items"]}
        assert means["whole@10"] == pytest.approx(pass_at_k([8] * 10, WHOLE[:10], 1).mean())
    server = ("--server", mixed.url)
    assert "different problems" in evalsvc("rank", *server)
    assert "first@10" in evalsvc("rank", "--allow-differences", *server)


def test_a_subset_is_no_best_step(server: Running) -> None:
    with server.database.write() as session:
        for step, correct in ((10, WHOLE), (20, [min(8, c + 1) for c in WHOLE]), (30, FIRST)):
            evaluate(session, hold(session, "run", step, f"w{step}"), correct, rows=40)
    with server.http as http:
        curve = get(http, "/v1/runs/run/curve")
    assert [(best["step"], best["steps"]) for best in curve["best"]] == [(20, 2)]
    assert any("over different problems (10, 40)" in note for note in curve["notes"])


def test_the_rank_is_over_the_benchmarks_that_all_have(server: Running) -> None:
    """`lucky` has an easy benchmark besides: its mean over all of its scores would be the best."""
    with server.database.write() as session:
        for run, own in (("good", 6), ("lucky", 4)):
            checkpoint = hold(session, run, 10, run)
            evaluate(session, checkpoint, [own] * 12, benchmark="hard")
            if run == "lucky":
                evaluate(session, checkpoint, [8] * 12, benchmark="easy")
    with server.http as http:
        board = get(http, "/v1/leaderboard")
        assert board["ranked_over"] == ["hard"]
        assert [(row["run"], row["rank"], row["mean"]) for row in board["items"]] == [
            ("good", 1, 0.75), ("lucky", 2, 0.5),
        ]  # fmt: skip
        assert any("over what all have: hard" in note for note in board["notes"])
    with server.database.write() as session:
        evaluate(session, hold(session, "apart", 10, "apart"), [3] * 12, benchmark="easy")
    with server.http as http:
        board = get(http, "/v1/leaderboard")
        assert board["ranked_over"] == []
        assert {row["rank"] for row in board["items"]} == {None}


def test_answers_that_are_none_stand_beside_the_figure(server: Running, evalsvc: Command) -> None:
    store(server, "cut", [0] * 40, truncated=8, no_answer=8)
    store(server, "fine", WHOLE)
    tokens = 4096
    cut = f"100% cut off at {tokens:,} tokens"
    with server.http as http:
        (item,) = get(http, "/v1/evaluations", run="cut")["items"]
        assert item["remarks"] == [cut, "100% without an answer"]
        assert get(http, "/v1/evaluations", run="fine")["items"][0]["remarks"] == []
        for page in ("/leaderboard", "/", "/runs/cut", f"/evaluations/{item['id']}"):
            assert cut in http.get(page).text, page
        asked = {"baseline": "fine", "candidate": "cut", "k": 1}
        (compared,) = get(http, "/v1/compare", **asked)["items"]
        assert f"cut@10: {cut}, 100% without an answer." in compared["sentence"]
        said = f"The sides differ: 0% of fine@10 and 100% of cut@10 cut off at {tokens:,} tokens."
        assert said in compared["sentence"]
    assert cut in evalsvc("results", "--server", server.url)
    assert cut in evalsvc("compare", "--baseline", "fine", "--candidate", "cut",
                          "--server", server.url)  # fmt: skip
    rows = json.loads(evalsvc("export", "--format", "json", "--server", server.url))
    assert {row["remarks"] for row in rows if row["run"] == "cut"} == {
        f"{cut}; 100% without an answer"
    }


def test_a_share_of_five_percent_is_not_said(server: Running) -> None:
    store(server, "some", [4] * 40, n=20, no_answer=1)
    with server.http as http:
        (item,) = get(http, "/v1/evaluations", run="some")["items"]
    assert item["no_answer_rate"] == 0.05
    assert item["remarks"] == []


def test_unlike_conditions_of_two_sides_are_said(server: Running) -> None:
    for run, version, dtype in (("old", "0.33.0", "bfloat16"), ("new", "0.34.0", "bfloat16")):
        engine = {"engine": "vllm", "dtype": dtype, "device": "H200"}
        made_by = {"engine": engine, "versions": {"vllm": version}}
        store(server, run, WHOLE, provenance=made_by)
    words = "engine version (vllm 0.33.0 and vllm 0.34.0)"
    with server.http as http:
        asked = {"baseline": "old", "candidate": "new", "k": 1}
        (item,) = get(http, "/v1/compare", **asked)["items"]
        assert f"The sides were drawn under unlike conditions: {words}." in item["sentence"]
        (note,) = [n for n in get(http, "/v1/leaderboard")["notes"] if "unlike conditions" in n]
        assert "engine version" in note
        assert "dtype" not in note
