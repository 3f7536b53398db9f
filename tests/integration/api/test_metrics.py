"""Registered metrics of evaluations with transcripts and of bare counts, by REST and client."""

import asyncio
from collections.abc import Sequence

import pytest

from evalsvc import AsyncClient, Client
from evalsvc.statistics import AnswerGroups, maj_at_k
from tests.support.http_server import Running, counts_body

BEFORE = ("\\boxed{18}", "\\boxed{18.0}", "\\boxed{17}", "\\boxed{5}", "no idea", "none")
AFTER = ("\\boxed{18}", "\\boxed{18.0}", "\\boxed{18}", "\\boxed{5}", "\\boxed{18}", "\\boxed{18}")
GROUPS = AnswerGroups((2, 1, 1), (True, False, False), 2)


def imported(server: Running, run: str, responses: Sequence[str]) -> str:
    rows = [
        {"problem_id": f"smoke-00{i}", "response": r, "output_tokens": 10}
        for i in (3, 4)  # the second problem has another gold
        for r in responses
    ]
    body = {"format": "jsonl", "run": run, "benchmark": "smoke", "responses": rows}
    with server.http as http:
        return str(http.post("/v1/imports", json=body).json()["evaluation"])


def test_votes_are_those_of_the_profile_and_of_the_answers(server: Running) -> None:
    evaluation = imported(server, "old", BEFORE)
    with server.http as http:
        path = f"/v1/evaluations/{evaluation}"
        found = http.get(f"{path}/metrics", params={"metric": "maj@k"}).json()
        votes = http.get(f"{path}/profile").json()["answers"]["votes"]
    assert found["left_out"] == []
    values = {figure["k"]: figure["value"] for figure in found["figures"]}
    assert {vote["k"]: vote["value"] for vote in votes} == pytest.approx(
        {k: values[k] for k in (1, 2, 4)}
    )
    assert values[4] == pytest.approx(maj_at_k(GROUPS, 4) / 2)


def test_the_client_has_every_figure_with_its_unit(server: Running) -> None:
    evaluation = imported(server, "old", BEFORE)
    with Client(server.url) as client:
        table = client.metrics(evaluation)
        by_name = {row.name: row for row in table}
        results = client.results("old", metric=["tokens", "pass^k"])
        assert client.metrics(evaluation, "pass@k", [2, 3]).to_dicts() == [
            row.to_dict() for row in client.metrics(evaluation, ["pass@k"], [3, 2])
        ]

    async def again() -> int:
        async with AsyncClient(server.url) as client:
            return len(await client.metrics(evaluation))

    assert asyncio.run(again()) == len(table)
    assert table.notes == ()
    assert by_name["tokens"].value == 10
    assert (by_name["tokens"].unit, by_name["tokens"].k) == ("tokens", None)
    assert by_name["no-answer"].value == pytest.approx(1 / 3)
    assert by_name["distinct-answers"].value == 3
    assert (results[0].metric, results[0].unit) == ("tokens", "tokens")
    assert {row.metric for row in results} == {"tokens", "pass^1", "pass^2", "pass^4"}
    assert results.to_pandas()["unit"].tolist()[0] == "tokens"


def test_answers_are_compared_by_their_votes(server: Running) -> None:
    imported(server, "old", BEFORE)
    imported(server, "new", AFTER)
    with Client(server.url) as client:
        found = client.compare("old", "new", k=4, metric="maj@k")
        rates = client.compare("old", "new", metric="no-answer")
    (row,) = found
    after = AnswerGroups((5, 1), (True, False))
    assert row.difference == pytest.approx((maj_at_k(after, 4) - maj_at_k(GROUPS, 4)) / 2)
    assert (row.metric, row.k, row.interval_fixed) == ("maj@k", 4, None)
    assert rates[0].difference == pytest.approx(-1 / 3)
    assert rates[0].sentence.startswith("no-answer goes from 33.3% to 0.0%")
    assert len(found.crossings) == len(found.methods) == 0


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        ({"metric": "truncated"}, 400, "has no data for truncated"),
        ({"metric": "maj@k"}, 400, "has no data for maj@k"),
        ({"metric": "tokens"}, 400, "has no data for tokens"),
        ({"metric": "worst-tenth@k", "k": 1}, 422, "no paired test"),
        ({"metric": "pass^k", "k": 9}, 400, "k is above 8"),
        ({"metric": "solved", "k": 2}, 422, "has no k"),
        ({"metric": "pass"}, 422, "no metric 'pass'"),
    ],
)
def test_what_cannot_be_compared_is_refused(
    server: Running, asked: dict[str, object], status: int, words: str
) -> None:
    with server.http as http:
        for run, correct in (("old", [0, 1, 2, 3]), ("new", [2, 3, 4, 8])):
            http.post("/v1/imports", json=counts_body(run, correct))
        params = {"baseline": "old", "candidate": "new", **asked}
        refused = http.get("/v1/compare", params=params)  # type: ignore[arg-type]
        allowed = http.get("/v1/compare", params={**params, "metric": "pass^k", "k": 8})  # type: ignore[arg-type]
    assert refused.status_code == status, refused.json()
    assert words in refused.json()["detail"]
    (item,) = allowed.json()["items"]
    assert item["difference"] == pytest.approx(1 / 4)
    assert item["family"].startswith("pass^k, k = 8, on own")


def test_bare_counts_have_only_metrics_of_counts(server: Running) -> None:
    with server.http as http:
        made = http.post("/v1/imports", json=counts_body("old", [0, 1, 2, 3])).json()
        found = http.get(f"/v1/evaluations/{made['evaluation']}/metrics", params={"k": 8}).json()
    assert [figure["name"] for figure in found["figures"]] == [
        *("pass@8", "pass^8", "G-pass@8", "mG-pass@8", "worst-tenth@8", "avg@n", "solved")
    ]
    assert found["figures"][0]["indicator"]
    reasons = {item["metric"]: item["reason"] for item in found["left_out"]}
    assert "no transcripts" in reasons["maj@k"]
    assert "only counts" in reasons["truncated"]
