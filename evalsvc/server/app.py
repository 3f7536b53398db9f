"""The HTTP application: a list of routers, one per noun, and the middleware around them.

`create_app` starts only the event tail and the delivery of webhooks; dispatching and workers
belong to `evalsvc.dispatch`. With `nouns` only those routers are loaded, so that a command without
a server answers quickly.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from importlib import import_module
from importlib.util import find_spec

from fastapi import Depends, FastAPI

from evalsvc import __version__
from evalsvc.api import examples, problem_details
from evalsvc.api.auth import RateLimiter
from evalsvc.api.guard import Guard
from evalsvc.api.parameters import only_known_parameters
from evalsvc.api.state import State
from evalsvc.server.version_header import VersionHeader
from evalsvc.settings import Settings
from evalsvc.store.database import Database

NOUNS = (
    "jobs",
    "evaluations",
    "samples",
    "rescores",
    "runs",
    "checkpoints",
    "benchmarks",
    "compare",
    "claims",
    "leaderboard",
    "rank",
    "power",
    "metrics_catalogue",
    "imports",
    "workers",
    "webhooks",
    "health",
)
UNCHECKED = ("health",)  # probes and scrapers may add their own parameters
DESCRIPTION = """
Evaluations of reasoning models: submit a checkpoint, follow the job, read pass@k with intervals,
compare two checkpoints paired by problem. Errors are problem documents (RFC 9457) that say what to
do. Lists are `{items, next_cursor}`.
""".strip()


def create_app(
    settings: Settings, database: Database, *, nouns: Collection[str] = NOUNS, pages: bool = True
) -> FastAPI:
    """The application for `database`. `nouns`: which routers; `pages`: the dashboard too."""
    state = State(settings, database)
    app = FastAPI(
        title="evalsvc",
        version=__version__,
        description=DESCRIPTION,
        lifespan=_lifespan,
        license_info={"name": "Apache-2.0"},
    )
    app.state.evalsvc = state
    app.state.limiter = RateLimiter(settings.requests_per_minute)
    problem_details.install(app)
    for noun in nouns:
        checks = [] if noun in UNCHECKED else [Depends(only_known_parameters)]
        app.include_router(import_module(f"evalsvc.api.{noun}").router, dependencies=checks)
    examples.install(app)
    if pages and find_spec("evalsvc.dashboard.web.mounting") is not None:
        import_module("evalsvc.dashboard.web.mounting").mount(app)
    app.add_middleware(Guard, host=settings.host, max_body_bytes=settings.max_body_bytes)
    app.add_middleware(VersionHeader)  # the outermost: refusals carry it too
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Run the server's own background work while it serves."""
    from evalsvc.server.background import Background  # noqa: PLC0415 - embedded commands do without

    state: State = app.state.evalsvc
    background = Background(state)
    background.start()
    try:
        yield
    finally:
        state.stopping.set()
        await background.stop()
