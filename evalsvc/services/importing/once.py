"""An import is done once, and replaced by its owner only.

The idempotency key and the owner stand in the provenance of the evaluation that was made.
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
    """Who imports: the key's name and number (None: somebody on this machine)."""

    name: str
    key_id: int | None
    admin: bool


@dataclass(frozen=True)
class Request:
    """One import as it was asked for: the key the sender gave it, and the digest of its body."""

    key: str | None
    digest: str


class Turns:
    """Two requests with one key take turns, so that the second finds what the first has done."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: dict[object, tuple[threading.Lock, int]] = {}

    @contextmanager
    def turn(self, key: object) -> Iterator[None]:
        """Wait until nobody else has the turn of this key."""
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
    """What the provenance keeps of an import."""
    return {
        "imported_by": {"name": who.name, "key": who.key_id},
        "request": {"key": request.key, "digest": request.digest},
    }


def find_repeated(
    session: Session, wanted: EvaluationFilter, who: Importer, request: Request
) -> Evaluation | None:
    """What the same key of the same owner made before. Raises Conflict for another body."""
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
    """Raises PermissionDenied where the import that is there is another's."""
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
