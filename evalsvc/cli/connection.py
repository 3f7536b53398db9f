"""Where a command's question goes: a server, or this program itself on the local database.

First the server that was named (--server, EVALSVC_SERVER), then the one that runs on these data
(DATA/server.json), then whatever answers at the default address. If none does, the same HTTP
application answers inside this process, on the local database: one way to ask, with or without.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

import httpx

from evalsvc.cli.failures import needs
from evalsvc.errors import ServerError, UsageError
from evalsvc.settings import SERVER_FILE, Settings, load_settings
from evalsvc.trainers.client import Client

PROBE_SECONDS = 2.0


def connect(server: str | None, nouns: Sequence[str], *, create: bool = False) -> Client:
    """A client for `nouns` (routers of the API). `create`: make the local database if need be.

    Raises ServerError when no server answers and there is no local database either.
    """
    settings = load_settings()
    found = find_server(settings, server)
    if found is not None:
        return Client(found, settings.key or None)
    if not create and not _has_database(settings):
        raise ServerError(
            f"No server answers at {settings.resolved_server}, and there is no database in "
            f"{settings.data}.",
            "Start one with `evalsvc up`, or name another: --server or EVALSVC_SERVER.",
        )
    return _embedded(settings, nouns)


def require_server(server: str | None) -> Client:
    """A client of a running server. Raises ServerError when none answers."""
    settings = load_settings()
    found = find_server(settings, server)
    return Client(found or settings.resolved_server, settings.key or None)


def find_server(settings: Settings, server: str | None) -> str | None:
    """The URL of the server to talk to; None when nobody named one and none answers."""
    if server or settings.server:
        return server or settings.server
    for url in (_url_in(settings.data / SERVER_FILE), settings.resolved_server):
        if url and _answers(url):
            return url
    return None


def part(text: str) -> str:
    """What a user called something, as one part of an address. Raises UsageError if empty."""
    if not text.strip():
        raise UsageError("An empty text names nothing.", "Give the id; --help says of what.")
    return quote(text, safe="")


def _url_in(path: Path) -> str | None:
    try:
        url = json.loads(path.read_text(encoding="utf-8"))["url"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return url if isinstance(url, str) else None


def _answers(url: str) -> bool:
    try:
        answer = httpx.get(f"{url}/healthz", timeout=PROBE_SECONDS, trust_env=False)
        return answer.status_code == 200 and "version" in answer.json()
    except (httpx.HTTPError, httpx.InvalidURL, ValueError):
        return False


def _has_database(settings: Settings) -> bool:
    return bool(settings.database_url) or (settings.data / "evalsvc.db").exists()


def _embedded(settings: Settings, nouns: Sequence[str]) -> Client:
    with needs("server", "Working without a server"):
        from evalsvc.server.embedded import embedded_client  # noqa: PLC0415 - an extra

        return embedded_client(settings, nouns)
