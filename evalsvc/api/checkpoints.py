"""Checkpoints: announced by the trainers' hooks, and what became of them."""

from typing import Annotated

from fastapi import APIRouter, Header, Query, Response
from pydantic import BaseModel

from evalsvc.api import pagination
from evalsvc.api.auth import Reader, Submitter
from evalsvc.api.pagination import Cursor, Limit, Paginated
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.services.evaluations.names import check_names
from evalsvc.services.evaluations.runs import CheckpointView, view_checkpoint
from evalsvc.services.jobs.registration import register
from evalsvc.specs import Announcement
from evalsvc.store.repositories import checkpoints
from evalsvc.store.states import CheckpointState

router = APIRouter(prefix="/v1/checkpoints", tags=["checkpoints"])


class Announced(BaseModel):
    """The checkpoint as it is known now, and its job if one was asked for."""

    checkpoint: CheckpointView
    job_id: str | None


@router.post("", status_code=201, responses=documented(409))
def announce(
    body: Announcement,
    state: StateDep,
    who: Submitter,
    response: Response,
    idempotency_key: Annotated[
        str | None, Header(max_length=200, pattern=r"^[\x21-\x7e]+$")
    ] = None,
) -> Announced:
    """Announce a checkpoint. With `benchmarks` it becomes a job; with `state` it is only recorded.

    With neither it is inspected and registered. Announcing twice under one key is harmless.
    """
    with state.database.write() as session:
        if body.benchmarks and body.state is None:
            from evalsvc.services.jobs.submission import submit  # noqa: PLC0415 - heavy

            job = submit(
                session,
                body.job_request(),
                owner=who.name,
                idempotency_key=idempotency_key,
                preparation=state.preparation,
            )
            job_id, checkpoint_id = job.id, job.checkpoint_id
        else:
            job_id, checkpoint_id = (
                None,
                register(session, state.settings, state.checkpoints, body).id,
            )
    if job_id is not None:
        response.headers["Location"] = f"/v1/jobs/{job_id}"
    with state.database.read() as session:
        row = checkpoints.get(session, checkpoint_id)
        return Announced(checkpoint=view_checkpoint(row), job_id=job_id)


@router.get("", responses=documented(404))
def list_checkpoints(
    state: StateDep,
    who: Reader,
    run: Annotated[str | None, Query(max_length=200)] = None,
    checkpoint_state: Annotated[CheckpointState | None, Query(alias="state")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Paginated[CheckpointView]:
    """The checkpoints, newest first, with why some were not evaluated."""
    with state.database.read() as session:
        check_names(session, state.catalogue, run=run)
        after = pagination.decode(cursor)
        rows = checkpoints.page(session, run, checkpoint_state, after, limit)
        return pagination.page(rows, [view_checkpoint(row) for row in rows.rows])
