"""The HTTP application inside a command: the same routes, no server, the local database.

Requests are answered one at a time in this process. The principal is `local`, as on loopback:
a user who can open the database file may do everything anyway.
"""

import asyncio
import logging
from collections.abc import Sequence

import httpx
from fastapi import FastAPI

from evalsvc.client import Client
from evalsvc.server.app import create_app
from evalsvc.settings import Settings
from evalsvc.store.database import Database

BASE_URL = "http://127.0.0.1"


class InProcess(httpx.BaseTransport):
    """Passes requests to an ASGI application and waits for its answer."""

    def __init__(self, app: FastAPI) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        self._runner = asyncio.Runner()

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        return self._runner.run(self._answer(request))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        inner = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read()
        )
        answer = await self._transport.handle_async_request(inner)
        body = await answer.aread()
        return httpx.Response(answer.status_code, headers=answer.headers, content=body)

    def close(self) -> None:
        self._runner.close()


def embedded_client(settings: Settings, nouns: Sequence[str]) -> Client:
    """A client of the routers `nouns` on the local database, which is created if missing."""
    # As on loopback, whatever address the settings give a server; no cap on the user's own files.
    settings = settings.model_copy(update={"host": "127.0.0.1", "max_body_bytes": 2**62})
    database = Database(settings.resolved_database_url)
    if database.sqlite_path is None or not database.sqlite_path.exists():
        database.upgrade()
    app = create_app(settings, database, nouns=nouns, pages=False)
    # The command reports errors itself, and retrying in the same process does not help.
    logging.getLogger("evalsvc.api").setLevel(logging.ERROR)
    return Client(BASE_URL, key="", timeout_seconds=3600, attempts=1, transport=InProcess(app))
