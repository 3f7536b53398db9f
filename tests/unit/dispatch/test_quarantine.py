"""Attribute worker crashes to shards: three deaths with the shard and none without it."""

from evalsvc.dispatch.limits import MAX_DEATHS_EVER, MAX_FAILURES
from evalsvc.dispatch.quarantine import RECENT_SECONDS, DeathLog, Quarantine, pause_seconds


def test_three_deaths_in_a_row_are_enough() -> None:
    log = DeathLog()
    log.record(["poison", "neighbour"], 0.0)
    log.record(["poison"], 1.0)
    assert not log.exceeds_limit("poison", 2)
    log.record(["poison"], 2.0)
    assert log.exceeds_limit("poison", 3)
    assert not log.exceeds_limit("neighbour", 1)


def test_a_shard_is_excused_while_workers_die_without_it_too() -> None:
    log = DeathLog()
    for moment in range(3):
        log.record(["unlucky"], moment)
        log.record([], moment)
    assert log.background("unlucky") == 3
    assert not log.exceeds_limit("unlucky", 3)


def test_other_deaths_shortly_before_its_first_one_excuse_it_too() -> None:
    log = DeathLog()
    log.record(["another"], 0.0)
    for moment in (10.0, 20.0, 30.0):
        log.record(["unlucky"], moment)
    assert not log.exceeds_limit("unlucky", 3)


def test_deaths_long_before_it_was_there_are_no_excuse() -> None:
    log = DeathLog()
    for moment in range(50):
        log.record(["another"], moment)
    for moment in range(3):
        log.record(["poison"], 50 + RECENT_SECONDS + moment)
    assert log.exceeds_limit("poison", 3)


def test_there_is_a_limit_whatever_else_happens() -> None:
    assert DeathLog().exceeds_limit("unlucky", MAX_DEATHS_EVER)


def test_deaths_of_former_dispatchers_alone_do_not_condemn() -> None:
    log = DeathLog()
    log.record(["unlucky"], 0.0)
    assert not log.exceeds_limit("unlucky", 3)


def test_pauses_grow() -> None:
    assert pause_seconds(0) == pause_seconds(1) < pause_seconds(2) < pause_seconds(3)
    assert pause_seconds(3) == pause_seconds(100)


def test_a_suspect_is_due_after_its_pause() -> None:
    quarantine = Quarantine()
    quarantine.admit("late", 2, now=0.0)
    quarantine.admit("early", 1, now=0.0)
    assert quarantine.due(0.1) == []
    assert quarantine.due(100.0) == ["early", "late"]
    quarantine.leave("early")
    assert quarantine.due(100.0) == ["late"]
    quarantine.ended("late")
    assert quarantine.due(100.0) == []


def test_failures_are_counted_until_the_shard_ends() -> None:
    quarantine = Quarantine()
    assert [quarantine.failed("s") for _ in range(MAX_FAILURES)] == [1, 2, 3]
    quarantine.ended("s")
    assert quarantine.failed("s") == 1
