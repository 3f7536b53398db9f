"""One set of parameter names; unknown, misused and misspelt ones are refused, never left aside."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.http_server import Running, counts_body
from tests.support.stored import evaluate, hold

CALL = "from evalsvc.cli import main; main()"
COUNTS = [0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 1]


@pytest.fixture
def filled(server: Running) -> Running:
    with server.http as http:
        for run, shift in (("alpha", 0), ("beta", 1)):
            counts = [min(8, c + shift) for c in COUNTS]
            assert http.post("/v1/imports", json=counts_body(run, counts)).status_code == 201
    return server


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/evaluations?rnu=alpha", "Did you mean 'run'"),
        ("/v1/evaluations?run=alpha&run=beta", "more than once"),
        ("/v1/leaderboard?bench=own", "no parameter 'bench'"),
        ("/v1/compare?baseline=alpha&candidate=beta&allow=yes", "no parameter 'allow'"),
        ("/v1/power?run=alpha&pilot=beta&benchmark=own&effect=0.05", "one pilot"),
        ("/v1/power?benchmark=own&effect=0.05", "one pilot"),
        ("/v1/power?run=alpha&benchmark=own&effect=5", "effect"),
        ("/v1/rank?checkpoints=alpha", "Did you mean 'checkpoint'"),
        ("/v1/jobs?owner=me&all=1", "no parameter 'all'"),
        ("/leaderboard?benchmarks=own", "Did you mean &#39;benchmark&#39;"),
        ("/leaderboard?k=many", "no whole number"),
        ("/leaderboard?baseline=nosuch@1", "has no row here"),
        ("/leaderboard.json?bench=own", "no parameter 'bench'"),
        ("/power?benchmark=own&run=nosuch", "cannot be chosen"),
        ("/power?benchmark=own&effect=5", "0.05 is 5 points"),
        ("/power?benchmark=own&deviation=1", "Did you mean &#39;run_deviation&#39;"),
        ("/power?benchmark=nosuch", "cannot be chosen"),
        ("/matrix?benchmark=nosuch", "cannot be chosen"),
        ("/matrix?benchmark=own&benchmark=own", "more than once"),
        ("/compare?baseline=alpha&candidate=beta&k=3", "cannot be chosen"),
        ("/compare?baseline=alpha&candidate=beta&allow=yes", "no parameter"),
        ("/runs/alpha?benchmark=nosuch", "cannot be chosen"),
        ("/runs/alpha?with=nosuch", "cannot be chosen"),
        ("/workers?x=1", "no parameter"),
    ],
)
def test_what_a_query_cannot_mean_is_refused(filled: Running, path: str, words: str) -> None:
    with filled.http as http:
        answer = http.get(path, headers={"accept": "text/html"})
    assert answer.status_code == 422
    assert words in answer.text


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("/v1/evaluations?run=alphas", "Did you mean 'alpha'"),
        ("/v1/evaluations?benchmark=amc32", "Did you mean 'amc23'"),
        ("/v1/evaluations?method=GRPX", "Did you mean 'GRPO'"),
        ("/v1/leaderboard?benchmark=amc32", "Did you mean 'amc23'"),
        ("/v1/checkpoints?run=alphas", "Did you mean 'alpha'"),
        ("/v1/runs/alpha/curve?benchmark=amc32", "Did you mean 'amc23'"),
        ("/v1/compare?baseline=alphas&candidate=beta", "Did you mean 'alpha'"),
        ("/leaderboard.json?benchmark=amc32", "Did you mean 'amc23'"),
    ],
)
def test_a_name_that_nothing_has_is_an_error(filled: Running, path: str, words: str) -> None:
    with filled.http as http:
        answer = http.get(path)
        assert answer.status_code == 404
        assert words in answer.json()["remedy"]
        assert http.get("/v1/evaluations?benchmark=amc23").json()["items"] == []


def test_pages_and_rest_know_the_same_names(filled: Running) -> None:
    with filled.http as http:
        for name in ("run", "pilot"):
            query = f"{name}=beta&benchmark=own&effect=0.1&target=0.9"
            page = http.get(f"/power.json?{query}").json()
            plan = http.get(f"/v1/power?{query}").json()
            assert page["question"]["pilot"] == "beta@10"
            assert page["question"]["effect"] == page["plan"]["effect"] == plan["effect"] == 0.1
            assert page["plan"]["samples"] == plan["samples"]
        with filled.database.write() as session:
            evaluate(session, hold(session, "gamma", 1, "w"), COUNTS, benchmark="else")
        board = http.get("/leaderboard.json?benchmark=else").json()
        assert board["benchmarks"] == ["else"]
        assert [line["row"]["run"] for line in board["lines"]] == ["gamma"]


def test_rank_without_arguments_takes_those_with_most_in_common(filled: Running) -> None:
    with filled.database.write() as session:
        evaluate(session, hold(session, "apart", 1, "w"), COUNTS, benchmark="else")
    with filled.http as http:
        found = http.get("/v1/rank").json()
        assert {item["name"] for item in found["items"]} == {"alpha@10", "beta@10"}
        assert found["benchmarks"] == ["own"]
        assert any("left out: apart@1" in note for note in found["notes"])
        named = {"checkpoint": ["alpha", "apart"]}
        assert http.get("/v1/rank", params=named).status_code == 400


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["results", "--run", "alphas"], "Did you mean 'alpha'"),
        (["results", "--benchmark", "amc32"], "Did you mean 'amc23'"),
        (["export", "--run", "alphas"], "Did you mean 'alpha'"),
        (["checkpoints", "--run", "alphas"], "Did you mean 'alpha'"),
    ],
)
def test_commands_end_with_1_and_a_suggestion(
    filled: Running, tmp_path: Path, arguments: list[str], words: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CALL, *arguments, "--server", filled.url],
        capture_output=True, text=True, cwd=tmp_path, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 1, done.stdout
    assert words in done.stderr
