"""Imports whose settings nobody stated: unlike tools are not like, and a comparison says it."""

from typing import Any

import pytest

from tests.support.http_server import Running, counts_body


def put(server: Running, tool: str, run: str) -> None:
    problems = [{"problem_id": "0", "question": "17 + 1 = ?", "gold": "18"}]
    rows = [{"problem_id": "0", "response": "\\boxed{18}"}]
    body = {"format": tool, "run": run, "benchmark": "smoke"}
    with server.http as http:
        made = http.post("/v1/imports", json={**body, "problems": problems, "responses": rows})
    assert made.status_code == 201, made.text


def compared(server: Running, **params: str) -> Any:
    with server.http as http:
        return http.get("/v1/compare", params={"baseline": "a", "candidate": "b", **params})


@pytest.mark.parametrize(("first", "second"), [("lm-eval", "lighteval"), ("verl", "agrae")])
def test_unlike_tools_are_refused_unless_asked(first: str, second: str, server: Running) -> None:
    put(server, first, "a")
    put(server, second, "b")
    refused = compared(server)
    assert refused.status_code == 400
    assert "the protocols differ (tool)" in refused.json()["detail"]
    asked = compared(server, allow_differences="true").json()["items"][0]["sentence"]
    assert "Unlike evaluations: the protocols differ (tool)." in asked


def test_one_tool_is_compared_and_what_is_unknown_is_said(server: Running) -> None:
    put(server, "lm-eval", "a")
    put(server, "lm-eval", "b")
    sentence = compared(server).json()["items"][0]["sentence"]
    for name in ("a@0", "b@0"):
        assert f"How the samples of {name} were drawn is not known" in sentence
    assert "which verifier" not in sentence


def test_counts_have_no_verifier_and_every_comparison_says_it(server: Running) -> None:
    with server.http as http:
        for run, protocol in (("a", "paper"), ("b", "paper")):
            body = counts_body(run, [3, 4, 5], benchmark="own", protocol=protocol)
            assert http.post("/v1/imports", json=body).status_code == 201
    items = compared(server).json()["items"]
    assert items
    for item in items:
        for name in ("a@10", "b@10"):
            words = f"{name} was imported as counts: which verifier judged it is not known."
            assert words in item["sentence"]
        assert "were drawn is not known" not in item["sentence"]
