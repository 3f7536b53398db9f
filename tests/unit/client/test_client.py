"""The clients against a real HTTP server that fails, refuses, hangs or is not there."""

import asyncio
import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from evalsvc import AsyncClient, Client, __version__
from evalsvc.client import transport
from evalsvc.client.rows import ComparisonRow, Job, SampleRow, Table
from evalsvc.client.transport import EventStream, ServerEvent, version_note
from evalsvc.errors import MissingPackage, ServerError, UsageError
from evalsvc.specs import JobRequest
from tests.support.scripted_server import Answer, Request, ScriptedServer, scripted_server

REQUEST = JobRequest(checkpoint="/models/a", run="r", benchmarks=("smoke",))


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "FIRST_PAUSE_SECONDS", 0.01)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as script:
        yield script


class Both:
    """Calls a method of `Client`, or of `AsyncClient` until its coroutine has ended."""

    def __init__(self, asynchronous: bool) -> None:
        self.asynchronous = asynchronous

    def __call__(self, url: str, method: str, *args: Any, options: Any = None, **named: Any) -> Any:
        options = {"key": "", **(options or {})}
        if not self.asynchronous:
            with Client(url, **options) as client:
                return getattr(client, method)(*args, **named)

        async def run() -> Any:
            async with AsyncClient(url, **options) as client:
                return await getattr(client, method)(*args, **named)

        return asyncio.run(run())


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def call(request: pytest.FixtureRequest) -> Both:
    return Both(request.param)


def job(**changes: Any) -> dict[str, Any]:
    """A job as a server answers it."""
    progress = {"samples_done": 1, "samples_wanted": 4, "fraction": 0.25, "shards": {"ready": 1}}
    return {
        "id": "7",
        "owner": "local",
        "state": "running",
        "priority": 0,
        "run": "r",
        "method": "GRPO",
        "step": 3,
        "checkpoint": "/models/a",
        "progress": progress,
        "evaluations": [],
        "reasons": [],
        "error": None,
        "remedy": None,
        "request": {},
        "created_at": "2026-01-02T03:04:05Z",
        "started_at": None,
        "finished_at": None,
        **changes,
    }


def test_a_key_and_parameters_are_sent(server: ScriptedServer, call: Both) -> None:
    server.answer = lambda _: Answer(body={"items": []})
    found = call(server.url + "/", "get", "/v1/runs", {"limit": 5, "cursor": None},
                 options={"key": "secret"})  # fmt: skip
    assert found == {"items": []}
    assert {k.lower(): v for k, v in server.requests[0].headers.items()}["authorization"] == (
        "Bearer secret"
    )
    assert server.requests[0].path == "/v1/runs?limit=5"


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_failing_server_is_asked_again_under_one_key(
    server: ScriptedServer, call: Both, status: int
) -> None:
    answers = iter([Answer(status), Answer(drop=True), Answer(body=job())])
    server.answer = lambda _: next(answers)
    assert call(server.url, "submit_request", REQUEST).id == "7"
    keys = {r.headers["Idempotency-Key"] for r in server.requests}
    assert (len(server.requests), len(keys)) == (3, 1)
    assert server.requests[0].body["benchmarks"] == ["smoke"]


def test_a_refusal_comes_once_and_with_its_remedy(server: ScriptedServer, call: Both) -> None:
    problem = {"title": "Bad", "status": 422, "detail": "No such benchmark.", "remedy": "See them."}
    server.answer = lambda _: Answer(422, problem)
    with pytest.raises(ServerError, match="No such benchmark") as caught:
        call(server.url, "post", "/v1/jobs", {})
    assert (caught.value.answered_status, caught.value.remedy) == (422, "See them.")
    assert len(server.requests) == 1


def test_an_answer_that_is_not_a_problem_document(server: ScriptedServer, call: Both) -> None:
    server.answer = lambda _: Answer(500, "<html>oops</html>")
    with pytest.raises(ServerError, match="answered 500") as caught:
        call(server.url, "get", "/v1/jobs")
    assert caught.value.answered_status == 500


def test_a_redirect_elsewhere_is_not_followed_with_the_key(
    server: ScriptedServer, call: Both
) -> None:
    server.answer = lambda _: Answer(302, headers={"Location": "http://elsewhere.invalid/"})
    with pytest.raises(ServerError, match="answered 302"):
        call(server.url, "get", "/v1/jobs", options={"key": "secret"})
    assert len(server.requests) == 1


def test_a_redirect_within_the_server_is_followed_but_not_forever(
    server: ScriptedServer, call: Both
) -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/old?a=1":
            return Answer(307, headers={"Location": "/new?a=1"})
        return Answer(body=request.path)

    server.answer = answer
    assert call(server.url, "get", "/old", {"a": 1}) == "/new?a=1"
    server.answer = lambda _: Answer(307, headers={"Location": "/again"})
    with pytest.raises(ServerError, match="answered 307"):
        call(server.url, "get", "/again")


def test_a_hanging_server_costs_only_the_time_limit(server: ScriptedServer, call: Both) -> None:
    server.answer = lambda _: Answer(delay_seconds=2)
    with pytest.raises(ServerError, match="did not answer in time") as caught:
        call(server.url, "get", "/v1/jobs", options={"timeout_seconds": 0.1, "attempts": 2})
    assert caught.value.answered_status == 0


def test_no_server_at_all(call: Both) -> None:
    with pytest.raises(ServerError, match="cannot be reached") as caught:
        call("http://127.0.0.1:9", "get", "/v1/jobs", options={"attempts": 2})
    assert "evalsvc up" in caught.value.remedy


@pytest.mark.parametrize("address", ["", "localhost:8420", "ftp://host", "http://", "http://h:x"])
@pytest.mark.parametrize("kind", [Client, AsyncClient])
def test_an_address_that_is_none(address: str, kind: Callable[..., Any]) -> None:
    with pytest.raises(ServerError, match="not the address of a server"):
        kind(address)


def test_a_damaged_key_is_refused() -> None:
    with pytest.raises(ServerError, match="key"):
        Client("http://localhost:1", key="a\nb")


def test_server_and_key_come_from_the_settings(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("EVALSVC_SERVER", raising=False)
    assert Client().server == "http://127.0.0.1:8420"
    monkeypatch.setenv("EVALSVC_SERVER", server.url)
    monkeypatch.setenv("EVALSVC_KEY", "from-the-environment")
    server.answer = lambda _: Answer(body={})
    for client in (Client(), Client(key="given"), Client(key="")):
        client.get("/v1/runs")
    sent = [{k.lower(): v for k, v in r.headers.items()} for r in server.requests]
    assert [headers.get("authorization") for headers in sent] == [
        "Bearer from-the-environment",
        "Bearer given",
        None,
    ]


def test_waiting_reports_changes_and_returns_the_ended_job(
    server: ScriptedServer, call: Both
) -> None:
    states = ["queued", "running", "running", "done"]
    numbers = count()
    server.answer = lambda _: Answer(body=job(state=states[next(numbers)]))
    seen: list[str] = []
    ended = call(
        server.url, "wait", "7", progress=lambda j: seen.append(j.state), poll_seconds=0.01
    )
    assert (ended.state, ended.ended) == ("done", True)
    assert seen == ["queued", "running", "done"]


def test_waiting_has_an_end(server: ScriptedServer, call: Both) -> None:
    server.answer = lambda _: Answer(body=job())
    with pytest.raises(ServerError, match=r"not ended after 0\.05 s; it is running"):
        call(server.url, "wait", "7", timeout_seconds=0.05, poll_seconds=0.01)


def test_something_else_listens_there(server: ScriptedServer, call: Both) -> None:
    server.answer = lambda _: Answer(body="hello")
    with pytest.raises(ServerError, match="not the expected JSON") as caught:
        call(server.url, "job", "7")
    assert "really an evalsvc server" in caught.value.remedy


def other_version(change: int) -> str:
    major, minor, *_ = __version__.split(".")
    return f"{major}.{int(minor) + change}.0"


@pytest.mark.parametrize(
    ("version", "how"),
    [(other_version(1), "newer than"), ("0.0.9", "older than"), ("odd", "not the version of")],
)
def test_a_server_of_another_version_is_named_once(
    server: ScriptedServer, version: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = lambda _: Answer(body={}, headers={"Evalsvc-Version": version})
    with caplog.at_level(logging.WARNING), Client(server.url, key="") as client:
        client.get("/v1/runs")
        client.get("/v1/runs")
    assert client.server_version == version
    [line] = [record.message for record in caplog.records if record.name == "evalsvc.client"]
    assert f"The server runs evalsvc {version}, which is {how}" in line
    assert __version__ in line


def test_the_same_version_is_not_mentioned(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    patch = ".".join([*__version__.split(".")[:2], "99"])
    assert version_note(patch) is None
    assert version_note(None) is None
    server.answer = lambda _: Answer(body={}, headers={"Evalsvc-Version": patch})
    Client(server.url, key="").get("/v1/runs")
    assert caplog.records == []


def test_an_answer_of_another_version_that_cannot_be_read(
    server: ScriptedServer, call: Both
) -> None:
    """The field `progress` is gone: a sentence, with the field and both versions."""
    body = {key: value for key, value in job().items() if key != "progress"}
    newer = {"Evalsvc-Version": other_version(1)}
    server.answer = lambda _: Answer(body=body, headers=newer)
    with pytest.raises(ServerError, match=r"progress: Field required") as caught:
        call(server.url, "job", "7")
    assert f"evalsvc {other_version(1)}, which is newer than this client" in caught.value.remedy


def test_a_server_before_the_version_header_is_asked(server: ScriptedServer, call: Both) -> None:
    def answer(request: Request) -> Answer:
        if request.path == "/healthz":
            return Answer(body={"status": "ok", "version": "0.0.1"})
        return Answer(body={"id": 7})

    server.answer = answer
    with pytest.raises(ServerError) as caught:
        call(server.url, "job", "7")
    assert "evalsvc 0.0.1, which is older than this client" in caught.value.remedy


def test_a_refusal_by_another_version_says_so(server: ScriptedServer, call: Both) -> None:
    headers = {"Evalsvc-Version": other_version(1)}
    server.answer = lambda _: Answer(422, {"detail": "No.", "remedy": "Change it."}, headers)
    with pytest.raises(ServerError) as caught:
        call(server.url, "get", "/v1/rank")
    assert caught.value.remedy.startswith("Change it. The server runs evalsvc")


def test_fields_of_a_newer_server_are_kept(server: ScriptedServer) -> None:
    server.answer = lambda _: Answer(body=job(adapters=["a"]))
    found = Client(server.url, key="").job("7")
    assert found.adapters == ["a"]  # type: ignore[attr-defined]
    assert found.to_dict() == job(adapters=["a"])


def test_lists_are_read_to_their_end(server: ScriptedServer, call: Both) -> None:
    def answer(request: Request) -> Answer:
        if request.path.startswith("/v1/evaluations?"):
            last = "cursor=x" in request.path
            return Answer(body={"items": [], "next_cursor": None if last else "x"})
        return Answer(404, {"detail": request.path})

    server.answer = answer
    table = call(server.url, "results", "a run", "smoke")
    assert (len(table), len(server.requests)) == (0, 2)
    assert "run=a+run&benchmark=smoke" in server.requests[0].path
    assert table.columns[:3] == ["evaluation", "run", "step"]
    assert list(table.to_pandas().columns) == table.columns


def test_samples_of_another_problem_are_refused(server: ScriptedServer) -> None:
    problem = {"problem": 4, "problem_id": "5", "n": 1, "c": 0, "error": None}

    def answer(request: Request) -> Answer:
        if "/samples" in request.path:
            return Answer(body={"problem": 5, "items": [], "next_cursor": None})
        return Answer(body={"items": [problem], "next_cursor": None})

    server.answer = answer
    with pytest.raises(ServerError, match="not the samples of row 4"):
        list(Client(server.url, key="").samples("e"))


def test_a_number_is_a_row_and_a_text_an_id(server: ScriptedServer) -> None:
    """Row 4 has the id "5" and row 5 the id "4": neither is taken for the other."""
    rows = {"5": 4, "4": 5}
    problems = [{"problem": row, "problem_id": i, "n": 1, "c": 0, "error": None}
                for i, row in rows.items()]  # fmt: skip

    def answer(request: Request) -> Answer:
        if "/samples" in request.path:
            row = int(request.path.split("/")[-2])
            return Answer(body={"problem": row, "items": [SAMPLE], "next_cursor": None})
        return Answer(body={"items": problems, "next_cursor": None})

    server.answer = answer
    client = Client(server.url, key="")
    assert [(s.problem, s.problem_id) for s in client.samples("e", 5)] == [(5, "4")]
    assert [(s.problem, s.problem_id) for s in client.samples("e", "5")] == [(4, "5")]
    assert [s.problem for s in client.samples("e")] == [4, 5]


def test_settings_are_checked_before_they_are_sent(call: Both) -> None:
    url = "http://127.0.0.1:9"
    for settings, message in [
        ({"sample": 4}, "Did you mean 'samples'"),
        ({"samples": 0}, "samples"),
        ({"samples": 2, "ks": (4,)}, "k = 4"),
        ({"protocol": "odd"}, "odd"),
        ({"benchmarks": []}, "No benchmark"),
        ({"benchmarks": " , "}, "No benchmark"),
    ]:
        with pytest.raises(UsageError, match=message):
            call(url, "submit", "c", **{"run": "r", "benchmarks": "smoke", **settings})


def test_a_checkpoint_that_is_here_is_sent_as_an_absolute_path(
    server: ScriptedServer, call: Both, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here").mkdir()
    server.answer = lambda _: Answer(201, job())
    for path in (Path("here"), "elsewhere/step-1"):
        call(server.url, "submit", path, run="r", step=3, benchmarks="smoke, math", samples=2)
    bodies = [request.body for request in server.requests]
    assert [b["checkpoint"] for b in bodies] == [str(tmp_path / "here"), "elsewhere/step-1"]
    assert bodies[0]["benchmarks"] == ["smoke", "math"]
    assert bodies[0]["step"] == 3


def events_of(url: str, asynchronous: bool) -> list[ServerEvent]:
    if not asynchronous:
        return list(Client(url, key="").events("7"))

    async def run() -> list[ServerEvent]:
        async with AsyncClient(url, key="") as client:
            return [event async for event in client.events("7")]

    return asyncio.run(run())


@pytest.mark.parametrize("asynchronous", [False, True])
def test_events_are_resumed_after_a_lost_connection(
    server: ScriptedServer, asynchronous: bool
) -> None:
    def answer(request: Request) -> Answer:
        if "Last-Event-ID" not in request.headers:  # promises more than it sends
            body = 'id: 1\nevent: progress\ndata: {"done": 1}\n\nid: 2\ndata: cut'
            return Answer(body=body, headers={"Content-Length": "1000"})
        return Answer(body='id: 2\nevent: done\ndata: {"done": 2}\n\n')

    server.answer = answer
    assert events_of(server.url, asynchronous) == [
        ServerEvent("progress", {"done": 1}, "1"),
        ServerEvent("done", {"done": 2}, "2"),
    ]
    assert server.requests[0].path == "/v1/jobs/7/events"
    assert server.requests[1].headers["Last-Event-ID"] == "1"


@pytest.mark.parametrize("asynchronous", [False, True])
def test_a_refused_stream(server: ScriptedServer, asynchronous: bool) -> None:
    server.answer = lambda _: Answer(404, {"detail": "There is no job 7."})
    with pytest.raises(ServerError, match="no job 7"):
        events_of(server.url, asynchronous)


def test_event_syntax() -> None:
    lines = [": comment", "", "data: a", "data: b", "", "event:x", "data:[1]", "", "data: cut off"]
    stream = EventStream(attempts=1)
    found = [event for line in lines if (event := stream.feed(line)) is not None]
    assert found == [ServerEvent("message", "a\nb"), ServerEvent("x", [1])]


SAMPLE: dict[str, Any] = {
    "evaluation": "e",
    "problem": 0,
    "problem_id": "p",
    "sample": 0,
    "response": "<b>2</b>",
    "finish_reason": "stop",
    "output_tokens": 3,
    "extracted": None,
    "span": None,
    "verdict": "no_answer",
    "correct": False,
    "rule": "none",
    "verifier": "1",
    "verify_ms": 0.5,
    "seed": None,
    "override": None,
}


def sample_table() -> Table[SampleRow]:
    found = {"sample": 1, "span": (3, 4), "extracted": "2", "seed": 9, "correct": True}
    return Table(SampleRow, [SampleRow(**SAMPLE), SampleRow(**{**SAMPLE, **found})])


def test_tables_become_data_frames() -> None:
    table = sample_table()
    pandas, polars = table.to_pandas(), table.to_polars()
    assert list(pandas.columns) == polars.columns == table.columns
    assert pandas["correct"].tolist() == polars["correct"].to_list() == [False, True]
    assert polars["span_low"].to_list() == [None, 3]
    assert polars["extracted"].to_list() == [None, "2"]
    assert [row.sample for row in table] == [0, 1]
    assert (table[1].span, len(table[:1]), table[-1] is table.rows[1]) == ((3, 4), 1, True)
    empty = Table(ComparisonRow, [])
    assert empty.to_pandas().shape == (0, len(empty.columns))
    assert empty.to_polars().columns == empty.columns


def test_rows_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        sample_table()[0].correct = True


def test_a_notebook_shows_a_table_and_no_markup_of_an_answer() -> None:
    html = sample_table()._repr_html_()
    assert "<td>&lt;b&gt;2&lt;/b&gt;</td>" in html
    assert "2 rows of SampleRow" in repr(sample_table())


@pytest.mark.parametrize("package", ["pandas", "polars"])
def test_a_missing_package_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackage, match=f"pip install {package}"):
        getattr(sample_table(), f"to_{package}")()


def test_importing_the_package_imports_nothing_heavy() -> None:
    code = (
        "import sys, evalsvc\n"
        "early = [m for m in ('httpx', 'pydantic', 'rich', 'typer') if m in sys.modules]\n"
        "from evalsvc import AsyncClient, Client\n"
        "heavy = ('pandas', 'polars', 'numpy', 'IPython', 'fastapi', 'sqlalchemy')\n"
        "print(early, [m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[] []"


def test_a_job_reads_as_it_was_written() -> None:
    read = Job.model_validate(job())
    assert json.loads(json.dumps(read.to_dict())) == job()
