"""Jobs: submit, list, follow, cancel."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Query, Response
from fastapi.responses import StreamingResponse

from evalsvc.api import pagination
from evalsvc.api.auth import Reader, Scope, Submitter
from evalsvc.api.events import LAST_EVENT_ID, follow_job
from evalsvc.api.pagination import Cursor, Limit, Paginated
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.errors import PermissionDenied
from evalsvc.services.jobs.views import JobView, view_job, view_jobs
from evalsvc.specs import JobRequest
from evalsvc.store.repositories import events, jobs
from evalsvc.store.states import JobState

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
JobId = Annotated[str, Path(max_length=200, examples=["j-01jd4m8p"])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="a repeated submission under one key is the same job",
    ),
]


@router.post("", status_code=201, responses=documented(403, 404, 409))
def submit_job(
    body: JobRequest,
    state: StateDep,
    who: Submitter,
    response: Response,
    idempotency_key: IdempotencyKey = None,
) -> JobView:
    """Submit one checkpoint for several benchmarks.

    What can be seen now is refused now: the checkpoint, the benchmarks, the protocol. Samples that
    are there already are never drawn again. A known Idempotency-Key answers 201 with the job that
    it made, and 409 when the body is another one.
    """
    from evalsvc.services.jobs.submission import submit  # noqa: PLC0415 - needs the checkpoint's headers

    with state.database.write() as session:
        job = submit(
            session,
            body,
            owner=who.name,
            idempotency_key=idempotency_key,
            preparation=state.preparation,
        )
        job_id = job.id
    response.headers["Location"] = f"/v1/jobs/{job_id}"
    with state.database.read() as session:
        return view_job(session, job_id)


@router.get("", responses=documented())
def list_jobs(
    state: StateDep,
    who: Reader,
    job_state: Annotated[JobState | None, Query(alias="state")] = None,
    owner: Annotated[str | None, Query(max_length=200)] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Paginated[JobView]:
    """The jobs, newest first."""
    with state.database.read() as session:
        rows = jobs.page(session, job_state, owner, pagination.decode(cursor), limit)
        return pagination.page(rows, view_jobs(session, rows.rows))


@router.get("/{job_id}", responses=documented(404))
def get_job(job_id: JobId, state: StateDep, who: Reader) -> JobView:
    """A job with its progress, and the reasons of what failed."""
    with state.database.read() as session:
        return view_job(session, job_id)


@router.post("/{job_id}/cancel", responses=documented(404))
def cancel_job(job_id: JobId, state: StateDep, who: Submitter) -> JobView:
    """Cancel a job: its generation stops within seconds; what is there stays. Twice is no error."""
    with state.database.write() as session:
        job = jobs.get(session, job_id)
        if job.owner != who.name and Scope.ADMIN not in who.scopes:
            raise PermissionDenied(
                f"The job {job_id} belongs to {job.owner!r}.",
                "Its owner or an administrator can cancel it.",
            )
        if jobs.cancel(session, job_id):
            events.record(session, "job.cancel_requested", job_id=job_id, by=who.name)
    with state.database.read() as session:
        return view_job(session, job_id)


EVENT_STREAM: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "Server-sent events until the job has ended",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


@router.get(
    "/{job_id}/events",
    response_class=StreamingResponse,
    responses={**documented(404), **EVENT_STREAM},
)
def job_events(
    job_id: JobId, state: StateDep, who: Reader, last_event_id: LAST_EVENT_ID = None
) -> StreamingResponse:
    """Every event of a job, from its beginning or after Last-Event-ID, until it has ended."""
    with state.database.read() as session:
        jobs.get(session, job_id)
    return follow_job(state, job_id, last_event_id)
