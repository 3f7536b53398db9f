"""Samples of another engine version are not added to an evaluation unless a job asked for it."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from evalsvc.dispatch.ledger import Ledger
from evalsvc.services.evaluations.views import remarks_of
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.models import Evaluation
from evalsvc.store.repositories import shards
from evalsvc.store.states import EvaluationState, ShardState
from tests.support.submissions import place, request, result, write_answers


@pytest.fixture
def settings(data_folder: Path) -> Settings:
    return Settings(data=data_folder)


@pytest.fixture
def answers(data_folder: Path) -> Path:
    return write_answers(data_folder / "answers.jsonl", responses=8)


def run_all(database: Database, version: str) -> list[bool]:
    """Take every ready shard and report it as drawn by this version of vLLM."""
    ledger = Ledger(database, "test", shard_target_seconds=60)
    made_by: dict[str, Any] = {"engine": {"engine": "vllm"}, "versions": {"vllm": version}}
    evaluation_id = evaluation_of(database).id
    kept = []
    while specs := ledger.take(evaluation_id, ["w"], 1):
        kept.append(ledger.complete(result(specs[0], provenance=made_by)))
    return kept


def evaluation_of(database: Database) -> Evaluation:
    with database.read() as session:
        row = session.scalars(select(Evaluation)).one()
        assert row.revision.problem_count == 200
        return row


def test_a_top_up_by_another_version_is_refused_and_then_added_on_request(
    database: Database, settings: Settings, answers: Path
) -> None:
    place(database, settings, request(answers))
    assert set(run_all(database, "0.33.0")) == {True}
    place(database, settings, request(answers, samples=8))
    assert set(run_all(database, "0.34.0")) == {False}
    after = evaluation_of(database)
    assert after.samples_seen == 40
    assert after.state == EvaluationState.INCOMPLETE
    assert "drawn by vllm 0.33.0, these by vllm 0.34.0" in str(after.error)
    assert "--allow-engine-change" in str(after.remedy)
    assert not any("unlike conditions" in said for said in remarks_of(after))

    place(database, settings, request(answers, samples=8, allow_engine_change=True))
    assert set(run_all(database, "0.34.0")) == {True}
    mixed = evaluation_of(database)
    assert (mixed.samples_seen, mixed.state) == (80, EvaluationState.DONE)
    assert remarks_of(mixed)[-1] == (
        "drawn under unlike conditions: engine version (vllm 0.33.0 and vllm 0.34.0)"
    )
    with database.read() as session:
        failed = shards.of_evaluation(session, mixed.id, [ShardState.FAILED])
        assert list(failed) == []


def test_the_same_version_adds_samples(
    database: Database, settings: Settings, answers: Path
) -> None:
    place(database, settings, request(answers))
    run_all(database, "0.33.0")
    place(database, settings, request(answers, samples=8))
    assert set(run_all(database, "0.33.0")) == {True}
    assert evaluation_of(database).samples_seen == 80
