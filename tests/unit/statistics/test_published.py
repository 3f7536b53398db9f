"""The paper's 645 rows, their oddities by rule, comparability and the reproduction check."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalsvc.statistics import (
    OwnProtocol,
    PublishedRow,
    StatisticsError,
    comparability,
    find_oddities,
    parse_published,
    pass_at_k,
    reproduction_check,
)

CATALOGUE = Path(__file__).parents[3] / "benchmarks"


def paper_rows() -> list[PublishedRow]:
    files = sorted(CATALOGUE.glob("*/published.csv"))
    return [row for path in files for row in parse_published(path.read_text(), str(path))]


def a_row(**changes: Any) -> PublishedRow:
    row = PublishedRow(
        paper="paper",
        source_table="1",
        benchmark="AIME2025",
        part="test",
        model="model",
        method="GRPO",
        metric="pass@k",
        k=256,
        value_percent=46.7,
        plus_minus_percent=None,
        problems=30,
        temperature=0.6,
        top_p=0.95,
        max_tokens=4096,
        samples=256,
        runs=16,
        prompt="paper",
        grader="rules",
    )
    return replace(row, **changes)


def test_all_rows_of_the_paper_are_in_the_catalogue() -> None:
    rows = paper_rows()
    assert len(rows) == 645
    tables = [row.source_table for row in rows]
    assert {t: tables.count(t) for t in set(tables)} == {
        "2": 243,
        "4": 42,
        "5": 189,
        "6": 63,
        "7": 108,
    }
    assert {row.benchmark for row in rows if row.part in {"mri300", "ct300", "xray300"}} == {
        "MRI300",
        "CT300",
        "Xray300",
    }
    claim = {
        row.method: row.value_percent
        for row in rows
        if (row.benchmark, row.source_table, row.k) == ("AIME2025", "2", 256)
    }
    assert (claim["GRPO"], claim["GRPO + A-GRAE"]) == (46.7, 56.7)


def test_the_known_oddities_are_found_by_rule() -> None:
    found = find_oddities(paper_rows())
    by_rule: dict[str, list] = {}
    for oddity in found:
        by_rule.setdefault(oddity.rule, []).append(oddity)
    without_counts = by_rule["no counts give the curve"]
    assert len(without_counts) == 33
    assert all("another number of samples" in o.message for o in without_counts)
    assert all(len({row.k for row in o.rows}) == 9 for o in without_counts)
    assert set(by_rule) == {
        "no counts give the curve",
        "spread above its bound",
        "two values for one cell",
        "row equal to another",
    }
    assert {
        (o.rows[0].value_percent, o.rows[0].plus_minus_percent)
        for o in by_rule["spread above its bound"]
        if o.rows[0].benchmark == "AMC23"
    } >= {(100.0, 1.9), (100.0, 1.4)}
    conflicts = [o.message for o in by_rule["two values for one cell"]]
    assert any("AMC23" in m and "60.2 (table 2)" in m and "59.2 (table 6)" in m for m in conflicts)
    copies = [o.message for o in by_rule["row equal to another"]]
    assert any("GRPO" in m and "Positive-Dominant" in m and "AMC23" in m for m in copies)


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"value_percent": 100.0, "plus_minus_percent": 1.9}, "spread above its bound"),
        ({"value_percent": 46.7, "plus_minus_percent": 60.0}, "spread above its bound"),
    ],
)
def test_each_row_rule_fires_on_its_own(changes: dict[str, object], rule: str) -> None:
    assert [o.rule for o in find_oddities([a_row(**changes)])] == [rule]
    assert find_oddities([a_row(plus_minus_percent=1.9)]) == ()


def test_a_mean_over_runs_needs_no_multiple_of_one_problem() -> None:
    assert find_oddities([a_row(value_percent=47.0, runs=16)]) == ()


def test_curve_rules() -> None:
    falling = [a_row(k=1, value_percent=40.0), a_row(k=2, value_percent=39.0)]
    assert [o.rule for o in find_oddities(falling)] == ["no counts give the curve"]
    silent = [replace(row, samples=None) for row in falling]
    assert [o.rule for o in find_oddities(silent)] == ["pass@k falls with k"]
    steep = [a_row(k=1, value_percent=10.0), a_row(k=2, value_percent=25.0)]
    assert [o.rule for o in find_oddities(steep)] == ["no counts give the curve"]
    assert find_oddities([a_row(k=1, value_percent=10.0), a_row(k=2, value_percent=19.0)]) == ()
    few = [a_row(k=k, samples=4, value_percent=v) for k, v in ((1, 25.0), (2, 50.0), (4, 100.0))]
    assert find_oddities(few) == ()


def test_a_curve_of_real_counts_has_no_oddity() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        c = random.binomial(256, random.beta(0.5, 1.5, 30))
        rows = [
            a_row(k=k, value_percent=round(100 * pass_at_k([256] * 30, c, k).mean(), 1), runs=1)
            for k in (1, 2, 4, 8, 16, 32, 64, 128, 256)
        ]
        assert find_oddities(rows) == ()


OURS = OwnProtocol("test", "model", 30, 0.6, 0.95, 4096, 256, "paper", "rules")


def test_comparability() -> None:
    assert comparability(a_row(), OURS).verdict == "comparable"
    assert comparability(a_row(), replace(OURS, samples=512)).verdict == "comparable"
    other = comparability(a_row(), replace(OURS, temperature=1.0, grader="math-verify"))
    assert other.verdict == "differs"
    assert "temperature: 0.6 there, 1.0 here" in other.sentence
    assert {r.point for r in other.reasons} == {"temperature", "grader"}
    silent = comparability(a_row(part=None, problems=None), OURS)
    assert silent.verdict == "unclear"
    assert "does not state: part, problems" in silent.sentence
    assert comparability(a_row(), replace(OURS, samples=16)).verdict == "differs"


def test_reproduction_check_holds_its_level() -> None:
    random = np.random.default_rng(1)
    inside = 0
    for _ in range(400):
        rates = random.beta(0.5, 1.5, 30)
        theirs = random.binomial(256, rates) / 256
        row = a_row(k=1, value_percent=round(100 * float(theirs.mean()), 1), runs=1)
        check = reproduction_check(row, [64] * 30, random.binomial(64, rates))
        inside += check.inside
        assert not check.modelled
    assert 0.92 <= inside / 400 <= 0.985


def test_reproduction_check_sees_another_model() -> None:
    c = np.random.default_rng(2).binomial(64, 0.3, 30)
    check = reproduction_check(a_row(k=1, value_percent=40.0), [64] * 30, c)
    assert not check.inside
    assert "outside what chance explains" in check.sentence
    assert reproduction_check(a_row(k=64, value_percent=100.0), [64] * 30, c).modelled


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (lambda t: t.replace("value_percent", "value", 1), "missing or unknown: value"),
        (lambda t: t.replace("46.7", "high", 1), r"line \d+: value_percent is 'high'"),
        (lambda t: t.replace("46.7", "467", 1), "outside 0..100"),
        (lambda t: t.replace("46.7", "", 1), "value_percent is empty"),
        (lambda t: t.replace("46.7", "46.7,1,1,1,1,1,1,1,1,1,1,1,1", 1), "more cells"),
    ],
)
def test_bad_files_are_refused_with_their_line(edit, words: str) -> None:
    text = (CATALOGUE / "aime2025" / "published.csv").read_text()
    with pytest.raises(StatisticsError, match=words):
        parse_published(edit(text), "aime2025/published.csv")
