"""The client against a real HTTP server that stumbles, refuses, hangs or is not there."""

import time
from collections.abc import Iterator
from itertools import count

import pytest

from evalsvc.errors import ServerError
from evalsvc.specs import JobRequest
from evalsvc.trainers import client as client_module
from evalsvc.trainers.client import Client, Event, parse_events
from tests.unit.trainers.scripted_server import Answer, Request, ScriptedServer, scripted_server


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as script:
        yield script


def test_a_key_and_parameters_are_sent(server: ScriptedServer) -> None:
    server.answer = lambda _: Answer(body={"items": []})
    with Client(server.url + "/", key="secret") as client:
        assert client.get("/v1/runs", {"limit": 5, "cursor": None}) == {"items": []}
    assert server.requests[0].headers["Authorization"] == "Bearer secret"
    assert server.requests[0].path == "/v1/runs?limit=5"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_stumbling_server_is_asked_again_under_one_key(
    server: ScriptedServer, status: int
) -> None:
    answers = iter([Answer(status), Answer(drop=True), Answer(body={"id": "7"})])
    server.answer = lambda _: next(answers)
    request = JobRequest(checkpoint="/models/a", run="r", benchmarks=("smoke",))
    assert Client(server.url).submit(request) == {"id": "7"}
    keys = {r.headers["Idempotency-Key"] for r in server.requests}
    assert (len(server.requests), len(keys)) == (3, 1)
    assert server.requests[0].body["benchmarks"] == ["smoke"]


def test_a_refusal_comes_once_and_with_its_remedy(server: ScriptedServer) -> None:
    problem = {
        "title": "Bad",
        "status": 422,
        "detail": "No such benchmark.",
        "remedy": "List them.",
    }
    server.answer = lambda _: Answer(422, problem)
    with pytest.raises(ServerError, match="No such benchmark") as caught:
        Client(server.url).post("/v1/jobs", {})
    assert (caught.value.answered_status, caught.value.remedy) == (422, "List them.")
    assert len(server.requests) == 1


def test_an_answer_that_is_no_problem_document(server: ScriptedServer) -> None:
    server.answer = lambda _: Answer(500, "<html>oops</html>")
    with pytest.raises(ServerError, match="answered 500") as caught:
        Client(server.url).get("/v1/jobs")
    assert caught.value.answered_status == 500


def test_a_redirect_is_not_followed_with_the_key(server: ScriptedServer) -> None:
    server.answer = lambda _: Answer(302, headers={"Location": "http://elsewhere.invalid/"})
    with pytest.raises(ServerError, match="answered 302"):
        Client(server.url, key="secret").get("/v1/jobs")


def test_a_hanging_server_costs_only_the_time_limit(server: ScriptedServer) -> None:
    server.answer = lambda _: Answer(delay_seconds=2)
    start = time.monotonic()
    with pytest.raises(ServerError, match="did not answer in time") as caught:
        Client(server.url, timeout_seconds=0.1, attempts=2).get("/v1/jobs")
    assert time.monotonic() - start < 1
    assert caught.value.answered_status == 0


def test_no_server_at_all() -> None:
    with pytest.raises(ServerError, match="cannot be reached") as caught:
        Client("http://127.0.0.1:9", attempts=2).get("/v1/jobs")
    assert "evalsvc up" in caught.value.remedy


@pytest.mark.parametrize("address", ["", "localhost:8420", "ftp://host", "http://", "http://h:x"])
def test_an_address_that_is_none(address: str) -> None:
    with pytest.raises(ServerError, match="not the address of a server"):
        Client(address)


def test_a_damaged_key_is_told() -> None:
    with pytest.raises(ServerError, match="key"):
        Client("http://localhost:1", key="a\nb")


def test_waiting_reports_changes_and_returns_the_ended_job(server: ScriptedServer) -> None:
    states = ["queued", "running", "running", "done"]
    numbers = count()
    server.answer = lambda _: Answer(body={"state": states[next(numbers)]})
    seen: list[str] = []
    job = Client(server.url).wait("7", lambda j: seen.append(j["state"]), poll_seconds=0.01)
    assert job == {"state": "done"}
    assert seen == ["queued", "running", "done"]


def test_waiting_has_an_end(server: ScriptedServer) -> None:
    server.answer = lambda _: Answer(body={"state": "running"})
    with pytest.raises(ServerError, match=r"not ended after 0\.05 s"):
        Client(server.url).wait("7", timeout_seconds=0.05, poll_seconds=0.01)


def test_something_else_listens_there(server: ScriptedServer) -> None:
    server.answer = lambda _: Answer(body="hello")
    with pytest.raises(ServerError, match="not the expected JSON"):
        Client(server.url).job("7")


def test_events_are_resumed_after_a_lost_connection(server: ScriptedServer) -> None:
    def answer(request: Request) -> Answer:
        if "Last-Event-ID" not in request.headers:  # promises more than it sends
            body = 'id: 1\nevent: progress\ndata: {"done": 1}\n\n'
            return Answer(body=body, headers={"Content-Length": "1000"})
        return Answer(body='id: 2\nevent: done\ndata: {"done": 2}\n\n')

    server.answer = answer
    events = list(Client(server.url).stream_events("/v1/jobs/7/events"))
    assert events == [Event("progress", {"done": 1}, "1"), Event("done", {"done": 2}, "2")]
    assert server.requests[1].headers["Last-Event-ID"] == "1"


def test_a_refused_stream(server: ScriptedServer) -> None:
    server.answer = lambda _: Answer(404, {"detail": "There is no job 7."})
    with pytest.raises(ServerError, match="no job 7"):
        list(Client(server.url).stream_events("/v1/jobs/7/events"))


def test_event_syntax() -> None:
    lines = [": comment", "", "data: a", "data: b", "", "event:x", "data:[1]", "", "data: cut off"]
    assert list(parse_events(iter(lines))) == [Event("message", "a\nb"), Event("x", [1])]
