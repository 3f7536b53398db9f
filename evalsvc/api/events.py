"""Server-sent events of a job: each one once and in order, resumable, with keep-alives.

The stream reads the events table by its cursor. It ends after the event that ends the job; a
client that lost the connection resumes with Last-Event-ID.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header
from fastapi.responses import StreamingResponse

from evalsvc.api.state import State
from evalsvc.store.models import Event
from evalsvc.store.repositories import events, jobs
from evalsvc.store.states import ENDED_JOBS

LAST_EVENT_ID = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        max_length=30,
        description="the id of the last event seen; the stream goes on after it",
    ),
]
POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 15.0
BATCH = 500


@dataclass(frozen=True)
class Batch:
    """Events to send, the cursor after them, and whether they are the last."""

    lines: Sequence[str]
    last_id: int
    ended: bool


def follow_job(state: State, job_id: str, last_event_id: str | None) -> StreamingResponse:
    """The events of a job as a stream."""
    known = (last_event_id or "").strip()
    start = int(known) if known.isascii() and known.isdecimal() and len(known) < 19 else 0
    return StreamingResponse(
        _stream(state, job_id, start),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


async def _stream(state: State, job_id: str, last_id: int) -> AsyncIterator[str]:
    silent = 0.0
    yield "retry: 1000\n\n"
    while not state.stopping.is_set():
        batch = await asyncio.to_thread(_read, state, job_id, last_id)
        for line in batch.lines:
            yield line
        last_id = batch.last_id
        if batch.ended:
            return
        if batch.lines:
            silent = 0.0
            continue
        await asyncio.sleep(POLL_SECONDS)
        silent += POLL_SECONDS
        if silent >= HEARTBEAT_SECONDS:
            silent = 0.0
            yield ": still here\n\n"


def _read(state: State, job_id: str, last_id: int) -> Batch:
    """The next events, read in one snapshot with the job's state so that the last is not missed."""
    with state.database.read() as session:
        rows = events.after(session, last_id, job_id=job_id, limit=BATCH)
        ended = jobs.get(session, job_id).state in ENDED_JOBS
        lines = [format_event(row) for row in rows]
        newest = rows[-1].id if rows else last_id
    return Batch(lines, newest, ended and len(rows) < BATCH)


def format_event(row: Event) -> str:
    """One event in the format of the HTML standard; JSON has no raw line breaks."""
    data = {
        "at": row.at.isoformat(),
        "kind": row.kind,
        "job": row.job_id,
        "evaluation": row.evaluation_id,
        "shard": row.shard_id,
        "worker": row.worker_id,
        **({"data": row.data} if row.data else {}),
    }
    text = json.dumps(data, ensure_ascii=True)
    return f"id: {row.id}\nevent: {row.kind}\ndata: {text}\n\n"
