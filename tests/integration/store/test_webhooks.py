"""Webhooks in the store: which events are told, and when an attempt is due; on both databases."""

from datetime import UTC, datetime, timedelta

import pytest

from evalsvc.store.database import Database
from evalsvc.store.models import base
from evalsvc.store.repositories import events, webhooks

HOUR = timedelta(hours=1)


def clock_off_by(monkeypatch: pytest.MonkeyPatch, offset: timedelta) -> None:
    """From now on this machine's clock is wrong by `offset`, wherever the store reads it."""
    for module in (base, events, webhooks):
        monkeypatch.setattr(module, "now", lambda: datetime.now(UTC) + offset)


def told(database: Database) -> list[str]:
    with database.read() as session:
        return [event.data["name"] for _, event in webhooks.new_events(session)]


@pytest.mark.parametrize("offset", [-HOUR, HOUR], ids=["behind", "ahead"])
def test_only_later_events_are_told_whatever_the_clocks_say(
    database: Database, monkeypatch: pytest.MonkeyPatch, offset: timedelta
) -> None:
    with database.write() as session:
        events.record(session, "job.done", name="before")
    with database.write() as session:
        webhooks.create(session, "ann", "https://example.org/", ["job.done"])
    clock_off_by(monkeypatch, offset)
    with database.write() as session:
        events.record(session, "job.done", name="after")
        events.record(session, "job.failed", name="another kind")
    assert told(database) == ["after"]


def test_an_upgrade_keeps_where_a_webhook_begins(database: Database) -> None:
    with database.write() as session:
        events.record(session, "job.done", name="before")
    with database.write() as session:
        webhooks.create(session, "ann", "https://example.org/", ["job.done"])
    with database.write() as session:
        events.record(session, "job.done", name="after")
    database.downgrade("initial")
    database.upgrade()
    assert told(database) == ["after"]


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("offset", [-HOUR, HOUR], ids=["behind", "ahead"])
def test_an_attempt_is_due_by_the_clock_of_the_database(
    database: Database, monkeypatch: pytest.MonkeyPatch, offset: timedelta
) -> None:
    with database.write() as session:
        hook = webhooks.create(session, "ann", "https://example.org/", ["job.done"]).id
    clock_off_by(monkeypatch, offset)
    with database.write() as session:
        webhooks.enqueue(session, [(hook, 1, {})])
    with database.write() as session:
        (claimed,) = webhooks.claim(session, 10)
    monkeypatch.undo()
    with database.write() as session:
        assert not webhooks.is_due(session), "another server sends no second attempt at once"
        assert webhooks.claim(session, 10) == []
        webhooks.finish(session, claimed, status=500, error="failed")
    with database.read() as session:
        (entry,) = webhooks.deliveries_page(session, hook, None, 10).rows
    assert entry.next_attempt_at - datetime.now(UTC) < timedelta(seconds=5)
