"""Webhooks: subscriptions to events, and the log of deliveries."""

from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, ConfigDict, Field

from evalsvc.api import pagination
from evalsvc.api.auth import Principal, Scope, Submitter
from evalsvc.api.limits import MAX_URL_CHARACTERS
from evalsvc.api.pagination import Cursor, Limit, Paginated
from evalsvc.api.problem_details import documented
from evalsvc.api.state import StateDep
from evalsvc.services.webhooks.ssrf import check_address
from evalsvc.store.models import Webhook, WebhookDelivery
from evalsvc.store.repositories import webhooks

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])
WebhookId = Annotated[str, Path(max_length=100, examples=["w-0f3a9c"])]
Kind = Literal[
    "job.running",
    "job.done",
    "job.failed",
    "job.cancelled",
    "evaluation.done",
    "evaluation.incomplete",
    "evaluation.failed",
    "shard.failed",
    "worker.died",
    "rescore.done",
]


class WebhookRequest(BaseModel):
    """Where to send which events."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"url": "https://hooks.example.org/evalsvc", "events": ["job.done", "job.failed"]}
            ]
        },
    )
    url: str = Field(min_length=1, max_length=MAX_URL_CHARACTERS)
    events: list[Kind] = Field(min_length=1, max_length=20)


class WebhookView(BaseModel):
    """A webhook. The secret was shown once, when it was made."""

    id: str
    owner: str
    url: str
    events: list[str]
    created_at: datetime


class NewWebhook(WebhookView):
    """A webhook with the secret that signs its deliveries; it is shown only now."""

    secret: str


class Delivery(BaseModel):
    """One event for one webhook, and how the last attempt ended."""

    id: int
    event_id: int
    kind: str
    state: str
    attempts: int
    response_status: int | None
    error: str | None
    next_attempt_at: datetime | None
    created_at: datetime


@router.post("", status_code=201, responses=documented())
def create_webhook(body: WebhookRequest, state: StateDep, who: Submitter) -> NewWebhook:
    """Receive events as signed POST requests; docs/security.md has the receiver's side."""
    check_address(body.url, state.settings.webhook_allow)
    with state.database.write() as session:
        row = webhooks.create(session, who.name, body.url, sorted(set(body.events)))
        return NewWebhook(**_view(row).model_dump(), secret=row.secret)


@router.get("", responses=documented())
def list_webhooks(
    state: StateDep, who: Submitter, limit: Limit = 50, cursor: Cursor = None
) -> Paginated[WebhookView]:
    """Your webhooks; an administrator sees all."""
    with state.database.read() as session:
        rows = webhooks.page(session, _owner(who), pagination.decode(cursor), limit)
        return pagination.page(rows, [_view(row) for row in rows.rows])


@router.delete("/{webhook_id}", status_code=204, responses=documented(404))
def remove_webhook(webhook_id: WebhookId, state: StateDep, who: Submitter) -> Response:
    """No further deliveries."""
    with state.database.write() as session:
        row = webhooks.get(session, webhook_id, _owner(who))
        webhooks.remove(session, row, who.name)
    return Response(status_code=204)


@router.get("/{webhook_id}/deliveries", responses=documented(404))
def list_deliveries(
    webhook_id: WebhookId, state: StateDep, who: Submitter, limit: Limit = 50, cursor: Cursor = None
) -> Paginated[Delivery]:
    """What was sent, with every outcome, newest first."""
    with state.database.read() as session:
        webhooks.get(session, webhook_id, _owner(who))
        after = pagination.decode(cursor)
        rows = webhooks.deliveries_page(session, webhook_id, after, limit)
        return pagination.page(rows, [_delivery(row) for row in rows.rows])


def _owner(who: Principal) -> str | None:
    return None if Scope.ADMIN in who.scopes else who.name


def _view(row: Webhook) -> WebhookView:
    return WebhookView(
        id=row.id, owner=row.owner, url=row.url, events=row.events, created_at=row.created_at
    )


def _delivery(row: WebhookDelivery) -> Delivery:
    return Delivery(
        id=row.id,
        event_id=row.event_id,
        kind=str(row.payload.get("kind", "")),
        state=row.state,
        attempts=row.attempts,
        response_status=row.response_status,
        error=row.error,
        next_attempt_at=row.next_attempt_at if row.state == webhooks.WAITING else None,
        created_at=row.created_at,
    )
