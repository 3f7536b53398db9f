"""Delivering webhooks: signed, with time limits, never redirected, every attempt in the log.

Two signatures go with each delivery, both HMAC-SHA256 with the webhook's secret:
`Evalsvc-Signature: t=TIMESTAMP,v1=HEX` over `TIMESTAMP.BODY`, and the headers of Standard Webhooks
(Webhook-Id, Webhook-Timestamp, Webhook-Signature). Receivers should refuse old timestamps.
"""

import asyncio
import hashlib
import hmac
import json
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from evalsvc.errors import EvalsvcError
from evalsvc.services.limits import DELIVERY_SECONDS, MAX_DELIVERY_ERROR_CHARACTERS
from evalsvc.services.webhooks.ssrf import CheckedAddress, check_address
from evalsvc.store.database import Database
from evalsvc.store.models import Event
from evalsvc.store.repositories import webhooks
from evalsvc.store.repositories.webhooks import ClaimedDelivery

POLL_SECONDS = 1.0
AT_ONCE = 16
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class DeliveryOutcome:
    """How one attempt ended; `error` is None when the receiver took it."""

    status: int | None
    error: str | None


async def deliver_forever(database: Database, allow: str) -> None:
    """Deliver what is due, until cancelled. Waits while the database fails."""
    while True:
        try:
            await deliver_due(database, allow)
        except EvalsvcError as error:
            logger.warning("webhooks wait: %s", error)
        await asyncio.sleep(POLL_SECONDS)


async def deliver_due(database: Database, allow: str) -> int:
    """Run one round: create deliveries of new events, attempt those due. Returns the attempts."""
    claimed = await asyncio.to_thread(_claim, database)
    outcomes = await asyncio.gather(*(attempt(item, allow) for item in claimed))
    if claimed:
        await asyncio.to_thread(_finish, database, list(zip(claimed, outcomes, strict=True)))
    return len(claimed)


def _claim(database: Database) -> list[ClaimedDelivery]:
    with database.read() as session:
        found = [
            (hook.id, event.id, payload_of(event)) for hook, event in webhooks.new_events(session)
        ]
        if not found and not webhooks.is_due(session):
            return []
    with database.write() as session:
        webhooks.enqueue(session, found)
        return webhooks.claim(session, AT_ONCE)


def _finish(database: Database, ended: list[tuple[ClaimedDelivery, DeliveryOutcome]]) -> None:
    with database.write() as session:
        for claimed, outcome in ended:
            webhooks.finish(session, claimed, status=outcome.status, error=outcome.error)


async def attempt(claimed: ClaimedDelivery, allow: str) -> DeliveryOutcome:
    """Send one delivery to the address that was just checked."""
    try:
        target = await asyncio.to_thread(check_address, claimed.url, allow)
    except EvalsvcError as error:
        return DeliveryOutcome(None, str(error)[:MAX_DELIVERY_ERROR_CHARACTERS])
    body = json.dumps(claimed.payload, separators=(",", ":")).encode()
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "evalsvc-webhook",
        "Host": _host_header(target),
        "Evalsvc-Event": str(claimed.payload.get("kind", "")),
        "Evalsvc-Delivery": str(claimed.id),
        **signatures(claimed.secret, str(claimed.id), datetime.now(UTC), body),
    }
    try:
        # trust_env=False: a proxy would resolve the name again, past the check.
        async with (
            httpx.AsyncClient(timeout=DELIVERY_SECONDS, trust_env=False) as client,
            asyncio.timeout(DELIVERY_SECONDS),
            client.stream(
                "POST",
                pinned_url(target),
                content=body,
                headers=headers,
                extensions={"sni_hostname": target.host},
                follow_redirects=False,
            ) as response,
        ):
            return _outcome(response.status_code)
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
        words = str(error) or type(error).__name__
        return DeliveryOutcome(None, f"not delivered: {words}"[:MAX_DELIVERY_ERROR_CHARACTERS])


def signatures(secret: str, delivery: str, at: datetime, body: bytes) -> dict[str, str]:
    """The headers that sign one attempt. `delivery` is the same at every attempt."""
    timestamp = int(at.timestamp())
    return {
        "Evalsvc-Signature": sign(secret, timestamp, body),
        "Webhook-Id": delivery,
        "Webhook-Timestamp": str(timestamp),
        "Webhook-Signature": Webhook(secret.encode()).sign(delivery, at, body.decode()),
    }


def sign(secret: str, timestamp: int, body: bytes) -> str:
    """The header Evalsvc-Signature."""
    digest = hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256)
    return f"t={timestamp},v1={digest.hexdigest()}"


def payload_of(event: Event) -> dict[str, Any]:
    """The payload that a receiver gets for an event."""
    return {
        "id": event.id,
        "at": event.at.isoformat(),
        "kind": event.kind,
        "job": event.job_id,
        "evaluation": event.evaluation_id,
        "shard": event.shard_id,
        "worker": event.worker_id,
        "data": event.data,
    }


def pinned_url(target: CheckedAddress) -> httpx.URL:
    """The URL with the checked address in place of the name."""
    address = f"[{target.address}]" if ":" in target.address else target.address
    return httpx.URL(target.url).copy_with(host=address.strip("[]"), port=target.port)


def _host_header(target: CheckedAddress) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    default = {"http": 80, "https": 443}[httpx.URL(target.url).scheme]
    return host if target.port == default else f"{host}:{target.port}"


def _outcome(status: int) -> DeliveryOutcome:
    if 200 <= status < 300:
        return DeliveryOutcome(status, None)
    if 300 <= status < 400:
        return DeliveryOutcome(
            status, f"the receiver redirects ({status}); redirects are not followed"
        )
    return DeliveryOutcome(status, f"the receiver answered {status}")
