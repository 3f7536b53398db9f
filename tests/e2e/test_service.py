"""The whole service as a user runs it: `evalsvc up` with the replay engine, REST and commands."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalsvc.catalogue import Catalogue
from evalsvc.services.webhooks.deliveries import sign
from tests.support.service import running_service

SAMPLES = 4


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    """Replayed answers: sample 0 of each problem is right, and for every second one all are."""
    path = tmp_path / "answers.jsonl"
    with path.open("w") as file:
        for problem in Catalogue().load("smoke", tmp_path):
            right, wrong = f"\\boxed{{{problem.gold}}}", "\\boxed{-98765}"
            texts = [right] * SAMPLES if problem.index % 2 else [right] + [wrong] * (SAMPLES - 1)
            file.write(json.dumps({"problem_id": problem.id, "responses": texts}) + "\n")
    return path


def evalsvc(data: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from evalsvc.cli import main; main()", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "EVALSVC_DATA": str(data)},
    )


class Receiver:
    """Receives webhooks; refuses the first delivery, so that it has to be repeated."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.received.append((dict(self.headers), body))
                self.send_response(500 if len(outer.received) == 1 else 200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/hook"


def test_submit_wait_compare_and_be_told(tmp_path: Path, answers: Path) -> None:
    receiver = Receiver()
    data = tmp_path / "var"
    environ = {"EVALSVC_ENGINE": "replay", "EVALSVC_WEBHOOK_ALLOW": "127.0.0.0/8"}
    with running_service(data, **environ) as service:
        hook = service.client.post(
            "/v1/webhooks", json={"url": receiver.url, "events": ["job.done"]}
        ).json()
        options = json.dumps({"answers": str(answers)})
        done = evalsvc(
            data, "submit", "label", "--run", "r", "--step", "1", "--benchmarks", "smoke",
            "--samples", str(SAMPLES), "--engine-options", options, "--wait", "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "samples/s" in done.stderr
        (evaluation,) = json.loads(done.stdout)["evaluations"]
        assert evaluation["metrics"]["pass@1"]["value"] == pytest.approx((1 + 1 / SAMPLES) / 2)
        assert evaluation["metrics"][f"pass@{SAMPLES}"]["value"] == 1.0
        assert evaluation["complete"]

        request = json.loads(done.stdout)["job"]["request"]
        again = service.finish(service.submit(**request), 60)
        assert again["evaluations"][0]["id"] == evaluation["id"]
        assert sum(p["n"] for p in service.problems(evaluation["id"])) == 200 * SAMPLES

        events = service.client.get(f"/v1/jobs/{again['id']}/events").text
        assert "event: job.done" in events
        told_by = time.monotonic() + 15  # a worker's word reaches the database within seconds
        while (said := service.get("/v1/workers")["items"][0]["status"])["engine"] != "replay":
            assert time.monotonic() < told_by, said
            time.sleep(0.2)
        second = evalsvc(data, "up", "--port", "0")
        assert second.returncode == 1
        assert "Another service" in second.stderr
        _check_deliveries(service.client, hook, receiver)
    assert not (data / "server.json").exists()


def _check_deliveries(client: httpx.Client, hook: dict[str, Any], receiver: Receiver) -> None:
    deadline = time.monotonic() + 30
    while True:
        log = client.get(f"/v1/webhooks/{hook['id']}/deliveries").json()["items"]
        if len(log) == 2 and all(item["state"] == "delivered" for item in log):
            break
        assert time.monotonic() < deadline, log
        time.sleep(0.3)
    assert max(item["attempts"] for item in log) == 2
    for headers, body in receiver.received:
        timestamp = int(headers["Evalsvc-Signature"].partition(",")[0].removeprefix("t="))
        assert headers["Evalsvc-Signature"] == sign(hook["secret"], timestamp, body)
        assert json.loads(body)["kind"] == headers["Evalsvc-Event"] == "job.done"


def test_commands_work_on_the_database_without_a_server(tmp_path: Path) -> None:
    data = tmp_path / "var"
    for name, shift in (("a", 0), ("b", 3)):
        rows = [{"problem_id": i, "n": 8, "c": min(8, i % 6 + shift)} for i in range(60)]
        file = tmp_path / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        done = evalsvc(
            data, "import", "counts", str(file), "--run", name, "--method", name.upper(),
            "--step", "7", "--benchmark", "own", "--json",
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["problems"] == 60
    compared = evalsvc(data, "compare", "--baseline", "a", "--candidate", "b@7", "--json")
    items = json.loads(compared.stdout)
    keys = {
        "benchmark", "metric", "k", "baseline", "candidate", "difference", "interval_fixed",
        "interval_population", "p_value", "p_adjusted", "minimum_detectable_effect", "sentence",
    }  # fmt: skip
    assert all(keys <= set(item) for item in items)
    assert [item["k"] for item in items] == [1, 2, 4, 8]
    assert items[0]["p_adjusted"] < 0.01
    for arguments, word in (
        (["results", "--run", "a"], "pass@8"),
        (["rank"], "b@7"),
        (["power", "--pilot", "a", "--benchmark", "own", "--effect", "0.2"], "power"),
        (["export", "--format", "latex", "--baseline", "a"], "tabular"),
        (["export", "--format", "csv"], "pass@k"),
        (["db", "check"], "In order"),
        (["checkpoints"], "imported"),
        (["jobs"], "job"),
        (["workers"], "worker"),
    ):
        done = evalsvc(data, *arguments)
        assert done.returncode == 0, (arguments, done.stderr)
        assert word in done.stdout, (arguments, done.stdout)


def test_an_open_address_refuses_to_start_without_a_key(tmp_path: Path) -> None:
    data = tmp_path / "var"
    refused = evalsvc(data, "serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "evalsvc keys create" in refused.stderr
    made = evalsvc(data, "keys", "create", "ann", "--scopes", "read", "--json")
    key = json.loads(made.stdout)["key"]
    assert key not in evalsvc(data, "keys", "list").stdout
    environ = {"EVALSVC_HOST": "0.0.0.0", "EVALSVC_ENGINE": "replay"}
    with running_service(data, **environ) as service:
        assert service.client.get("/v1/jobs").status_code == 401
        authorised = {"Authorization": f"Bearer {key}"}
        assert service.client.get("/v1/jobs", headers=authorised).status_code == 200


def test_sigterm_leaves_no_process(tmp_path: Path, answers: Path) -> None:
    data = tmp_path / "var"
    with running_service(data, EVALSVC_ENGINE="replay") as service:
        service.submit(
            checkpoint="label", run="r", benchmarks=["smoke"], samples=4, engine="replay",
            engine_options={"answers": str(answers), "seconds_per_sample": 0.5, "concurrency": 1},
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while not (found := service.get("/v1/workers")["items"]) or not found[0]["status"]["pid"]:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        worker = found[0]["status"]["pid"]
        service.client.close()
    with pytest.raises(ProcessLookupError):
        os.kill(worker, signal.SIGCONT)
