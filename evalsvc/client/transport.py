"""Requests to a server as steps, without doing any I/O: retries, refusals, versions, events.

A `Flow` is a generator that yields what to do next (`Call`, `Wait`) and is sent the outcome.
`Client` carries the steps out with blocking calls and `AsyncClient` with asynchronous ones, so that
both share every decision made here.
"""

import ipaddress
import json
import logging
import random
import uuid
from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar
from urllib.parse import urlsplit

import httpx

from evalsvc import __version__
from evalsvc.errors import ServerError

log = logging.getLogger("evalsvc.client")

TIMEOUT_SECONDS = 30.0
CONNECT_SECONDS = 5.0
ATTEMPTS = 4
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0
TRY_AGAIN = frozenset({429, 502, 503, 504})
MAX_REDIRECTS = 5
STREAM_SILENCE_SECONDS = 90.0  # the server sends a comment more often than that
VERSION_HEADER = "Evalsvc-Version"  # on every answer of a server
# Answers that a client and a server of different versions give each other.
VERSION_SENSITIVE = frozenset({404, 405, 409, 410, 422, 501})

T = TypeVar("T")


@dataclass(frozen=True)
class Call:
    """One HTTP request to make. The outcome is its response, or an httpx.TransportError."""

    method: str
    path: str
    params: Mapping[str, Any] | None = None
    body: Any = None
    headers: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Wait:
    """So many seconds to wait."""

    seconds: float


@dataclass(frozen=True)
class Found(Generic[T]):
    """A partial result to hand to the caller before the flow goes on."""

    value: T


Step = Call | Wait | Found[Any]
Flow = Generator[Step, Any, T]


class Running(Generic[T]):
    """A flow that has been started: `step` is what to do next, None once `result` is there."""

    result: T

    def __init__(self, flow: Flow[T]) -> None:
        self._flow = flow
        self.step: Step | None = None
        self._advance(None)

    def resume(self, outcome: Any) -> None:
        """Send the outcome of `step`; a TransportError is raised inside the flow."""
        self._advance(outcome)

    def _advance(self, outcome: Any) -> None:
        try:
            if isinstance(outcome, httpx.TransportError):
                self.step = self._flow.throw(outcome)
            else:
                self.step = self._flow.send(outcome)
        except StopIteration as end:
            self.step, self.result = None, end.value


class Exchange:
    """The requests to one server: how often they are repeated, and what went wrong.

    Every failure is a ServerError with the server's own message and remedy.
    """

    def __init__(self, server: str, attempts: int) -> None:
        self.server = server
        self.server_version: str | None = None  # as the last answer said
        self._attempts = attempts
        self._warned = False

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Flow[Any]:
        """The JSON of a resource, or its text where it is not JSON."""
        return content((yield from self.call(Call("GET", path, given(params)))))

    def post(
        self,
        path: str,
        body: Any = None,
        idempotency_key: str | None = None,
        params: Mapping[str, Any] | None = None,
    ) -> Flow[Any]:
        """Send JSON and return the answer's JSON. Repeats carry the same Idempotency-Key."""
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        call = Call("POST", path, given(params), {} if body is None else body, headers)
        return content((yield from self.call(call)))

    def delete(self, path: str) -> Flow[Any]:
        """Remove a resource."""
        return content((yield from self.call(Call("DELETE", path))))

    def call(self, call: Call) -> Flow[httpx.Response]:
        """Make a request until it succeeds, is refused, or has been tried often enough."""
        attempt = redirects = 0
        while True:
            last = attempt == self._attempts - 1
            try:
                response: httpx.Response = yield call
            except httpx.TransportError as error:
                if last:
                    raise self.unreachable(error) from error
                yield Wait(pause_seconds(attempt))
                attempt += 1
                continue
            self._note_version(response)
            target = self._redirect_within(call, response)
            if target is not None and redirects < MAX_REDIRECTS:
                call, redirects = replace(call, path=target, params=None), redirects + 1
                continue
            if response.status_code in TRY_AGAIN and not last:
                yield Wait(pause_seconds(attempt, response.headers.get("Retry-After")))
                attempt += 1
                continue
            if not response.is_success:
                raise (yield from self._explained(refusal(response), response))
            return response

    def unexpected(self, what: str) -> Flow[ServerError]:
        """The error for an answer that this version of the client cannot read."""
        if self.server_version is None:
            yield from self._ask_version()
        remedy = version_note(self.server_version) or (
            f"Is {self.server} really an evalsvc server, of a matching version?"
        )
        return ServerError(f"The server's answer cannot be read: {what}.", remedy)

    def unreachable(self, error: httpx.TransportError) -> ServerError:
        """The error for a server that does not answer."""
        reason = "it did not answer in time" if isinstance(error, httpx.TimeoutException) else error
        return ServerError(f"The server {self.server} cannot be reached: {reason}.", START_REMEDY)

    def _note_version(self, response: httpx.Response) -> None:
        version = response.headers.get(VERSION_HEADER)
        if version is None:
            return
        self.server_version = version
        note = version_note(version)
        if note is not None and not self._warned:
            self._warned = True
            log.warning("%s", note)

    def _redirect_within(self, call: Call, response: httpx.Response) -> str | None:
        """Where a GET is redirected to on the same server; the key goes nowhere else."""
        following = response.next_request
        if following is None or call.method != "GET":
            return None
        return str(following.url) if origin(str(following.url)) == origin(self.server) else None

    def _explained(self, error: ServerError, response: httpx.Response) -> Flow[ServerError]:
        """The refusal, with a sentence on versions where they may be its cause."""
        if response.status_code not in VERSION_SENSITIVE:
            return error
        if self.server_version is None and not is_problem(response):
            yield from self._ask_version()
        if (note := version_note(self.server_version)) is not None:
            error.remedy = f"{error.remedy} {note}".strip()
        return error

    def _ask_version(self) -> Flow[None]:
        """Servers before the header say their version at /healthz."""
        try:
            response: httpx.Response = yield Call("GET", "/healthz")
        except httpx.TransportError:
            return
        answer = json_or_text(response.text)
        if response.is_success and isinstance(answer, dict) and "version" in answer:
            self.server_version = str(answer["version"])


START_REMEDY = "Start one with `evalsvc up`, or name another: --server or EVALSVC_SERVER."


def version_note(server_version: str | None) -> str | None:
    """What to say of a server of another version; None where it fits, or is not known.

    Versions fit when their first two numbers are equal.
    """
    if server_version is None:
        return None
    server, client = version_numbers(server_version), version_numbers(__version__)
    if server == client:
        return None
    if server is None or client is None:
        how = "which is not the version of this client"
    else:
        how = f"which is {'newer' if server > client else 'older'} than this client"
    return (
        f"The server runs evalsvc {server_version[:40]}, {how} ({__version__}), so some requests "
        "may fail. Install the same version on both sides."
    )


def version_numbers(version: str) -> tuple[int, int] | None:
    """The first two numbers of a version; None where there are none."""
    parts = version.split(".")
    if len(parts) < 2 or not all(part.isdecimal() and len(part) < 9 for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])


def checked_address(server: str) -> str:
    """The address without a trailing slash. Raises ServerError for what is not one."""
    try:
        parts = urlsplit(server)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:  # the port is not a number
        usable = False
    if not usable:
        raise ServerError(
            f"{server!r} is not the address of a server.",
            "Give it as http://host:port: --server or EVALSVC_SERVER.",
        )
    return server.rstrip("/")


def checked_key(key: str) -> str:
    """The key. Raises ServerError where a header cannot carry it."""
    if not (key.isascii() and key.isprintable()):
        raise ServerError("The key holds characters that no key has.", "Copy it again.")
    return key


def connection_options(server: str, key: str, timeout_seconds: float) -> dict[str, Any]:
    """What httpx's two clients are made with."""
    return {
        "base_url": server,
        "headers": {"Authorization": f"Bearer {key}"} if key else {},
        "timeout": httpx.Timeout(timeout_seconds, connect=min(CONNECT_SECONDS, timeout_seconds)),
        "trust_env": not is_loopback(server),  # a proxy cannot reach this machine's loopback
        # Without https there is nothing to verify; reading the certificates takes 50 ms.
        "verify": server.startswith("https:"),
    }


def is_loopback(server: str) -> bool:
    host = urlsplit(server).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port."""
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return parts.scheme, (parts.hostname or "").lower(), port


def pause_seconds(attempt: int, retry_after: str | None = None) -> float:
    """Seconds before the next attempt: doubling, with jitter; as the server asks if it does."""
    if retry_after is not None and retry_after.isdecimal():
        return min(float(retry_after), LONGEST_PAUSE_SECONDS)
    pause = FIRST_PAUSE_SECONDS * 2.0**attempt
    return min(pause, LONGEST_PAUSE_SECONDS) * random.uniform(0.5, 1.0)  # noqa: S311 - jitter


def given(params: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """The parameters that have a value."""
    return {k: v for k, v in params.items() if v is not None} if params else None


def json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def content(response: httpx.Response) -> Any:
    return json_or_text(response.text) if response.content else None


def is_problem(response: httpx.Response) -> bool:
    """Whether an answer is a problem document (RFC 9457)."""
    problem = json_or_text(response.text)
    return isinstance(problem, dict) and ("detail" in problem or "title" in problem)


def refusal(response: httpx.Response) -> ServerError:
    """The ServerError in an answer: a problem document, or whatever came instead."""
    status = response.status_code
    if is_problem(response):
        problem = json_or_text(response.text)
        message = problem.get("detail") or problem["title"]
        return ServerError(str(message), str(problem.get("remedy") or ""), answered_status=status)
    return ServerError(
        f"{response.request.url} answered {status} {response.reason_phrase}.",
        "Is this address really an evalsvc server? Its log says more.",
        answered_status=status,
    )


@dataclass(frozen=True)
class ServerEvent:
    """One server-sent event. `data` is parsed JSON where it is JSON, else the text."""

    name: str
    data: Any
    id: str = ""


class EventStream:
    """Reads server-sent events (the HTML standard, 9.2) and remembers where to resume."""

    def __init__(self, attempts: int) -> None:
        self._attempts = attempts
        self._failures = 0
        self._last_id = ""  # of the last event that arrived whole
        self.start()

    def start(self) -> None:
        """A new connection: what an earlier one cut off is dropped."""
        self._name, self._data, self._id = "message", list[str](), self._last_id

    def options(self) -> dict[str, Any]:
        """Headers and time limits of the next connection."""
        headers = {"Accept": "text/event-stream"}
        if self._last_id:
            headers["Last-Event-ID"] = self._last_id
        return {
            "headers": headers,
            "timeout": httpx.Timeout(CONNECT_SECONDS, read=STREAM_SILENCE_SECONDS),
        }

    def feed(self, line: str) -> ServerEvent | None:
        """Take one line; returns the event that it completes."""
        if not line:
            event = None
            if self._data:
                event = ServerEvent(self._name, json_or_text("\n".join(self._data)), self._id)
                self._failures = 0
            self._last_id = self._id
            self.start()
            return event
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        match field:
            case "event":
                self._name = value
            case "data":
                self._data.append(value)
            case "id":
                self._id = value
        return None

    def lost(self) -> float | None:
        """The connection was lost: seconds to wait before the next; None when to give up."""
        self._failures += 1
        return None if self._failures >= self._attempts else pause_seconds(self._failures - 1)
