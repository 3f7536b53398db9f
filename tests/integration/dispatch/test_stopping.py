"""Jobs that end when the answer is known: what is kept, what is let go, what never stops."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select

from evalsvc.dispatch.ledger import Ledger
from evalsvc.dispatch.stopping import count_pairs
from evalsvc.errors import NotFound, UsageError
from evalsvc.settings import Settings
from evalsvc.statistics import discordant_pairs
from evalsvc.store.database import Database
from evalsvc.store.models import Evaluation, Event, JobEvaluation, Shard
from evalsvc.store.repositories.results import Masks
from evalsvc.store.states import EvaluationState, JobState
from tests.support.dispatching import job_state
from tests.support.submissions import place, request, result, write_answers

SAMPLES = 32
BLOCK = 8  # samples of each problem in the first round of shards
ALL, NONE, SOME = (1 << SAMPLES) - 1, 0, 0xCAFE_F00D  # bit i: sample i is right


@pytest.fixture
def settings(data_folder: Path) -> Settings:
    return Settings(data=data_folder, shard_target_seconds=0.5)


@pytest.fixture
def answers(data_folder: Path) -> Path:
    return write_answers(data_folder / "answers.jsonl")


def job(answers: Path, run: str, label: str, **changes: Any) -> Any:
    return request(answers, run=run, checkpoint=label, samples=SAMPLES, **changes)


def run_all(database: Database, ledger: Ledger, run: str, correct: int) -> Evaluation:
    """Complete every shard of the run's evaluation; `correct` holds a bit a sample."""
    with database.read() as session:
        rows = session.scalars(select(Evaluation)).all()
        identifier = next(row.id for row in rows if row.checkpoint.run.name == run)
    while specs := ledger.take(identifier, ["w"], 1):
        (spec,) = specs
        own = (correct >> spec.sample_start) & ((1 << spec.samples_per_problem) - 1)
        assert ledger.complete(result(spec, correct=own))
    with database.read() as session:
        return session.get_one(Evaluation, identifier)


def test_a_job_stops_after_a_whole_round_when_the_answer_is_known(
    database: Database, settings: Settings, answers: Path
) -> None:
    place(database, settings, job(answers, "old", "a"))
    ledger = Ledger(database, "test", shard_target_seconds=0.5)
    run_all(database, ledger, "old", NONE)
    asked = job(answers, "new", "b", stop_early={"baseline": "old"})
    job_id = place(database, settings, asked)
    stopped = run_all(database, ledger, "new", ALL)
    assert job_state(database, job_id) == JobState.DONE
    assert (stopped.state, stopped.samples_wanted) == (EvaluationState.DONE, BLOCK)
    assert stopped.samples_seen < SAMPLES * 10
    told = stopped.provenance["stopped_early"]
    assert (told["samples"], told["wins"], told["losses"]) == (BLOCK, BLOCK * 10, 0)
    assert "better on these problems" in told["sentence"]
    assert "On problems of this kind: not resolved" in told["sentence"]
    assert told["other_problems_p_value"] == pytest.approx(2 / 2**10 * BLOCK * (BLOCK + 1))
    with database.read() as session:
        (part,) = session.scalars(select(JobEvaluation).where(JobEvaluation.job_id == job_id))
        assert (part.samples, list(part.ks)) == (BLOCK, [1, 2, 4])
        kinds = session.scalars(select(Event.kind)).all()
        left = session.scalars(select(Shard).where(Shard.state == "ready")).all()
    assert kinds.count("evaluation.stopped_early") == 1
    assert left == []

    again = place(database, settings, job(answers, "new", "b"))
    whole = run_all(database, ledger, "new", ALL)
    assert (whole.samples_seen, whole.samples_wanted) == (SAMPLES * 10, SAMPLES)
    assert job_state(database, again) == JobState.DONE


@pytest.mark.parametrize("other", ["same answers", "another job"])
def test_a_job_goes_on_while_nothing_is_known_or_others_want_the_samples(
    database: Database, settings: Settings, answers: Path, other: str
) -> None:
    place(database, settings, job(answers, "old", "a"))
    ledger = Ledger(database, "test", shard_target_seconds=0.5)
    run_all(database, ledger, "old", SOME)
    place(database, settings, job(answers, "new", "b", stop_early={"baseline": "old"}))
    if other == "another job":
        place(database, settings, job(answers, "new", "b"))
    found = run_all(database, ledger, "new", SOME if other == "same answers" else ALL)
    assert (found.state, found.samples_seen) == (EvaluationState.DONE, SAMPLES * 10)
    assert ("stopped_early" in found.provenance) == (other == "another job")


def test_a_question_that_has_no_answer_is_refused(
    database: Database, settings: Settings, answers: Path
) -> None:
    with pytest.raises(NotFound, match="nobody"):
        place(database, settings, job(answers, "new", "b", stop_early={"baseline": "nobody"}))
    place(database, settings, job(answers, "new", "b"))
    with pytest.raises(UsageError, match="itself"):
        place(database, settings, job(answers, "new", "b", stop_early={"baseline": "new"}))


@pytest.mark.parametrize("k", [1, 2, 5])
def test_pairs_are_those_of_the_statistics(k: int) -> None:
    random = np.random.default_rng(k)
    before, after = (random.random((7, 12)) < 0.4 for _ in range(2))

    def masks(side: np.ndarray) -> dict[int, Masks]:
        rows = (sum(int(right) << i for i, right in enumerate(row)) for row in side)
        return {p: Masks(sampled=(1 << 12) - 1, correct=c) for p, c in enumerate(rows)}

    found = count_pairs(masks(before), masks(after), k, rounds=11)
    totals = sum(won for won, _ in found), sum(lost for _, lost in found)
    assert totals == discordant_pairs(before[:, :11], after[:, :11], k)
    alone = [discordant_pairs(before[i : i + 1, :11], after[i : i + 1, :11], k) for i in range(7)]
    assert found == alone
