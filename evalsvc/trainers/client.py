"""The HTTP client of the service: for the command line, the hooks and anybody's scripts.

Synchronous, httpx only. Every call has a time limit; calls that are safe to repeat are repeated
when the network or the server stumbles, POSTs under one Idempotency-Key, so that nothing is done
twice. Every failure is a ServerError in words, with the server's own remedy.
"""

import ipaddress
import json
import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from evalsvc.errors import ServerError
from evalsvc.specs import JobRequest

TIMEOUT_SECONDS = 30.0
CONNECT_SECONDS = 5.0
ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0
TRY_AGAIN = frozenset({429, 502, 503, 504})
ENDED = frozenset({"done", "failed", "cancelled"})  # states in which a job stays
STREAM_SILENCE_SECONDS = 90.0  # the server sends a comment more often than that


@dataclass(frozen=True)
class Event:
    """One server-sent event. `data` is parsed JSON where it is JSON, else the text."""

    name: str
    data: Any
    id: str = ""


class Client:
    """A connection to one server. Paths are the server's own, as in `get("/v1/jobs")`."""

    def __init__(
        self,
        server: str,
        key: str | None = None,
        *,
        timeout_seconds: float = TIMEOUT_SECONDS,
        attempts: int = ATTEMPTS,
        transport: httpx.BaseTransport | None = None,  # another way than the network
    ) -> None:
        self.server = _checked(server)
        if key and not (key.isascii() and key.isprintable()):
            raise ServerError("The key holds characters that no key has.", "Copy it again.")
        self._attempts = attempts
        self._http = httpx.Client(
            base_url=self.server,
            headers={"Authorization": f"Bearer {key}"} if key else {},
            timeout=httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
            trust_env=not _is_loopback(self.server),  # a proxy cannot reach this machine's loopback
            # Without https there is nothing to verify; reading the certificates takes 50 ms.
            verify=self.server.startswith("https:"),
            transport=transport,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """The JSON of a resource (the text, if it is no JSON). Raises ServerError."""
        return _content(self._call("GET", path, params=_given(params)))

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | None = None,
        idempotency_key: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send JSON; the answer's JSON. Repeats carry one Idempotency-Key. Raises ServerError."""
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return _content(
            self._call("POST", path, json=body or {}, headers=headers, params=_given(params))
        )

    def delete(self, path: str) -> Any:
        """Remove a resource. Raises ServerError."""
        return _content(self._call("DELETE", path))

    def submit(self, request: JobRequest, idempotency_key: str | None = None) -> dict[str, Any]:
        """Submit a job; returns the job."""
        body = request.model_dump(mode="json", exclude_none=True)
        return _object(self.post("/v1/jobs", body, idempotency_key))

    def job(self, job_id: str | int) -> dict[str, Any]:
        """A job with its state and progress."""
        return _object(self.get(f"/v1/jobs/{job_id}"))

    def wait(
        self,
        job_id: str | int,
        on_progress: Callable[[dict[str, Any]], None] | None = None,
        *,
        timeout_seconds: float | None = None,
        poll_seconds: float = 1.0,
    ) -> dict[str, Any]:
        """Wait until a job has ended, calling `on_progress` with the job whenever it has changed.

        Returns the ended job; its `state` says how. Raises ServerError, also past the time limit.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        seen: dict[str, Any] | None = None
        while True:
            job = self.job(job_id)
            if on_progress is not None and job != seen:
                on_progress(job)
            seen = job
            if job.get("state") in ENDED:
                return job
            if deadline is not None and time.monotonic() >= deadline:
                raise ServerError(
                    f"The job {job_id} has not ended after {timeout_seconds:g} s; "
                    f"it is {job.get('state')}.",
                    f"It goes on: look at it with evalsvc jobs {job_id}, or wait longer.",
                )
            time.sleep(poll_seconds)

    def stream_events(self, path: str, params: Mapping[str, Any] | None = None) -> Iterator[Event]:
        """Server-sent events until the server ends the stream; a lost connection is resumed.

        Raises ServerError if the server refuses, or cannot be reached several times in a row.
        """
        last_id, failures = "", 0
        while True:
            try:
                for event in self._stream(path, params, last_id):
                    last_id, failures = event.id or last_id, 0
                    yield event
            except httpx.TransportError as error:
                failures += 1
                if failures >= self._attempts:
                    raise self._unreachable(error) from error
                time.sleep(_pause(failures - 1))
            else:
                return

    def _stream(self, path: str, params: Mapping[str, Any] | None, last_id: str) -> Iterator[Event]:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": last_id} if last_id else {})
        timeout = httpx.Timeout(CONNECT_SECONDS, read=STREAM_SILENCE_SECONDS)
        with self._http.stream(
            "GET", path, params=_given(params), headers=headers, timeout=timeout
        ) as response:
            if response.is_error:
                response.read()
                raise _refusal(response)
            yield from parse_events(response.iter_lines())

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        for attempt in range(self._attempts):
            last = attempt == self._attempts - 1
            try:
                response = self._http.request(method, path, **options)
            except httpx.TransportError as error:
                if last:
                    raise self._unreachable(error) from error
                time.sleep(_pause(attempt))
                continue
            if response.status_code in TRY_AGAIN and not last:
                time.sleep(_pause(attempt, response.headers.get("Retry-After")))
                continue
            if not response.is_success:
                raise _refusal(response)
            return response
        raise AssertionError("a client makes at least one attempt")

    def _unreachable(self, error: httpx.TransportError) -> ServerError:
        reason = "it did not answer in time" if isinstance(error, httpx.TimeoutException) else error
        return ServerError(
            f"The server {self.server} cannot be reached: {reason}.",
            "Start it with `evalsvc up`, or name another: --server or EVALSVC_SERVER.",
        )


def parse_events(lines: Iterator[str]) -> Iterator[Event]:
    """Server-sent events out of a response's lines (the HTML standard, 9.2)."""
    name, identity, data = "message", "", list[str]()
    for line in lines:
        if not line:
            if data:
                yield Event(name, _json_or_text("\n".join(data)), identity)
            name, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                name = value
            case "data":
                data.append(value)
            case "id":
                identity = value


def _checked(server: str) -> str:
    try:
        parts = urlsplit(server)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        usable = False
    if not usable:
        raise ServerError(
            f"{server!r} is not the address of a server.",
            "Give it as http://host:port: --server or EVALSVC_SERVER.",
        )
    return server.rstrip("/")


def _is_loopback(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pause(attempt: int, retry_after: str | None = None) -> float:
    """Seconds before the next attempt: doubling, with jitter; the server's wish if it has one."""
    if retry_after is not None and retry_after.isdecimal():
        return min(float(retry_after), LONGEST_PAUSE_SECONDS)
    pause = FIRST_PAUSE_SECONDS * 2.0**attempt
    return min(pause, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


def _given(params: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return {k: v for k, v in params.items() if v is not None} if params else None


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _content(response: httpx.Response) -> Any:
    return _json_or_text(response.text) if response.content else None


def _object(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    raise ServerError(
        "The server answered with something that is not the expected JSON object.",
        "Is this address really an evalsvc server, of a matching version?",
    )


def _refusal(response: httpx.Response) -> ServerError:
    """The ServerError in an answer: a problem document (RFC 9457), or whatever came instead."""
    status = response.status_code
    problem = _json_or_text(response.text)
    if isinstance(problem, dict) and ("detail" in problem or "title" in problem):
        message = problem.get("detail") or problem["title"]
        return ServerError(str(message), str(problem.get("remedy") or ""), answered_status=status)
    return ServerError(
        f"{response.request.url} answered {status} {response.reason_phrase}.",
        "Is this address really an evalsvc server? Its log says more.",
        answered_status=status,
    )
