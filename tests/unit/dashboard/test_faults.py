"""Errors that no page has caught: pages for people, problem documents for programs."""

from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError
from starlette.testclient import TestClient

from evalsvc.server.app import create_app
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.repositories import events

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    database = Database(f"sqlite:///{tmp_path / 'evalsvc.db'}")
    database.upgrade()
    settings = Settings(data=tmp_path, database_url=database.url)
    app = create_app(settings, database)
    return TestClient(app, base_url="http://127.0.0.1", raise_server_exceptions=False)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/evaluations", 404), ("GET", "/sign-out", 405), ("DELETE", "/workers", 405)],
)
def test_an_address_that_does_not_exist_is_a_page_with_a_remedy(
    client: TestClient, method: str, path: str, status: int
) -> None:
    answer = client.request(method, path, headers=BROWSER)
    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert 'class="remedy"' in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    assert ("allow" in answer.headers) is (status == 405)


def test_programs_and_the_api_get_problem_documents(client: TestClient) -> None:
    for path, headers in (("/evaluations", {}), ("/v1/nothing", BROWSER), ("/v1/jobs/x", BROWSER)):
        answer = client.get(path, headers=headers)
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["remedy"]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (OperationalError("SELECT secret", {}, Exception("gone")), 503),
        (RuntimeError("secret"), 500),
    ],
)
def test_a_page_that_the_server_could_not_make_comes_back_by_itself(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(events, "of_workers", fail)
    answer = client.get("/workers", headers=BROWSER)
    assert answer.status_code == status
    assert 'data-live="failed"' in answer.text
    assert "secret" not in answer.text
    assert client.get("/workers.json").headers["content-type"] == "application/problem+json"
    monkeypatch.undo()
    assert 'data-live="yes"' in client.get("/workers", headers=BROWSER).text
