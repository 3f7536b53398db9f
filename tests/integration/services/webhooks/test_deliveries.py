"""Deliveries go where the owner said and nowhere else: redirects, a DNS that changes its mind."""

import asyncio
import hashlib
import hmac
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from evalsvc.errors import PermissionDenied
from evalsvc.services.webhooks.deliveries import DeliveryOutcome, attempt
from evalsvc.services.webhooks.ssrf import check_address
from evalsvc.store.repositories.webhooks import ClaimedDelivery

LOOPBACK = "127.0.0.0/8"


class Receiver(HTTPServer):
    """A receiver on loopback; answers 204, or redirects to `location`."""

    def __init__(self, location: str | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.location = location
        self.hosts: list[str] = []  # the header Host of each request
        self.taken: list[tuple[dict[str, str], bytes]] = []  # headers and body of each request

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        self.server.hosts.append(self.headers["Host"])
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((dict(self.headers), body))
        self.send_response(307 if self.server.location else 204)
        if self.server.location:
            self.send_header("Location", self.server.location)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing: the test looks at `hosts`."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def deliver(url: str, allow: str = LOOPBACK) -> DeliveryOutcome:
    claimed = ClaimedDelivery(
        id=1, webhook="w", url=url, secret="s", payload={"kind": "x"}, attempts=1
    )
    return asyncio.run(attempt(claimed, allow))


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    """The DNS gives these addresses for every name, one a question, the last one for ever."""
    left = list(addresses)

    def answer(host: str, port: int, **_: Any) -> list[Any]:
        address = left.pop(0) if len(left) > 1 else left[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        return [(family, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr("evalsvc.services.webhooks.ssrf.socket.getaddrinfo", answer)


def test_a_redirect_is_a_failure_and_nobody_else_is_told(receiver: Receiver) -> None:
    with Receiver(f"http://127.0.0.1:{receiver.port}/inner") as moved:
        threading.Thread(target=moved.serve_forever, daemon=True).start()
        outcome = deliver(f"http://127.0.0.1:{moved.port}/")
        moved.shutdown()
    assert outcome.status == 307
    assert "not followed" in str(outcome.error)
    assert receiver.hosts == []


def test_a_name_is_checked_again_at_every_attempt(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "93.184.215.14", "127.0.0.1")
    url = f"http://rebinding.example:{receiver.port}/"
    assert check_address(url, "").address == "93.184.215.14"
    outcome = deliver(url, allow="")
    assert outcome.status is None
    assert "not a public address" in str(outcome.error)
    assert receiver.hosts == []


def test_the_connection_goes_to_the_checked_address_under_the_given_name(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve_to(monkeypatch, "127.0.0.1")
    url = f"http://hooks.example:{receiver.port}/"
    assert deliver(url).error is None
    assert receiver.hosts == [f"hooks.example:{receiver.port}"]


@pytest.mark.parametrize(
    "address",
    ["10.0.0.1", "169.254.169.254", "100.64.0.1", "fe80::1", "fd00::1", "::ffff:10.0.0.1",
     "2002:7f00:1::", "64:ff9b::a00:1", "::", "::127.0.0.1", "ff02::1", "240.0.0.1"],
)  # fmt: skip
def test_a_name_that_leads_inside_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    resolve_to(monkeypatch, address)
    with pytest.raises(PermissionDenied, match="not a public address"):
        check_address("https://hooks.example/", "")


def test_one_private_address_among_public_ones_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, 1, 6, "", (a, port)) for a in ("93.184.215.14", "10.0.0.1")]

    monkeypatch.setattr("evalsvc.services.webhooks.ssrf.socket.getaddrinfo", answer)
    with pytest.raises(PermissionDenied):
        check_address("https://hooks.example/", "")


def test_both_signatures_are_those_of_the_secret(receiver: Receiver) -> None:
    assert deliver(f"http://127.0.0.1:{receiver.port}/").error is None
    ((headers, body),) = receiver.taken
    assert Webhook(b"s").verify(body, headers) == {"kind": "x"}
    with pytest.raises(WebhookVerificationError):
        Webhook(b"another").verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(b"s").verify(body + b" ", headers)
    own = dict(part.split("=", 1) for part in headers["Evalsvc-Signature"].split(","))
    text = own["t"].encode() + b"." + body
    assert own["v1"] == hmac.new(b"s", text, hashlib.sha256).hexdigest()
    assert headers["Webhook-Timestamp"] == own["t"]
    assert headers["Webhook-Id"] == headers["Evalsvc-Delivery"] == "1"
