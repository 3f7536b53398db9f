"""A metric of another package: seen in API, commands, page and exports."""

import csv
import io
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from evalsvc.cli import main
from evalsvc.exports.latex_text import escape
from tests.support.engine_packages import Packages
from tests.support.http_server import Running, counts_body

TOY = """
from evalsvc.statistics.metrics import MetricDefinition


def _half(problems, k):
    return (2 * problems.c >= problems.n).astype(float)


def _fails(problems, k):
    raise RuntimeError("no luck")


HALF = MetricDefinition(
    name="half-solved",
    formula="share of problems with at least half of the samples correct",
    source="this test",
    inputs="counts",
    higher_is_better=True,
    per_problem=_half,
)
UNLUCKY = MetricDefinition(
    name="unlucky@k",
    formula="fails",
    source="this test",
    inputs="counts",
    higher_is_better=True,
    per_problem=_fails,
)
"""
BEFORE = [0, 1, 2, 3, 4, 5, 6, 7, 8, 2, 3, 1]  # of 8: 5 of 12 problems are at least half solved
AFTER = [1, 3, 4, 5, 6, 6, 8, 8, 8, 5, 4, 4]  # 10 of 12
Command = Callable[..., str]


@pytest.fixture
def packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Packages]:
    folder = tmp_path / "site"
    folder.mkdir()
    monkeypatch.syspath_prepend(str(folder))
    before = set(sys.modules)
    yield Packages(folder, "evalsvc.metrics")
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(folder)):
            del sys.modules[name]


@pytest.fixture
def filled(packages: Packages, server: Running) -> Running:
    packages.install("toy_metric", TOY, half="HALF", unlucky="UNLUCKY")
    packages.install("broken_metric", "import nothing_like_this", broken="METRIC")
    with server.http as http:
        for run, counts in (("old", BEFORE), ("new", AFTER)):
            assert http.post("/v1/imports", json=counts_body(run, counts)).status_code == 201
    return server


@pytest.fixture
def evalsvc(
    filled: Running, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Command:
    """Runs a command in this process and gives back what it printed."""

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["evalsvc", *arguments, "--server", filled.url])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert not ended.value.code, printed.err
        return printed.out

    return run


def evaluation_of(http: httpx.Client, run: str) -> str:
    return str(http.get("/v1/evaluations", params={"run": run}).json()["items"][0]["id"])


def test_the_api_lists_it_and_names_the_broken_one(filled: Running) -> None:
    with filled.http as http:
        found = http.get("/v1/metrics-catalogue").json()
    toy = next(item for item in found["items"] if item["name"] == "half-solved")
    assert toy["package"] == "toy_metric 1.5"
    assert (toy["test"], toy["intervals"]) == ("paired by problem", ["population"])
    assert found["items"][0]["name"] == "pass@k"
    (broken,) = found["unusable"]
    assert "broken_metric 1.5" in broken
    assert "nothing_like_this" in broken


def test_an_evaluation_has_its_figure_and_names_what_fails(filled: Running) -> None:
    with filled.http as http:
        path = f"/v1/evaluations/{evaluation_of(http, 'old')}"
        everything = http.get(f"{path}/metrics").json()
        one = http.get(f"{path}/metrics", params={"metric": "half-solved"}).json()
        profile = http.get(f"{path}/profile").json()
        unknown = http.get(f"{path}/metrics", params={"metric": "no-such"})
    (figure,) = one["figures"]
    assert figure["value"] == pytest.approx(5 / 12)
    low, high = figure["interval_population"]
    assert 0 < low < 5 / 12 < high < 1
    assert figure["problems"] == 12
    assert figure in everything["figures"]
    assert figure in profile["figures"]
    reasons = {item["metric"]: item["reason"] for item in everything["left_out"]}
    assert "RuntimeError: no luck" in reasons["unlucky@k"]
    assert "no transcripts" in reasons["maj@k"] or "only counts" in reasons["maj@k"]
    assert unknown.status_code == 422
    assert "half-solved" in unknown.json()["remedy"]
    assert "broken_metric" in unknown.json()["remedy"]


def test_results_and_the_list_of_metrics_print_it(evalsvc: Command) -> None:
    assert "half-solved" in evalsvc("metrics")
    found = json.loads(evalsvc("results", "--metric", "half-solved", "--json"))
    assert {row["run"]: row["value"] for row in found} == pytest.approx(
        {"old": 5 / 12, "new": 10 / 12}
    )
    assert "41.7%" in evalsvc("results", "--run", "old", "--metric", "half-solved")
    everything = json.loads(evalsvc("results", "--run", "old", "--metric", "all", "--json"))
    assert {"pass@8", "pass^8", "half-solved"} <= {row["metric"] for row in everything}


def test_two_checkpoints_are_compared_by_it(evalsvc: Command) -> None:
    asked = ("compare", "--baseline", "old", "--candidate", "new", "--metric", "half-solved")
    (found,) = json.loads(evalsvc(*asked, "--json"))
    assert found["metric"] == "half-solved"
    assert found["difference"] == pytest.approx(5 / 12)
    # Five problems change, all one way: every flip of five signs, both tails.
    assert found["p_value"] >= 2 / 2**5
    assert found["sentence"].startswith("half-solved goes from 41.7% to 83.3%")
    assert found["family"] == "half-solved, on own: new@10 against old@10"


def test_the_page_shows_it(filled: Running) -> None:
    with filled.http as http:
        path = f"/evaluations/{evaluation_of(http, 'old')}"
        page = http.get(path).text
        data: dict[str, Any] = http.get(f"{path}.json").json()
    assert "half-solved" in page
    assert "41.7" in page
    assert "no luck" in page
    assert "half-solved" in json.dumps(data)


@pytest.mark.parametrize("kind", ["csv", "markdown", "latex"])
def test_exports_have_it(evalsvc: Command, kind: str) -> None:
    written = evalsvc("export", "--metric", "half-solved", "--format", kind)
    if kind == "csv":
        rows = list(csv.DictReader(io.StringIO(written)))
        assert {row["run"]: float(row["value"]) for row in rows} == pytest.approx(
            {"old": 5 / 12, "new": 10 / 12}
        )
        assert {(row["metric"], row["k"], row["unit"]) for row in rows} == {
            ("half-solved", "", "fraction")
        }
    else:
        assert (escape("half-solved") if kind == "latex" else "half-solved") in written
        assert "41.7" in written
