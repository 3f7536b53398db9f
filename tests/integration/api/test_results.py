"""Imports, comparisons, leaderboard, ranking, power: figures by REST."""

import time
from typing import Any

import httpx
import numpy as np
import pytest

from evalsvc.statistics import (
    AnswerGroups,
    g_pass_at_k,
    maj_at_k,
    paired_comparison,
    pass_at_k,
    pass_hat_k,
)
from evalsvc.store.models import Evaluation
from tests.support.http_server import Running, counts_body

BEFORE = [0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 1]
AFTER = [1, 3, 4, 5, 6, 6, 8, 8, 8, 5, 4, 4]


@pytest.fixture
def filled(server: Running) -> Running:
    with server.http as http:
        for run, counts in (("old", BEFORE), ("new", AFTER)):
            assert http.post("/v1/imports", json=counts_body(run, counts)).status_code == 201
    return server


def test_figures_of_an_import_are_those_of_the_statistics(filled: Running) -> None:
    with filled.http as http:
        item = http.get("/v1/evaluations", params={"run": "old"}).json()["items"][0]
        detail = http.get(f"/v1/evaluations/{item['id']}").json()
    assert detail["complete"]
    assert detail["engine"] == "import:counts"
    assert sorted(detail["metrics"]) == ["pass@1", "pass@2", "pass@4", "pass@8"]
    for k in (1, 2, 4, 8):
        expected = pass_at_k([8] * len(BEFORE), BEFORE, k).mean()
        assert detail["metrics"][f"pass@{k}"]["value"] == pytest.approx(expected)
    assert detail["metrics"]["pass@8"]["interval_fixed"] is None
    assert any("k = 8" in note for note in detail["notes"])


def test_a_result_whose_weights_are_in_doubt_says_so_first(filled: Running) -> None:
    with filled.http as http:
        item = http.get("/v1/evaluations", params={"run": "old"}).json()["items"][0]
        with filled.database.write() as session:
            row = session.get_one(Evaluation, item["id"])
            engine = {"engine": "vllm", "device": "cpu (2 cores)"}
            row.provenance = {"weights": "swapped", "engine": engine}
        detail = http.get(f"/v1/evaluations/{item['id']}").json()
    assert detail["notes"][0].startswith("Made by a swap on a CPU before version")


def test_comparison_is_the_paired_one_with_holm_over_what_is_shown(filled: Running) -> None:
    asked = {"baseline": "old", "candidate": "new@10"}
    n = [8] * len(BEFORE)
    problems = [f"p{i}" for i in range(len(BEFORE))]
    expected = paired_comparison(n, BEFORE, n, AFTER, 1, clusters=problems)
    with filled.http as http:
        alone = http.get("/v1/compare", params={**asked, "k": 1}).json()["items"]
        family = http.get("/v1/compare", params=asked).json()["items"]
        assert http.get("/v1/compare", params={**asked, "k": 16}).status_code == 400
    assert len(alone) == 1
    assert len(family) == 4
    for name in ("difference", "p_value", "minimum_detectable_effect"):
        assert alone[0][name] == pytest.approx(getattr(expected, name))
    assert tuple(alone[0]["interval_population"]) == pytest.approx(expected.interval_population)
    assert alone[0]["baseline_checkpoint"] == "old@10"
    assert family[0]["p_adjusted"] >= family[0]["p_value"]
    assert "not two methods" in alone[0]["sentence"]


def test_unlike_evaluations_are_refused_and_compared_only_when_asked(filled: Running) -> None:
    fewer = counts_body("fewer", BEFORE[:8])
    other = counts_body("other", BEFORE, protocol="paper")
    asked = {"baseline": "old", "k": 1}
    with filled.http as http:
        http.post("/v1/imports", json=fewer)
        http.post("/v1/imports", json=other)
        for candidate, word in (("fewer", "rows differ"), ("other", "protocols differ")):
            params: dict[str, Any] = {**asked, "candidate": candidate}
            refused = http.get("/v1/compare", params=params)
            assert refused.status_code == 400
            assert word in refused.json()["detail"]
            allowed = http.get("/v1/compare", params={**params, "allow_differences": True})
            (item,) = allowed.json()["items"]
            assert word in item["sentence"]
        assert allowed.json()["items"][0]["problems"] == len(BEFORE)


def test_importing_again_replaces_and_changes_every_figure(filled: Running) -> None:
    asked = {"baseline": "old", "candidate": "new", "k": 1}
    with filled.http as http:
        before = http.get("/v1/compare", params=asked).json()["items"][0]
        again = http.post("/v1/imports", json=counts_body("new", BEFORE)).json()
        after = http.get("/v1/compare", params=asked).json()["items"][0]
    assert again["replaced"]
    assert before["difference"] > 0
    assert after["difference"] == 0


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"counts": [{"problem_id": "a", "n": 4, "c": 5}]}, "swapped"),
        ({"counts": []}, "counts"),
        ({"counts": [{"problem_id": "a", "n": 0, "c": 0}]}, "every n is 0"),
        ({"counts": [{"problem_id": "a", "n": 1, "c": 0}] * 2}, "more than once"),
        ({"benchmark": "smoke"}, "not in the benchmark"),
        ({"protocol": "mine"}, "no protocol"),
    ],
)
def test_bad_imports_are_refused_in_words(
    server: Running, changes: dict[str, Any], word: str
) -> None:
    with server.http as http:
        answer = http.post("/v1/imports", json=counts_body("r", [1, 2], **changes))
        assert answer.status_code in (400, 422)
        assert word in answer.json()["detail"]
        assert http.get("/v1/evaluations").json()["items"] == []


def test_responses_are_judged_here_and_can_be_read_rescored_and_overridden(
    server: Running,
) -> None:
    responses = [
        {"problem_id": "smoke-003", "response": r}
        for r in ("20 - 2 is \\boxed{18}", "\\boxed{17}", "no idea")
    ]
    body = {"format": "jsonl", "run": "r", "benchmark": "smoke", "responses": responses}
    with server.http as http:
        made = http.post("/v1/imports", json=body).json()
        assert (made["samples"], made["correct"]) == (3, 1)
        base = f"/v1/evaluations/{made['evaluation']}"
        page = http.get(f"{base}/rows/3/samples").json()
        assert [s["verdict"] for s in page["items"]] == ["correct", "wrong", "no_answer"]
        assert page["items"][0]["extracted"] == "18"
        short = http.get(f"{base}/rows/3/samples", params={"limit": 2}).json()
        rest = http.get(
            f"{base}/rows/3/samples", params={"limit": 2, "cursor": short["next_cursor"]}
        ).json()
        assert [s["sample"] for s in rest["items"]] == [2]

        rescore = http.post(f"{base}/rescore").json()
        deadline = time.monotonic() + 60
        while (found := http.get(f"/v1/rescores/{rescore['id']}").json())["state"] == "running":
            assert time.monotonic() < deadline, found
            time.sleep(0.05)
        assert found["state"] == "done", found
        assert (found["judged"], found["flipped"]) == (3, 0)
        assert http.post(f"/v1/rescores/{rescore['id']}/accept").json()["state"] == "accepted"

        override = {"correct": True, "why": "17 is meant", "who": "ann"}
        path = f"{base}/rows/3/samples/1/override"
        assert http.post(path, json=override).status_code == 201
        assert http.get(base).json()["metrics"]["pass@1"]["value"] == pytest.approx(2 / 3)
        sample = http.get(f"{base}/rows/3/samples").json()["items"][1]
        assert sample["correct"]
        assert sample["verdict"] == "wrong"
        assert sample["override"] == {"correct": True, "who": "ann", "why": "17 is meant"}
        missing = f"{base}/rows/3/samples/9/override"
        assert http.post(missing, json=override).status_code == 404


def test_a_profile_says_what_the_samples_say_beyond_pass_at_k(filled: Running) -> None:
    with filled.http as http:
        ids = {i["run"]: i["id"] for i in http.get("/v1/evaluations").json()["items"]}
        path = f"/v1/evaluations/{ids['new']}/profile"
        found = http.get(path, params={"reference": ids["old"]}).json()
        refused = http.get(path, params={"reference": ids["new"]})
    assert refused.status_code == 400
    n = [8] * len(AFTER)
    assert [row["k"] for row in found["consistency"]] == [1, 2, 4, 8]
    for row, belief in zip(found["consistency"], found["beliefs"], strict=True):
        k = row["k"]
        assert row["pass_hat"]["value"] == pytest.approx(pass_hat_k(n, AFTER, k).mean())
        assert row["g_pass_half"] == pytest.approx(np.mean(g_pass_at_k(n, AFTER, k, 0.5)))
        worst = sorted(pass_at_k(n, AFTER, k))
        assert row["worst_tenth"] == pytest.approx((worst[0] + 0.2 * worst[1]) / 1.2)
        assert belief["band"][0] < belief["mean"] < belief["band"][1]
    assert [rate["flag"] for rate in found["rates"]] == ["truncated", "no_answer", "failed"]
    bands = {group["value"]: group["problems"] for group in found["difficulty"]}
    assert sum(bands.values()) == len(BEFORE)
    assert (bands["never solved"], bands["always solved"]) == (1, 1)
    assert found["answers"] is None


def test_votes_follow_the_answers_and_overrides(server: Running) -> None:
    responses = [
        {"problem_id": "smoke-003", "response": r, "output_tokens": 10}
        for r in ("\\boxed{18}", "\\boxed{18.0}", "\\boxed{17}", "\\boxed{5}", "no idea")
    ]
    body = {"format": "jsonl", "run": "r", "benchmark": "smoke", "responses": responses}
    with server.http as http:
        path = f"/v1/evaluations/{http.post('/v1/imports', json=body).json()['evaluation']}"
        found = http.get(f"{path}/profile").json()
        override = {"correct": True, "why": "17 is meant", "who": "ann"}
        http.post(f"{path}/rows/3/samples/2/override", json=override)
        after = http.get(f"{path}/profile").json()
    answers = found["answers"]
    groups = AnswerGroups((2, 1, 1), (True, False, False), 1)
    assert [vote["k"] for vote in answers["votes"]] == [1, 2, 4]
    assert [vote["value"] for vote in answers["votes"]] == pytest.approx(
        [maj_at_k(groups, k) for k in (1, 2, 4)]
    )
    assert answers["distinct_answers"] == 3
    assert answers["problems"][0]["majority_correct"] == 1
    assert found["tokens"]["per_correct"] == 25
    assert after["answers"]["distinct_answers"] == 2
    assert after["answers"]["votes"][0]["value"] == pytest.approx(3 / 5)


def test_leaderboard_ranking_curve_and_power(filled: Running) -> None:
    with filled.http as http:
        board = http.get("/v1/leaderboard", params={"benchmark": "own"}).json()
        assert [row["run"] for row in board["items"]] == ["new", "old"]
        for how in ("mean", "swiss"):
            ranking = http.get("/v1/rank", params={"how": how}).json()
            assert ranking["items"][0]["name"] == "new@10"
        curve = http.get("/v1/runs/new/curve", params={"k": 4}).json()
        assert [point["step"] for point in curve["points"]] == [10]
        plan = http.get(
            "/v1/power", params={"run": "old", "benchmark": "own", "effect": 0.2}
        ).json()
        assert plan["problems"] == len(BEFORE)
        assert 0 <= plan["power"] <= 1


def test_a_step_chosen_on_the_test_set_is_said_to_flatter(filled: Running) -> None:
    with filled.http as http:
        http.post("/v1/imports", json=counts_body("new", BEFORE, step=20))
        curve = http.get("/v1/runs/new/curve", params={"k": 2}).json()
    (best,) = curve["best"]
    assert (best["benchmark"], best["step"], best["steps"]) == ("own", 10, 2)
    assert best["optimism"] >= 0
    assert any("best of 2 steps on the test set" in note for note in curve["notes"])


def test_crossings_equivalence_and_methods_are_part_of_a_comparison(filled: Running) -> None:
    late = [0, 0, 0, 0, 8, 8, 8, 8, 8, 8, 8, 8]
    asked = {"baseline": "old", "candidate": ["late", "new"], "margin": 0.6}
    with filled.http as http:
        http.post("/v1/imports", json=counts_body("late", late))
        alone = http.get("/v1/compare", params=asked).json()
        for run, counts in (("old2", [*BEFORE[::-1][:11], 1]), ("new2", AFTER)):
            method = "GRPO" if run == "old2" else "A"
            http.post("/v1/imports", json=counts_body(run, counts, method=method))
        several = http.get(
            "/v1/compare", params={"baseline": "old", "candidate": "new2", "k": [1, 2]}
        ).json()
        http.post("/v1/imports", json=counts_body("new3", [*AFTER[:10], 6, 6], method="A"))
        both = http.get(
            "/v1/compare", params={"baseline": "old", "candidate": "new2", "k": [1, 2]}
        ).json()
    (crossing,) = alone["crossovers"]
    assert (crossing["candidate_checkpoint"], crossing["leader_below"]) == ("late@10", "candidate")
    assert any(item["equivalent"] and item["margin"] == 0.6 for item in alone["items"])
    assert len(alone["items"]) == alone["items"][0]["family_size"] == 8
    assert several["methods"] == []
    assert "training seed" in several["notes"][0]
    assert [(m["candidate"], m["candidate_runs"], m["k"]) for m in both["methods"]] == [
        ("A", 2, 1),
        ("A", 2, 2),
    ]
    assert all(m["p_adjusted"] >= m["p_value"] for m in both["methods"])


def test_a_published_figure_is_checked_against_a_rerun_of_ours(server: Running) -> None:
    printed = {1: 6.1, 2: 9.9}  # AIME2025, Qwen2.5-Math-7B, base model

    def ask(http: httpx.Client, run: str, correct: list[int], **changes: Any) -> dict[int, dict]:
        counts = [{"problem_id": f"{i}", "n": 256, "c": c} for i, c in enumerate(correct)]
        body = {"run": run, "benchmark": "aime2025", "counts": counts, "method": "Base Model"}
        made = http.post(
            "/v1/imports", json={**body, "base_model": "Qwen/Qwen2.5-Math-7B", **changes}
        ).json()
        rows = http.get(
            "/v1/benchmarks/aime2025/published", params={"evaluation": made["evaluation"]}
        ).json()["items"]
        return {r["k"]: r for r in rows if r["reproduction"] is not None}

    with server.http as http:
        near = ask(http, "near", [0] * 24 + [60, 80, 90, 76, 80, 82])
        far = ask(http, "far", [128] * 30)
        other = ask(http, "other", [128] * 30, method="mine")
    assert near[1]["value"] == pytest.approx(printed[1] / 100)
    assert near[1]["reproduction"]["inside"]
    assert near[1]["reproduction"]["ours"] == pytest.approx(468 / 30 / 256)
    assert not far[1]["reproduction"]["inside"]
    assert "outside what chance explains" in far[1]["reproduction"]["sentence"]
    assert other == {}


def test_announcements_register_skip_and_submit(server: Running, tmp_path: object) -> None:
    gone = {"path": "/gone", "run": "t", "step": 5, "state": "rotated", "reason": "too old"}
    with server.http as http:
        told = http.post("/v1/checkpoints", json=gone).json()
        assert told["job_id"] is None
        assert told["checkpoint"]["state"] == "rotated"
        again = http.post("/v1/checkpoints", json={**gone, "reason": "still"}).json()
        assert again["checkpoint"]["id"] == told["checkpoint"]["id"]
        listed = http.get("/v1/checkpoints", params={"state": "rotated"}).json()["items"]
        assert [row["reason"] for row in listed] == ["still"]


def test_benchmarks_and_published_rows(server: Running) -> None:
    with server.http as http:
        names = {item["name"] for item in http.get("/v1/benchmarks").json()["items"]}
        assert {"smoke", "math", "aime2025", "amc23"} <= names
        printed = http.get("/v1/benchmarks/aime2025/published").json()
        assert printed["items"]
        assert http.get("/v1/benchmarks/nothing").status_code == 404
        assert http.get("/v1/benchmarks/nothing/published").status_code == 404


def test_health_readiness_metrics_and_openapi(server: Running) -> None:
    with server.http as http:
        assert http.get("/healthz").json()["status"] == "ok"
        assert http.get("/readyz").json()["status"] == "ready"
        assert "evalsvc_shards" in http.get("/metrics").text
        document = http.get("/openapi.json").json()
        example = document["components"]["schemas"]["JobRequest"]["examples"][0]
        assert example["benchmarks"]
        assert "application/problem+json" in str(document["paths"]["/v1/jobs"]["post"]["responses"])


def test_runs_and_problems_whose_names_have_slashes_are_found(server: Running) -> None:
    body = counts_body("org/model", [1, 2])
    body["counts"] = [{"problem_id": "test/algebra/1.json", "n": 8, "c": 2}]
    with server.http as http:
        evaluation = http.post("/v1/imports", json=body).json()["evaluation"]
        curve = http.get("/v1/runs/org%2Fmodel/curve").json()
        assert [point["value"] for point in curve["points"]] == [0.25]
        problem = f"/v1/evaluations/{evaluation}/problems/test%2Falgebra%2F1.json"
        found = http.get(f"{problem}/samples", follow_redirects=True).json()
        assert (found["problem_id"], found["total"]) == ("test/algebra/1.json", 8)
        asked = http.post(f"{problem}/samples/0/override", json={"correct": True, "why": "seen"})
        assert asked.status_code == 409
        assert f"POST /v1/evaluations/{evaluation}/rows/0/samples/0/override" in asked.text
