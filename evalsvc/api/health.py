"""Liveness, readiness, and metrics for monitoring."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from evalsvc import __version__
from evalsvc.api.auth import Reader
from evalsvc.api.metrics import CONTENT_TYPE, render_metrics
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.store.repositories import totals, workers
from evalsvc.store.repositories.workers import newest_epoch

router = APIRouter(tags=["health"])


class Health(BaseModel):
    """The server answers."""

    status: str
    version: str


class Readiness(BaseModel):
    """The server can work."""

    status: str
    database: str
    artifacts: str


@router.get("/healthz")
async def healthz() -> Health:
    """Answers as long as the process lives. Needs no key."""
    return Health(status="ok", version=__version__)


@router.get("/readyz", responses=documented())
def readyz(state: StateDep) -> Readiness:
    """Whether database and artifact store can be used. Needs no key; 503 with the reason if not."""
    with state.database.read() as session:
        workers.of_newest_dispatcher(session)
    state.artifacts.exists("probe")  # raises StorageError if the store cannot be reached
    return Readiness(status="ready", database="ok", artifacts="ok")


@router.get(
    "/metrics",
    response_class=Response,
    responses={
        **documented(),
        200: {"description": "Prometheus text format", "content": {CONTENT_TYPE: {}}},
    },
)
def metrics(state: StateDep, who: Reader) -> Response:
    """The queue by state, shard durations, tokens, swaps, verifier failures, for Prometheus."""
    with state.database.read() as session:
        text = render_metrics(
            totals.read_totals(session),
            workers.of_newest_dispatcher(session),
            newest_epoch(session),
        )
    return Response(text, media_type=CONTENT_TYPE)
