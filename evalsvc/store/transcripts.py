"""Transcripts in the database, compared with those in the artifact store.

A recorded file that is missing or changed is damage. A file that is recorded nowhere is left over:
from attempts that were interrupted or finished too late, or from imports that were replaced.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from evalsvc.artifacts import ArtifactStore, StoredFile
from evalsvc.errors import NotFound, UsageError
from evalsvc.store.database import Database
from evalsvc.store.repositories import shards
from evalsvc.store.repositories.shards import RecordedTranscript


@dataclass(frozen=True)
class Damage:
    """A transcript that differs from the one its results were counted from."""

    evaluation_id: str
    path: str
    message: str


def damages(
    database: Database, artifacts: ArtifactStore, *, read_all: bool = False
) -> list[Damage]:
    """The recorded transcripts that are missing or differ in size; with `read_all` in content."""
    with database.read() as session:
        recorded = list(shards.recorded_transcripts(session))
    sizes = {file.path: file.bytes for file in artifacts.files()}
    found = ((t, _damage(t, sizes.get(t.path), artifacts, read_all)) for t in recorded)
    return [Damage(t.evaluation_id, t.path, message) for t, message in found if message]


def leftovers(
    database: Database, artifacts: ArtifactStore, older_than: timedelta
) -> list[StoredFile]:
    """The files that no result refers to, no running shard writes, and that are old enough.

    A file is published before the transaction that refers to it ends, so `older_than` must be
    longer than such a transaction. Raises UsageError when the store holds files and none is
    recorded: then database and store hardly belong to the same service.
    """
    files = artifacts.files()  # listed before the database is read: later files are not in it
    with database.read() as session:
        recorded = {transcript.path for transcript in shards.recorded_transcripts(session)}
        growing = shards.growing_transcripts(session)
    if files and recorded.isdisjoint(file.path for file in files):
        raise UsageError(
            f"Nothing in the artifact store {artifacts.url} is known to this database.",
            "Check EVALSVC_DATABASE_URL and EVALSVC_ARTIFACTS: they must be of one service.",
        )
    strangers = (file for file in files if file.path not in recorded | growing)
    return list(_older(strangers, artifacts, datetime.now(UTC) - older_than))


def _older(
    files: Iterable[StoredFile], artifacts: ArtifactStore, before: datetime
) -> Iterator[StoredFile]:
    for file in files:
        try:
            if artifacts.changed_at(file.path) < before:
                yield file
        except NotFound:  # it was being written, and now has its final name
            continue


def _damage(
    transcript: RecordedTranscript, size: int | None, artifacts: ArtifactStore, read_all: bool
) -> str:
    if size is None:
        return "is missing"
    if size != transcript.bytes:
        return f"has {size} bytes instead of {transcript.bytes}"
    if read_all and transcript.sha256 not in (None, artifacts.sha256(transcript.path)):
        return "has another content than when it was written"
    return ""
