"""The ledger on both databases: once and only once, epochs, shards cut anew, everything at once."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from evalsvc.dispatch.ledger import Ledger
from evalsvc.dispatch.limits import AGEING_SECONDS
from evalsvc.dispatch.ready_queue import ReadyQueue
from evalsvc.errors import Conflict
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.models import DispatcherEpoch, Evaluation, Event, Job, ProblemResult, Shard
from evalsvc.store.repositories import events, jobs, queue
from evalsvc.store.states import EvaluationState, JobState, ShardState
from tests.support.dispatching import job_state
from tests.support.submissions import place, request, result, write_answers


@pytest.fixture
def settings(data_folder: Path) -> Settings:
    return Settings(data=data_folder, shard_target_seconds=0.5)


@pytest.fixture
def answers(data_folder: Path) -> Path:
    return write_answers(data_folder / "answers.jsonl")


def begin(database: Database, seconds: float = 0.5) -> Ledger:
    return Ledger(database, "test", shard_target_seconds=seconds)


def evaluation_of(database: Database) -> Evaluation:
    with database.read() as session:
        return session.scalars(select(Evaluation)).one()


def all_at_once(action: Callable[[int], object], times: int = 8) -> list[BaseException]:
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            action(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def test_a_result_counts_once(database: Database, settings: Settings, answers: Path) -> None:
    job_id = place(database, settings, request(answers))
    ledger = begin(database)
    evaluation_id = evaluation_of(database).id
    while specs := ledger.take(evaluation_id, ["w"], 1):
        assert ledger.complete(result(specs[0], correct=0b0101))
        assert not ledger.complete(result(specs[0], correct=0b1111))
    evaluation = evaluation_of(database)
    assert evaluation.state == EvaluationState.DONE
    assert (evaluation.samples_seen, evaluation.samples_correct) == (40, 20)
    with database.read() as session:
        rows = session.execute(select(ProblemResult.n, ProblemResult.c)).all()
    assert rows == [(4, 2)] * 10
    assert job_state(database, job_id) == JobState.DONE


def test_a_later_epoch_puts_back_and_ignores_the_former(
    database: Database, settings: Settings, answers: Path
) -> None:
    place(database, settings, request(answers))
    former = begin(database)
    (spec,) = former.take(evaluation_of(database).id, ["w"], 1)
    later = begin(database)
    assert later.epoch > former.epoch
    assert not former.complete(result(spec))
    assert not former.fail(spec.shard_id, "x", "y")
    again = later.take_one(spec.shard_id, "w2")
    assert again is not None
    assert (again.epoch, again.attempt) == (later.epoch, 2)
    assert again.artifact != spec.artifact
    assert not former.complete(result(spec)), "the shard runs again, but for the later one"
    assert later.complete(result(again))


def test_an_ousted_dispatcher_takes_nothing_more(
    database: Database, settings: Settings, answers: Path
) -> None:
    place(database, settings, request(answers))
    evaluation_id = evaluation_of(database).id
    former = begin(database)
    begin(database)
    with database.read() as session:
        shard_id = session.scalars(select(Shard.id)).all()[0]
    with pytest.raises(Conflict, match="taken over"):
        former.take(evaluation_id, ["w"], 1)
    with pytest.raises(Conflict, match="taken over"):
        former.take_one(shard_id, "w")


def test_no_shard_is_left_behind_when_epochs_change_hands_in_the_middle(
    database: Database, settings: Settings, answers: Path
) -> None:
    """Eight dispatchers begin one after another, and all go on: only the last one's shards run."""
    place(database, settings, request(answers, samples=64))
    evaluation_id = evaluation_of(database).id
    leader = threading.Lock()

    def begin_and_take(_: int) -> None:
        with leader:
            ledger = begin(database)
        with suppress(Conflict):
            while ledger.take(evaluation_id, ["w"], 1):
                pass

    assert all_at_once(begin_and_take) == []
    with database.read() as session:
        newest = session.scalar(select(func.max(DispatcherEpoch.epoch)))
        running = select(Shard.epoch).where(Shard.state == ShardState.RUNNING)
        assert set(session.scalars(running)) <= {newest}


def test_what_was_cancelled_while_nobody_dispatched_is_not_run_again(
    database: Database, settings: Settings, answers: Path
) -> None:
    job_id = place(database, settings, request(answers))
    (spec,) = begin(database).take(evaluation_of(database).id, ["w"], 1)
    with database.write() as session:
        jobs.cancel(session, job_id)
    begin(database)
    with database.read() as session:
        assert session.get_one(Shard, spec.shard_id).state == ShardState.CANCELLED
        assert queue.waiting(session) == []


def test_waiting_shards_are_cut_anew_when_the_rate_is_known(
    database: Database, settings: Settings, answers: Path
) -> None:
    settings = settings.model_copy(update={"shard_target_seconds": 10.0})
    place(database, settings, request(answers, benchmarks=["smoke"], samples=16))
    ledger = begin(database, seconds=10.0)
    evaluation_id = evaluation_of(database).id
    sizes = []
    while specs := ledger.take(evaluation_id, ["w"], 1):
        sizes.append(specs[0].size)  # a second for each sample: far slower than was assumed
        assert ledger.complete(result(specs[0], seconds=float(specs[0].size)))
    assert max(sizes[4:]) <= 20 < sizes[0]
    assert sum(sizes) == 3200
    assert evaluation_of(database).samples_seen == 3200


def test_submissions_at_once_share_and_plan_once(
    database: Database, settings: Settings, answers: Path
) -> None:
    failures = all_at_once(
        lambda i: place(database, settings, request(answers, samples=2 + 2 * (i % 4)))
    )
    assert failures == []
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 8
        assert session.scalar(select(func.count()).select_from(Evaluation)) == 1
        assert session.scalar(select(func.sum(Shard.size))) == 80


def test_one_idempotency_key_at_once_is_one_job(
    database: Database, settings: Settings, answers: Path
) -> None:
    assert all_at_once(lambda _: place(database, settings, request(answers), key="k")) == []
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Job)) == 1


def test_a_reader_with_a_cursor_misses_no_event(database: Database) -> None:
    seen: list[int] = []
    stop = threading.Event()

    def read() -> None:
        cursor = 0
        while True:
            last = stop.is_set()
            with database.read() as session:
                for event in events.after(session, cursor):
                    cursor = event.id
                    seen.append(event.id)
            if last:
                return

    def write(_: int) -> None:
        for _ in range(20):
            with database.write() as session:
                events.record(session, "test")

    reader = threading.Thread(target=read)
    reader.start()
    assert all_at_once(write) == []
    stop.set()
    reader.join()
    with database.read() as session:
        assert seen == list(session.scalars(select(Event.id).order_by(Event.id)))
    assert len(seen) == 160


def test_the_board_follows_what_others_write(
    database: Database, settings: Settings, answers: Path
) -> None:
    ready = ReadyQueue(database)
    assert ready.poll() == []
    assert ready.choose(None, {}, 0.0) is None
    job_id = place(database, settings, request(answers, priority=3), owner="ada")
    ready.poll()
    chosen = ready.choose(None, {}, 0.0)
    assert chosen is not None
    assert (chosen.owner, chosen.priority) == ("ada", 3)
    with database.write() as session:
        jobs.cancel(session, job_id)
    assert ready.poll() == [job_id]
    assert len(ready) == 0


@pytest.mark.parametrize("hours", [-1, 1], ids=["behind", "ahead"])
def test_a_server_whose_clock_is_wrong_gains_and_loses_nothing(
    database: Database, settings: Settings, answers: Path, hours: int
) -> None:
    ready = ReadyQueue(database)
    ready.poll()
    wrong = place(database, settings, request(answers, checkpoint="wrong"), owner="a")
    place(database, settings, request(answers, checkpoint="right", priority=1), owner="b")
    with database.write() as session:
        session.get_one(Job, wrong).created_at += timedelta(hours=hours)
    ready.poll()
    first = ready.choose(None, {}, time.time())
    later = ready.choose(None, {}, time.time() + 4 * AGEING_SECONDS)
    assert first is not None
    assert later is not None
    assert (first.owner, later.owner) == ("b", "b"), "both wait equally long"
