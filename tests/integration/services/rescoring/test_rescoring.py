"""Rescoring by another verifier: what is compared, what it does to the score, who stays."""

import csv
import io
import threading
import time
from typing import Any

import httpx
import pytest

from evalsvc.services.rescoring import rescoring
from evalsvc.verification import Verdict, VerdictKind, VerificationPool, VerificationRequest
from tests.support.http_server import Running

ANSWERS = ("\\boxed{18}", "\\boxed{17}", "no idea", "\\boxed{16}")


def an_evaluation(http: httpx.Client) -> str:
    """Four answers to one problem, one of them right. Returns the evaluation's path."""
    responses = [{"problem_id": "smoke-003", "response": answer} for answer in ANSWERS]
    body = {"format": "jsonl", "run": "r", "benchmark": "smoke", "responses": responses}
    made = http.post("/v1/imports", json=body).json()
    assert (made["samples"], made["correct"]) == (4, 1)
    return f"/v1/evaluations/{made['evaluation']}"


def rescored(http: httpx.Client, evaluation: str) -> dict[str, Any]:
    """A rescore that has come to its end."""
    started = http.post(f"{evaluation}/rescore")
    assert started.status_code == 202, started.text
    for _ in range(400):
        found: dict[str, Any] = http.get(f"/v1/rescores/{started.json()['id']}").json()
        if found["state"] != "running":
            return found
        time.sleep(0.05)
    raise AssertionError("the rescore has not ended")


def accepting(monkeypatch: pytest.MonkeyPatch, *answers: str) -> None:
    """Another verifier: it accepts these responses and no other."""

    def stream(_pool: VerificationPool, cases: Any) -> Any:
        for case in cases:
            yield judged(case)

    def judged(case: VerificationRequest) -> Verdict:
        right = case.response in answers
        verdict = VerdictKind.CORRECT if right else VerdictKind.WRONG
        return Verdict(verdict, right, "17", None, "the other rule", "other", 0.0)

    monkeypatch.setattr(VerificationPool, "stream", stream)


def pass_at_1(http: httpx.Client, evaluation: str) -> float:
    return float(http.get(evaluation).json()["metrics"]["pass@1"]["value"])


def test_what_changed_and_what_it_does_to_the_score(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.http as http:
        evaluation = an_evaluation(http)
        accepting(monkeypatch, *ANSWERS[:2])
        found = rescored(http, evaluation)
        summary = found["summary"]
        assert summary["flips"] == {"wrong -> correct": 1, "no_answer -> wrong": 1}
        assert (summary["now_correct"], summary["no_longer_correct"]) == (1, 0)
        assert [one["k"] for one in summary["pass_at_k"]] == [1, 2, 4]
        assert summary["pass_at_k"][0] == {"k": 1, "before": 0.25, "after": 0.5}
        assert summary["pass_at_k"][1]["after"] == pytest.approx(1 - 1 / 6)
        assert pass_at_1(http, evaluation) == 0.25, "nothing changes before it is accepted"
        listed = http.get(f"/v1/rescores/{found['id']}/changes").json()["items"]
        assert [(one["sample"], one["verdict_after"]) for one in listed] == [
            (1, "correct"),
            (2, "wrong"),
        ]
        exported = http.get(f"/v1/rescores/{found['id']}/changes.csv").text
        assert [row["rule_after"] for row in csv.DictReader(io.StringIO(exported))] == [
            "the other rule"
        ] * 2
        http.post(f"/v1/rescores/{found['id']}/accept")
        assert pass_at_1(http, evaluation) == 0.5
        kept = http.get(f"{evaluation}/rows/3/samples").json()["items"]
        assert kept[1]["verdict"] == "wrong", "the old verdict stays in the transcript"


def test_the_next_one_compares_with_the_verdicts_that_were_accepted(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.http as http:
        evaluation = an_evaluation(http)
        accepting(monkeypatch, *ANSWERS[:2])
        first = rescored(http, evaluation)
        http.post(f"/v1/rescores/{first['id']}/accept")
        assert rescored(http, evaluation)["flipped"] == 0, "the same verifier, the same verdicts"
        monkeypatch.undo()
        back = rescored(http, evaluation)
        assert back["summary"]["flips"] == {"correct -> wrong": 1, "wrong -> no_answer": 1}
        assert back["summary"]["correct_after"] == 0.25
        http.post(f"/v1/rescores/{back['id']}/accept")
        assert pass_at_1(http, evaluation) == 0.25
        assert http.get(evaluation).json()["no_answer_rate"] == pytest.approx(0.25)


def test_verdicts_by_hand_stay_and_count_in_the_effect(
    server: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    with server.http as http:
        evaluation = an_evaluation(http)
        by_hand = {"correct": True, "why": "17 is meant", "who": "ann"}
        http.post(f"{evaluation}/rows/3/samples/1/override", json=by_hand)
        accepting(monkeypatch, *ANSWERS[:2])
        found = rescored(http, evaluation)
        assert found["summary"]["correct_before"] == found["summary"]["correct_after"] == 0.5
        accepting(monkeypatch, ANSWERS[0])
        found = rescored(http, evaluation)
        http.post(f"/v1/rescores/{found['id']}/accept")
        assert pass_at_1(http, evaluation) == 0.5


def test_only_the_newest_is_accepted(server: Running) -> None:
    with server.http as http:
        evaluation = an_evaluation(http)
        older, newer = rescored(http, evaluation), rescored(http, evaluation)
        refused = http.post(f"/v1/rescores/{older['id']}/accept")
        assert refused.status_code == 409
        assert "newest" in refused.text
        assert http.post(f"/v1/rescores/{newer['id']}/accept").json()["state"] == "accepted"


def test_one_at_a_time(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    judge_all = rescoring._judge_all

    def wait(*arguments: Any) -> None:
        assert go_on.wait(20)
        judge_all(*arguments)

    monkeypatch.setattr(rescoring, "_judge_all", wait)
    with server.http as http:
        evaluation = an_evaluation(http)
        started = http.post(f"{evaluation}/rescore").json()
        while evaluation.rpartition("/")[2] not in server.state.rescored:
            time.sleep(0.01)
        assert http.post(f"{evaluation}/rescore").status_code == 409
        go_on.set()
        while server.state.rescored:
            time.sleep(0.01)
        assert http.get(f"/v1/rescores/{started['id']}").json()["state"] == "done"
        assert rescored(http, evaluation)["state"] == "done"


def test_whatever_ends_it_is_told(server: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise IndexError("no problem 7")

    monkeypatch.setattr(rescoring, "_judge_all", fail)
    with server.http as http:
        found = rescored(http, an_evaluation(http))
    assert found["state"] == "failed"
    assert "no problem 7" in found["error"]
