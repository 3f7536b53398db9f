"""Imports: each request is done once, and only the owner may replace a result.

The provenance of the evaluation holds the idempotency key and the owner.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from evalsvc.errors import Conflict, PermissionDenied
from evalsvc.store.database import Session
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import evaluations
from evalsvc.store.repositories.evaluations import EvaluationFilter


@dataclass(frozen=True)
class Importer:
    """The importing user: the key's name and number (None: a local user)."""

    name: str
    key_id: int | None
    admin: bool


@dataclass(frozen=True)
class Request:
    """One import request: its idempotency key, and the digest of its body."""

    key: str | None
    digest: str


class Turns:
    """A queue for requests with the same key, so that the second finds the first one's result."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: dict[object, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, key: object) -> Iterator[None]:
        """Wait until no other request with this key is in progress."""
        with self._guard:
            lock, users = self._waiting.get(key, (threading.Lock(), 0))
            self._waiting[key] = (lock, users + 1)
        try:
            with lock:
                yield
        finally:
            with self._guard:
                _, users = self._waiting[key]
                if users == 1:
                    del self._waiting[key]
                else:
                    self._waiting[key] = (lock, users - 1)


def marks(who: Importer, request: Request) -> dict[str, Any]:
    """The fields of an import in the provenance."""
    return {
        "imported_by": {"name": who.name, "key": who.key_id},
        "request": {"key": request.key, "digest": request.digest},
    }


def find_repeated(
    session: Session, wanted: EvaluationFilter, who: Importer, request: Request
) -> Evaluation | None:
    """The earlier result of this owner's key. Raises Conflict for another body."""
    if request.key is None:
        return None
    for row in evaluations.matching(session, wanted):
        known = row.provenance.get("request") or {}
        if known.get("key") != request.key or not _owns(who, row):
            continue
        if known.get("digest") != request.digest:
            raise Conflict(
                f"The Idempotency-Key {request.key[:80]!r} was used for another import.",
                "Use a new key for a new import.",
            )
        return row
    return None


def check_may_replace(row: Evaluation, who: Importer) -> None:
    """Raise PermissionDenied where the existing import belongs to another owner."""
    if not row.samples_seen or who.admin or _owns(who, row):
        return
    owner = (row.provenance.get("imported_by") or {}).get("name")
    raise PermissionDenied(
        f"The import that is there ({row.id}) was made "
        + (f"by the key {str(owner)[:80]!r}." if owner else "by somebody who is not recorded."),
        "Import under another run's name, or ask its owner or an administrator to replace it.",
    )


def _owns(who: Importer, row: Evaluation) -> bool:
    owner = row.provenance.get("imported_by")
    return isinstance(owner, dict) and owner == {"name": who.name, "key": who.key_id}
