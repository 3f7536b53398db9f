"""Each page answers, is accessible, complains of nothing, fits a phone, has its other forms.

Screenshots of every page, light and dark and on a phone, are written to `screenshots/` for people
to look at.
"""

import csv
import io
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.dashboard.conftest import SCREENSHOTS, Opener
from tests.e2e.dashboard.world import World

pytestmark = pytest.mark.browser
PAGES = {
    "overview": "/",
    "leaderboard": "/leaderboard?baseline=grpo-seed0@100&published=all",
    "compare": "/compare?baseline=grpo-seed0@100&candidate=agrae-seed0@100",
    "compare-choice": "/compare",
    "claims": "/claims",
    "matrix": "/matrix?benchmark=smoke",
    "run": "/runs/agrae-seed0?with=grpo-seed0",
    "run-methods": "/runs/agrae-seed0?lines=methods",
    "job": "/jobs/{job}",
    "job-failed": "/jobs/{failed_job}",
    "evaluation": "/evaluations/{evaluation}",
    "evaluation-incomplete": "/evaluations/{partial}",
    "evaluation-failed": "/evaluations/{failed}",
    "evaluation-counts-only": "/evaluations/{imported}",
    "problem": "/evaluations/{evaluation}/rows/3",
    "problem-picture": "/evaluations/{pictures}/rows/0",
    "problem-picture-lost": "/evaluations/{pictures}/rows/7",
    "problem-counts-only": "/evaluations/{imported}/rows/0",
    "rescore": "/rescores/{rescore}",
    "power": "/power?benchmark=smoke&effect=0.05&find=problems",
    "benchmarks": "/benchmarks",
    "benchmark": "/benchmarks?name=math",
    "workers": "/workers",
    "not-found": "/jobs/none-of-this-name",
}


def address(world: World, name: str) -> str:
    """The path of a page in this world."""
    return PAGES[name].format(
        job=world.jobs["grpo-seed0@100"],
        evaluation=world.evaluation("grpo-seed0"),
        failed_job=world.jobs["failed@100"],
        failed=world.evaluation("failed"),
        partial=world.evaluation("partial"),
        pictures=world.evaluation("pictures", 0),
        imported=world.evaluation("imported", 50),
        rescore=world.rescore,
    )


@pytest.mark.parametrize("name", PAGES)
def test_page(world: World, opened: Opener, name: str) -> None:
    missing = name == "not-found"
    for scheme in ("light", "dark"):
        watched = opened(scheme=scheme, silent=not missing)
        answer = watched.page.goto(world.url + address(world, name))
        assert answer is not None
        assert answer.status == (404 if missing else 200)
        assert watched.page.locator("h1").count() == 1
        for plot in watched.page.locator(".plot").all():
            plot.locator(".main-svg").first.wait_for()
        screenshot(watched.page, f"{name}-{scheme}")
        assert serious(watched.page) == []


@pytest.mark.parametrize("name", PAGES)
def test_page_fits_a_phone(world: World, opened: Opener, name: str) -> None:
    watched = opened(width=390, height=800, silent=name != "not-found")
    watched.page.goto(world.url + address(world, name))
    screenshot(watched.page, f"{name}-phone")
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert watched.page.evaluate(wide) is False


@pytest.mark.parametrize("name", [name for name in PAGES if name != "not-found"])
def test_page_as_json_and_csv(world: World, name: str) -> None:
    path, _, query = address(world, name).partition("?")
    base = "/index" if path == "/" else path
    answer = world.client.get(f"{base}.json?{query}")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() is not None
    table = world.client.get(f"{base}.csv?{query}")
    assert table.headers["content-type"].startswith("text/csv")
    header, *rows = list(csv.reader(io.StringIO(table.text)))
    assert header
    assert all(len(row) == len(header) for row in rows)


def test_the_policy_allows_nothing_inline(world: World) -> None:
    answer = world.client.get("/")
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert "style=" not in answer.text
    assert "onclick" not in answer.text


def screenshot(page: Any, name: str) -> None:
    """The whole page as a picture, for people."""
    SCREENSHOTS.mkdir(exist_ok=True)
    page.screenshot(path=str(SCREENSHOTS / f"{name}.png"), full_page=True)


def serious(page: Any) -> list[str]:
    """The serious and critical faults that axe finds, with where they are."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']}: {node['html'][:160]}"
        for fault in found
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"][:3]
    ]
