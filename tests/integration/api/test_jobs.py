"""Jobs by REST: submission, idempotency, pages, events, cancelling."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evalsvc.dispatch.ready_queue import ReadyQueue
from tests.support.http_server import Running, job_body

BURST = 150


def test_a_job_is_submitted_listed_and_cancelled(server: Running, answers: Path) -> None:
    with server.http as http:
        answer = http.post("/v1/jobs", json=job_body(answers))
        assert answer.status_code == 201
        job = answer.json()
        assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
        assert job["state"] == "queued"
        assert job["progress"]["samples_wanted"] == 4
        assert [part["benchmark"] for part in job["evaluations"]] == ["smoke"]
        assert http.get("/v1/jobs").json()["items"][0]["id"] == job["id"]
        assert http.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
        assert http.post(f"/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"


def test_idempotency_key_gives_one_job_and_refuses_another_body(
    server: Running, answers: Path
) -> None:
    headers = {"Idempotency-Key": "once"}
    with server.http as http:
        first = http.post("/v1/jobs", json=job_body(answers), headers=headers).json()
        again = http.post("/v1/jobs", json=job_body(answers), headers=headers)
        other = http.post("/v1/jobs", json=job_body(answers, step=2), headers=headers)
        assert again.json()["id"] == first["id"]
        assert len(http.get("/v1/jobs").json()["items"]) == 1
    assert other.status_code == 409
    assert "new key" in other.json()["remedy"]


def test_pages_neither_repeat_nor_lose_jobs(server: Running, answers: Path) -> None:
    with server.http as http:
        made = {
            http.post("/v1/jobs", json=job_body(answers, step=step)).json()["id"]
            for step in range(7)
        }
        seen: list[str] = []
        cursor = None
        while True:
            asked = {"limit": 3, **({"cursor": cursor} if cursor else {})}
            page = http.get("/v1/jobs", params=asked).json()
            seen += [job["id"] for job in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        assert sorted(seen) == sorted(made)
        assert http.get("/v1/jobs", params={"cursor": "bm9uc2Vuc2U"}).status_code == 400
        runs_cursor = http.get("/v1/runs", params={"limit": 1}).json()["next_cursor"]
        assert runs_cursor is None
        foreign = http.get("/v1/checkpoints", params={"limit": 1}).json()["next_cursor"]
        assert http.get("/v1/jobs", params={"cursor": foreign}).status_code == 400


def test_events_end_with_the_job_and_resume_after_the_last_id(
    server: Running, answers: Path
) -> None:
    with server.http as http:
        job = http.post("/v1/jobs", json=job_body(answers)).json()["id"]
        http.post(f"/v1/jobs/{job}/cancel")
        whole = http.get(f"/v1/jobs/{job}/events")
        assert whole.headers["content-type"].startswith("text/event-stream")
        ids = [line[4:] for line in whole.text.splitlines() if line.startswith("id: ")]
        kinds = [line[7:] for line in whole.text.splitlines() if line.startswith("event: ")]
        assert kinds[0] == "job.submitted"
        assert "job.cancelled" in kinds
        http.post(f"/v1/jobs/{job}/cancel")  # it has ended: nothing more happens
        rest = http.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": ids[0]})
        resumed = [line[4:] for line in rest.text.splitlines() if line.startswith("id: ")]
        assert resumed == ids[1:]


def test_what_is_wrong_with_a_request_is_said_with_a_remedy(server: Running, answers: Path) -> None:
    wrong: list[tuple[dict[str, object], int, str]] = [
        ({"benchmarks": ["nothing"]}, 422, "nothing"),
        ({"samples": 0}, 422, "samples"),
        ({"samples": 2, "ks": [4]}, 422, "k = 4"),
        (
            {"engine": "vllm", "engine_options": {}, "checkpoint": "/no/such/folder"},
            422,
            "/no/such/folder",
        ),
        ({"engine": "vllm"}, 400, "no option 'answers'"),
        ({"engine": "magic"}, 400, "magic"),
        ({"protocol": "magic"}, 422, "no protocol 'magic'"),
        ({"protocol": {"temperature": -1}}, 422, "protocol.settings.temperature"),
        ({"protocol": 7}, 422, "protocol.settings"),
        ({"max_tokens": 10**9}, 422, "max_tokens"),
        ({"surprise": 1}, 422, "surprise"),
        ({"run": "a\x00b"}, 422, "run"),
    ]
    with server.http as http:
        for changes, status, word in wrong:
            answer = http.post("/v1/jobs", json=job_body(answers, **changes))
            problem = answer.json()
            assert answer.status_code == status, (changes, problem)
            assert answer.headers["content-type"] == "application/problem+json"
            assert word in problem["detail"], problem
            assert problem["remedy"]
            assert problem["instance"] == "/v1/jobs"
        assert http.get("/v1/jobs").json()["items"] == []


def test_an_unknown_job_is_404(server: Running) -> None:
    with server.http as http:
        for path in ("/v1/jobs/x", "/v1/jobs/x/events", "/v1/evaluations/x", "/v1/nothing"):
            answer = http.get(path)
            assert answer.status_code == 404
            assert answer.json()["type"] == "urn:evalsvc:problem:not-found"


@pytest.mark.timeout(240)
def test_a_burst_of_submissions_loses_and_doubles_nothing(server: Running, answers: Path) -> None:
    """Sixteen clients at once, each job sent twice under one key, as after a lost answer."""

    def submit(number: int) -> tuple[int, str]:
        headers = {"Idempotency-Key": f"burst-{number % BURST}"}
        body = job_body(answers, checkpoint=f"label-{number % BURST}", step=number % BURST)
        answer = http.post("/v1/jobs", json=body, headers=headers)
        return answer.status_code, answer.json()["id"]

    with server.http as http, ThreadPoolExecutor(16) as clients:
        http.timeout = 60
        answered = list(clients.map(submit, range(2 * BURST)))
        figures = http.get("/metrics").text
    assert {code for code, _ in answered} == {201}
    assert len({job_id for _, job_id in answered}) == BURST
    assert f'evalsvc_jobs{{state="queued"}} {BURST}.0' in figures
    queue = ReadyQueue(server.database)
    queue.poll()
    assert len(queue) == BURST
