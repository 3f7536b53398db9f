"""Sends an outbox to the server in order, and reads how the jobs ended.

One round sends what waits and asks for the state of what was sent. While the server is down, slow
or broken everything waits. A refusal that will not change sets that announcement aside; the others
are sent. Only the fields that are needed are read: this may be older than the server.
"""

import logging
from collections.abc import Callable
from typing import Any

from evalsvc.client import ENDED, Client
from evalsvc.client.operations import part
from evalsvc.errors import ServerError
from evalsvc.specs import Announcement
from evalsvc.trainers.outbox import Entry, Outbox
from evalsvc.trainers.pins import drop_pin
from evalsvc.trainers.results import job_scores

log = logging.getLogger("evalsvc.trainers")
NOT_YET = frozenset(
    {0, 401, 403, 408, 425, 429}
)  # unreachable, or a key that an administrator can correct
ResultHandler = Callable[[Announcement, dict[str, float]], None]  # as job_scores names them


class DedupedLogger:
    """Logs a message only when it changes: a server that is down must not fill the log."""

    def __init__(self) -> None:
        self._last = ""

    def warn(self, text: str) -> None:
        if text != self._last:
            log.warning("%s", text)
        self._last = text

    def reset(self) -> None:
        self._last = ""


class Sender:
    """Sends one outbox with one client. Not for use by two threads at once."""

    def __init__(
        self, outbox: Outbox, client: Client, on_result: ResultHandler | None = None
    ) -> None:
        self._outbox = outbox
        self._client = client
        self._on_result = on_result
        self._troubles = DedupedLogger()

    def round(self) -> bool:
        """Send and ask once. Returns whether the server answered every time."""
        try:
            self._send_waiting()
            self._check_jobs()
        except ServerError as error:
            self._troubles.warn(f"Evaluations wait on disk until the server answers: {error}")
            return False
        self._troubles.reset()
        return True

    def _send_waiting(self) -> None:
        for path, entry in self._outbox.waiting():
            try:
                job_id = announce(self._client, entry)
            except ServerError as error:
                if _may_change(error):
                    raise
                step = entry.announcement.step
                log.warning("The server refused the checkpoint of step %d: %s", step, error)
                self._outbox.mark_refused(path, entry, str(error))
                drop_pin(entry, self._outbox)
                continue
            if job_id is None:
                self._outbox.remove(path)
                drop_pin(entry, self._outbox)
            else:
                self._outbox.mark_sent(path, entry, job_id)

    def _check_jobs(self) -> None:
        for path, entry in self._outbox.sent():
            job = self._ended_job(str(entry.job_id))
            if job is None:
                continue
            if job["state"] != "done":
                step, error = entry.announcement.step, job.get("error") or job.get("reasons")
                log.warning("The evaluation of step %d ended as %s: %s", step, job["state"], error)
            scores = self._scores(job)
            if scores and self._on_result is not None:
                self._on_result(entry.announcement, scores)
            self._outbox.remove(path)
            drop_pin(entry, self._outbox)

    def _scores(self, job: dict[str, Any]) -> dict[str, float]:
        try:
            return job_scores(self._client, job)
        except (KeyError, TypeError, ValueError) as error:
            log.warning("The results of job %s cannot be read: %r", job["id"], error)
            return {}  # they are on the server; the pin is removed anyway

    def _ended_job(self, job_id: str) -> dict[str, Any] | None:
        try:
            job = self._client.get(f"/v1/jobs/{part(job_id)}")
        except ServerError as error:
            if _may_change(error):
                raise
            return {
                "id": job_id,
                "state": "unknown",
                "error": str(error),
            }  # the server no longer knows it
        ended = isinstance(job, dict) and job.get("state") in ENDED
        return {"id": job_id, **job} if ended else None


def announce(client: Client, entry: Entry) -> str | None:
    """Send one announcement. Returns the id of its job; None for a row without a job."""
    body = entry.announcement.model_dump(mode="json", exclude_none=True)
    answer = client.post("/v1/checkpoints", body, entry.idempotency_key)
    job_id = answer.get("job_id") if isinstance(answer, dict) else None
    return None if job_id is None else str(job_id)


def _may_change(error: ServerError) -> bool:
    return error.answered_status in NOT_YET or error.answered_status >= 500
