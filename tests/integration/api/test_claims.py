"""The claim over benchmarks, and the verdict over whole curves, by REST and on their pages."""

import itertools
from collections.abc import Sequence
from html import unescape
from math import comb
from typing import Any

import httpx
import numpy as np
import pytest
from scipy.stats import t as student

from evalsvc.client import Client
from evalsvc.store.models import Evaluation
from tests.support.http_server import Running, counts_body

BEFORE = {"aime": [0, 1, 2, 3, 4, 5, 0, 2, 3, 1], "amc": [2, 3, 4, 4, 5, 6, 3, 2]}
AFTER = {"aime": [1, 2, 4, 4, 6, 6, 1, 4, 4, 3], "amc": [3, 5, 5, 6, 6, 8, 4, 3]}
METHODS = {"baseline_method": "GRPO", "candidate_method": "A"}


def put(
    http: httpx.Client, run: str, counts: dict[str, list[int]], method: str = "GRPO", **more: Any
) -> None:
    for benchmark, correct in counts.items():
        body = counts_body(run, correct, benchmark=benchmark, method=method, **more)
        answer = http.post("/v1/imports", json=body)
        assert answer.status_code == 201, answer.text


def shifted(counts: dict[str, list[int]], by: Sequence[int]) -> dict[str, list[int]]:
    """One correct sample more on the first problems: `by` says on how many of each benchmark."""
    return {
        name: [c + (i < more) for i, c in enumerate(own)]
        for (name, own), more in zip(counts.items(), by, strict=True)
    }


def score(counts: dict[str, list[int]], weights: dict[str, float], n: int = 8) -> float:
    return sum(w * float(np.mean(counts[b])) / n for b, w in weights.items())


def ask(http: httpx.Client, **params: Any) -> dict[str, Any]:
    answer = http.get("/v1/claims", params=params)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def refused(http: httpx.Client, **params: Any) -> dict[str, Any]:
    answer = http.get("/v1/claims", params=params)
    assert answer.status_code in (400, 404, 422), answer.text
    found: dict[str, Any] = answer.json()
    assert found["remedy"]
    return found


@pytest.fixture
def pair(server: Running) -> Running:
    with server.http as http:
        put(http, "old", BEFORE)
        put(http, "new", AFTER, method="A")
    return server


def test_one_run_a_side_compares_checkpoints_over_all_benchmarks(pair: Running) -> None:
    weights = {"aime": 2 / 3, "amc": 1 / 3}
    with pair.http as http:
        found = ask(http, baseline="old", candidate="new@10", weights="aime=2,amc=1")
        by_method = ask(http, **METHODS, weights="aime=2,amc=1")
    expected = score(AFTER, weights) - score(BEFORE, weights)
    assert found["estimate"] == pytest.approx(expected)
    assert found["interval"][0] < expected < found["interval"][1]
    assert [b["weight"] for b in found["benchmarks"]] == pytest.approx([2 / 3, 1 / 3])
    for own in found["benchmarks"]:
        name = own["benchmark"]
        assert own["baseline"] == pytest.approx(np.mean(BEFORE[name]) / 8)
        assert own["difference"] == pytest.approx(
            (np.mean(AFTER[name]) - np.mean(BEFORE[name])) / 8
        )
    # every problem moved up: of the 2^n flips on a benchmark only two are as far out
    alone = {"aime": 2 / 2**10, "amc": 2 / 2**8}
    assert found["every_p_value"] >= max(alone.values())
    assert found["every"] is True
    holm = {"aime": max(2 * alone["aime"], 0), "amc": max(alone["amc"], 2 * alone["aime"])}
    assert all(b["p_adjusted"] >= holm[b["benchmark"]] for b in found["benchmarks"])
    assert found["unit"] == by_method["unit"] == "checkpoint"
    assert found["smallest_p"] is None
    assert "not two methods" in by_method["sentence"]
    assert by_method["estimate"] == found["estimate"]
    assert found["outcome"] == "better"


def test_several_runs_are_the_units_and_too_few_can_show_nothing(server: Running) -> None:
    ups = ([(0, 0), (1, 2), (2, 1)], [(6, 5), (8, 6), (7, 7)])
    sides = [[shifted(BEFORE, up) for up in own] for own in ups]
    with server.http as http:
        for method, own in zip(("GRPO", "A"), sides, strict=True):
            for seed, counts in enumerate(own):
                put(http, f"{method}-{seed}", counts, method, train_seed=seed, base_model="Q")
        found = ask(http, **METHODS)
        welch = ask(http, **METHODS, test="welch")
    equal = {"aime": 0.5, "amc": 0.5}
    before, after = (np.array([score(counts, equal) for counts in own]) for own in sides)
    pooled = np.concatenate([before, after])
    splits = [
        abs(np.mean(pooled[list(s)]) - np.mean(np.delete(pooled, s)))
        for s in itertools.combinations(range(6), 3)
    ]
    difference = after.mean() - before.mean()
    error = np.sqrt(before.var(ddof=1) / 3 + after.var(ddof=1) / 3)
    parts = before.var(ddof=1) / 3, after.var(ddof=1) / 3
    freedom = sum(parts) ** 2 / sum(part**2 / 2 for part in parts)
    half = student.ppf(0.975, freedom) * error
    assert found["estimate"] == pytest.approx(difference)
    assert found["p_value"] == pytest.approx(np.mean(np.array(splits) >= difference - 1e-12))
    assert found["p_value"] == found["smallest_p"] == pytest.approx(2 / comb(6, 3))
    assert found["outcome"] == "unresolved"
    assert found["interval"][0] <= 0
    assert "more runs are the only way" in found["sentence"]
    assert (found["unit"], found["baseline_runs"], found["candidate_runs"]) == ("run", 3, 3)
    assert welch["interval"] == pytest.approx([difference - half, difference + half], abs=1e-9)
    assert welch["p_value"] == pytest.approx(2 * student.sf(difference / error, freedom))
    assert welch["outcome"] == "better"
    assert welch["every"] is all(b["p_adjusted"] <= 0.05 for b in welch["benchmarks"])
    assert sorted(run["score"] for run in found["runs"]) == pytest.approx(sorted(pooled))


def test_base_models_are_never_pooled(server: Running) -> None:
    """The base models differ by far more than the methods; pooled nothing would be seen."""
    high = {"aime": [7] * 10, "amc": [7] * 8}
    low = {"aime": [1] * 10, "amc": [1] * 8}
    with server.http as http:
        for model, base in (("Q", low), ("D", high)):
            for seed in range(3):
                put(
                    http,
                    f"g{model}{seed}",
                    shifted(base, (seed, 0)),
                    train_seed=seed,
                    base_model=model,
                )
                up = shifted(base, (6 + seed, 8))
                put(http, f"a{model}{seed}", up, "A", train_seed=seed, base_model=model)
        found = ask(http, **METHODS)
        alone = ask(http, **METHODS, base_model="Q")
        put(http, "gE", low, base_model="E")
        odd = refused(http, **METHODS)
    assert set(found["base_models"]) == {"Q", "D"}
    assert found["estimate"] == pytest.approx(np.mean(list(found["base_models"].values())))
    assert found["p_value"] == pytest.approx(2 / comb(6, 3) ** 2)
    assert found["outcome"] == "better"
    assert alone["smallest_p"] == pytest.approx(0.1)
    assert "E" in odd["detail"]


def test_runs_with_the_same_seed_count_once(server: Running) -> None:
    with server.http as http:
        for run, seed, up in (("g0", 0, 0), ("g1", 1, 1), ("g0-again", 0, 9)):
            put(http, run, shifted(BEFORE, (up, 0)), train_seed=seed)
        for run, seed, up in (("a0", 0, 8), ("a1", 1, 9)):
            put(http, run, shifted(BEFORE, (up, 0)), "A", train_seed=seed)
        found = ask(http, **METHODS)
    assert (found["baseline_runs"], found["candidate_runs"]) == (2, 2)
    assert [r["run"] for r in found["runs"] if not r["counted"]] == ["g0-again"]
    assert "g0-again@10 is not counted: it has the train seed 0" in " ".join(found["notes"])
    assert found["estimate"] == pytest.approx(8 / 10 / 8 / 2)  # 8 samples more on aime of two


def test_what_is_incomplete_or_unlike_is_refused_with_the_reason(pair: Running) -> None:
    with pair.http as http:
        assert "k = 16" in refused(http, **METHODS, k=16)["detail"]
        assert "one kind" in refused(http, baseline="old", candidate_method="A")["detail"]
        assert "one kind" in refused(http)["detail"]
        assert "weight" in refused(http, **METHODS, weights="aime=0,amc=1")["detail"]
        assert "amc" in refused(http, **METHODS, weights="aime=1")["detail"]
        assert "Both sides" in refused(http, baseline="old", candidate="old")["detail"]
        assert "'math'" in refused(http, **METHODS, benchmarks="math,aime")["detail"]
        assert refused(http, baseline_method="none", candidate_method="A")["status"] == 404
        put(http, "p1", BEFORE, protocol="paper")
        assert "protocols differ" in refused(http, baseline="p1", candidate="new")["detail"]
        put(http, "short", {"aime": [1, 2, 3]})
        words = refused(http, baseline="short", candidate="new", benchmarks="aime")["detail"]
        assert "short@10" in words


def test_an_incomplete_run_is_not_left_out(pair: Running) -> None:
    with pair.http as http:
        put(http, "late", AFTER, method="A")
        row = http.get("/v1/evaluations", params={"run": "late", "benchmark": "amc"}).json()
        with pair.database.write() as session:
            session.get_one(Evaluation, row["items"][0]["id"]).samples_seen -= 4
        words = refused(http, **METHODS)
        assert "late@10 is incomplete on amc: 93.8%" in words["detail"]
        # what is left is one run against two: of the first its seed may be all there is to see
        assert "lucky seed" in refused(http, **METHODS, benchmarks="aime")["detail"]


def test_the_client_and_the_page_say_the_same(pair: Running) -> None:
    with Client(pair.url, key="") as client, pair.http as http:
        found = client.claim(**METHODS, benchmarks=["amc", "aime"], weights={"aime": 2, "amc": 1})
        query = {**METHODS, "benchmarks": "amc,aime", "weights": "aime=2,amc=1"}
        assert found.to_dict() == ask(http, **query)
        page = http.get("/claims", params=query)
        model = http.get("/claims.json", params=query).json()
        table = http.get("/claims.csv", params=query).text.splitlines()
        empty = http.get("/claims")
        wrong = http.get("/claims", params={**query, "k": 64})
        navigation = http.get("/").text
    assert page.status_code == empty.status_code == 200
    assert found.sentence.split(". ")[1] in unescape(page.text)
    assert model["claim"]["estimate"] == pytest.approx(found.estimate)
    assert [line.split(",")[0] for line in table] == ["benchmark", "amc", "aime"]
    assert "k = 64 needs" in wrong.text
    assert 'href="/claims"' in navigation


def test_a_whole_curve_has_one_verdict_with_a_band(pair: Running) -> None:
    n, asked = 8, {"baseline": "old", "candidate": "new", "benchmark": "aime"}
    with Client(pair.url, key="") as client, pair.http as http:
        answer = http.get("/v1/compare", params=asked).json()
        curves = client.compare("old", "new", "aime").curves
        page = http.get("/compare", params=asked).text
        alone = http.get("/v1/compare", params={**asked, "k": 2}).json()
    (curve,) = answer["curve"]
    assert curve["ks"] == [1, 2, 4, 8]
    values = np.array(
        [
            [
                (comb(n - b, k) - comb(n - a, k)) / comb(n, k)
                for b, a in zip(BEFORE["aime"], AFTER["aime"], strict=True)
            ]
            for k in curve["ks"]
        ]
    )
    assert curve["difference"] == pytest.approx(values.mean(axis=1))
    # all 2^10 flips of whole problems, the largest studentised sum of all k
    flips = np.array(list(itertools.product((-1, 1), repeat=10)))
    scale = np.sqrt((values**2).sum(axis=1, keepdims=True))
    largest = np.abs(flips @ (values / scale).T).max(axis=1)
    observed = np.abs((values / scale).sum(axis=1))
    plain = [float(np.mean(largest >= one - 1e-5)) for one in observed]
    for p, exact, (low, high) in zip(curve["adjusted"], plain, curve["band"], strict=True):
        assert p >= exact - 1e-12
        assert (p <= curve["alpha"]) == (low > 0 or high < 0)
    assert curve["p_value"] == pytest.approx(min(curve["adjusted"]))
    assert "above the baseline at every k from 1 to" in curve["sentence"]
    assert [row.to_dict() for row in curves] == answer["curve"]
    assert curve["sentence"].split(" (")[0] in unescape(page)
    assert alone["curve"] == []
