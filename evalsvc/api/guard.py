"""Checks on every request before any handler: its host, its origin, its address, its size.

- On loopback the header Host must name this machine: this refuses a web page whose name now
  resolves to 127.0.0.1 (DNS rebinding).
- A request that changes something and names the page it comes from must come from our own.
- An address that contains NUL is refused: it cannot be stored or looked up.
- A body above the cap is refused, whether it declares its size or streams past it.
"""

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evalsvc.api import problem_details
from evalsvc.api.auth import is_loopback
from evalsvc.errors import EvalsvcError, PermissionDenied, TooLarge, UsageError

CHANGING = {"POST", "PUT", "PATCH", "DELETE"}


class Guard:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, *, host: str, max_body_bytes: int) -> None:
        self._app = app
        self._loopback = is_loopback(host)
        self._cap = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        try:
            self._check(request)
        except EvalsvcError as error:
            await problem_details.from_error(error, _path(request))(scope, receive, send)
            return
        body = _CappedBody(receive, send, self._cap)
        await self._app(scope, body.receive, body.send)
        if body.exceeded:
            refusal = problem_details.from_error(_too_large(self._cap), _path(request))
            await refusal(scope, receive, send)

    def _check(self, request: Request) -> None:
        host = request.headers.get("host", "")
        if self._loopback and not is_loopback(_host_name(host)):
            raise PermissionDenied(
                f"This server answers only to its own name, not to {host[:200]!r}.",
                "Use http://127.0.0.1 or http://localhost with its port, "
                "or let it listen on another address (which demands keys).",
            )
        origin = request.headers.get("origin")
        if request.method in CHANGING and origin and urlsplit_host(origin) != host:
            raise PermissionDenied(
                f"A page of {origin[:200]!r} may not change anything here.",
                "Use this server's own pages, or send the request from a program.",
            )
        if "\0" in request.scope["path"] or b"%00" in request.scope["query_string"]:
            raise UsageError("The address holds a NUL character.", "Leave it out.")
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self._cap:
            raise _too_large(self._cap)


class _CappedBody:
    """Counts the bytes received; past the cap reading fails, and the handler's answer is dropped.

    Frameworks turn any error while reading a body into their own 400; the caller answers 413.
    """

    def __init__(self, receive: Receive, send: Send, cap: int) -> None:
        self._receive, self._send, self._cap = receive, send, cap
        self._seen = 0
        self._answered = False
        self.exceeded = False  # and no answer has been started

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request":
            self._seen += len(message.get("body", b""))
            if self._seen > self._cap:
                self.exceeded = not self._answered
                raise _too_large(self._cap)
        return message

    async def send(self, message: Message) -> None:
        if not self.exceeded:
            self._answered = True
            await self._send(message)


def urlsplit_host(origin: str) -> str:
    """host:port of an origin; empty for `null` and for anything that is not an origin."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _host_name(host: str) -> str:
    """The header Host without its port."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


def _path(request: Request) -> str:
    path: str = request.scope["path"]
    return path


def _too_large(cap: int) -> TooLarge:
    return TooLarge(
        f"The body is larger than {cap / 2**20:.0f} MiB.",
        "Send less at once, or raise EVALSVC_MAX_BODY_BYTES.",
    )
