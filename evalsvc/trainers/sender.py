"""Carries an outbox to the server, in order, and brings back how the jobs have ended.

One round sends what waits and asks after what was sent. A server that is down, slow or broken
postpones; a refusal that will not change moves the one announcement aside and lets the others pass.
"""

import logging
from collections.abc import Callable
from typing import Any

from evalsvc.errors import ServerError
from evalsvc.specs import Announcement
from evalsvc.trainers.client import ENDED, Client
from evalsvc.trainers.outbox import Entry, Outbox
from evalsvc.trainers.pins import drop_pin
from evalsvc.trainers.results import job_scores

log = logging.getLogger("evalsvc.trainers")
NOT_YET = frozenset({0, 401, 403, 408, 425, 429})  # unreachable, or a key that an admin may mend
ResultHandler = Callable[[Announcement, dict[str, float]], None]  # as job_scores names them


class Complaints:
    """Logs a lasting trouble once: a server that is down for hours must not fill the log."""

    def __init__(self) -> None:
        self._last = ""

    def say(self, text: str) -> None:
        if text != self._last:
            log.warning("%s", text)
        self._last = text

    def clear(self) -> None:
        self._last = ""


class Sender:
    """Sends one outbox with one client. Not for use by two threads at once."""

    def __init__(
        self, outbox: Outbox, client: Client, on_result: ResultHandler | None = None
    ) -> None:
        self._outbox = outbox
        self._client = client
        self._on_result = on_result
        self._complaints = Complaints()

    def round(self) -> bool:
        """Send and ask once. Returns whether the server was there for all of it."""
        try:
            self._send_waiting()
            self._ask_after_jobs()
        except ServerError as error:
            self._complaints.say(f"Evaluations wait on disk until the server answers: {error}")
            return False
        self._complaints.clear()
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

    def _ask_after_jobs(self) -> None:
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
            return {}  # they are on the server; the pin must go all the same

    def _ended_job(self, job_id: str) -> dict[str, Any] | None:
        try:
            job = self._client.job(job_id)
        except ServerError as error:
            if _may_change(error):
                raise
            return {"id": job_id, "state": "unknown", "error": str(error)}  # the server forgot it
        return job if job.get("state") in ENDED else None


def announce(client: Client, entry: Entry) -> str | None:
    """Send one announcement. Returns the id of its job; None for a row without a job."""
    body = entry.announcement.model_dump(mode="json", exclude_none=True)
    answer = client.post("/v1/checkpoints", body, entry.idempotency_key)
    job_id = answer.get("job_id") if isinstance(answer, dict) else None
    return None if job_id is None else str(job_id)


def _may_change(error: ServerError) -> bool:
    return error.answered_status in NOT_YET or error.answered_status >= 500
