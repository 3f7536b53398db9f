"""Results belong to the content: each run and step that holds it shows them under its own name."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalsvc.cli import main
from evalsvc.client import Client
from tests.support.http_server import Running, counts_body, job_body
from tests.support.stored import evaluate, hold

BASE = [0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 1]
BETTER = [1, 3, 4, 5, 6, 6, 8, 8, 8, 5, 4, 4]
METHODS = ("GRPO", "GRPO + A-GRAE", "DAPO")


@pytest.fixture
def shared(server: Running) -> Running:
    """One base model as step 0 of three methods; only the first asked for it; two go on."""
    with server.database.write() as session:
        for i, method in enumerate(METHODS):
            first = hold(session, f"run{i}", 0, "base", method=method, base_model="Qwen")
            if i == 0:
                evaluate(session, first, BASE)
            else:
                evaluate(session, hold(session, f"run{i}", 10, f"trained{i}"), BETTER)
    return server


def get(http: httpx.Client, path: str, **params: Any) -> Any:
    answer = http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_each_run_lists_the_result_under_its_own_name(shared: Running) -> None:
    with shared.http as http:
        for i, method in enumerate(METHODS):
            items = get(http, "/v1/evaluations", run=f"run{i}", step=0)["items"]
            assert [(x["run"], x["method"], x["step"]) for x in items] == [(f"run{i}", method, 0)]
            assert get(http, "/v1/evaluations", method=method, step=0)["items"] == items
            detail = get(
                http, f"/v1/evaluations/{items[0]['id']}", checkpoint=items[0]["checkpoint_id"]
            )
            assert (detail["run"], detail["method"]) == (f"run{i}", method)
            assert detail["held_by"] == [f"run{j}@0 ({m})" for j, m in enumerate(METHODS)]
            assert sum("The same weights are held by" in note for note in detail["notes"]) == 1
        every = get(http, "/v1/evaluations")["items"]
        assert len(every) == 5
        assert len({item["id"] for item in every}) == 3
        unknown = http.get(f"/v1/evaluations/{every[0]['id']}", params={"checkpoint": 99})
        assert unknown.status_code == 404


def test_pages_of_the_list_lose_and_double_nothing(shared: Running) -> None:
    found, cursor = [], None
    with shared.http as http:
        while True:
            page = get(http, "/v1/evaluations", limit=1, **({"cursor": cursor} if cursor else {}))
            found += [(item["run"], item["step"]) for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
    assert sorted(found) == [("run0", 0), ("run1", 0), ("run1", 10), ("run2", 0), ("run2", 10)]


def test_curve_compare_leaderboard_and_rank_of_the_second_run(shared: Running) -> None:
    with shared.http as http:
        curve = get(http, "/v1/runs/run1/curve")
        assert [point["step"] for point in curve["points"]] == [0, 10]
        for i in (1, 2):
            sides = {"baseline": f"run{i}@0", "candidate": f"run{i}@10", "k": 1}
            (item,) = get(http, "/v1/compare", **sides)["items"]
            assert item["baseline_checkpoint"] == f"run{i}@0"
            assert item["baseline_method"] == item["candidate_method"] == METHODS[i]
            assert f"run{i}@0" in item["family"]
        board = get(http, "/v1/leaderboard")["items"]
        assert sorted((row["run"], row["step"]) for row in board) == [
            ("run0", 0), ("run1", 0), ("run1", 10), ("run2", 0), ("run2", 10),
        ]  # fmt: skip
        assert {(row["run"], row["method"]) for row in board} == {
            (f"run{i}", method) for i, method in enumerate(METHODS)
        }
        ranked = get(http, "/v1/rank", checkpoint=["run1@0", "run2@10"])["items"]
        assert {row["name"] for row in ranked} == {"run1@0", "run2@10"}
        assert "run2@0" in http.get("/matrix", headers={"accept": "text/html"}).text
        page = http.get("/runs/run2", headers={"accept": "text/html"}).text
        assert "DAPO" in page


def test_client_and_command_show_the_run_that_was_asked_for(
    shared: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with Client(shared.url, key="") as client:
        found = client.results(run="run2")
    assert {(row.run, row.method, row.step) for row in found} == {
        ("run2", "DAPO", 0), ("run2", "DAPO", 10),
    }  # fmt: skip
    arguments = ["results", "--run", "run1", "--step", "0", "--json", "--server", shared.url]
    monkeypatch.setattr(sys, "argv", ["evalsvc", *arguments])
    with pytest.raises(SystemExit):
        main()
    (printed,) = json.loads(capsys.readouterr().out)
    assert (printed["run"], printed["method"], printed["step"]) == ("run1", "GRPO + A-GRAE", 0)


def test_weights_that_are_registered_later_have_the_result_at_once(shared: Running) -> None:
    with shared.database.write() as session:
        hold(session, "late", 0, "base", method="GSPO")
        hold(session, "other", 0, "unlike", method="GSPO")
    with shared.http as http:
        (item,) = get(http, "/v1/evaluations", run="late")["items"]
        assert (item["run"], item["method"]) == ("late", "GSPO")
        assert get(http, "/v1/evaluations", run="other")["items"] == []


def test_a_job_is_shown_under_its_own_run(server: Running, answers: Path) -> None:
    """Replayed answers: no weights are behind them, so that only who asked for them holds them."""
    with server.http as http:
        jobs = [
            http.post("/v1/jobs", json=job_body(answers, run=run, method=method, step=step)).json()
            for run, method, step in (("a", "GRPO", 1), ("b", "DAPO", 1), ("b", "DAPO", 2))
        ]
        ids = {part["id"] for job in jobs for part in job["evaluations"]}
        assert len(ids) == 1
        assert [(job["run"], job["method"]) for job in jobs] == [
            ("a", "GRPO"), ("b", "DAPO"), ("b", "DAPO"),
        ]  # fmt: skip
        listed = {(x["run"], x["step"]) for x in get(http, "/v1/evaluations")["items"]}
        assert listed == {("a", 1), ("b", 1), ("b", 2)}
        (own,) = get(http, "/v1/evaluations", job=jobs[2]["id"])["items"]
        assert (own["run"], own["step"]) == ("b", 2)


def test_an_import_stays_with_the_run_that_it_names(shared: Running) -> None:
    with shared.http as http:
        http.post("/v1/imports", json=counts_body("run1", BASE, step=0, method="unknown"))
        imported = [
            (item["run"], item["engine"])
            for item in get(http, "/v1/evaluations")["items"]
            if item["engine"].startswith("import")
        ]
    assert imported == [("run1", "import:counts")]


def test_a_checkpoint_is_not_compared_with_itself(shared: Running) -> None:
    with shared.http as http:
        for sides in (("run1", "run1@10"), ("run1@0", "run1@0")):
            asked = {"baseline": sides[0], "candidate": sides[1]}
            refused = http.get("/v1/compare", params=asked)
            assert refused.status_code == 400
            assert "are one checkpoint" in refused.json()["detail"]
        asked = {"baseline": "run0@0", "candidate": "run1@0", "k": 1}
        (item,) = get(http, "/v1/compare", **asked)["items"]
        assert item["difference"] == 0
        assert "run0@0 and run1@0 hold the same weights" in item["sentence"]


def test_two_trainings_at_one_step_are_said(shared: Running) -> None:
    with shared.database.write() as session:
        evaluate(session, hold(session, "run1", 10, "again"), BASE)
    with shared.http as http:
        notes = get(http, "/v1/runs/run1/curve")["notes"]
        assert any("Step 10 was written 2 times with other weights" in note for note in notes)
        asked = {"baseline": "run1@0", "candidate": "run1@10", "k": 1}
        (item,) = get(http, "/v1/compare", **asked)["items"]
        assert "run1@10 was written 2 times with other weights" in item["sentence"]


def test_equal_weights_at_two_steps_are_said(shared: Running) -> None:
    with shared.database.write() as session:
        hold(session, "run1", 20, "trained1")
    with shared.http as http:
        curve = get(http, "/v1/runs/run1/curve")
    assert [point["step"] for point in curve["points"]] == [0, 10, 20]
    assert "The steps 10, 20 hold the same weights." in curve["notes"]


def test_another_training_seed_is_another_run(start: Callable[..., Running]) -> None:
    server = start()
    body = counts_body("seeded", BASE, train_seed=0)
    with server.http as http:
        assert http.post("/v1/imports", json=body).status_code == 201
        refused = http.post("/v1/imports", json={**body, "step": 20, "train_seed": 1})
        assert refused.status_code == 409
        assert "training seed 0, not 1" in refused.json()["detail"]
        assert http.post("/v1/imports", json={**body, "step": 20}).status_code == 201
