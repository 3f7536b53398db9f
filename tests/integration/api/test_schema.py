"""The OpenAPI document is kept: whatever is sent, no 5xx and no answer outside the schema."""

from collections.abc import Callable

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from evalsvc.store.repositories import keys
from tests.support.http_server import Running, counts_body

load_all_checks()
KEPT = [
    CHECKS.get_one(name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_schema_conformance",
    )
]
SETTINGS = settings(
    max_examples=12,  # per operation: the whole run stays below half a minute
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.timeout(240)
@pytest.mark.parametrize("scope", [None, "read", "admin"])
def test_no_answer_is_outside_the_document(
    start: Callable[..., Running], scope: str | None
) -> None:
    running = start(host="0.0.0.0", requests_per_minute=10**6)
    headers = {}
    if scope is not None:
        with running.database.write() as session:
            key = keys.create_key(session, scope, [scope], by="test").key
        headers["Authorization"] = f"Bearer {key}"
    if scope == "admin":
        with running.http as http:
            made = http.post("/v1/imports", json=counts_body("r", [1, 2]), headers=headers)
            assert made.status_code == 201
    document = schemathesis.openapi.from_url(f"{running.url}/openapi.json")

    sent = 0
    for result in document.get_all_operations():
        operation = result.ok()
        if operation.path.endswith("/events"):
            continue  # a stream: test_jobs.py follows one to its end

        @SETTINGS
        @given(case=operation.as_strategy())
        def send(case: schemathesis.Case) -> None:
            nonlocal sent
            sent += 1
            answer = case.call(base_url=running.url, headers=headers, timeout=20)
            case.validate_response(answer, checks=KEPT)

        send()
    assert sent > 100
