"""The register of metrics: each built-in one against its definition, and what is refused."""

import re
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import hypergeom

from evalsvc.statistics import AnswerGroups, StatisticsError, compare_curves, estimate
from evalsvc.statistics.metrics import (
    MetricDefinition,
    MetricEstimate,
    SampledProblems,
    compare_metric,
    load_metrics,
    metric_figure,
)

TABLE = Path(__file__).resolve().parents[3] / "docs" / "metrics.md"
ROW = re.compile(r"^\| `([^`]+)` \| (.+) \| (\w+) \| (\w*) \| ([\w ]*) \| ([\w ,]*) \| (\w*) \|$")
N = np.array([4, 4, 4, 6])
C = np.array([0, 1, 4, 3])
ONES = np.array([1, 0, 2, 3])
GROUPS = [
    AnswerGroups((2, 1), (False, False), 1),
    AnswerGroups((1, 3), (True, False)),
    AnswerGroups((4,), (True,)),
    AnswerGroups((3, 2), (True, False), 1),
]
ALL_INPUTS = SampledProblems(N, C, 100 * N, 50 * C, ONES, ONES, ONES, GROUPS)
METRICS = {metric.name: metric for metric in load_metrics([]).metrics}


def toy(**changes: Any) -> MetricDefinition:
    given: dict[str, Any] = {
        "name": "toy",
        "formula": "the share of correct samples",
        "source": "this test",
        "inputs": "counts",
        "higher_is_better": True,
        "per_problem": lambda problems, _: problems.c / problems.n,
    }
    return MetricDefinition(**{**given, **changes})


def value(name: str, k: int | None = None) -> float:
    found = metric_figure(METRICS[name], ALL_INPUTS, k)
    assert found is not None
    return found.value


def at_least(hits: int, k: int) -> list[float]:
    return [float(hypergeom.sf(hits - 1, n, c, k)) for n, c in zip(N, C, strict=True)]


def test_metrics_of_counts_are_hypergeometric_chances() -> None:
    assert value("pass@k", 2) == pytest.approx(np.mean(at_least(1, 2)))
    assert value("pass^k", 3) == pytest.approx(np.mean(at_least(3, 3)))
    assert value("G-pass@k", 3) == pytest.approx(np.mean(at_least(2, 3)))
    assert value("mG-pass@k", 4) == pytest.approx(
        np.mean([at_least(3, 4), at_least(4, 4)], axis=1).sum() * 2 / 4
    )
    assert value("worst-tenth@k", 2) == pytest.approx(0.0)
    assert value("avg@n") == pytest.approx(np.mean(C / N))
    assert value("solved") == pytest.approx(3 / 4)


def test_metrics_of_samples_and_answers() -> None:
    for name in ("truncated", "no-answer", "verifier-failed"):
        assert value(name) == pytest.approx(np.mean(ONES / N))
    assert value("tokens") == pytest.approx(100)
    assert value("tokens-per-correct") == pytest.approx(1800 / 8)
    assert value("maj@k", 1) == pytest.approx(np.mean(C / N))
    assert value("distinct-answers") == pytest.approx(7 / 4)
    quarter = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    third = np.log2(3) - 2 / 3
    assert value("answer-entropy") == pytest.approx(
        (third + quarter - (0.6 * np.log2(0.6) + 0.4 * np.log2(0.4))) / 4
    )


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_the_intervals_that_it_declares(name: str) -> None:
    metric = METRICS[name]
    found = metric_figure(metric, ALL_INPUTS, 2 if metric.takes_k else None)
    assert found is not None
    assert (found.interval_fixed is not None) == ("fixed" in metric.intervals)
    assert (found.interval_population is not None) == ("population" in metric.intervals)
    assert found.name == name.replace("@k", "@2").replace("^k", "^2")
    low, high = metric.range
    assert low <= found.value <= (np.inf if high is None else high)


def test_the_table_of_the_docs_is_complete() -> None:
    rows = [m.groups() for line in TABLE.read_text().splitlines() if (m := ROW.match(line))]
    words = {True: "higher", False: "lower", None: ""}
    assert [(row[0], *row[2:]) for row in rows] == [
        (
            metric.name,
            metric.inputs,
            words[metric.higher_is_better],
            metric.unit,
            ", ".join(metric.intervals),
            "paired" if metric.test else "",
        )
        for metric in METRICS.values()
    ]


def test_pass_at_k_is_the_one_of_the_other_functions() -> None:
    clusters = ["a", "a", "b", "c"]
    found = metric_figure(METRICS["pass@k"], replace(ALL_INPUTS, clusters=clusters), 2)
    expected = estimate(N, C, 2, clusters=clusters)
    assert found is not None
    assert found.interval_fixed == expected.interval_fixed
    assert found.interval_population == expected.interval_population
    assert (found.clusters, found.samples, found.indicator) == (3, 18, False)


@pytest.mark.parametrize("n_after", [16, 32])
def test_a_comparison_is_the_one_of_pass_at_k(n_after: int) -> None:
    rng = np.random.default_rng(5)
    chances = rng.beta(0.5, 0.5, 40)
    n, m = np.full(40, 16), np.full(40, n_after)
    c, d = rng.binomial(n, chances), rng.binomial(m, np.minimum(chances + 0.1, 1))
    clusters = [str(i // 2) for i in range(40)]
    sides = [SampledProblems(n, c, clusters=clusters), SampledProblems(m, d, clusters=clusters)]
    found = compare_metric(METRICS["pass@k"], sides[0], sides[1], 4)
    (expected,) = compare_curves(n, c, m, d, [4], clusters=clusters)
    for name in ("difference", "p_value", "interval_population", "minimum_detectable_effect"):
        assert getattr(found, name) == pytest.approx(getattr(expected, name)), name
    assert found.candidate_only == expected.candidate_only


def test_a_sentence_knows_which_way_is_better() -> None:
    rng = np.random.default_rng(1)
    n, few = np.full(60, 16), rng.integers(0, 3, 60)
    data = [SampledProblems(n, n, n, n, flags, few, few) for flags in (few + 8, few)]
    down = compare_metric(METRICS["truncated"], data[0], data[1])
    assert down.difference == pytest.approx(-0.5)
    assert "the candidate checkpoint is better" in down.sentence
    assert down.sentence.startswith("truncated goes from")
    up = compare_metric(METRICS["truncated"], data[1], data[0])
    assert "the baseline checkpoint is better" in up.sentence
    neither = compare_metric(toy(higher_is_better=None), data[0], replace(data[1], c=n - 8))
    assert "the baseline checkpoint is higher" in neither.sentence


def test_a_range_other_than_0_to_1_is_scaled_and_not_tested() -> None:
    plain, scaled = (
        toy(),
        toy(range=(-1.0, 3.0), per_problem=lambda problems, _: 4 * problems.c / problems.n - 1),
    )
    one, four = metric_figure(plain, ALL_INPUTS), metric_figure(scaled, ALL_INPUTS)
    assert one is not None and four is not None
    assert one.interval_population is not None
    assert four.value == pytest.approx(4 * one.value - 1)
    assert four.interval_population == pytest.approx(
        tuple(4 * end - 1 for end in one.interval_population)
    )
    assert scaled.test is None
    with pytest.raises(StatisticsError, match="no paired test"):
        compare_metric(scaled, ALL_INPUTS, ALL_INPUTS)


def test_problems_with_too_few_samples_are_left_out() -> None:
    found = metric_figure(METRICS["maj@k"], ALL_INPUTS, 5)
    assert found is not None
    assert found.problems == 1
    assert metric_figure(METRICS["maj@k"], ALL_INPUTS, 7) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "name"),
        ({"name": "two words"}, "name"),
        ({"name": "all"}, "name"),
        ({"name": "x" * 61}, "name"),
        ({"name": "line\nbreak"}, "name"),
        ({"range": (1.0, 1.0)}, "empty"),
        ({"per_problem": None}, "computes nothing"),
        ({"range": (0.0, None)}, "needs a range"),
        ({"intervals": ("fixed", "population")}, "population interval"),
    ],
)
def test_a_definition_that_cannot_work_is_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(StatisticsError, match=words):
        toy(**changes)


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda problems, _: problems.c / 0, "ange"),
        (lambda problems, _: problems.c / problems.n + 1, "outside its range"),
        (lambda problems, _: np.array([0.5]), "values for 4 problems"),
        (lambda problems, _: [None] * 4, "outside its range"),
        (lambda problems, _: ["a"] * 4, "ValueError"),
        (lambda problems, _: problems.nothing, "AttributeError"),
    ],
)
def test_bad_values_are_refused_by_name(function: Any, words: str) -> None:
    with np.errstate(all="ignore"), pytest.raises(StatisticsError, match=f"toy.*{words}"):
        metric_figure(toy(per_problem=function), ALL_INPUTS)


@pytest.mark.parametrize("made", [0.5, MetricEstimate(float("nan")), None])
def test_a_bad_estimate_is_refused(made: Any) -> None:
    with pytest.raises(StatisticsError, match="toy could not be computed"):
        metric_figure(toy(estimate=lambda problems, k: made), ALL_INPUTS)


def test_what_is_missing_is_said() -> None:
    counts = SampledProblems(N, C)
    with pytest.raises(StatisticsError, match="needs the answers"):
        metric_figure(METRICS["maj@k"], counts, 1)
    with pytest.raises(StatisticsError, match="only counts"):
        metric_figure(METRICS["truncated"], counts)
    with pytest.raises(StatisticsError, match="needs a k"):
        metric_figure(METRICS["pass@k"], counts)
    with pytest.raises(StatisticsError, match="has no k"):
        metric_figure(METRICS["solved"], counts, 2)
    nothing = replace(ALL_INPUTS, tokens=0 * N, tokens_correct=0 * N)
    with pytest.raises(StatisticsError, match="does not say how many tokens"):
        metric_figure(METRICS["tokens"], nothing)
    with pytest.raises(StatisticsError, match="No sample is correct"):
        metric_figure(METRICS["tokens-per-correct"], replace(ALL_INPUTS, c=0 * C))


ONE, OTHER, TAKEN = toy(name="one"), toy(name="one"), toy(name="pass@k")


def entry(name: str, value: str) -> EntryPoint:
    return EntryPoint(name, value, "evalsvc.metrics")


def test_metrics_of_packages_join_and_bad_ones_are_named() -> None:
    here = __name__
    good = load_metrics([entry("one", f"{here}:ONE"), entry("gone", "no_such_module:X")])
    assert good.get("one") is ONE
    assert good.package_of(ONE) == "unknown"
    assert good.package_of(METRICS["pass@k"]) == "evalsvc"
    (report,) = good.broken
    assert (report.name, report.state) == ("gone", "broken")
    assert "no_such_module" in report.message
    with pytest.raises(StatisticsError, match="no metric 'two'") as refused:
        good.get("two")
    assert "one" in refused.value.remedy
    assert "no_such_module" in refused.value.remedy
    taken = load_metrics([entry("a", f"{here}:TAKEN"), entry("b", f"{here}:N")])
    assert {report.name: report.state for report in taken.broken} == {"a": "ignored", "b": "broken"}
    assert taken.get("pass@k") is METRICS["pass@k"]
    twice = load_metrics([entry("a", f"{here}:ONE"), entry("b", f"{here}:OTHER")])
    assert len(twice.broken) == 2
    assert "one" not in [metric.name for metric in twice.metrics]


def test_metrics_are_selected_by_name() -> None:
    registry = load_metrics([])
    assert registry.select([]) == registry.metrics == registry.select(["solved", "all"])
    assert [m.name for m in registry.select(["solved", "pass@k", "solved"])] == ["solved", "pass@k"]
