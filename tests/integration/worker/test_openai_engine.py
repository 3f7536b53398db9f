"""The openai engine against a real HTTP server on loopback: answers, retries, refusals."""

import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from PIL import Image

from evalsvc.errors import EngineError, EvalsvcError, UsageError
from evalsvc.specs import CheckpointSpec
from evalsvc.worker.engines import openai
from evalsvc.worker.engines.base import Completion, EngineDied, RequestRefused, SampleRequest
from evalsvc.worker.engines.openai import OpenAIEngine

CHECKPOINT = CheckpointSpec(
    path="/c", fingerprint="f", architecture="A", architecture_hash="a", tokenizer_hash="t"
)
GOOD = {
    "choices": [{"message": {"content": "\\boxed{4}"}, "finish_reason": "stop"}],
    "usage": {"completion_tokens": 6, "prompt_tokens": 11},
}


class ChatServer(ThreadingHTTPServer):
    """Answers with `script`, one (status, body) after the other; the last one for ever."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.script: list[tuple[int, Any]] = [(200, GOOD)]
        self.bodies: list[dict[str, Any]] = []
        self.keys: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: ChatServer

    def do_GET(self) -> None:
        self._answer(200 if self.headers["Authorization"] != "Bearer bad" else 401, {"data": []})

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.keys.append(self.headers["Authorization"])
        script = self.server.script
        self._answer(*(script.pop(0) if len(script) > 1 else script[0]))

    def _answer(self, status: int, body: Any) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Nothing: the tests look at what came."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setattr(openai, "FIRST_PAUSE_SECONDS", 0.01)
    server = ChatServer()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def ask(url: str, request: SampleRequest | None = None, **options: Any) -> Completion:
    messages = [{"role": "user", "content": "2 + 2"}]
    chosen = request or SampleRequest(0, "p", 3, messages, 0.6, 0.9, 50, seed=77)

    async def scenario() -> Completion:
        engine = OpenAIEngine({"base_url": url, "model": "m", **options})
        try:
            await engine.start(CHECKPOINT, 50)
            return await engine.generate(chosen)
        finally:
            await engine.close()

    return asyncio.run(asyncio.wait_for(scenario(), 20))


def test_an_answer_and_what_was_asked(server: ChatServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVALSVC_ENGINE_KEY_TEST", "secret")
    found = ask(server.url, api_key_env="EVALSVC_ENGINE_KEY_TEST")
    assert found == Completion("\\boxed{4}", "stop", output_tokens=6, prompt_tokens=11)
    assert server.bodies[0] == {
        "model": "m", "messages": [{"role": "user", "content": "2 + 2"}], "temperature": 0.6,
        "top_p": 0.9, "max_tokens": 50, "seed": 77,
    }  # fmt: skip
    assert server.keys == ["Bearer secret"]


def test_a_busy_server_is_asked_again(server: ChatServer) -> None:
    server.script = [(429, {}), (503, {}), (200, GOOD)]
    assert ask(server.url).text == "\\boxed{4}"
    assert len(server.bodies) == 3


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (503, {}, EngineDied, r"failed 6 times: status 503"),
        (400, {"error": "too long"}, RequestRefused, r"refused the request \(400\).*too long"),
        (401, {}, UsageError, r"denies access \(401\)"),
        (200, {"choices": []}, EngineDied, r"not a chat completion"),
        (200, b"<html>hello</html>", EngineDied, r"not JSON: '<html>"),
        (
            200,
            {"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]},
            RequestRefused,
            r"'content_filter'",
        ),
    ],
)
def test_what_cannot_be_an_answer_is_told(
    server: ChatServer, status: int, body: Any, error: type[EvalsvcError], words: str
) -> None:
    server.script = [(status, body)]
    with pytest.raises(error, match=words):
        ask(server.url)


def test_a_server_that_is_not_there_is_an_engine_that_does_not_start() -> None:
    with pytest.raises(EngineError, match="cannot be reached"):
        ask("http://127.0.0.1:9/v1")


def test_a_key_that_is_denied_is_told_at_the_start(
    server: ChatServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EVALSVC_ENGINE_KEY", "bad")
    with pytest.raises(UsageError, match="denies access"):
        ask(server.url, api_key_env="EVALSVC_ENGINE_KEY")
    assert server.bodies == []


def test_pictures_travel_in_their_places(server: ChatServer) -> None:
    content = [{"type": "image", "name": "x.png"}, {"type": "text", "text": "How many?"}]
    picture = Image.new("RGB", (3, 3), "red")
    messages = [{"role": "user", "content": content}]
    ask(server.url, SampleRequest(0, "p", 0, messages, 0, 1, 5, images=(picture,)))
    parts = server.bodies[0]["messages"][0]["content"]
    assert parts[0]["image_url"]["url"].startswith("data:image/png;base64,iVBOR")
    assert parts[1] == {"type": "text", "text": "How many?"}
    assert "seed" not in server.bodies[0]
