"""Submission: what is refused and how, what is reused, what is planned; on both databases."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from evalsvc.errors import (
    BenchmarkError,
    CheckpointError,
    Conflict,
    PermissionDenied,
    ProtocolError,
    UsageError,
)
from evalsvc.settings import Settings
from evalsvc.specs import JobRequest
from evalsvc.store.database import Database
from evalsvc.store.models import Checkpoint, Evaluation, Job, Run, Shard
from evalsvc.store.repositories import jobs, shards
from evalsvc.store.states import EvaluationState, JobState, ShardState
from tests.checkpoint_builder import write_checkpoint
from tests.support.submissions import place, request, write_answers


@pytest.fixture
def settings(data_folder: Path) -> Settings:
    return Settings(data=data_folder)


@pytest.fixture
def answers(data_folder: Path) -> Path:
    return write_answers(data_folder / "answers.jsonl")


def planned(database: Database) -> set[tuple[int, int]]:
    """Every (problem, sample) of every shard; doubles fail."""
    with database.read() as session:
        found = [
            (problem, sample)
            for shard in session.scalars(select(Shard))
            for problem in shard.problems
            for sample in range(shard.sample_start, shard.sample_stop)
        ]
    assert len(found) == len(set(found))
    return set(found)


def count(database: Database, model: Any) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_job_becomes_evaluations_and_shards(
    database: Database, settings: Settings, answers: Path
) -> None:
    job_id = place(database, settings, request(answers))
    with database.read() as session:
        job = session.get_one(Job, job_id)
        assert job.state == JobState.QUEUED
        evaluation = session.scalars(select(Evaluation)).one()
        assert evaluation.state == EvaluationState.PENDING
        assert (evaluation.samples_wanted, evaluation.problems_wanted) == (4, 10)
        assert evaluation.revision.problem_count == 200
        assert evaluation.protocol["max_tokens"] == 64  # the benchmark's own for `quick`
    assert planned(database) == {(p, s) for p in range(10) for s in range(4)}


def test_more_samples_of_the_same_are_a_top_up(
    database: Database, settings: Settings, answers: Path
) -> None:
    place(database, settings, request(answers))
    place(database, settings, request(answers, samples=16))
    place(database, settings, request(answers, samples=8, benchmarks=["smoke"]))
    assert count(database, Evaluation) == 1
    assert planned(database) == {(p, s) for p in range(10) for s in range(16)} | {
        (p, s) for p in range(10, 200) for s in range(8)
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"temperature": 0.7},
        {"seed": 1},
        {"max_tokens": 65},
        {"checkpoint": "another"},
        {"engine_options": {"concurrency": 3}},
    ],
    ids=str,
)
def test_whatever_changes_the_samples_is_another_evaluation(
    database: Database, settings: Settings, answers: Path, changes: dict[str, Any]
) -> None:
    place(database, settings, request(answers))
    place(database, settings, request(answers, **changes))
    assert count(database, Evaluation) == 2


def test_other_answers_in_the_same_file_are_another_evaluation(
    database: Database, settings: Settings, answers: Path
) -> None:
    place(database, settings, request(answers))
    write_answers(answers, responses=5)
    place(database, settings, request(answers))
    assert count(database, Evaluation) == 2


def test_two_runs_with_the_same_weights_share_an_evaluation(
    database: Database, settings: Settings, answers: Path, tmp_path: Path
) -> None:
    folder = write_checkpoint(tmp_path / "base")
    for run in ("grpo", "a-grae"):
        place(database, settings, request(answers, checkpoint=str(folder), run=run))
    assert (count(database, Run), count(database, Checkpoint)) == (2, 2)
    assert count(database, Evaluation) == 1


def test_an_idempotency_key_gives_the_same_job(
    database: Database, settings: Settings, answers: Path
) -> None:
    first = place(database, settings, request(answers), key="k")
    assert place(database, settings, request(answers), key="k") == first
    assert place(database, settings, request(answers), key="k", owner="another") != first
    with pytest.raises(Conflict, match="Idempotency-Key"):
        place(database, settings, request(answers, samples=5), key="k")
    assert count(database, Job) == 2


def test_cancelled_shards_get_another_chance(
    database: Database, settings: Settings, answers: Path
) -> None:
    job_id = place(database, settings, request(answers))
    with database.write() as session:
        assert jobs.cancel(session, job_id)
        assert not jobs.cancel(session, job_id)
    with database.read() as session:
        evaluation = session.scalars(select(Evaluation)).one()
        assert evaluation.state == EvaluationState.INCOMPLETE
        assert not shards.of_evaluation(session, evaluation.id, [ShardState.READY])
    place(database, settings, request(answers))
    with database.read() as session:
        assert shards.of_evaluation(session, evaluation.id, [ShardState.READY])
        assert session.scalars(select(Evaluation.state)).one() == EvaluationState.PENDING
    assert len(planned(database)) == 40


def test_cancelling_leaves_what_another_job_wants(
    database: Database, settings: Settings, answers: Path
) -> None:
    small = place(database, settings, request(answers))
    large = place(database, settings, request(answers, samples=16))
    with database.write() as session:
        jobs.cancel(session, large)
    with database.read() as session:
        states = dict(session.execute(select(Shard.sample_start, Shard.state)).all())
        assert states[0] == ShardState.READY
        assert states[4] == ShardState.CANCELLED
        assert session.get_one(Job, small).state == JobState.QUEUED


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"benchmarks": ["smok"]}, BenchmarkError, "smoke"),
        ({"benchmarks": ["amc23"]}, BenchmarkError, "add-data amc23"),
        ({"benchmarks": ["smoke", "smoke:test"]}, BenchmarkError, "twice"),
        ({"benchmarks": [{"name": "smoke", "problems": [3, 200]}]}, BenchmarkError, "200"),
        ({"protocol": "papr"}, ProtocolError, "paper"),
        ({"prompt": "none-such"}, ProtocolError, "plain"),
        ({"samples": 4, "ks": (8,)}, ProtocolError, "k = 8"),
        ({"temperature": 0.0, "samples": 4}, ProtocolError, "samples = 1"),
        ({"engine": "vlm"}, UsageError, "vllm"),
        ({"engine_options": {"wat": 1}}, UsageError, "wat"),
        ({"engine_options": {"answers": "/none/such.jsonl"}}, UsageError, "answers"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_cannot_be_done_is_refused_with_a_remedy(
    database: Database,
    settings: Settings,
    answers: Path,
    changes: dict[str, Any],
    error: type[UsageError],
    words: str,
) -> None:
    with pytest.raises(error) as caught:
        place(database, settings, request(answers, **changes))
    assert words in str(caught.value)
    assert count(database, Job) == 0


class TestCheckpoints:
    """An engine that reads weights demands a whole checkpoint where one may lie."""

    def submit(self, database: Database, settings: Settings, folder: Path, **changes: Any) -> str:
        job = JobRequest.model_validate(
            {"checkpoint": str(folder), "run": "r", "benchmarks": ["smoke"], **changes}
        )
        return place(database, settings, job)

    def test_one_that_is_not_there(self, database: Database, settings: Settings) -> None:
        with pytest.raises(CheckpointError, match="no checkpoint at"):
            self.submit(database, settings, Path("/none/such"))

    def test_one_without_a_config(
        self, database: Database, settings: Settings, tmp_path: Path
    ) -> None:
        with pytest.raises(CheckpointError, match=r"config\.json"):
            self.submit(database, settings, tmp_path)

    def test_one_that_is_half_written(
        self, database: Database, settings: Settings, tmp_path: Path
    ) -> None:
        folder = write_checkpoint(tmp_path / "c")
        weights = folder / "model.safetensors"
        assert self.submit(database, settings, folder, max_tokens=64)
        weights.write_bytes(weights.read_bytes()[:-10])  # the inspection is not a stale one
        with pytest.raises(CheckpointError, match=r"model\.safetensors"):
            self.submit(database, settings, folder, max_tokens=64)

    def test_one_outside_the_allowed_roots_also_by_a_link(
        self, database: Database, settings: Settings, tmp_path: Path
    ) -> None:
        allowed = tmp_path / "allowed"
        inside, outside = write_checkpoint(allowed / "c"), write_checkpoint(tmp_path / "c")
        (allowed / "link").symlink_to(outside)
        limited = settings.model_copy(update={"checkpoint_roots": str(allowed)})
        assert self.submit(database, limited, inside, max_tokens=64)
        for path in (outside, allowed / "link", allowed / ".." / "c"):
            with pytest.raises(PermissionDenied, match="EVALSVC_CHECKPOINT_ROOTS"):
                self.submit(database, limited, path, max_tokens=64)

    def test_one_with_a_file_that_is_a_link_out_of_the_roots(
        self, database: Database, settings: Settings, tmp_path: Path
    ) -> None:
        allowed = tmp_path / "allowed"
        folder = write_checkpoint(allowed / "c")
        weights = folder / "model.safetensors"
        limited = settings.model_copy(update={"checkpoint_roots": str(allowed)})
        inside = weights.rename(allowed / "blob")  # as the hub's cache keeps it
        weights.symlink_to(inside)
        assert self.submit(database, limited, folder, max_tokens=64)
        outside = inside.rename(tmp_path / "blob")
        weights.unlink()
        weights.symlink_to(outside)
        with pytest.raises(PermissionDenied, match=r"link model\.safetensors .*ROOTS"):
            self.submit(database, limited, folder, max_tokens=64)

    def test_more_tokens_than_its_context_holds(
        self, database: Database, settings: Settings, tmp_path: Path
    ) -> None:
        folder = write_checkpoint(tmp_path / "c")  # 512 tokens
        with pytest.raises(ProtocolError, match="512"):
            self.submit(database, settings, folder, max_tokens=512)

    def test_a_run_has_one_method(
        self, database: Database, settings: Settings, tmp_path: Path
    ) -> None:
        folder = write_checkpoint(tmp_path / "c")
        self.submit(database, settings, folder, method="GRPO", max_tokens=64)
        self.submit(database, settings, folder, max_tokens=64)
        with pytest.raises(Conflict, match="GRPO"):
            self.submit(database, settings, folder, method="GRPO + A-GRAE", max_tokens=64)
