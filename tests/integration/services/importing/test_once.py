"""An import is done once, and another user's is not replaced."""

import threading
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from evalsvc.store.models import Evaluation, Event
from evalsvc.store.repositories import keys
from tests.support.http_server import Running, counts_body

KEY = "import-1"


def post(server: Running, body: dict[str, Any], **headers: str) -> httpx.Response:
    with server.http as http:
        return http.post("/v1/imports", json=body, headers=headers, timeout=300)


def imports_done(server: Running) -> int:
    with server.database.read() as session:
        return session.query(Event).filter(Event.kind == "import.done").count()


def responses(text: str = "\\boxed{1}") -> dict[str, Any]:
    rows = [{"problem_id": f"smoke-{i:03}", "response": text} for i in range(40)]
    return {"format": "jsonl", "run": "run", "benchmark": "smoke", "responses": rows}


@pytest.mark.parametrize("body", [counts_body("run", [1, 2, 3]), responses()])
def test_the_same_key_again_changes_nothing(server: Running, body: dict[str, Any]) -> None:
    first = post(server, body, **{"Idempotency-Key": KEY}).json()
    again = post(server, body, **{"Idempotency-Key": KEY}).json()
    assert (first["replaced"], first["repeated"]) == (False, False)
    assert (again["replaced"], again["repeated"]) == (False, True)
    for name in ("evaluation", "problems", "samples", "correct", "notes"):
        assert again[name] == first[name]
    assert imports_done(server) == 1


def test_a_request_that_comes_while_the_first_is_judged_waits_for_it(server: Running) -> None:
    answers: list[dict[str, Any]] = []

    def send() -> None:
        answers.append(post(server, responses(), **{"Idempotency-Key": KEY}).json())

    threads = [threading.Thread(target=send) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answer["repeated"] for answer in answers) == [False, True, True, True]
    assert not any(answer["replaced"] for answer in answers)
    assert imports_done(server) == 1


def test_a_key_of_another_import_is_refused(server: Running) -> None:
    post(server, counts_body("run", [1, 2]), **{"Idempotency-Key": KEY})
    other = post(server, counts_body("run", [1, 3]), **{"Idempotency-Key": KEY})
    assert (other.status_code, imports_done(server)) == (409, 1)
    assert "was used for another import" in other.json()["detail"]


def test_other_results_under_another_key_replace(server: Running) -> None:
    post(server, counts_body("run", [1, 2]), **{"Idempotency-Key": KEY})
    made = post(server, counts_body("run", [1, 3]), **{"Idempotency-Key": "import-2"}).json()
    assert (made["replaced"], made["repeated"]) == (True, False)


def test_a_submit_key_replaces_only_its_own_imports(start: Callable[..., Running]) -> None:
    server = start()
    with server.database.write() as session:
        tokens = {
            name: keys.create_key(session, name, scopes, by="test").key
            for name, scopes in {"a": ["submit"], "b": ["submit"], "chief": ["admin"]}.items()
        }

    def send(name: str, correct: list[int]) -> httpx.Response:
        bearer = {"Authorization": f"Bearer {tokens[name]}"}
        return post(server, counts_body("run", correct), **bearer)

    assert send("a", [1, 2]).status_code == 201
    refused = send("b", [7, 8])
    assert refused.status_code == 403
    assert "was made by the key 'a'" in refused.json()["detail"]
    with server.database.read() as session:
        assert session.scalars(select(Evaluation.samples_correct)).all() == [3]
    assert send("a", [2, 2]).json()["replaced"]
    assert send("chief", [3, 3]).json()["replaced"]
    assert send("a", [4, 4]).status_code == 403
