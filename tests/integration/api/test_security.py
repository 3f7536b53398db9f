"""Keys, scopes, limits, hosts, origins, bodies, webhook targets."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from evalsvc.errors import EvalsvcError, PermissionDenied, UsageError
from evalsvc.services.webhooks.ssrf import check_address
from evalsvc.store.database import Database
from evalsvc.store.repositories import keys
from tests.support.http_server import Running, counts_body, job_body


def make_key(database: Database, name: str, *scopes: str) -> str:
    with database.write() as session:
        return keys.create_key(session, name, scopes, by="test").key


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def test_scopes_hold_on_loopback_too(server: Running, answers: Path) -> None:
    read, submit = (make_key(server.database, s, s) for s in ("read", "submit"))
    with server.http as http:
        assert http.get("/v1/jobs", headers=bearer(read)).status_code == 200
        refused = http.post("/v1/jobs", json=job_body(answers), headers=bearer(read))
        assert refused.status_code == 403
        assert "submit" in refused.json()["detail"]
        made = http.post("/v1/jobs", json=job_body(answers), headers=bearer(submit))
        assert made.json()["owner"] == "submit"
        wrong = http.get("/v1/jobs", headers=bearer(read[:-1] + "x"))
        assert wrong.status_code == 401
        assert wrong.headers["www-authenticate"] == "Bearer"


def test_a_revoked_key_is_refused_at_once(server: Running) -> None:
    key = make_key(server.database, "gone", "read")
    with server.http as http:
        assert http.get("/v1/runs", headers=bearer(key)).status_code == 200
        with server.database.write() as session:
            keys.revoke_key(session, "gone", by="test")
        assert http.get("/v1/runs", headers=bearer(key)).status_code == 401


def test_only_a_digest_of_a_key_is_stored(server: Running) -> None:
    key = make_key(server.database, "secret", "read")
    path = server.database.sqlite_path
    assert path is not None
    stored = b"".join(file.read_bytes() for file in path.parent.glob("evalsvc.db*"))
    assert key.rpartition("_")[2].encode() not in stored


def test_another_users_job_cannot_be_cancelled(server: Running, answers: Path) -> None:
    mine, yours = (make_key(server.database, name, "submit") for name in ("mine", "yours"))
    with server.http as http:
        job = http.post("/v1/jobs", json=job_body(answers), headers=bearer(mine)).json()["id"]
        assert http.post(f"/v1/jobs/{job}/cancel", headers=bearer(yours)).status_code == 403


def test_open_addresses_demand_a_key(start: Callable[..., Running]) -> None:
    running = start(host="0.0.0.0")
    with running.http as http:
        assert http.get("/healthz").status_code == 200
        for path in ("/v1/jobs", "/v1/leaderboard", "/metrics"):
            assert http.get(path).status_code == 401
        key = make_key(running.database, "reader", "read")
        assert http.get("/v1/jobs", headers=bearer(key)).status_code == 200


def test_rate_limit_is_per_key(start: Callable[..., Running]) -> None:
    running = start(requests_per_minute=5)
    fast, slow = (make_key(running.database, name, "read") for name in ("fast", "slow"))
    with running.http as http:
        codes = [http.get("/v1/runs", headers=bearer(fast)).status_code for _ in range(8)]
        assert codes[:5] == [200] * 5
        assert 429 in codes[5:]
        assert http.get("/v1/runs", headers=bearer(slow)).status_code == 200


def test_other_hosts_and_origins_are_refused(server: Running) -> None:
    with server.http as http:
        rebound = http.get("/v1/jobs", headers={"Host": "evil.example"})
        assert rebound.status_code == 403
        foreign = http.post(
            "/v1/imports", json=counts_body("a", [1]), headers={"Origin": "https://evil.example"}
        )
        assert foreign.status_code == 403
        own = http.post("/v1/imports", json=counts_body("a", [1]), headers={"Origin": server.url})
        assert own.status_code == 201


def test_bodies_are_capped_announced_or_streamed(start: Callable[..., Running]) -> None:
    running = start(max_body_bytes=10_000)

    def endless() -> Iterator[bytes]:
        for _ in range(50):
            yield b" " * 1000

    headers = {"Content-Type": "application/json"}
    with running.http as http:
        announced = http.post("/v1/jobs", content=b" " * 20_000, headers=headers)
        streamed = http.post("/v1/jobs", content=endless(), headers=headers)
    for answer in (announced, streamed):
        assert answer.status_code == 413
        assert answer.json()["type"] == "urn:evalsvc:problem:too-large"


def test_nul_and_unstorable_values_are_refused_in_words(server: Running, answers: Path) -> None:
    with server.http as http:
        assert http.get("/v1/jobs/a%00b").status_code == 400
        assert http.get("/v1/runs?method=%00").status_code == 400
        huge = http.post("/v1/jobs", json=job_body(answers, step=2**80))
        half = b'{"checkpoint": "\\ud800", "run": "r", "benchmarks": ["smoke"], "engine": "replay"}'
        lone = http.post("/v1/jobs", content=half, headers={"Content-Type": "application/json"})
        assert huge.status_code == 422
        assert lone.status_code in (400, 422)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/x",
        "http://[::1]/x",
        "http://10.1.2.3/",
        "http://192.168.0.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0:8420/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://localhost:8420/",
        "http://2130706433/",
    ],
)
def test_private_webhook_targets_are_refused(url: str) -> None:
    with pytest.raises(EvalsvcError) as caught:
        check_address(url, "")
    assert isinstance(caught.value, PermissionDenied | UsageError)


def test_allowed_networks_and_hosts_may_be_reached() -> None:
    assert check_address("http://127.0.0.1:9/x", "127.0.0.0/8").address == "127.0.0.1"
    assert check_address("http://localhost:9/x", "localhost").port == 9
    with pytest.raises(PermissionDenied):
        check_address("http://127.0.0.1:9/x", "10.0.0.0/8, example.org")


@pytest.mark.parametrize("url", ["ftp://example.org", "http://", "http://u:p@1.1.1.1/", "nonsense"])
def test_what_is_no_webhook_url_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        check_address(url, "")


def test_the_connection_of_a_keyless_client_says_what_to_do(start: Callable[..., Running]) -> None:
    running = start(host="0.0.0.0")
    problem = httpx.get(f"{running.url}/v1/jobs", trust_env=False).json()
    assert "Authorization" in problem["remedy"]
