"""Each page of the dashboard with 100 evaluations x 5,000 problems x 256 samples.

    python -m bench.pages [--database sqlite postgresql] [--requests 100] [--small]

Server time is the time to the first byte over loopback, p95 of requests that cycle through several
views of each page, first views included. Load is the time until Chromium's load event. Memory is
the peak of the server's process. Everything runs in one session on this machine.
"""

import argparse
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass

import httpx
import numpy as np

from bench.data import Load, add_transcript, fill
from bench.databases import NAMES, settings_on
from bench.report import Figure, Report
from bench.serving import serving
from evalsvc.settings import Settings
from evalsvc.store.database import Database

TARGET_SERVER_SECONDS = 0.2
TARGET_LOAD_SECONDS = 1.0
TARGET_MEMORY_MB = 300.0
CHROMIUM = "/usr/bin/chromium"
CHROMIUM_FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking")
SMALL = Load(benchmarks=(("math", 300),), steps=(50, 100), samples=32)


@dataclass(frozen=True)
class Measured:
    """Seconds of one page: server p95 and maximum, browser load."""

    page: str
    p95: float
    slowest: float
    load: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, report, and return 0 when every target is reached."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", nargs="+", default=list(NAMES))
    parser.add_argument("--requests", type=int, default=100)
    parser.add_argument("--small", action="store_true", help="a hundredth of the load")
    asked = parser.parse_args(arguments)
    figures: list[Figure] = []
    details: dict[str, object] = {}
    for name in asked.database:
        with settings_on(name) as settings:
            found, memory = _measure(settings, SMALL if asked.small else Load(), asked.requests)
        slowest = max(found, key=lambda one: one.p95)
        heaviest = max(found, key=lambda one: one.load)
        figures += [
            Figure(
                f"pages on {name}, p95 of the slowest",
                slowest.p95,
                TARGET_SERVER_SECONDS,
                "lower",
                " s",
                slowest.page,
            ),
            Figure(
                f"pages on {name}, slowest load",
                heaviest.load,
                TARGET_LOAD_SECONDS,
                "lower",
                " s",
                heaviest.page,
            ),
            Figure(f"server memory on {name}", memory, TARGET_MEMORY_MB, "lower", " MB"),
        ]
        details[name] = {
            one.page: {"p95": one.p95, "slowest": one.slowest, "load": one.load} for one in found
        }
    return Report("pages", figures, details).publish()


def _measure(settings: Settings, load: Load, requests: int) -> tuple[list[Measured], float]:
    """(every page, peak memory of the server in megabytes)."""
    with contextlib.closing(Database(settings.resolved_database_url)) as database:
        database.upgrade()
        with database.write() as session:
            evaluations = fill(session, load)
            add_transcript(session, settings, evaluations[0], load)
    with serving(settings) as server:
        pages = _pages(server.http, evaluations)
        times = {page: _times(server.http, views, requests) for page, views in pages.items()}
        loads = _loads(server.url, pages)
        memory = server.peak_memory_mb()
    found = [
        Measured(page, float(np.percentile(times[page], 95)), max(times[page]), loads[page])
        for page in pages
    ]
    return found, memory


def _pages(client: httpx.Client, evaluations: Sequence[str]) -> dict[str, list[str]]:
    """Several views of each page."""
    rows = client.get("/v1/evaluations?limit=500").json()["items"]
    last = max(row["step"] for row in rows)
    names = sorted({row["run"] for row in rows})
    sides = [f"{name}@{last}" for name in names]
    few = evaluations[:4]
    return {
        "/": ["/"],
        "/leaderboard": [
            "/leaderboard",
            f"/leaderboard?steps=all&baseline={sides[0]}",
            "/leaderboard?k=4&sort=-math",
        ],
        "/compare": [f"/compare?baseline={sides[0]}&candidate={side}" for side in sides[1:5]],
        "/matrix": ["/matrix", "/matrix?show=flips&sort=-difference", "/matrix?page=40&q=9"],
        "/runs": [f"/runs/{name}?with={names[0]}" for name in names[1:4]],
        "/evaluations": [f"/evaluations/{e}?show=wrong&sort=share&page=9" for e in few],
        "/evaluations/problems": [
            f"/evaluations/{evaluations[0]}/rows/{i}{more}"
            for i, more in ((0, ""), (1, "?show=wrong"), (7, "?as=raw&page=4"))
        ],
        "/power": ["/power", f"/power?find=power&samples=64&run={sides[0]}"],
        "/benchmarks": ["/benchmarks", "/benchmarks?name=math"],
        "/workers": ["/workers"],
    }


def _times(client: httpx.Client, views: Sequence[str], requests: int) -> list[float]:
    """Seconds to the first byte."""
    found = []
    for i in range(requests):
        begin = time.perf_counter()
        with client.stream("GET", views[i % len(views)]) as answer:
            next(answer.iter_raw(), b"")
            found.append(time.perf_counter() - begin)
        if answer.status_code != 200:
            raise SystemExit(f"{views[i % len(views)]} answered {answer.status_code}")
    return found


def _loads(base: str, pages: dict[str, list[str]]) -> dict[str, float]:
    """Seconds until Chromium's load event, the files already in its cache: median of three."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415 - a test dependency

    found = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(CHROMIUM_FLAGS))
        page = browser.new_context().new_page()
        timing = "performance.getEntriesByType('navigation')[0].loadEventEnd / 1000"
        for name, views in pages.items():
            page.goto(base + views[0])
            seconds = []
            for _ in range(3):
                page.goto(base + views[0], wait_until="load")
                page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd")
                seconds.append(float(page.evaluate(timing)))
            found[name] = sorted(seconds)[1]
        browser.close()
    return found


if __name__ == "__main__":
    raise SystemExit(main())
