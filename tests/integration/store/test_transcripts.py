"""Transcripts beside the database: damage is found, and nothing but left-over files is removed."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from evalsvc.artifacts import ArtifactStore
from evalsvc.dispatch.ledger import Ledger
from evalsvc.errors import UsageError
from evalsvc.settings import Settings
from evalsvc.specs import ShardSpec
from evalsvc.store.database import Database
from evalsvc.store.models import Evaluation
from evalsvc.store.transcripts import damages, leftovers
from tests.support.submissions import place, request, result, write_answers
from tests.unit.artifacts.test_store import row

DAY = timedelta(hours=24)


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(str(tmp_path / "artifacts"))


@pytest.fixture
def taken(database: Database, data_folder: Path) -> list[ShardSpec]:
    """Two running shards of one evaluation."""
    answers = write_answers(data_folder / "answers.jsonl")
    place(database, Settings(data=data_folder, shard_target_seconds=1e-9), request(answers))
    with database.read() as session:
        evaluation = session.scalars(select(Evaluation.id)).one()
    return begin(database).take(evaluation, ["w", "w"], 1)


def begin(database: Database) -> Ledger:
    return Ledger(database, "test", shard_target_seconds=1e-9)


def write(store: ArtifactStore, path: str, days_old: float = 2.0) -> None:
    store.write_transcript(path, [row(1, 0)])
    age(store, path, days_old)


def age(store: ArtifactStore, path: str, days_old: float) -> None:
    moment = time.time() - days_old * 86400
    os.utime(Path(store.url) / path, (moment, moment))


def finish(database: Database, store: ArtifactStore, spec: ShardSpec) -> None:
    """The shard ends with a transcript, which is old by now."""
    written = store.write_transcript(spec.artifact, [row(1, 0)])
    age(store, spec.artifact, 2)
    sizes = {"artifact_bytes": written.bytes, "artifact_sha256": written.sha256}
    ledger = begin(database)
    again = ledger.take_one(spec.shard_id, "w")
    assert again is not None
    ended = result(again).model_copy(update={**sizes, "artifact": spec.artifact})
    assert ledger.complete(ended)


def test_only_what_nobody_refers_to_is_left_over(
    database: Database, store: ArtifactStore, taken: list[ShardSpec]
) -> None:
    done, running = taken
    finish(database, store, done)
    again = begin(database).take_one(running.shard_id, "w")
    assert again is not None
    write(store, again.artifact)
    write(store, running.artifact)
    write(store, "e/young.parquet", days_old=0.5)
    killed = Path(store.url) / "e" / ".partial-0123"
    killed.write_bytes(b"half")
    age(store, "e/.partial-0123", 2)
    found = {file.path for file in leftovers(database, store, DAY)}
    assert found == {running.artifact, "e/.partial-0123"}


def test_a_store_of_another_service_is_refused(
    database: Database, store: ArtifactStore, taken: list[ShardSpec]
) -> None:
    assert leftovers(database, store, DAY) == []
    write(store, "e/stranger.parquet")
    with pytest.raises(UsageError, match="known to this database"):
        leftovers(database, store, DAY)
    assert store.exists("e/stranger.parquet")


def test_missing_cut_and_changed_transcripts_are_named(
    database: Database, store: ArtifactStore, taken: list[ShardSpec]
) -> None:
    first, second = taken
    for spec in taken:
        finish(database, store, spec)
    assert damages(database, store, read_all=True) == []
    path = Path(store.url) / first.artifact
    data = path.read_bytes()
    path.write_bytes(data[:-1])
    store.delete(second.artifact)
    messages = {damage.path: damage.message for damage in damages(database, store)}
    assert messages == {
        first.artifact: f"has {len(data) - 1} bytes instead of {len(data)}",
        second.artifact: "is missing",
    }
    path.write_bytes(data[:-1] + b"x")
    assert [d.path for d in damages(database, store)] == [second.artifact]
    assert {d.path for d in damages(database, store, read_all=True)} == set(messages)
