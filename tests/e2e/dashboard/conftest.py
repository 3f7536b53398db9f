"""One filled service and one Chromium for all tests of this folder."""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.e2e.dashboard.world import World, running_world

CHROMIUM = os.environ.get("CHROMIUM", "/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SCREENSHOTS = Path(__file__).parents[3] / "screenshots"
REPORT_VIOLATIONS = """
document.addEventListener('securitypolicyviolation', (event) =>
  console.error('CSP', event.violatedDirective, event.sourceFile, event.sample));
"""


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running_world(tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    assert shutil.which(CHROMIUM), f"{CHROMIUM} is missing: run scripts/install-browser"
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield chromium
        chromium.close()


@dataclass
class Watched:
    """A page, and everything that it complained about."""

    page: Page
    complaints: list[str] = field(default_factory=list)


Opener = Callable[..., Watched]


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opener]:
    """Opens pages whose console and policy reports are collected; all must be silent at the end."""
    contexts, watched = [], []

    def open_page(
        *, scheme: str = "light", width: int = 1280, height: int = 900, silent: bool = True
    ) -> Watched:
        context = browser.new_context(
            color_scheme=scheme,  # type: ignore[arg-type]
            viewport=ViewportSize(width=width, height=height),
            reduced_motion="reduce",
        )
        context.set_default_timeout(30_000)
        context.add_init_script(REPORT_VIOLATIONS)
        contexts.append(context)
        one = Watched(context.new_page())
        one.page.on(
            "console", lambda m: one.complaints.append(m.text) if m.type == "error" else None
        )
        one.page.on("pageerror", lambda error: one.complaints.append(str(error)))
        if silent:
            watched.append(one)
        return one

    yield open_page
    for context in contexts:
        context.close()
    assert [complaint for one in watched for complaint in one.complaints] == []
