"""Authentication and scopes. On loopback every user of the machine may do everything.

A server bound to loopback needs no key, but checks any key that a request carries. A server bound
to another address answers nothing below /v1 without one. admin includes submit, submit includes
read.
"""

import ipaddress
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from evalsvc.api.state import State, StateDep
from evalsvc.errors import (
    AuthenticationError,
    PermissionDenied,
    TooManyRequests,
    UsageError,
)
from evalsvc.settings import Settings
from evalsvc.store.repositories import keys

KEY_COOKIE = "evalsvc_key"  # where the dashboard keeps a key: HttpOnly, SameSite=Strict


class Scope(StrEnum):
    """What a key may do."""

    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


IMPLIED: dict[str, frozenset[Scope]] = {
    "read": frozenset({Scope.READ}),
    "submit": frozenset({Scope.READ, Scope.SUBMIT}),
    "admin": frozenset(Scope),
}


@dataclass(frozen=True)
class Principal:
    """The caller: the name of the key, or `local`."""

    name: str
    scopes: frozenset[Scope]
    key_id: int | None = None


LOCAL = Principal("local", frozenset(Scope))
_bearer = HTTPBearer(
    auto_error=False, description="A key of this server, as `evalsvc keys create` shows it once."
)


def is_loopback(host: str) -> bool:
    """Whether a bind address or host name is this machine only."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_may_start(settings: Settings, state: State) -> None:
    """Raise UsageError when the address is open to others and no key exists."""
    if is_loopback(settings.host):
        return
    with state.database.read() as session:
        if keys.has_living_key(session):
            return
    raise UsageError(
        f"The address {settings.host} can be reached from other machines, and there is no key yet.",
        "Make one first: evalsvc keys create NAME --scopes read,submit,admin; "
        "or listen on 127.0.0.1.",
    )


class RateLimiter:
    """A token bucket for each key: `per_minute` requests, which may come in one burst."""

    def __init__(self, per_minute: int) -> None:
        self._capacity = float(per_minute)
        self._buckets: dict[int, tuple[float, float]] = {}  # key -> (tokens, when)
        self._lock = threading.Lock()

    def take(self, key_id: int) -> None:
        """Count one request. Raises TooManyRequests."""
        with self._lock:
            moment = time.monotonic()
            tokens, since = self._buckets.get(key_id, (self._capacity, moment))
            tokens = min(self._capacity, tokens + (moment - since) * self._capacity / 60.0)
            allowed = tokens >= 1.0
            self._buckets[key_id] = (tokens - 1.0 if allowed else tokens, moment)
        if not allowed:
            raise TooManyRequests(
                f"This key has made more than {self._capacity:.0f} requests in a minute.",
                "Wait a second and go on more slowly; EVALSVC_REQUESTS_PER_MINUTE sets the limit.",
            )


def authenticate(
    request: Request,
    state: StateDep,
    credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> Principal:
    """Return the caller. Raises AuthenticationError, TooManyRequests."""
    shown = credentials.credentials if credentials else request.cookies.get(KEY_COOKIE)
    if not shown and request.headers.get("authorization"):
        raise AuthenticationError(
            "The header Authorization holds no key.", "Send it as `Authorization: Bearer KEY`."
        )
    if not shown:
        if is_loopback(state.settings.host):
            return LOCAL
        raise AuthenticationError(
            "This server demands a key.",
            "Send `Authorization: Bearer KEY`, or set EVALSVC_KEY for the commands. "
            "An administrator makes keys with `evalsvc keys create`.",
        )
    return _principal(request, state, shown)


def _principal(request: Request, state: State, shown: str) -> Principal:
    with state.database.read() as session:
        row = keys.find_key(session, shown)
        if row is None:
            raise AuthenticationError(
                "This key is not known here, or has been revoked.",
                "Check EVALSVC_KEY; `evalsvc keys list` (on the server) names the living keys.",
            )
        scopes = frozenset[Scope]().union(*(IMPLIED[scope] for scope in row.scopes))
        found, stale = Principal(row.name, scopes, row.id), keys.use_is_stale(row)
    limiter: RateLimiter = request.app.state.limiter
    limiter.take(row.id)
    if stale:
        with state.database.write() as session:
            keys.note_use(session, row.id)
    return found


def require(scope: Scope) -> Callable[..., Principal]:
    """A dependency that requires `scope` of the caller."""

    def check(principal: Annotated[Principal, Depends(authenticate)]) -> Principal:
        if scope not in principal.scopes:
            raise PermissionDenied(
                f"The key {principal.name!r} does not have the scope {scope.value!r}.",
                "Use a key that has it, or ask an administrator for one.",
            )
        return principal

    return check


Reader = Annotated[Principal, Depends(require(Scope.READ))]
Submitter = Annotated[Principal, Depends(require(Scope.SUBMIT))]
Admin = Annotated[Principal, Depends(require(Scope.ADMIN))]
