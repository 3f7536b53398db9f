"""A running service with everything that the dashboard shows, made by real jobs and imports.

`evalsvc up` runs with the replay engine: two methods with two runs each on the smoke benchmark,
an imported third, problems with pictures, jobs that fail in part and altogether, hostile responses,
a rescore.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from evalsvc.catalogue import Catalogue
from evalsvc.settings import Settings
from evalsvc.store.database import Database
from evalsvc.store.models import RescoredSample
from tests.support.odd_pictures import ODD, write_odd_benchmark

EVALSVC = (sys.executable, "-c", "from evalsvc.cli import main; main()")
START_SECONDS = 60.0
JOB_SECONDS = 60.0
PROBLEMS = 30
SAMPLES = 8
HOSTILE = (
    "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">",
    '<svg onload=alert(1)></svg><a href="javascript:alert(1)">x</a><style>*{display:none}</style>',
    "\u202ereversed\u202c and zero\u200bwidth, bell \x07, tag \U000e0041",
    "$\\href{javascript:alert(1)}{x}$ $\\style{color:red}{y}$ $" + "{" * 900 + "}" * 900 + "$",
    "{{ 7*7 }} {% raw %} </script></body></html> &amp; <!-- ",
    "long " + "x" * 1_000_000,
)


class Service:
    """One `evalsvc up` process; `start` again keeps its data and its port."""

    def __init__(self, folder: Path, *, environ: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.port = 0
        self._environ = environ or {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        environ = {k: v for k, v in os.environ.items() if not k.startswith("EVALSVC_")}
        environ |= {"EVALSVC_DATA": str(self.folder / "data"), "HF_HUB_OFFLINE": "1"}
        command = [*EVALSVC, "up", "--engine", "replay"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--workers", "1", "--port", str(self.port)],
                cwd=self.folder,
                env=environ | self._environ,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert self._process.stdout is not None
        deadline = time.monotonic() + START_SECONDS
        for line in iter(self._process.stdout.readline, b""):
            if b"listens on" in line:
                self.port = int(line.split(b"http://127.0.0.1:")[1].split(b";")[0].split(b"/")[0])
                return
            assert time.monotonic() < deadline, "the service did not start"
        raise AssertionError(f"the service ended: {(self.folder / 'log').read_text()[-2000:]}")

    def stop(self) -> None:
        """End it and all that it started."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None


@dataclass
class World:
    """What is in the service: names and ids for the tests."""

    service: Service
    client: httpx.Client
    jobs: dict[str, str] = field(default_factory=dict)  # name -> id
    rescore: str = ""

    @property
    def url(self) -> str:
        return self.service.url

    def evaluation(self, run: str, step: int = 100) -> str:
        """The id of a run's smoke evaluation."""
        found = self.get(f"/v1/evaluations?run={run}&step={step}")["items"]
        assert found, f"no evaluation of {run}@{step}"
        return str(found[0]["id"])

    def get(self, path: str) -> Any:
        answer = self.client.get(path)
        answer.raise_for_status()
        return answer.json()

    def submit(self, run: str, method: str, answers: Path, **changes: Any) -> str:
        """Submit a job over the smoke benchmark; returns its id."""
        options = {"answers": str(answers), **changes.pop("engine_options", {})}
        body = {
            "checkpoint": "replayed",
            "run": run,
            "method": method,
            "step": 100,
            "base_model": "Qwen2.5-Math-7B",
            "benchmarks": [{"name": "smoke", "first": PROBLEMS}],
            "protocol": "paper",
            "samples": SAMPLES,
            "engine": "replay",
            "engine_options": options,
            **changes,
        }
        answer = self.client.post("/v1/jobs", json=body)
        assert answer.status_code < 300, answer.text
        self.jobs[f"{run}@{body['step']}"] = str(answer.json()["id"])
        return str(answer.json()["id"])

    def wait(self, job: str) -> dict[str, Any]:
        """The job once it has ended."""
        deadline = time.monotonic() + JOB_SECONDS
        while time.monotonic() < deadline:
            found: dict[str, Any] = self.get(f"/v1/jobs/{job}")
            if found["state"] in ("done", "failed", "cancelled"):
                return found
            time.sleep(0.1)
        raise AssertionError(f"the job {job} has not ended: {found['progress']}")


@contextmanager
def running_world(folder: Path) -> Iterator[World]:
    """A filled service."""
    odd = write_odd_benchmark(folder / "benchmarks", folder / "source")
    Catalogue([odd.parent]).add_data("odd", folder / "source", folder / "data")
    service = Service(folder, environ={"EVALSVC_BENCHMARKS": str(odd.parent)})
    service.start()
    try:
        with httpx.Client(base_url=service.url, timeout=30) as client:
            world = World(service, client)
            _fill(world)
            yield world
    finally:
        service.stop()


def write_answers(path: Path, share: float, *, hostile: bool = False, problems: int = 200) -> Path:
    """Responses of a model that is right about `share` of the time; the rest is wrong or silent."""
    golds = [problem.gold for problem in Catalogue().load("smoke", path.parent)][:problems]
    with path.open("w", encoding="utf-8") as out:
        for problem, gold in enumerate(golds):
            texts = [_response(problem, i, gold, share) for i in range(SAMPLES)]
            if hostile and problem == 1:
                texts = [f"{text}\nSo \\boxed{{7}}." for text in (*HOSTILE, *texts)][:SAMPLES]
            out.write(json.dumps({"problem": problem, "responses": texts}) + "\n")
    return path


def _response(problem: int, sample: int, gold: str, share: float) -> str:
    place = (problem * 37 + sample * 61) % 100
    start = f"We look for $x$ with \\[ x^2 + {problem} = \\frac{{{sample + 1}}}{{3}}. \\]\n"
    if place < 100 * share:
        return f"{start}So the answer is $\\boxed{{{gold}}}$."
    if place % 7 == 0:
        return f"{start}I cannot tell."
    return f"{start}So the answer is $\\boxed{{{1000 + place}}}$."


def _fill(world: World) -> None:
    folder = world.service.folder
    # Equal answers would be one evaluation, whatever the runs are called: each has its own share.
    for run, method, step, share in (
        ("grpo-seed0", "GRPO", 100, 0.35),
        ("grpo-seed1", "GRPO", 100, 0.4),
        ("agrae-seed0", "GRPO + A-GRAE", 100, 0.6),
        ("agrae-seed1", "GRPO + A-GRAE", 100, 0.65),
        ("agrae-seed0", "GRPO + A-GRAE", 200, 0.7),
    ):
        answers = write_answers(
            folder / f"{run}-{step}.jsonl", share, hostile=(run, step) == ("grpo-seed0", 100)
        )
        world.submit(run, method, answers, step=step, train_seed=int(run[-1]))
    nothing = folder / "nothing.jsonl"
    nothing.write_text('{"problem": 999, "response": "to no problem"}\n', encoding="utf-8")
    world.submit("failed", "GRPO", nothing)
    partial = write_answers(folder / "partial.jsonl", 0.5, problems=PROBLEMS - 5)
    world.submit("partial", "GRPO", partial)
    for job in list(world.jobs.values()):
        world.wait(job)
    _import_counts(world)
    _import_pictures(world)
    _rescore(world)


def _rescore(world: World) -> None:
    """A finished rescore. One verifier agrees with itself, so two changes are put in by hand."""
    answer = world.client.post(f"/v1/evaluations/{world.evaluation('grpo-seed0')}/rescore")
    assert answer.status_code < 300, answer.text
    world.rescore = str(answer.json()["id"])
    deadline = time.monotonic() + JOB_SECONDS
    while world.get(f"/v1/rescores/{world.rescore}")["state"] == "running":
        assert time.monotonic() < deadline, "the rescore has not ended"
        time.sleep(0.1)
    settings = Settings(data=world.service.folder / "data")
    with (
        contextlib.closing(Database(settings.resolved_database_url)) as database,
        database.write() as session,
    ):
        for problem, after in ((3, "correct"), (4, "wrong")):
            session.add(
                RescoredSample(
                    rescore_id=world.rescore,
                    problem=problem,
                    sample=0,
                    verdict_before="wrong" if after == "correct" else "correct",
                    verdict_after=after,
                    rule_before="another rule",
                    rule_after="the rule of today",
                    extracted_after="12",
                )
            )


def _import_pictures(world: World) -> None:
    """Responses to problems with pictures, some of which are broken on this server."""
    path = world.service.folder / "pictures.jsonl"
    rows = [{"problem_id": odd.name, "response": "It is \\boxed{2}."} for odd in ODD]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    _import(world, "jsonl", path, "--run", "pictures", "--method", "CoT", "--benchmark", "odd")


def _import(world: World, *arguments: object) -> None:
    command = [*EVALSVC, "import", *map(str, arguments), "--server", world.url]
    subprocess.run(command, check=True, timeout=60)


def _import_counts(world: World) -> None:
    path = world.service.folder / "counts.jsonl"
    ids = [problem.id for problem in Catalogue().load("smoke", path.parent)]
    rows = [{"problem_id": name, "n": 16, "c": (i * 7) % 17} for i, name in enumerate(ids)]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    options = ["--run", "imported", "--method", "DAPO", "--step", "50", "--benchmark", "smoke"]
    _import(world, "counts", path, *options)
