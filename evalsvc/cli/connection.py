"""Where a command sends its requests: to a server, or to this program on the local database.

First the server that was named (--server, EVALSVC_SERVER), then the one that runs on these data
(DATA/server.json), then whatever answers at the default address. If none does, the same HTTP
application answers inside this process, on the local database.
"""

import json
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

import httpx

from evalsvc.cli.failures import needs
from evalsvc.client import Client
from evalsvc.client.transport import ATTEMPTS, START_REMEDY, TIMEOUT_SECONDS
from evalsvc.errors import MissingExtra, ServerError, install_command
from evalsvc.settings import SERVER_FILE, Settings, load_settings

PROBE_SECONDS = 2.0


def connect(
    server: str | None,
    nouns: Sequence[str],
    *,
    create: bool = False,
    timeout_seconds: float = TIMEOUT_SECONDS,
    attempts: int = ATTEMPTS,
) -> Client:
    """A client for `nouns` (routers of the API). `create`: make the local database if needed.

    timeout_seconds, attempts: of one request to a server.

    Raises ServerError when no server answers and there is no local database either, MissingExtra
    when the local database cannot be used here.
    """
    settings = load_settings()
    found = find_server(settings, server)
    if found is not None:
        return Client(found, settings.key, timeout_seconds=timeout_seconds, attempts=attempts)
    if not create and not _has_database(settings):
        raise ServerError(
            f"No server answers at {settings.resolved_server}, and there is no database in "
            f"{settings.data}.",
            start_remedy(),
        )
    return _embedded(settings, nouns)


def require_server(server: str | None) -> Client:
    """A client of a running server. Raises ServerError when none answers."""
    settings = load_settings()
    found = find_server(settings, server)
    if found is None:
        raise ServerError(f"No server answers at {settings.resolved_server}.", start_remedy())
    return Client(found, settings.key)


def find_server(settings: Settings, server: str | None) -> str | None:
    """The URL of the server to use; None when none was named and none answers."""
    if server or settings.server:
        return server or settings.server
    for url in (_url_in(settings.data / SERVER_FILE), settings.resolved_server):
        if url and _answers(url):
            return url
    return None


def start_remedy() -> str:
    """How to get a server, and what `evalsvc up` needs where its extra is missing."""
    if find_spec("fastapi") is not None and find_spec("sqlalchemy") is not None:
        return START_REMEDY
    return (
        f"{START_REMEDY} `evalsvc up` needs the extra 'server', which is not installed here: "
        f"{install_command('server')}"
    )


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
    try:
        with needs("server", "Working without a server"):
            from evalsvc.server.embedded import embedded_client  # noqa: PLC0415 - an extra

            return embedded_client(settings, nouns)
    except MissingExtra as error:
        error.remedy += (
            ". Or name a running server with --server or EVALSVC_SERVER: `evalsvc up` starts one "
            "where the extra is installed."
        )
        raise
