"""Webhooks and their deliveries: one row per (webhook, event), claimed before it is sent.

A claim moves the next attempt into the future, so that two servers never send the same attempt and
a server that dies while sending only delays it. Delivery is at least once. The database's clock
decides what is due: the clocks of several servers may differ.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, aliased

from evalsvc.errors import NotFound
from evalsvc.store.models import Event, Webhook, WebhookDelivery, now
from evalsvc.store.repositories import events
from evalsvc.store.repositories.pages import Key, Rows, fetch_page
from evalsvc.store.repositories.upserts import insert_all_or_ignore

CLAIM = timedelta(minutes=1)
FIRST_PAUSE_SECONDS, PAUSE_FACTOR, MOST_ATTEMPTS = 1.0, 3.0, 8
WAITING, DELIVERED, FAILED = "waiting", "delivered", "failed"


@dataclass(frozen=True)
class ClaimedDelivery:
    """One delivery that this server may attempt now."""

    id: int
    webhook: str
    url: str
    secret: str
    payload: dict[str, Any]
    attempts: int


def create(session: Session, owner: str, url: str, kinds: Sequence[str]) -> Webhook:
    """Create a webhook with its secret."""
    row = Webhook(
        id=f"w-{secrets.token_hex(8)}",
        owner=owner,
        url=url,
        events=list(kinds),
        secret=secrets.token_urlsafe(32),
        after_event=events.newest_id(session),
    )
    session.add(row)
    session.flush()
    events.record(session, "webhook.created", webhook=row.id, url=url, by=owner)
    return row


def get(session: Session, webhook_id: str, owner: str | None) -> Webhook:
    """A webhook (of `owner`, where that is given). Raises NotFound."""
    row = session.get(Webhook, webhook_id)
    if row is None or not row.active or owner not in (None, row.owner):
        raise NotFound(f"There is no webhook {webhook_id!r}.", "GET /v1/webhooks lists yours.")
    return row


def page(session: Session, owner: str | None, after: Key | None, limit: int) -> Rows[Webhook]:
    """The active webhooks, newest first."""
    statement = select(Webhook).where(Webhook.active)
    if owner is not None:
        statement = statement.where(Webhook.owner == owner)
    return fetch_page(session, statement, (Webhook.created_at, Webhook.id), after, limit)


def remove(session: Session, row: Webhook, by: str) -> None:
    """Stop deliveries of a webhook; its log stays."""
    row.active = False
    waiting = update(WebhookDelivery).where(
        WebhookDelivery.webhook_id == row.id, WebhookDelivery.state == WAITING
    )
    session.execute(waiting.values(state=FAILED, error="the webhook was removed"))
    events.record(session, "webhook.removed", webhook=row.id, by=by)


def deliveries_page(
    session: Session, webhook_id: str, after: Key | None, limit: int
) -> Rows[WebhookDelivery]:
    """The delivery log, newest first."""
    statement = select(WebhookDelivery).where(WebhookDelivery.webhook_id == webhook_id)
    return fetch_page(session, statement, (WebhookDelivery.id,), after, limit)


def new_events(session: Session, limit: int = 200) -> list[tuple[Webhook, Event]]:
    """Events that an active webhook wants and that have no delivery yet."""
    found = []
    for hook in session.scalars(select(Webhook).where(Webhook.active)).all():
        made = aliased(WebhookDelivery)
        newest = select(func.max(made.event_id)).where(made.webhook_id == hook.id)
        statement = (
            select(Event)
            .where(
                Event.kind.in_(hook.events),
                Event.id > func.coalesce(newest.scalar_subquery(), hook.after_event),
            )
            .order_by(Event.id)
            .limit(limit)
        )
        found += [(hook, event) for event in session.scalars(statement)]
    return found


def enqueue(session: Session, found: Sequence[tuple[str, int, dict[str, Any]]]) -> None:
    """Create deliveries of (webhook, event, payload); existing ones are not changed."""
    if not found:
        return
    first = {"state": WAITING, "next_attempt_at": _now(session)}
    rows = [
        {"webhook_id": hook, "event_id": event, "payload": payload, **first}
        for hook, event, payload in found
    ]
    insert_all_or_ignore(session, WebhookDelivery, rows)


def is_due(session: Session) -> bool:
    """Whether any delivery should be attempted now."""
    statement = select(WebhookDelivery.id).where(
        WebhookDelivery.state == WAITING, WebhookDelivery.next_attempt_at <= _now(session)
    )
    return session.scalars(statement.limit(1)).first() is not None


def claim(session: Session, limit: int) -> list[ClaimedDelivery]:
    """Claim deliveries that are due."""
    moment = _now(session)
    due = (
        select(WebhookDelivery.id)
        .where(WebhookDelivery.state == WAITING, WebhookDelivery.next_attempt_at <= moment)
        .order_by(WebhookDelivery.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(
        update(WebhookDelivery)
        .where(WebhookDelivery.id.in_(due))
        .values(next_attempt_at=moment + CLAIM, attempts=WebhookDelivery.attempts + 1)
        .returning(WebhookDelivery.id)
        .execution_options(synchronize_session=False)
    ).all()
    rows = session.execute(
        select(WebhookDelivery, Webhook)
        .join(Webhook, Webhook.id == WebhookDelivery.webhook_id)
        .where(WebhookDelivery.id.in_(ids))
        .order_by(WebhookDelivery.id)
    )
    return [
        ClaimedDelivery(row.id, hook.id, hook.url, hook.secret, row.payload, row.attempts)
        for row, hook in rows
    ]


def finish(
    session: Session, claimed: ClaimedDelivery, *, status: int | None, error: str | None
) -> None:
    """Record the outcome of an attempt; a failed one is retried later, with growing pauses."""
    row = session.get(WebhookDelivery, claimed.id)
    if row is None or row.state != WAITING:
        return
    row.response_status, row.error = status, error
    if error is None:
        row.state = DELIVERED
    elif claimed.attempts >= MOST_ATTEMPTS:
        row.state = FAILED
    else:
        pause = FIRST_PAUSE_SECONDS * PAUSE_FACTOR ** (claimed.attempts - 1)
        row.next_attempt_at = _now(session) + timedelta(seconds=pause)


def _now(session: Session) -> datetime:
    """The database's time; for SQLite that of its machine."""
    if session.get_bind().dialect.name != "postgresql":
        return now()
    moment: datetime = session.execute(select(func.now())).scalar_one()
    return moment
