"""The openai engine: any server with OpenAI's chat completions API.

The checkpoint is only a name for the results; which model the server really runs is unknown here.
Options: `base_url` (including /v1), `model`, `api_key_env`, `concurrency`. A job names the
environment variable of the key and never the key itself. Only variables whose name begins with
EVALSVC_ENGINE_KEY are allowed, so a job cannot send another secret of the worker to its server.
"""

import asyncio
import base64
import io
import os
import random
import re
from collections.abc import Mapping
from typing import Any, ClassVar

import httpx

from evalsvc.errors import EngineError, UsageError
from evalsvc.specs import CheckpointSpec
from evalsvc.worker.engines.base import (
    Completion,
    Engine,
    EngineDied,
    RequestRefused,
    SampleRequest,
    read_options,
)
from evalsvc.worker.limits import (
    OPENAI_CONNECT_SECONDS,
    OPENAI_MAX_ATTEMPTS,
    OPENAI_RESPONSE_SECONDS,
)

OPTIONS = {"base_url": str, "model": str, "api_key_env": str, "concurrency": int}
KEY_VARIABLE = re.compile(r"EVALSVC_ENGINE_KEY[A-Z0-9_]*")
FIRST_PAUSE_SECONDS = 0.5
BUSY = {408, 409, 425, 429, 500, 502, 503, 504}
DENIED = {401, 403}


class OpenAIEngine(Engine):
    """One request per sample. The server does its own batching."""

    name: ClassVar[str] = "openai"

    def __init__(self, options: Mapping[str, Any]) -> None:
        chosen = read_options(self.name, options, OPTIONS)
        missing = {"base_url", "model"} - set(chosen)
        if missing:
            raise UsageError(
                f"The engine 'openai' needs {' and '.join(sorted(missing))}.",
                'Give engine_options {"base_url": "http://HOST:PORT/v1", "model": "NAME"}.',
            )
        self._url = str(chosen["base_url"]).rstrip("/")
        if not self._url.startswith(("http://", "https://")):
            raise UsageError(f"{self._url!r} is not an HTTP address.", "Correct `base_url`.")
        self._model = str(chosen["model"])
        self._headers = key_headers(chosen.get("api_key_env"))
        self.max_concurrency = max(1, int(chosen.get("concurrency", 64)))
        self._client: httpx.AsyncClient | None = None

    async def start(self, checkpoint: CheckpointSpec, max_tokens: int) -> None:
        self._client = httpx.AsyncClient(
            headers=self._headers,
            timeout=httpx.Timeout(OPENAI_RESPONSE_SECONDS, connect=OPENAI_CONNECT_SECONDS),
            limits=httpx.Limits(max_connections=self.max_concurrency),
        )
        try:
            response = await self._client.get(f"{self._url}/models", timeout=OPENAI_CONNECT_SECONDS)
        except httpx.HTTPError as error:
            raise EngineError(
                f"The server {self._url} cannot be reached: {error or type(error).__name__}.",
                "Check `base_url`, and that the server is up.",
            ) from error
        self._check_key(response)

    async def swap(self, checkpoint: CheckpointSpec) -> None:
        return None

    async def generate(self, request: SampleRequest) -> Completion:
        body = {
            "model": self._model,
            "messages": with_images(request),
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_tokens": request.max_tokens,
        }
        if request.seed is not None:
            body["seed"] = request.seed
        return read_completion(await self._post(body))

    async def close(self) -> None:
        if self._client is not None:
            client, self._client = self._client, None
            await client.aclose()

    def info(self) -> dict[str, Any]:
        return {
            "engine": self.name,
            "device": "remote",
            "base_url": self._url,
            "model": self._model,
        }

    async def _post(self, body: Mapping[str, Any]) -> Any:
        """Post a request and return the JSON of the response.

        Failures that may pass are retried after pauses that double, with jitter.
        """
        assert self._client is not None, "generate before start"
        failure = ""
        for attempt in range(OPENAI_MAX_ATTEMPTS):
            if attempt:
                pause = FIRST_PAUSE_SECONDS * 2 ** (attempt - 1)
                await asyncio.sleep(pause * random.uniform(0.5, 1.5))  # noqa: S311
            try:
                response = await self._client.post(f"{self._url}/chat/completions", json=body)
            except httpx.HTTPError as error:
                failure = str(error) or type(error).__name__
                continue
            self._check_key(response)
            if response.status_code in BUSY:
                failure = f"status {response.status_code}"
                continue
            if response.is_error:
                raise RequestRefused(
                    f"{self._url} refused the request ({response.status_code}): "
                    f"{response.text[:300]}"
                )
            return read_json(response)
        raise EngineDied(
            f"The server {self._url} failed {OPENAI_MAX_ATTEMPTS} times: {failure}.",
            "Check that it is up. The shard will be retried.",
        )

    def _check_key(self, response: httpx.Response) -> None:
        if response.status_code in DENIED:
            raise UsageError(
                f"The server {self._url} denies access ({response.status_code}).",
                "Set the key in the worker's environment and name it in `api_key_env`.",
            )


def key_headers(variable: str | None) -> dict[str, str]:
    """The authorization header with the key from the environment variable."""
    if variable is None:
        return {}
    if not KEY_VARIABLE.fullmatch(variable):
        raise UsageError(
            f"`api_key_env` may not be {variable!r}.",
            "Put the key into a variable whose name begins with EVALSVC_ENGINE_KEY.",
        )
    key = os.environ.get(variable)
    if not key:
        raise UsageError(f"The variable {variable} is not set on the worker.", "Set it there.")
    return {"Authorization": f"Bearer {key}"}


def with_images(request: SampleRequest) -> list[dict[str, Any]]:
    """The messages with each image part replaced by a data URL, in order."""
    images = iter(request.images)

    def part(value: Mapping[str, Any]) -> Mapping[str, Any]:
        if value["type"] != "image":
            return value
        buffer = io.BytesIO()
        next(images).save(buffer, format="PNG")
        data = base64.b64encode(buffer.getvalue()).decode()
        return {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}

    return [
        {**message, "content": [part(value) for value in message["content"]]}
        if isinstance(message["content"], list)
        else dict(message)
        for message in request.messages
    ]


def read_json(response: httpx.Response) -> Any:
    """The JSON of an answer. Raises EngineDied if it is not JSON: another program listens there."""
    try:
        return response.json()
    except ValueError as error:
        raise EngineDied(
            f"The server's response is not JSON: {response.text[:300]!r}",
            "Check `base_url`; it usually ends in /v1.",
        ) from error


def read_completion(body: Any) -> Completion:
    """Read a chat completion. Raises EngineDied if the response is not one."""
    try:
        choice, usage = body["choices"][0], body.get("usage") or {}
        text, reason = choice["message"]["content"] or "", choice["finish_reason"]
        tokens = int(usage.get("completion_tokens") or 0), int(usage.get("prompt_tokens") or 0)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise EngineDied(
            f"The server's response is not a chat completion: {str(body)[:300]}",
            "Check `base_url`; it usually ends in /v1.",
        ) from error
    if reason not in {"stop", "length"}:
        raise RequestRefused(f"The server ended the completion with {reason!r}.")
    return Completion(text, reason, output_tokens=tokens[0], prompt_tokens=tokens[1])
