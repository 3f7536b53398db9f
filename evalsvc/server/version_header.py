"""A header with the version of evalsvc on every answer, so that clients can report a mismatch."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from evalsvc import __version__
from evalsvc.client.transport import VERSION_HEADER


class VersionHeader:
    """Adds the header to each HTTP answer, including errors."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_version(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[VERSION_HEADER] = __version__
            await send(message)

        await self._app(scope, receive, send_with_version)
