"""The client against a real service: docstrings, the notebook, every method, the API's schema."""

import asyncio
import doctest
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import httpx
import pytest
from IPython.core.interactiveshell import InteractiveShell

import evalsvc.client.client
from evalsvc import AsyncClient, Client, __version__
from evalsvc.client.rows import (
    BenchmarkClaimRow,
    Claim,
    ClaimRunRow,
    ComparisonRow,
    CurveCrossing,
    CurveVerdict,
    EvaluationResult,
    Job,
    JobBenchmark,
    JobProgress,
    MethodDifference,
    MetricValue,
    PowerPlan,
    ProblemCount,
    Record,
    SampleRow,
)
from evalsvc.errors import NotFound, ServerError
from tests.support.service import running_service

NOTEBOOK = Path(__file__).resolve().parents[3] / "examples" / "client.ipynb"
GOLDS = ("18", "25", "19")  # of the first smoke problems


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """`evalsvc up` with the replay engine."""
    data = tmp_path_factory.mktemp("service") / "var"
    with running_service(data, EVALSVC_ENGINE="replay") as service:
        yield str(service.client.base_url).rstrip("/")


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url, key="") as client:
        yield client


def submit(client: Client, folder: Path, step: int, correct: int, run: str = "run") -> Job:
    """A job on three problems: `correct` of 4 answers to each are right."""
    answers = folder / f"{run}-{step}.jsonl"
    lines = [
        {"problem": row, "responses": [f"\\boxed{{{g if i < correct else 0}}}" for i in range(4)]}
        for row, g in enumerate(GOLDS)
    ]
    answers.write_text("\n".join(json.dumps(line) for line in lines))
    return client.submit(
        f"{run}-{step}",
        run=run,
        method="GRPO",
        step=step,
        benchmarks=[{"name": "smoke", "first": len(GOLDS)}],
        samples=4,
        engine="replay",
        engine_options={"answers": answers},
    )


def test_every_answer_carries_the_version(url: str) -> None:
    for path, status in (("/healthz", 200), ("/v1/jobs/none", 404), ("/", 200)):
        answer = httpx.get(url + path)
        assert (answer.status_code, answer.headers["evalsvc-version"]) == (status, __version__)
    refused = httpx.get(url + "/v1/jobs", headers={"Host": "elsewhere.invalid"})
    assert (refused.status_code, refused.headers["evalsvc-version"]) == (403, __version__)


def test_docstring_examples_run(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALSVC_SERVER", url)
    outcome = doctest.testmod(evalsvc.client.client)
    assert outcome.failed == 0, capsys.readouterr().out
    assert outcome.attempted >= 11


def test_the_notebook_runs(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EVALSVC_SERVER", url)
    cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
    assert not any(cell.get("outputs") for cell in cells), "the notebook is stored without outputs"
    shell = InteractiveShell.instance()
    try:
        for cell in cells:
            if cell["cell_type"] == "code":
                shell.run_cell("".join(cell["source"])).raise_error()
        names = dict(shell.user_ns)
    finally:
        InteractiveShell.clear_instance()
    assert [job.state for job in names["ended"]] == ["done", "done"]
    assert names["comparison"][0].difference > 0.1
    assert len(names["frame"]) == 2 * 5  # two steps; k = 1, 2, 4, 8, 16
    assert names["wrong"]


def test_from_submission_to_samples(client: Client, tmp_path: Path) -> None:
    first, second = submit(client, tmp_path, 1, 1), submit(client, tmp_path, 2, 3)
    assert (first.run, first.step, first.method, first.owner) == ("run", 1, "GRPO", "local")
    seen: list[str] = []
    ended = client.wait(first, progress=lambda job: seen.append(job.state), poll_seconds=0.1)
    assert (ended.state, seen[-1]) == ("done", "done")
    assert client.wait(second.id, progress=False).ended
    assert list(client.events(first))[-1].data is not None

    results = client.results("run", "smoke", step=1)
    assert {row.metric: row.value for row in results} == {
        "pass@1": 0.25,
        "pass@2": 0.5,
        "pass@4": 1.0,
    }
    assert all(row.complete and row.coverage == 1 for row in results)
    assert {row.step for row in client.results("run")} == {1, 2}
    assert len(client.evaluations("run", limit=1)) == 1
    assert len(client.evaluations(job=ended)) == 1

    compared = client.compare(first, second, k=1)
    assert [row.difference for row in compared] == [0.5]
    assert compared[0].baseline_checkpoint == "run@1"
    assert [row.k for row in client.compare("run@1", ["run@2"], "smoke", [1, 2])] == [1, 2]
    plan = client.power("run@1", "smoke", 0.2, find="samples")
    assert plan.effect == 0.2
    assert plan.sentence


def test_samples_by_problem(client: Client, tmp_path: Path) -> None:
    job = client.wait(submit(client, tmp_path, 7, 2, run="samples"), progress=False)
    evaluation = job.evaluations[0].id
    rows = list(client.samples(evaluation))
    assert [(row.problem, row.sample) for row in rows] == [
        (p, s) for p in range(3) for s in range(4)
    ]
    assert [row.correct for row in rows] == [True, True, False, False] * 3
    assert [len(page) for page in client.samples(evaluation).pages()] == [4, 4, 4]
    assert {row.response for row in client.samples(evaluation, 1) if row.correct} == {"\\boxed{25}"}
    by_id = client.samples(evaluation, "smoke-002").to_pandas()
    assert by_id["problem"].tolist() == [2] * 4
    assert client.samples(evaluation).to_polars()["correct"].sum() == 6
    for unknown in ("smoke-199", "0", 199):  # a number is a row, a text is an id
        with pytest.raises(NotFound, match=f"problem {unknown!r}"):
            next(client.samples(evaluation, unknown))


def test_cancel(client: Client, tmp_path: Path) -> None:
    job = client.cancel(submit(client, tmp_path, 9, 1, run="cancelled"))
    assert client.wait(job, progress=False, timeout_seconds=60).state in {"cancelled", "done"}


def test_the_asynchronous_client_says_the_same(client: Client, url: str, tmp_path: Path) -> None:
    job = client.wait(submit(client, tmp_path, 1, 2, run="both"), progress=False)
    evaluation = job.evaluations[0].id

    async def ask() -> list[Any]:
        async with AsyncClient(url, key="") as other:
            samples = [row async for row in other.samples(evaluation)]
            frame = await other.samples(evaluation, 0).to_pandas()
            return [
                await other.wait(job, progress=False),
                list(await other.results("both")),
                await other.evaluation(evaluation),
                (await other.power("both", "smoke", 0.2, find="power")).to_dict(),
                samples,
                len(frame),
                [event.name async for event in other.events(job)],
            ]

    assert asyncio.run(ask()) == [
        job,
        list(client.results("both")),
        client.evaluation(evaluation),
        client.power("both", "smoke", 0.2, find="power").to_dict(),
        list(client.samples(evaluation)),
        4,
        [event.name for event in client.events(job)],
    ]


def test_what_the_server_refuses_has_a_remedy(client: Client) -> None:
    with pytest.raises(ServerError) as caught:
        client.submit("c", run="r", benchmarks="smoke", engine="replay")  # without answers
    assert caught.value.answered_status == 400
    assert caught.value.remedy


SCHEMAS: dict[type[Record], str] = {
    Job: "JobView",
    JobBenchmark: "JobPart",
    JobProgress: "Progress",
    EvaluationResult: "EvaluationDetail",
    MetricValue: "Metric",
    ComparisonRow: "ComparisonView",
    CurveCrossing: "CrossoverView",
    MethodDifference: "MethodView",
    Claim: "ClaimView",
    BenchmarkClaimRow: "BenchmarkClaim",
    ClaimRunRow: "ClaimRun",
    CurveVerdict: "CurveView",
    PowerPlan: "Plan",
    ProblemCount: "ProblemView",
    SampleRow: "SampleView",
}


@pytest.mark.parametrize("kind", SCHEMAS, ids=lambda kind: kind.__name__)
def test_records_agree_with_the_schema_of_the_api(kind: type[Record], url: str) -> None:
    """Every field is there, is always sent, and may be null only where the record says so."""
    schema = httpx.get(f"{url}/openapi.json").json()["components"]["schemas"][SCHEMAS[kind]]
    about = {"evaluation", "problem", "problem_id"} if kind is SampleRow else set()
    for name, field in kind.model_fields.items():
        if name in about:  # of the page, not of the sample
            continue
        described = schema["properties"][name]
        assert name in schema["required"], name
        nullable = {"type": "null"} in described.get("anyOf", [])
        assert nullable == (type(None) in get_args(field.annotation)), name
