"""Pages as data: addresses, slices, numbers, tables, LaTeX, forms from elsewhere."""

from typing import Any

import numpy as np
import pytest
from starlette.requests import Request

from evalsvc.dashboard.rendering import formatting as n
from evalsvc.dashboard.rendering.environment import figure_json, link, path
from evalsvc.dashboard.rendering.labels import VERDICTS, level, reason, state_of
from evalsvc.dashboard.rendering.latex import LatexCell, leaderboard_table
from evalsvc.dashboard.rendering.page import PageTable, as_csv, as_json
from evalsvc.dashboard.web.page_request import PageRequest, Pages
from evalsvc.dashboard.web.security import check_origin, local_address
from evalsvc.errors import ParameterError, PermissionDenied
from evalsvc.exports.latex_text import escape


def ask(query: str = "", target: str = "/matrix", form: str = "html") -> PageRequest:
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": target,
        "raw_path": target.encode(),
        "query_string": query.encode(),
        "headers": [(b"host", b"localhost")],
        "evalsvc_format": form,
    }
    return PageRequest(Request(scope), None, None)  # type: ignore[arg-type]


def test_the_query_is_read_strictly() -> None:
    asked = ask("k=4&show=all&sort=-share&checkpoint=a&checkpoint=b&checkpoint=a&effect=0.05")
    assert asked.number("k", 1) == 4
    assert asked.number("samples", 16) == 16
    assert asked.choice("show", ("all", "wrong"), "wrong") == "all"
    assert (asked.sort_by(("share",), "n"), asked.descending) == ("share", True)
    assert asked.many("checkpoint") == ["a", "b"]
    assert asked.fraction("effect", 0.02, 0.001, 0.95) == 0.05
    assert ask("page=1000").pages(95, 10).number == 10


@pytest.mark.parametrize(
    "query", ["k=many", "k=0", "k=1e3", "k=99999999999", "k=-3", "k=\u0665", "k=17000"]
)
def test_a_number_that_is_none_is_refused(query: str) -> None:
    with pytest.raises(ParameterError):
        ask(query).number("k", 1, 1, 16_384)


@pytest.mark.parametrize("query", ["effect=5", "effect=nan", "effect=five", "effect=-0.1"])
def test_points_are_no_fraction(query: str) -> None:
    with pytest.raises(ParameterError, match=r"0\.05 is 5 points"):
        ask(query).fraction("effect", 0.02, 0.001, 0.95)


def test_what_cannot_be_chosen_is_refused_with_the_nearest() -> None:
    with pytest.raises(ParameterError, match="Did you mean: amc23"):
        ask("benchmark=amc32").choice("benchmark", ("amc23", "math"), "math")
    with pytest.raises(ParameterError):
        ask("sort=-odd").sort_by(("share",), "n")
    with pytest.raises(ParameterError):
        ask("with=a&with=b").several("with", {"a"})


def test_addresses_keep_the_rest_of_the_view() -> None:
    asked = ask("benchmark=math&page=4&q=a%26b")
    assert asked.with_(page=None, sort="-n") == "/matrix?benchmark=math&q=a%26b&sort=-n"
    assert asked.as_format("csv") == "/matrix.csv?benchmark=math&page=4&q=a%26b"
    assert ask(target="/index.json", form="json").as_format("html") == "/"
    assert ask(target="/runs/a.json", form="html").as_format("json") == "/runs/a.json.json"
    assert path("runs", "a/b c") == "/runs/a%2Fb%20c"
    assert link("/matrix", a=None, b=["x", "y"]) == "/matrix?b=x&b=y"


def test_slices_count_from_one() -> None:
    pages = Pages(3, 10, 25)
    assert (pages.count, pages.offset, pages.first, pages.last) == (3, 20, 21, 25)
    assert list(pages.slice(range(25))) == [20, 21, 22, 23, 24]
    assert (Pages(1, 10, 0).first, Pages(1, 10, 0).last, Pages(1, 10, 0).count) == (0, 0, 1)


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        (n.percent(0.6346), "63.5"),
        (n.percent(None), "—"),
        (n.percent(-0.00001), "0.0"),
        (n.points(-0.004), "−0.4"),
        (n.points(0.00001), "0.0"),
        (n.points(0.0, 0), "0"),
        (n.interval(0.1, 0.25), "10.0–25.0"),
        (n.point_interval(None), "—"),
        (n.count(1234567), "1\u2009234\u2009567"),
        (n.p_value(0.00001), "< 0.001"),
        (n.p_value(0.0423), "0.042"),
        (n.duration(0.0042), "4.2 ms"),
        (n.duration(3.21), "3.2 s"),
        (n.duration(61), "1 min 1 s"),
        (n.duration(7200), "2 h"),
        (n.size(15_231_233_024), "15.2 GB"),
        (n.rate(18230.4), "18\u2009230"),
        (n.rate(2.387), "2.39"),
    ],
)
def test_quantities(shown: str, expected: str) -> None:
    assert shown == expected


@pytest.mark.parametrize(
    ("verdict", "rule", "extracted", "gold", "expected"),
    [
        ("correct", "same text", "7", "7", "The answer is the right one: same text."),
        ("wrong", "exact value", "7", "18", "“7” is not the right answer “18”: exact value."),
        ("wrong", "exact value", "7", None, "“7” is not the right answer: exact value."),
        ("no_answer", "no box", None, "18", VERDICTS["no_answer"].meaning + " (no box)"),
        ("timeout", "2 s", "7", "18", VERDICTS["timeout"].meaning + " (2 s)"),
    ],
)
def test_a_verdict_says_why(
    verdict: str, rule: str, extracted: str | None, gold: str | None, expected: str
) -> None:
    assert reason(verdict, rule, extracted, gold) == expected


def test_what_ended_with_samples_missing_is_not_called_done() -> None:
    assert state_of("done", 0.8).word.endswith("incomplete")
    assert state_of("done", 1.0).word.endswith("done")
    assert [level("5"), level("Level 5")] == ["level 5", "level 5"]


def test_tables_cannot_run_in_a_spreadsheet() -> None:
    text = as_csv(PageTable(("a", "b"), [("=1+1", None), ('say "x", y', 0.5)]))
    assert text.splitlines() == ["a,b", "'=1+1,", '"say ""x"", y",0.5']


def test_models_with_arrays_and_infinities_are_json() -> None:
    assert as_json({"a": np.array([1, 2]), "b": float("nan")}) == (
        b'{\n "a": [\n  1,\n  2\n ],\n "b": null\n}'
    )


def test_a_figure_cannot_end_its_script() -> None:
    assert "</script>" not in figure_json({"name": "</script><b>&"})


def test_latex_is_bold_only_where_it_says_so() -> None:
    table = leaderboard_table(
        ["a_b"], [("50% & x", [LatexCell(0.5, 0.4, 0.6, bold=True), None][:1])], 1, "base"
    )
    assert r"a\_b" in table
    assert r"50\% \& x" in table
    assert r"$\mathbf{50.0}^{60.0}_{40.0}$" in table
    assert escape("\\{") == r"\textbackslash{}\{"


@pytest.mark.parametrize(
    ("headers", "allowed"),
    [
        ({"sec-fetch-site": "same-origin"}, True),
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"origin": "http://localhost"}, True),
        ({"origin": "http://localhost.example"}, False),
        ({"origin": "null"}, False),
        ({}, False),
    ],
)
def test_forms_come_from_our_own_pages(headers: dict[str, str], allowed: bool) -> None:
    asked = ask()
    asked.http.scope["headers"] = [
        (b"host", b"localhost"),
        *((name.encode(), value.encode()) for name, value in headers.items()),
    ]
    request = Request(asked.http.scope)
    if allowed:
        check_origin(request)
    else:
        with pytest.raises(PermissionDenied):
            check_origin(request)


@pytest.mark.parametrize("address", ["https://e.example", "//e.example", "/\\e.example", "e", ""])
def test_after_signing_in_one_stays_here(address: str) -> None:
    assert local_address(address) == "/"
    assert local_address("/matrix?a=b") == "/matrix?a=b"
