"""Signing in where keys are on, and what goes out without one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from evalsvc.dashboard.web import assets
from evalsvc.server.app import create_app
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.repositories.keys import create_key, revoke_key

OURS = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(f"sqlite:///{tmp_path / 'evalsvc.db'}")
    made.upgrade()
    yield made
    made.close()


@pytest.fixture
def client(database: Database, tmp_path: Path) -> TestClient:
    """A client of a server that other machines could reach; no socket is opened."""
    settings = Settings(data=tmp_path, database_url=database.url, host="192.0.2.1")
    app = create_app(settings, database, nouns=())
    return TestClient(app, base_url="https://192.0.2.1", follow_redirects=False)


def key(database: Database, *scopes: str) -> str:
    with database.write() as session:
        return create_key(session, "-".join(scopes), scopes, by="test").key


def test_a_page_without_a_key_leads_to_the_sign_in_and_back(
    client: TestClient, database: Database
) -> None:
    answer = client.get("/matrix?benchmark=math")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/sign-in?next=%2Fmatrix%3Fbenchmark%3Dmath"
    form = {"key": key(database, "read"), "next": "/matrix?benchmark=math"}
    signed_in = client.post("/sign-in", data=form, headers=OURS)
    assert signed_in.headers["location"] == "/matrix?benchmark=math"
    cookie = signed_in.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "secure" in cookie
    page = client.get("/workers")
    assert page.status_code == 200
    assert "Sign out" in page.text
    assert form["key"] not in page.text
    assert client.post("/sign-out", headers=OURS).status_code == 303
    assert client.get("/workers").status_code == 303


def test_data_and_events_without_a_key_are_refused(client: TestClient) -> None:
    for path in ("/index.json", "/matrix.csv", "/live"):
        assert client.get(path).status_code == 401
    assert client.get(assets.url("base.css")).status_code == 200


def test_a_wrong_or_revoked_key_brings_the_form_back(
    client: TestClient, database: Database
) -> None:
    shown = key(database, "read")
    for wrong in ("", "nonsense", shown + "x"):
        answer = client.post("/sign-in", data={"key": wrong}, headers=OURS)
        assert answer.status_code == 401
        assert "set-cookie" not in answer.headers
    client.post("/sign-in", data={"key": shown}, headers=OURS)
    assert client.get("/workers").status_code == 200
    with database.write() as session:
        revoke_key(session, "read", by="test")
    assert client.get("/workers").status_code == 303


def test_a_form_from_elsewhere_signs_nobody_in(client: TestClient, database: Database) -> None:
    form = {"key": key(database, "read")}
    answer = client.post("/sign-in", data=form, headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status_code == 403
    assert "set-cookie" not in answer.headers


def test_a_key_that_may_only_read_may_not_judge(client: TestClient, database: Database) -> None:
    client.post("/sign-in", data={"key": key(database, "read")}, headers=OURS)
    path = "/evaluations/e/rows/0/samples/0/override"
    answer = client.post(path, data={"correct": "yes", "why": "x"}, headers=OURS)
    assert answer.status_code == 403
    assert "scope" in answer.text


def test_static_files_are_kept_for_ever_and_only_ours(client: TestClient) -> None:
    plotly = client.get(assets.url("plotly.min.js"))
    assert plotly.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert plotly.headers["content-encoding"] == "gzip"
    assert len(plotly.content) > 1_000_000
    for name in ("..%2Fapp.py", "app.py", "none.js"):
        assert client.get(f"/static/x/{name}").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["/", "/leaderboard", "/compare", "/claims", "/matrix", "/power", "/benchmarks", "/workers"],
)
def test_an_empty_service_says_how_to_begin(
    client: TestClient, database: Database, path: str
) -> None:
    client.post("/sign-in", data={"key": key(database, "read")}, headers=OURS)
    answer = client.get(path)
    assert answer.status_code == 200
    assert "default-src 'none'" in answer.headers["content-security-policy"]
